#include "archive/remover.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/layout.h"
#include "base/error.h"

#define BLOCK_UNIT 512 /* of st_blocks, whatever the file system's is */

/* A path taken apart. */
struct parts {
    char camera[NAME_MAX + 1], day[NAME_MAX + 1]; /* day: or "timelapse" */
    const char *name;
};

static bool take_apart(struct parts *parts, const char *path)
{
    size_t camera, day;
    if (!layout_parse_segment_path(path, &camera, &day) &&
        !layout_parse_timelapse_path(path, &camera, &day))
        return false;
    memcpy(parts->camera, path, camera);
    parts->camera[camera] = '\0';
    memcpy(parts->day, path + camera + 1, day);
    parts->day[day] = '\0';
    parts->name = path + camera + 1 + day + 1;
    return true;
}

/* The directories on the way, -1 where there is none. */
struct way {
    int camera, day;
};

static int open_directory(int above, const char *name)
{
    int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

static void close_way(struct way *way)
{
    if (way->day >= 0)
        close(way->day);
    if (way->camera >= 0)
        close(way->camera);
}

/* Returns 0, or a negative errno with what could be opened. */
static int open_way(struct way *way, int root, const struct parts *parts)
{
    *way = (struct way){open_directory(root, parts->camera), -1};
    if (way->camera < 0)
        return way->camera;
    way->day = open_directory(way->camera, parts->day);
    return way->day < 0 ? way->day : 0;
}

int remover_open(struct remover *remover, const char *archive_directory,
                 struct rtsprec_error *error)
{
    remover->root = open(archive_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (remover->root < 0)
        return error_set_errno(error, RTSPREC_ERROR_IO, errno, "%s", archive_directory);
    return 0;
}

void remover_close(struct remover *remover)
{
    if (remover->root >= 0)
        close(remover->root);
    remover->root = -1;
}

/* What an errno of the way or of the file says about the segment; false: nothing. */
static bool is_answer(int err, enum removal *what)
{
    switch (err) {
    case -ENOENT:
        *what = REMOVAL_GONE;
        return true;
    case -ENOTDIR: /* a file, or a link where a directory was wanted */
    case -ELOOP:
        *what = REMOVAL_FOREIGN;
        return true;
    default:
        return false;
    }
}

/* Returns 0 or a negative errno. */
static int remove_file(int day, const char *name, struct removed *removed)
{
    struct stat status;
    if (fstatat(day, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -ELOOP;
    if (unlinkat(day, name, 0) != 0)
        return -errno;
    removed->size_bytes = (int64_t)status.st_size;
    removed->freed_bytes = status.st_nlink == 1 ? (int64_t)status.st_blocks * BLOCK_UNIT : 0;
    return 0;
}

int remover_remove(struct remover *remover, const char *path, struct removed *removed,
                   struct rtsprec_error *error)
{
    struct parts parts;
    *removed = (struct removed){.what = REMOVAL_DONE};
    if (!take_apart(&parts, path))
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "%s: expected CAMERA/YYYY-MM-DD/HH_MM_SS.mp4 or .mkv, or "
                         "CAMERA/timelapse/YYYY-MM-DD.mp4 or .mkv",
                         path);
    struct way way;
    int err = open_way(&way, remover->root, &parts);
    if (err == 0)
        err = remove_file(way.day, parts.name, removed);
    if (err < 0 && is_answer(err, &removed->what))
        err = 0;
    /* rmdir leaves alone what is not empty, and does not follow a link. */
    if (err == 0 && way.camera >= 0 && removed->what != REMOVAL_FOREIGN) {
        unlinkat(way.camera, parts.day, AT_REMOVEDIR);
        unlinkat(remover->root, parts.camera, AT_REMOVEDIR);
    }
    close_way(&way);
    removed->errnum = -err;
    return err == 0 ? 0
                    : error_set_errno(error, RTSPREC_ERROR_IO, -err, "%s: cannot be deleted", path);
}
