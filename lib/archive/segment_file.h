/*
 * A segment's file and its two names: NAME.EXT.part while it is open, NAME.EXT once it is complete.
 * No name is ever taken from another file.
 */
#ifndef ARCHIVE_SEGMENT_FILE_H
#define ARCHIVE_SEGMENT_FILE_H

#include <stdint.h>

#include <rtsprec/error.h>

#include "archive/layout.h"

struct segment_file {
    int fd; /* read and write; -1 once somebody else has it */
    char *part_path, *final_path;
};

/*
 * Creates missing directories and, under the first free name of that second, the `.part` file.
 *
 * Returns 0, RTSPREC_ERROR_NO_SPACE, RTSPREC_ERROR_IO, RTSPREC_ERROR_NO_MEMORY; the file needs
 * segment_file_uninit() in any case.
 */
int segment_file_create(struct segment_file *file, const struct layout *layout,
                        int64_t start_wall_us, struct rtsprec_error *error);

/*
 * Opens the latest closed file of that time, which is the one with the greatest number.
 *
 * Returns 0, RTSPREC_ERROR_UNSUPPORTED when there is none or its `.part` name is taken,
 * RTSPREC_ERROR_IO, RTSPREC_ERROR_NO_MEMORY; the file needs segment_file_uninit() in any case.
 */
int segment_file_open_latest(struct segment_file *file, const struct layout *layout,
                             int64_t start_wall_us, struct rtsprec_error *error);

/* Gives it the name of a `.part` file again, durably. Returns 0 or RTSPREC_ERROR_IO. */
int segment_file_unpublish(struct segment_file *file, struct rtsprec_error *error);

/* Gives the file its final name and makes that durable. Returns 0 or RTSPREC_ERROR_IO. */
int segment_file_publish(struct segment_file *file, struct rtsprec_error *error);

/*
 * Gives a `.part` file that was found its final name with a suffix ("" or ".damaged") behind it, or
 * where that is taken the next that is free. *path, allocated, is the name it got.
 *
 * Returns 0, RTSPREC_ERROR_IO or RTSPREC_ERROR_NO_MEMORY.
 */
int segment_file_rename_part(const char *part_path, const char *suffix, char **path,
                             struct rtsprec_error *error);

/* Removes a file that holds no video. */
void segment_file_discard(struct segment_file *file);

void segment_file_uninit(struct segment_file *file);

#endif
