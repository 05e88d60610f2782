#include "archive/segment_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/disk.h"
#include "base/file.h"

/* Of one second: more means that something is broken. */
#define MAX_NAMES 1000
/* How often directories are made again that retention removes because nothing is in them yet. */
#define MAX_REMAKES 100

static int make_day_directory(const struct layout *layout, const struct tm *local,
                              struct rtsprec_error *error)
{
    char *directory = layout_day_directory(layout, local);
    if (!directory)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    int err;
    for (int i = 0; (err = file_make_directories(directory)) == -ENOENT && i < MAX_REMAKES; i++)
        ;
    if (err < 0)
        err = error_set_errno(error, error_code_of_errno(-err), -err,
                              "%s: the directory cannot be created", directory);
    free(directory);
    return err;
}

static bool name_exists(const char *path)
{
    struct stat status;
    return lstat(path, &status) == 0;
}

/* Returns 0 when it is open or its name is taken; the day's directory is there or has been. */
static int open_part(struct segment_file *file, const struct layout *layout, const struct tm *local,
                     struct rtsprec_error *error)
{
    int err = 0;
    for (int remakes = 0; err == 0; remakes++) {
        file->fd = open(file->part_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (file->fd >= 0 || errno == EEXIST)
            return 0;
        if (errno != ENOENT || remakes == MAX_REMAKES)
            return error_set_errno(error, error_code_of_errno(errno), errno,
                                   "%s: the file cannot be created", file->part_path);
        err = make_day_directory(layout, local, error);
    }
    return err;
}

int segment_file_create(struct segment_file *file, const struct layout *layout,
                        int64_t start_wall_us, struct rtsprec_error *error)
{
    *file = (struct segment_file){.fd = -1};
    struct tm local = clock_local_time(start_wall_us);
    int err = make_day_directory(layout, &local, error);
    for (int attempt = 0; err == 0 && attempt < MAX_NAMES; attempt++) {
        segment_file_uninit(file);
        file->final_path = layout_segment_path(layout, &local, attempt);
        file->part_path = file->final_path ? layout_part_path(file->final_path) : NULL;
        if (!file->part_path)
            return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
        if (name_exists(file->final_path))
            continue;
        err = open_part(file, layout, &local, error);
        if (file->fd >= 0)
            return 0;
    }
    return err ? err
               : error_set(error, RTSPREC_ERROR_IO, "%s: this name and %d more are taken",
                           file->final_path, MAX_NAMES - 1);
}

/* The last of the names that exist; false: none, or no memory. */
static bool find_latest(struct segment_file *file, const struct layout *layout,
                        const struct tm *local)
{
    for (int attempt = 0; attempt < MAX_NAMES; attempt++) {
        char *path = layout_segment_path(layout, local, attempt);
        if (!path || !name_exists(path)) {
            free(path);
            break;
        }
        free(file->final_path);
        file->final_path = path;
    }
    return file->final_path != NULL;
}

int segment_file_open_latest(struct segment_file *file, const struct layout *layout,
                             int64_t start_wall_us, struct rtsprec_error *error)
{
    *file = (struct segment_file){.fd = -1};
    struct tm local = clock_local_time(start_wall_us);
    if (!find_latest(file, layout, &local))
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "there is no file yet");
    if (!(file->part_path = layout_part_path(file->final_path)))
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    if (name_exists(file->part_path))
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "%s: is there, too", file->part_path);
    file->fd = open(file->final_path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    return file->fd >= 0 ? 0
                         : error_set_errno(error, RTSPREC_ERROR_IO, errno,
                                           "%s: cannot be opened again", file->final_path);
}

int segment_file_unpublish(struct segment_file *file, struct rtsprec_error *error)
{
    int err = file_rename_exclusive(file->final_path, file->part_path);
    if (err == 0)
        err = disk_sync_directory_of(file->part_path);
    return err < 0 ? error_set_errno(error, RTSPREC_ERROR_IO, -err,
                                     "%s: cannot be renamed to go on", file->final_path)
                   : 0;
}

int segment_file_publish(struct segment_file *file, struct rtsprec_error *error)
{
    int err = file_rename_exclusive(file->part_path, file->final_path);
    if (err < 0)
        return error_set_errno(error, RTSPREC_ERROR_IO, -err,
                               "%s: cannot be renamed to its final name and stays as it is",
                               file->part_path);
    if ((err = disk_sync_directory_of(file->final_path)) < 0)
        return error_set_errno(error, RTSPREC_ERROR_IO, -err, "%s: its name may not be durable",
                               file->final_path);
    return 0;
}

int segment_file_rename_part(const char *part_path, const char *suffix, char **path,
                             struct rtsprec_error *error)
{
    *path = NULL;
    for (int attempt = 0; attempt < MAX_NAMES; attempt++) {
        char *name = layout_closed_path(part_path, attempt, suffix);
        if (!name)
            return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
        int err = file_rename_exclusive(part_path, name);
        if (err == 0) {
            *path = name;
            disk_sync_directory_of(name); /* when it fails, the next start finds the file again */
            return 0;
        }
        free(name);
        if (err != -EEXIST)
            return error_set_errno(error, RTSPREC_ERROR_IO, -err, "%s: cannot be renamed",
                                   part_path);
    }
    return error_set(error, RTSPREC_ERROR_IO, "%s: its name and %d more are taken", part_path,
                     MAX_NAMES - 1);
}

void segment_file_discard(struct segment_file *file)
{
    if (file->part_path)
        unlink(file->part_path);
}

void segment_file_uninit(struct segment_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->part_path);
    free(file->final_path);
    *file = (struct segment_file){.fd = -1};
}
