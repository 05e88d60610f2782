/* What a closed file says of itself, as a row of the catalog: whoever asks gets the same, so that a
 * catalog that is made again has the same rows. */
#ifndef CAMERA_DESCRIBE_H
#define CAMERA_DESCRIBE_H

#include "archive/reconcile.h"

/* A reconcile_describe_fn. The start of a file that does not tell it is that of its name. */
int describe_segment(struct reconcile_row *row, int fd, const char *path);

/* The same of a file that is not open. Returns 0 or a negative errno. */
int describe_segment_file(struct reconcile_row *row, const char *archive_directory,
                          const char *path);

#endif
