#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_write_pieces(int fd, struct iovec *pieces, size_t count)
{
    while (count > 0) {
        ssize_t written = writev(fd, pieces, count < IOV_MAX ? (int)count : IOV_MAX);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        size_t left = (size_t)written;
        while (count > 0 && left >= pieces->iov_len) {
            left -= pieces->iov_len;
            pieces++;
            count--;
        }
        if (count > 0) {
            pieces->iov_base = (char *)pieces->iov_base + left;
            pieces->iov_len -= left;
        }
    }
    return 0;
}

int file_write_all_at(int fd, const void *data, size_t size, int64_t offset)
{
    const char *next = data;
    while (size > 0) {
        ssize_t written = pwrite(fd, next, size, (off_t)offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        next += written;
        offset += written;
        size -= (size_t)written;
    }
    return 0;
}

ssize_t file_read_at(int fd, void *data, size_t size, int64_t offset)
{
    size_t done = 0;
    while (done < size) {
        ssize_t count =
            pread(fd, (char *)data + done, size - done, (off_t)(offset + (int64_t)done));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -errno;
        if (count == 0)
            break;
        done += (size_t)count;
    }
    return (ssize_t)done;
}

int64_t file_content_end(int fd, int64_t size)
{
    uint8_t bytes[4096];
    while (size > 0) {
        int64_t start = (size - 1) / (int64_t)sizeof(bytes) * (int64_t)sizeof(bytes);
        ssize_t count = file_read_at(fd, bytes, (size_t)(size - start), start);
        for (ssize_t i = count; i > 0; i--) {
            if (bytes[i - 1])
                return start + i;
        }
        size = start;
    }
    return 0;
}

int file_make_directories(const char *path)
{
    if (!*path)
        return -ENOENT;
    char *copy = strdup(path);
    if (!copy)
        return -ENOMEM;
    int err = 0;
    /* Each prefix that ends before a slash, then the whole. */
    for (char *slash = copy + 1; !err; slash++) {
        slash += strcspn(slash, "/");
        char end = *slash;
        *slash = '\0';
        if (mkdir(copy, 0777) != 0 && errno != EEXIST)
            err = -errno;
        /* A read-only file system says so before it looks whether the directory exists. */
        struct stat status;
        if (err && stat(copy, &status) == 0 && S_ISDIR(status.st_mode))
            err = 0;
        *slash = end;
        if (!end)
            break;
    }
    struct stat status;
    /* mkdir() says EEXIST of a file and of a link to nothing, too; and somebody may have removed an
     * empty directory since. */
    if (!err && (stat(copy, &status) != 0 || !S_ISDIR(status.st_mode)))
        err = lstat(copy, &status) != 0 && errno == ENOENT ? -ENOENT : -ENOTDIR;
    free(copy);
    return err;
}

/* Not atomic against a crash between the two calls, but never over an existing name. */
static int rename_by_link(const char *from, const char *to)
{
    if (link(from, to) != 0)
        return -errno;
    return unlink(from) == 0 ? 0 : -errno;
}

/* For file systems that know neither RENAME_NOREPLACE nor hard links (FAT): O_EXCL takes the name.
 */
static int rename_over_placeholder(const char *from, const char *to)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return -errno;
    close(fd);
    if (rename(from, to) == 0)
        return 0;
    int err = -errno;
    unlink(to);
    return err;
}

int file_rename_exclusive(const char *from, const char *to)
{
#ifdef RENAME_NOREPLACE
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -errno;
#endif
    int err = rename_by_link(from, to);
    if (err == -EPERM || err == -EOPNOTSUPP || err == -ENOSYS || err == -EMLINK)
        err = rename_over_placeholder(from, to);
    return err;
}
