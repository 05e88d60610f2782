/* The files that a crash left open. */
#ifndef ARCHIVE_PART_FILES_H
#define ARCHIVE_PART_FILES_H

#include <stdbool.h>

/* Called for each; false ends the walk. */
typedef bool part_files_fn(void *user, const char *path);

/*
 * Walks the days of a camera's directory, the newest first, at most most_days of them. Only names
 * of the archive's own form count, and no symbolic link is followed.
 *
 * Returns 0, also when there is no such directory, or a negative errno.
 */
int part_files_of_camera(const char *camera_directory, int most_days, part_files_fn *found,
                         void *user);

/* The same of its timelapses, however many there are. */
int part_files_of_timelapses(const char *camera_directory, part_files_fn *found, void *user);

/* Both, for every camera of an archive. */
int part_files_of_archive(const char *archive_directory, int most_days, part_files_fn *found,
                          void *user);

#endif
