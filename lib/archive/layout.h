/* Where a segment lies: DIRECTORY/CAMERA/YYYY-MM-DD/HH_MM_SS.EXT, local time of its first frame;
 * and a day's timelapse: DIRECTORY/CAMERA/timelapse/YYYY-MM-DD.EXT, likewise. Pure. */
#ifndef ARCHIVE_LAYOUT_H
#define ARCHIVE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define LAYOUT_PART_SUFFIX ".part"     /* of a file that is not closed */
#define LAYOUT_TIMELAPSE   "timelapse" /* the directory of them, where those of days are */

struct layout {
    const char *directory; /* the archive's root */
    const char *camera;
    const char *extension; /* without the dot */
    bool is_timelapse;     /* that of a day, no segment */
};

/* The directory of the day, or of timelapses; allocated, NULL when there is no memory. */
char *layout_day_directory(const struct layout *layout, const struct tm *local);

/*
 * The final name. attempt 0 is the plain one; for a name that is taken (the same second again, or
 * the hour that DST repeats; of a timelapse, the same day) 1, 2, … append "-2", "-3", …; allocated,
 * NULL when there is no memory.
 */
char *layout_segment_path(const struct layout *layout, const struct tm *local, int attempt);

/* The name while the file is open; allocated, NULL when there is no memory. */
char *layout_part_path(const char *segment_path);

/*
 * The final name that belongs to a `.part` name, with a suffix behind it; attempts from 1 on append
 * "-2", "-3", … to what the name has already. Allocated, NULL when there is no memory.
 */
char *layout_closed_path(const char *part_path, int attempt, const char *suffix);

/* Whether a camera's name can be a directory's: 1 to 200 bytes, no "/", no control characters, does
 * not begin with a dot. */
bool layout_camera_name_is_valid(const char *name);

/* Whether a name has the archive's own form: a day's directory, a closed segment (00_00_00.mp4,
 * 00_00_00-2.mkv), a file that is not closed. What has not, is somebody else's. */
bool layout_day_name_is_valid(const char *name);
bool layout_segment_name_is_valid(const char *name);
bool layout_part_name_is_valid(const char *name);

/* The same for a timelapse (0000-00-00.mp4, 0000-00-00-2.mkv), closed or not. */
bool layout_timelapse_name_is_valid(const char *name);
bool layout_timelapse_part_name_is_valid(const char *name);

/*
 * Takes CAMERA/YYYY-MM-DD/NAME, the path of a closed segment below the archive's root, apart.
 * *camera_bytes and *day_bytes are what belongs to the directory of the camera and of the day.
 *
 * Returns false for everything else, also for a path with "..", "//" or "/" in front.
 */
bool layout_parse_segment_path(const char *path, size_t *camera_bytes, size_t *day_bytes);

/* The same for CAMERA/timelapse/NAME; *directory_bytes are those of "timelapse". */
bool layout_parse_timelapse_path(const char *path, size_t *camera_bytes, size_t *directory_bytes);

/* The local time that the names of a day and of a segment stand for; tm_isdst is -1: they do not
 * say. False when they are none. */
bool layout_parse_time(const char *day, const char *name, struct tm *local);

/* The local midnight with which the day of a timelapse begins, likewise. */
bool layout_parse_timelapse_day(const char *name, struct tm *local);

#endif
