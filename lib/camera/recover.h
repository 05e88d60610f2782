/* Finishing a file that a crash left open: the same sealing as at a regular close. */
#ifndef CAMERA_RECOVER_H
#define CAMERA_RECOVER_H

#include <rtsprec/archive.h>

/*
 * Repairs a `.part` file and gives it its final name, or `*.damaged` when nothing can be saved, and
 * tells the callback.
 */
void recover_part(const char *part_path, rtsprec_archive_fn *file, void *user);

#endif
