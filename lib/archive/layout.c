#include "archive/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME_BYTES 200 /* file systems allow 255 */

char *layout_day_directory(const struct layout *layout, const struct tm *local)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s/%04d-%02d-%02d", layout->directory, layout->camera,
                 local->tm_year + 1900, local->tm_mon + 1, local->tm_mday) < 0)
        return NULL;
    return path;
}

char *layout_segment_path(const struct layout *layout, const struct tm *local, int attempt)
{
    char suffix[16] = "";
    if (attempt > 0)
        snprintf(suffix, sizeof(suffix), "-%d", attempt + 1);
    char *day = layout_day_directory(layout, local);
    char *path = NULL;
    if (!day || asprintf(&path, "%s/%02d_%02d_%02d%s.%s", day, local->tm_hour, local->tm_min,
                         local->tm_sec, suffix, layout->extension) < 0)
        path = NULL;
    free(day);
    return path;
}

char *layout_part_path(const char *segment_path)
{
    char *path = NULL;
    return asprintf(&path, "%s" LAYOUT_PART_SUFFIX, segment_path) < 0 ? NULL : path;
}

char *layout_closed_path(const char *part_path, int attempt, const char *suffix)
{
    size_t length = strlen(part_path) - strlen(LAYOUT_PART_SUFFIX);
    const char *slash = memrchr(part_path, '/', length);
    size_t directory = slash ? (size_t)(slash + 1 - part_path) : 0;
    const char *dot = memrchr(part_path + directory, '.', length - directory);
    size_t stem = dot ? (size_t)(dot - part_path) : length;
    char number[16] = "";
    if (attempt > 0)
        snprintf(number, sizeof(number), "-%d", attempt + 1);
    char *path = NULL;
    return asprintf(&path, "%.*s%s%.*s%s", (int)stem, part_path, number, (int)(length - stem),
                    part_path + stem, suffix) < 0
               ? NULL
               : path;
}

bool layout_camera_name_is_valid(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length > MAX_NAME_BYTES || *name == '.')
        return false;
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        if (c < ' ' || c == 0x7f || c == '/')
            return false;
    }
    return true;
}
