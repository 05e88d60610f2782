#include "archive/layout.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAME_BYTES 200 /* file systems allow 255 */

char *layout_day_directory(const struct layout *layout, const struct tm *local)
{
    char *path = NULL;
    if (layout->is_timelapse)
        return asprintf(&path, "%s/%s/" LAYOUT_TIMELAPSE, layout->directory, layout->camera) < 0
                   ? NULL
                   : path;
    if (asprintf(&path, "%s/%s/%04d-%02d-%02d", layout->directory, layout->camera,
                 local->tm_year + 1900, local->tm_mon + 1, local->tm_mday) < 0)
        return NULL;
    return path;
}

char *layout_segment_path(const struct layout *layout, const struct tm *local, int attempt)
{
    char name[48], suffix[16] = "";
    if (attempt > 0)
        snprintf(suffix, sizeof(suffix), "-%d", attempt + 1);
    if (layout->is_timelapse)
        snprintf(name, sizeof(name), "%04d-%02d-%02d", local->tm_year + 1900, local->tm_mon + 1,
                 local->tm_mday);
    else
        snprintf(name, sizeof(name), "%02d_%02d_%02d", local->tm_hour, local->tm_min,
                 local->tm_sec);
    char *day = layout_day_directory(layout, local);
    char *path = NULL;
    if (!day || asprintf(&path, "%s/%s%s.%s", day, name, suffix, layout->extension) < 0)
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

/* Whether a name that begins with a pattern is that of a closed file. */
static bool is_closed_name(const char *name, const char *pattern)
{
    const char *rest = skip_pattern(name, pattern);
    while (rest && *rest == '-') { /* several, where a repair found names taken */
        rest++;
        if (*rest < '1' || *rest > '9')
            return false;
        rest += strspn(rest, "0123456789");
    }
    return rest && (!strcmp(rest, ".mp4") || !strcmp(rest, ".mkv"));
}

static bool is_part_name(const char *name, const char *pattern)
{
    size_t length = strlen(name), suffix = strlen(LAYOUT_PART_SUFFIX);
    return skip_pattern(name, pattern) && length > strlen(pattern) + suffix &&
           !strcmp(name + length - suffix, LAYOUT_PART_SUFFIX);
}

bool layout_segment_name_is_valid(const char *name)
{
    return is_closed_name(name, TIME_PATTERN);
}

bool layout_part_name_is_valid(const char *name)
{
    return is_part_name(name, TIME_PATTERN);
}

bool layout_timelapse_name_is_valid(const char *name)
{
    return is_closed_name(name, DAY_PATTERN);
}

bool layout_timelapse_part_name_is_valid(const char *name)
{
    return is_part_name(name, DAY_PATTERN);
}

/* CAMERA/DIRECTORY/NAME, of which the directory has a pattern's form. */
static bool parse_path(const char *path, const char *directory, bool (*is_name)(const char *name),
                       size_t *camera_bytes, size_t *directory_bytes)
{
    char camera[MAX_NAME_BYTES + 1];
    size_t length = strcspn(path, "/");
    if (length > MAX_NAME_BYTES || path[length] != '/')
        return false;
    memcpy(camera, path, length);
    camera[length] = '\0';
    const char *rest = skip_pattern(path + length + 1, directory);
    if (!layout_camera_name_is_valid(camera) || !rest || *rest != '/' || !is_name(rest + 1))
        return false;
    *camera_bytes = length;
    *directory_bytes = strlen(directory);
    return true;
}

bool layout_parse_segment_path(const char *path, size_t *camera_bytes, size_t *day_bytes)
{
    return parse_path(path, DAY_PATTERN, layout_segment_name_is_valid, camera_bytes, day_bytes);
}

bool layout_parse_timelapse_path(const char *path, size_t *camera_bytes, size_t *directory_bytes)
{
    return parse_path(path, LAYOUT_TIMELAPSE, layout_timelapse_name_is_valid, camera_bytes,
                      directory_bytes);
}

/* Two digits. */
static int number_at(const char *text)
{
    return (text[0] - '0') * 10 + text[1] - '0';
}

/* Of a name that begins with a date. */
static struct tm day_of(const char *name)
{
    return (struct tm){
        .tm_year = number_at(name) * 100 + number_at(name + 2) - 1900,
        .tm_mon = number_at(name + 5) - 1,
        .tm_mday = number_at(name + 8),
        .tm_isdst = -1,
    };
}

bool layout_parse_time(const char *day, const char *name, struct tm *local)
{
    if (!layout_day_name_is_valid(day) || !layout_segment_name_is_valid(name))
        return false;
    *local = day_of(day);
    local->tm_hour = number_at(name);
    local->tm_min = number_at(name + 3);
    local->tm_sec = number_at(name + 6);
    return true;
}

bool layout_parse_timelapse_day(const char *name, struct tm *local)
{
    if (!layout_timelapse_name_is_valid(name))
        return false;
    *local = day_of(name);
    return true;
}
