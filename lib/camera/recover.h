/* Finishing a file that a crash left open: the same sealing as at a regular close. */
#ifndef CAMERA_RECOVER_H
#define CAMERA_RECOVER_H

#include <stdatomic.h>
#include <stdbool.h>

#include <rtsprec/archive.h>

#include "base/dispatcher.h"

/*
 * Repairs a `.part` file and gives it its final name, or `*.damaged` when nothing can be saved, and
 * tells the callback. False when that was stopped (stop is NULL: nobody does) and the file is as it
 * was: nothing is told then.
 */
bool recover_part(const char *part_path, const atomic_bool *stop, rtsprec_archive_fn *file,
                  void *user);

/* Logs what became of a camera's file. */
void recover_log(struct dispatcher *dispatcher, const char *camera,
                 const struct rtsprec_archive_file *file);

#endif
