#include "archive/root.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/disk.h"
#include "base/file.h"

#define MARKER_HEAD  "rtsprec archive "
#define ID_DIGITS    32
#define MARKER_BYTES (sizeof(MARKER_HEAD) - 1 + ID_DIGITS)

struct archive_root {
    struct archive_root *next;
    int users;
    char *directory, *marker; /* paths, owned */

    pthread_mutex_t lock;   /* cameras of one archive check it from their own threads */
    int fd;                 /* of the marker, locked; -1: the archive is not there */
    char id[ID_DIGITS + 1]; /* of the archive, "" before it was first seen */
};

static bool read_id(int fd, char id[ID_DIGITS + 1])
{
    char text[MARKER_BYTES];
    if (file_read_at(fd, text, sizeof(text), 0) != (ssize_t)sizeof(text) ||
        memcmp(text, MARKER_HEAD, sizeof(MARKER_HEAD) - 1) != 0)
        return false;
    memcpy(id, text + sizeof(MARKER_HEAD) - 1, ID_DIGITS);
    id[ID_DIGITS] = '\0';
    return true;
}

static int write_id(int fd, char id[ID_DIGITS + 1])
{
    unsigned char bytes[ID_DIGITS / 2];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        return -EIO;
    for (size_t i = 0; i < sizeof(bytes); i++)
        sprintf(id + 2 * i, "%02x", bytes[i]);
    char text[MARKER_BYTES + 64];
    int length =
        snprintf(text, sizeof(text), MARKER_HEAD "%s\nIt proves that this disk is mounted.\n", id);
    int err = file_write_all_at(fd, text, (size_t)length, 0);
    return err < 0 ? err : disk_sync(fd);
}

/* Locks an open marker and learns the archive's id, or gives it one. */
static int take_marker(struct archive_root *root, int fd, struct rtsprec_error *error)
{
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK
                   ? error_set(error, RTSPREC_ERROR_BUSY,
                               "%s: another recorder is writing to this archive", root->directory)
                   : error_set_errno(error, RTSPREC_ERROR_IO, errno, "%s: cannot be locked",
                                     root->marker);
    char id[ID_DIGITS + 1];
    bool has_id = read_id(fd, id);
    if (!has_id && root->id[0])
        return error_set(error, RTSPREC_ERROR_IO, "%s: is not the archive that was here before",
                         root->directory);
    if (!has_id) {
        int err = write_id(fd, id);
        if (err < 0)
            return error_set_errno(error, error_code_of_errno(-err), -err, "%s: cannot be written",
                                   root->marker);
    }
    if (root->id[0] && strcmp(root->id, id) != 0)
        return error_set(error, RTSPREC_ERROR_IO, "%s: is another archive than the one before",
                         root->directory);
    memcpy(root->id, id, sizeof(id));
    return 0;
}

/* Opens the marker. It is only created the first time, and not under a mount point without its
 * disk. */
static int open_marker(struct archive_root *root, struct rtsprec_error *error)
{
    if (root->id[0] == '\0') {
        int err = file_make_directories(root->directory);
        if (err < 0)
            return error_set_errno(error, error_code_of_errno(-err), -err,
                                   "%s: the directory cannot be created", root->directory);
    }
    int fd = open(root->marker, O_RDWR | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && root->id[0] == '\0') {
        if (disk_is_unmounted(root->directory))
            return error_set(error, RTSPREC_ERROR_IO,
                             "%s: its disk is not mounted (/etc/fstab says that there is one)",
                             root->directory);
        fd = open(root->marker, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    }
    if (fd < 0)
        return errno == ENOENT
                   ? error_set(error, RTSPREC_ERROR_IO,
                               "%s: the archive's disk is not there (no file " ARCHIVE_MARKER
                               " in it)",
                               root->directory)
                   : error_set_errno(error, error_code_of_errno(errno), errno,
                                     "%s: cannot be opened", root->marker);
    int err = take_marker(root, fd, error);
    if (err < 0)
        close(fd);
    else
        root->fd = fd;
    return err;
}

/* Whether the path still leads to the marker that is open. */
static bool is_current(const struct archive_root *root)
{
    struct stat here, open_file;
    return stat(root->marker, &here) == 0 && fstat(root->fd, &open_file) == 0 &&
           here.st_dev == open_file.st_dev && here.st_ino == open_file.st_ino;
}

int archive_root_check(struct archive_root *root, struct rtsprec_error *error)
{
    int err = 0;
    pthread_mutex_lock(&root->lock);
    if (root->fd >= 0 && !is_current(root)) {
        close(root->fd);
        root->fd = -1;
    }
    if (root->fd < 0)
        err = open_marker(root, error);
    pthread_mutex_unlock(&root->lock);
    return err;
}

static void destroy(struct archive_root *root)
{
    if (root->fd >= 0)
        close(root->fd);
    free(root->directory);
    free(root->marker);
    free(root);
}

/* One directory can have many paths. */
static bool is_same_directory(const char *a, const char *b)
{
    struct stat one, other;
    return !strcmp(a, b) || (stat(a, &one) == 0 && stat(b, &other) == 0 &&
                             one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

struct archive_root *archive_root_find(struct archive_root *list, const char *directory)
{
    while (list && !is_same_directory(list->directory, directory))
        list = list->next;
    return list;
}

int archive_root_open(struct archive_root **out, struct archive_root **list, const char *directory,
                      struct rtsprec_error *error)
{
    struct archive_root *root = archive_root_find(*list, directory);
    *out = root;
    if (root) {
        root->users++;
        return 0;
    }
    root = calloc(1, sizeof(*root));
    if (!root)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    root->fd = -1;
    root->users = 1;
    root->directory = strdup(directory);
    if (!root->directory || asprintf(&root->marker, "%s/" ARCHIVE_MARKER, directory) < 0 ||
        pthread_mutex_init(&root->lock, NULL) != 0) {
        destroy(root);
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    }
    struct rtsprec_error later;
    if (archive_root_check(root, &later) == RTSPREC_ERROR_BUSY) {
        pthread_mutex_destroy(&root->lock);
        destroy(root);
        return error_set(error, RTSPREC_ERROR_BUSY, "%s", later.text);
    }
    root->next = *list;
    *list = root;
    *out = root;
    return 0;
}

void archive_root_close(struct archive_root **root_pointer, struct archive_root **list)
{
    struct archive_root *root = *root_pointer;
    *root_pointer = NULL;
    if (!root || --root->users > 0)
        return;
    struct archive_root **at = list;
    while (*at != root)
        at = &(*at)->next;
    *at = root->next;
    pthread_mutex_destroy(&root->lock);
    destroy(root);
}
