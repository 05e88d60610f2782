#include "archive/part_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/layout.h"

static int is_day(const struct dirent *entry)
{
    return layout_day_name_is_valid(entry->d_name);
}

static int is_part(const struct dirent *entry)
{
    return layout_part_name_is_valid(entry->d_name);
}

static int is_timelapse_directory(const struct dirent *entry)
{
    return !strcmp(entry->d_name, LAYOUT_TIMELAPSE);
}

static int is_timelapse_part(const struct dirent *entry)
{
    return layout_timelapse_part_name_is_valid(entry->d_name);
}

static int is_camera(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int newest_first(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*b)->d_name, (*a)->d_name);
}

static bool has_type(const char *path, mode_t type)
{
    struct stat status;
    return lstat(path, &status) == 0 && (status.st_mode & S_IFMT) == type;
}

/* What to do with the children of a directory that pass a filter, at most "most" of them. */
struct level {
    int (*filter)(const struct dirent *entry);
    mode_t type;
    int most;
    const struct level *below; /* NULL: the children are what is looked for */
};

/* Returns 0, 1 when the walk was ended, or a negative errno. */
static int walk(const char *directory, const struct level *level, part_files_fn *found, void *user)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, level->filter, newest_first);
    if (count < 0)
        return errno == ENOENT ? 0 : -errno;
    int result = 0;
    for (int i = 0, used = 0; i < count; i++) {
        char *path = NULL;
        if (result == 0 && used < level->most) {
            if (asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0) {
                path = NULL;
                result = -ENOMEM;
            } else if (has_type(path, level->type)) {
                used++;
                if (level->below)
                    result = walk(path, level->below, found, user);
                else
                    result = found(user, path) ? 0 : 1;
            }
        }
        free(path);
        free(entries[i]);
    }
    free(entries);
    return result;
}

#define ALL 0x7fffffff

static const struct level parts = {is_part, S_IFREG, ALL, NULL};
static const struct level timelapse_parts = {is_timelapse_part, S_IFREG, ALL, NULL};
static const struct level timelapses = {is_timelapse_directory, S_IFDIR, 1, &timelapse_parts};

int part_files_of_camera(const char *camera_directory, int most_days, part_files_fn *found,
                         void *user)
{
    struct level days = {is_day, S_IFDIR, most_days, &parts};
    int result = walk(camera_directory, &days, found, user);
    return result < 0 ? result : 0;
}

int part_files_of_timelapses(const char *camera_directory, part_files_fn *found, void *user)
{
    int result = walk(camera_directory, &timelapses, found, user);
    return result < 0 ? result : 0;
}

int part_files_of_archive(const char *archive_directory, int most_days, part_files_fn *found,
                          void *user)
{
    struct level days = {is_day, S_IFDIR, most_days, &parts};
    struct level cameras = {is_camera, S_IFDIR, ALL, &days};
    int result = walk(archive_directory, &cameras, found, user);
    cameras.below = &timelapses;
    if (result == 0)
        result = walk(archive_directory, &cameras, found, user);
    return result < 0 ? result : 0;
}
