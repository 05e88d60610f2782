/*
 * The only code that deletes segments and timelapses. A path is followed component by component
 * from the archive's root, never through a symbolic link, and only a regular file whose name has
 * the archive's own form (layout.h) is taken: never a `.part` file, never what is not ours, never
 * outside.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef ARCHIVE_REMOVER_H
#define ARCHIVE_REMOVER_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/error.h>

struct remover {
    int root; /* the archive's directory */
};

enum removal {
    REMOVAL_DONE,    /* it was there and is gone */
    REMOVAL_GONE,    /* nothing is there any more: somebody else has removed it */
    REMOVAL_FOREIGN, /* what is there is not ours: a link or a directory took its place. It stays.
                      */
};

struct removed {
    enum removal what;
    int64_t size_bytes;  /* of the file's content */
    int64_t freed_bytes; /* that the file system gets back: its blocks; 0 while another hard link
                          * has them */
    int errnum;          /* of a failure */
};

/* Returns 0, RTSPREC_ERROR_IO. remover_close() is right after a failure, too. */
int remover_open(struct remover *remover, const char *archive_directory,
                 struct rtsprec_error *error);
void remover_close(struct remover *remover);

/*
 * Removes the closed segment at CAMERA/YYYY-MM-DD/NAME, or the timelapse at CAMERA/timelapse/NAME,
 * and then that directory and its camera's if nothing else is in them. A recording that begins in
 * such a directory at the same time makes it again (segment_file.c).
 *
 * Returns 0; RTSPREC_ERROR_INVALID when the path is not of that form; RTSPREC_ERROR_IO when the
 * file is as it was (no permission, a sick disk).
 */
int remover_remove(struct remover *remover, const char *path, struct removed *removed,
                   struct rtsprec_error *error);

#endif
