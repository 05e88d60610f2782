#include "camera/describe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/layout.h"
#include "base/clock.h"
#include "segment/info.h"

/* The local time that the path stands for; 0 when it is none. */
static int64_t start_of_name(const char *path)
{
    size_t camera_bytes, day_bytes;
    char day[16];
    struct tm local;
    if (!layout_parse_segment_path(path, &camera_bytes, &day_bytes) || day_bytes >= sizeof(day))
        return 0;
    const char *from = path + camera_bytes + 1;
    memcpy(day, from, day_bytes);
    day[day_bytes] = '\0';
    return layout_parse_time(day, from + day_bytes + 1, &local) ? clock_from_local_time(&local) : 0;
}

int describe_segment(struct reconcile_row *row, int fd, const char *path)
{
    struct stat status;
    struct segment_info info;
    if (fstat(fd, &status) != 0)
        return -errno;
    int err = segment_info_read(&info, fd, status.st_size);
    if (err < 0)
        return err;
    protection_read(fd, row->why);
    snprintf(row->codec, sizeof(row->codec), "%s", info.codec);
    int64_t start_us = info.has_start ? info.start_us : start_of_name(path);
    row->segment = (struct rtsprec_archive_segment){
        .size = sizeof(row->segment),
        .path = path,
        .start_us = start_us,
        .end_us = start_us + info.duration_us,
        .bytes = status.st_size,
        .frames = info.frames,
        .codec = row->codec,
        .width = info.width,
        .height = info.height,
        .reason = RTSPREC_SEGMENT_UNKNOWN,
        .protected_why = row->why[0] ? row->why : NULL,
    };
    return 0;
}

int describe_segment_file(struct reconcile_row *row, const char *archive_directory,
                          const char *path)
{
    char *whole = NULL;
    if (asprintf(&whole, "%s/%s", archive_directory, path) < 0)
        return -ENOMEM;
    int fd = open(whole, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int err = fd < 0 ? -errno : describe_segment(row, fd, path);
    free(whole);
    if (fd >= 0)
        close(fd);
    return err;
}
