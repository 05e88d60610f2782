/* The closed timelapses of an archive, which no catalog knows: they are found in the tree. */
#ifndef ARCHIVE_TIMELAPSES_H
#define ARCHIVE_TIMELAPSES_H

#include <stdbool.h>
#include <stdint.h>

struct timelapse_file {
    const char *path;         /* relative to the archive's directory; as long as the call */
    int64_t start_us, end_us; /* the midnights that its day is between, µs since 1970 */
    int64_t bytes;
    int64_t freed_bytes; /* that the file system would get back; as in struct removed */
};

/* Called for each; false ends it. */
typedef bool timelapses_fn(void *user, const struct timelapse_file *file);

/*
 * Finds those of a camera whose day had ended at before_us, the oldest first. The callback may
 * remove them. No symbolic link is followed.
 *
 * Returns 0, also when there are none, or a negative errno.
 */
int timelapses_ended(const char *archive_directory, const char *camera, int64_t before_us,
                     timelapses_fn *found, void *user);

#endif
