#include "archive/timelapses.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/entries.h"
#include "archive/layout.h"
#include "base/clock.h"

#define BLOCK_UNIT 512 /* of st_blocks, whatever the file system's is */

/* Returns a descriptor or a negative errno; closes the one above. */
static int descend(int above, const char *name)
{
    if (above < 0)
        return above;
    int fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int err = fd < 0 ? -errno : fd;
    close(above);
    return err;
}

static int open_timelapses(const char *archive_directory, const char *camera)
{
    int fd = open(archive_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return descend(descend(fd < 0 ? -errno : fd, camera), LAYOUT_TIMELAPSE);
}

static struct timelapse_file describe(int directory_fd, const char *name)
{
    struct tm day, next;
    struct stat status = {0};
    bool is_there = fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    layout_parse_timelapse_day(name, &day);
    next = day;
    next.tm_mday++; /* which may be none of its month: mktime() knows */
    return (struct timelapse_file){
        .start_us = clock_from_local_time(&day),
        .end_us = clock_from_local_time(&next),
        .bytes = (int64_t)status.st_size,
        .freed_bytes =
            is_there && status.st_nlink == 1 ? (int64_t)status.st_blocks * BLOCK_UNIT : 0,
    };
}

int timelapses_ended(const char *archive_directory, const char *camera, int64_t before_us,
                     timelapses_fn *found, void *user)
{
    int fd = open_timelapses(archive_directory, camera);
    if (fd < 0) /* a link or a file in its place is somebody else's */
        return fd == -ENOENT || fd == -ENOTDIR || fd == -ELOOP ? 0 : fd;
    struct entries files = {0};
    int err = entries_read_directory(&files, fd, S_IFREG, layout_timelapse_name_is_valid);
    bool goes_on = err == 0;
    for (size_t i = 0; goes_on && i < files.count; i++) {
        struct timelapse_file file = describe(fd, files.items[i].name);
        char *path = NULL;
        if (files.items[i].flag || file.end_us > before_us)
            continue;
        if (asprintf(&path, "%s/" LAYOUT_TIMELAPSE "/%s", camera, files.items[i].name) < 0) {
            err = -ENOMEM;
            break;
        }
        file.path = path;
        goes_on = found(user, &file);
        free(path);
    }
    entries_uninit(&files);
    close(fd);
    return err;
}
