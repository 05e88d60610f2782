#include "limits.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "heap.h"

#define BYTES_PER_GB 1e9
#define US_PER_DAY   (86400 * 1e6)

/* However little it is, it stays a limit. */
static int64_t scaled(double value, double unit)
{
    return value > 0 && value * unit < 1 ? 1 : llround(value * unit);
}

/* One directory can have many names. */
static bool is_same_directory(const char *a, const char *b)
{
    struct stat one, other;
    size_t length = strlen(a), other_length = strlen(b);

    while (length > 1 && a[length - 1] == '/')
        length--;
    while (other_length > 1 && b[other_length - 1] == '/')
        other_length--;
    if (length == other_length && strncmp(a, b, length) == 0)
        return true;
    return stat(a, &one) == 0 && stat(b, &other) == 0 && one.st_dev == other.st_dev &&
           one.st_ino == other.st_ino;
}

static struct archive_limits *find(const struct limits_list *list, const char *directory)
{
    for (size_t i = 0; i < list->count; i++) {
        if (is_same_directory(list->archives[i].directory, directory))
            return &list->archives[i];
    }
    return NULL;
}

const struct archive_limits *limits_find(const struct limits_list *list, const char *directory)
{
    return find(list, directory);
}

static struct archive_limits *add(struct limits_list *list, const struct config *config,
                                  const char *directory)
{
    const struct settings *global = &config->global;
    struct archive_limits *archive = &list->archives[list->count++];

    archive->directory = directory;
    rtsprec_archive_limits_init(&archive->limits);
    archive->limits.min_age_us = scaled(global->min_age_days, US_PER_DAY);
    archive->limits.max_age_us = scaled(global->max_age_days, US_PER_DAY);
    archive->limits.is_exempt = !global->limit_occupied_space;
    archive->limits.protected_policy = (enum rtsprec_protected_policy)global->protected_policy;
    archive->limits.cameras = heap_allocate(config->count, sizeof(struct rtsprec_camera_limits));
    return archive;
}

static void add_camera(struct archive_limits *archive, const struct settings *settings)
{
    struct rtsprec_archive_limits *limits = &archive->limits;
    struct rtsprec_camera_limits *camera =
        (struct rtsprec_camera_limits *)&limits->cameras[limits->camera_count++];
    int64_t keep_free = scaled(settings->keep_free_gb, BYTES_PER_GB);

    camera->camera = settings->name;
    camera->min_age_us = scaled(settings->min_age_days, US_PER_DAY);
    camera->max_age_us = scaled(settings->max_age_days, US_PER_DAY);
    camera->max_bytes = scaled(settings->max_occupied_gb, BYTES_PER_GB);
    camera->timelapse_max_age_us = scaled(settings->timelapse_keep_days, US_PER_DAY);
    camera->is_exempt = !settings->limit_occupied_space;
    if (camera->is_exempt)
        camera->max_bytes = 0;
    else if (keep_free > limits->keep_free_bytes)
        limits->keep_free_bytes = keep_free;
}

static void add_directory(struct limits_list *list, const struct config *config,
                          const struct settings *settings, const char *directory)
{
    struct archive_limits *archive = find(list, directory);

    if (archive == NULL)
        archive = add(list, config, directory);
    add_camera(archive, settings);
}

/* Whether files of anyone may be deleted for space. */
static bool has_space_limits(const struct rtsprec_archive_limits *limits)
{
    for (size_t i = 0; i < limits->camera_count; i++) {
        if (!limits->cameras[i].is_exempt)
            return true;
    }
    return false;
}

void limits_make(struct limits_list *list, const struct config *config)
{
    *list = (struct limits_list){
        .archives = heap_allocate(2 * config->count, sizeof(struct archive_limits)),
    };
    for (size_t i = 0; i < config->count; i++) {
        const struct settings *settings = &config->cameras[i];

        add_directory(list, config, settings, settings->output_directory);
        if (settings->also_keep != RTSPREC_ALSO_KEEP_NONE)
            add_directory(list, config, settings, settings->also_keep_directory);
    }
    for (size_t i = 0; i < list->count; i++) {
        struct rtsprec_archive_limits *limits = &list->archives[i].limits;

        if (has_space_limits(limits))
            limits->max_bytes = scaled(config->global.max_occupied_gb, BYTES_PER_GB);
        else
            limits->is_exempt = 1;
    }
}

void limits_forget(struct limits_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free((struct rtsprec_camera_limits *)list->archives[i].limits.cameras);
    free(list->archives);
    *list = (struct limits_list){0};
}
