#include "base/disk.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __linux__
#include <mntent.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

void disk_start_writeback(int fd)
{
#ifdef __linux__
    sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
    (void)fd;
#endif
}

void disk_drop_cache(int fd, int64_t offset, int64_t bytes)
{
    posix_fadvise(fd, (off_t)offset, (off_t)bytes, POSIX_FADV_DONTNEED);
}

void disk_reserve(int fd, int64_t offset, int64_t bytes)
{
#ifdef __linux__
    /* On a disk that is nearly full it would take from others what they could still write. */
    struct statvfs disk;
    if (fstatvfs(fd, &disk) == 0 && (uint64_t)disk.f_bavail * disk.f_frsize > 256 * (uint64_t)bytes)
        fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)bytes);
#else
    (void)fd, (void)offset, (void)bytes;
#endif
}

void disk_trim(int fd)
{
    struct stat status;
    if (fstat(fd, &status) == 0 && ftruncate(fd, status.st_size) != 0)
        return; /* the space comes back when the file goes */
}

struct disk_space disk_space(const char *path)
{
    struct statvfs disk;
    if (statvfs(path, &disk) != 0)
        return (struct disk_space){.free_bytes = INT64_MAX};
    int64_t block = (int64_t)disk.f_frsize;
    return (struct disk_space){(int64_t)disk.f_bavail * block, (int64_t)disk.f_blocks * block,
                               block};
}

int64_t disk_free_bytes(const char *path)
{
    return disk_space(path).free_bytes;
}

#ifdef __linux__
/* A mounted file system's root is on another device than the directory above it. */
static bool is_mounted(const char *mount_point)
{
    char above[4096];
    struct stat here, there;
    if (snprintf(above, sizeof(above), "%s/..", mount_point) >= (int)sizeof(above) ||
        stat(mount_point, &here) != 0 || stat(above, &there) != 0)
        return true;
    return here.st_dev != there.st_dev || here.st_ino == there.st_ino;
}

bool disk_is_unmounted(const char *directory)
{
    char *path = realpath(directory, NULL);
    FILE *table = path ? setmntent("/etc/fstab", "re") : NULL;
    bool is_unmounted = false;
    struct mntent entry;
    char buffer[4096];
    while (table && getmntent_r(table, &entry, buffer, sizeof(buffer))) {
        size_t length = strlen(entry.mnt_dir);
        bool is_above = length > 1 && !strncmp(path, entry.mnt_dir, length) &&
                        (path[length] == '/' || path[length] == '\0');
        if (is_above && !is_mounted(entry.mnt_dir))
            is_unmounted = true;
    }
    if (table)
        endmntent(table);
    free(path);
    return is_unmounted;
}
#else
bool disk_is_unmounted(const char *directory)
{
    (void)directory;
    return false;
}
#endif

int disk_sync(int fd)
{
#ifdef __linux__
    return fdatasync(fd) == 0 ? 0 : -errno;
#else
    return fsync(fd) == 0 ? 0 : -errno;
#endif
}

int disk_sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory =
        slash ? strndup(path, slash > path ? (size_t)(slash - path) : 1) : strdup(".");
    if (!directory)
        return -ENOMEM;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 ? -errno : 0;
    free(directory);
    /* EINVAL: a file system that has nothing to sync there. */
    if (fd >= 0 && fsync(fd) != 0 && errno != EINVAL)
        err = -errno;
    if (fd >= 0)
        close(fd);
    return err;
}
