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

#define DAY_PATTERN  "0000-00-00"
#define TIME_PATTERN "00_00_00"

/* What follows a pattern, in which 0 stands for any digit, at the beginning of a name; NULL: the
 * name begins otherwise. */
static const char *skip_pattern(const char *name, const char *pattern)
{
    for (; *pattern; pattern++, name++) {
        bool fits = *pattern == '0' ? *name >= '0' && *name <= '9' : *name == *pattern;
        if (!fits)
            return NULL;
    }
    return name;
}

bool layout_day_name_is_valid(const char *name)
{
    const char *rest = skip_pattern(name, DAY_PATTERN);
    return rest && *rest == '\0';
}

bool layout_segment_name_is_valid(const char *name)
{
    const char *rest = skip_pattern(name, TIME_PATTERN);
    while (rest && *rest == '-') { /* several, where a repair found names taken */
        rest++;
        if (*rest < '1' || *rest > '9')
            return false;
        rest += strspn(rest, "0123456789");
    }
    return rest && (!strcmp(rest, ".mp4") || !strcmp(rest, ".mkv"));
}

bool layout_part_name_is_valid(const char *name)
{
    size_t length = strlen(name), suffix = strlen(LAYOUT_PART_SUFFIX);
    return skip_pattern(name, TIME_PATTERN) && length > strlen(TIME_PATTERN) + suffix &&
           !strcmp(name + length - suffix, LAYOUT_PART_SUFFIX);
}

bool layout_parse_segment_path(const char *path, size_t *camera_bytes, size_t *day_bytes)
{
    char camera[MAX_NAME_BYTES + 1];
    size_t length = strcspn(path, "/"), day = strlen(DAY_PATTERN);
    if (length > MAX_NAME_BYTES || path[length] != '/')
        return false;
    memcpy(camera, path, length);
    camera[length] = '\0';
    const char *rest = skip_pattern(path + length + 1, DAY_PATTERN);
    if (!layout_camera_name_is_valid(camera) || !rest || *rest != '/' ||
        !layout_segment_name_is_valid(rest + 1))
        return false;
    *camera_bytes = length;
    *day_bytes = day;
    return true;
}

/* Two digits. */
static int number_at(const char *text)
{
    return (text[0] - '0') * 10 + text[1] - '0';
}

bool layout_parse_time(const char *day, const char *name, struct tm *local)
{
    if (!layout_day_name_is_valid(day) || !layout_segment_name_is_valid(name))
        return false;
    *local = (struct tm){
        .tm_year = number_at(day) * 100 + number_at(day + 2) - 1900,
        .tm_mon = number_at(day + 5) - 1,
        .tm_mday = number_at(day + 8),
        .tm_hour = number_at(name),
        .tm_min = number_at(name + 3),
        .tm_sec = number_at(name + 6),
        .tm_isdst = -1,
    };
    return true;
}
