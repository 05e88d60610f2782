/*
 * The root of an archive: a marker file in it proves that the right disk is there, and a lock on
 * that file that nobody else writes to it.
 *
 * Thread-safety: any thread.
 */
#ifndef ARCHIVE_ROOT_H
#define ARCHIVE_ROOT_H

#include <rtsprec/error.h>

#define ARCHIVE_MARKER ".rtsprec"

struct archive_root;

/*
 * Opens the archive in a directory, which is created when missing, and its marker likewise. Within
 * one list the same directory is opened once and counted.
 *
 * Returns 0; RTSPREC_ERROR_BUSY when another process, or another recorder of this one, has it. An
 * archive whose disk is not there is no failure here: archive_root_check() says so, and when it
 * comes back.
 */
int archive_root_open(struct archive_root **out, struct archive_root **list, const char *directory,
                      struct rtsprec_error *error);

/* The archive of a list that lies in a directory, not counted; NULL: none. */
struct archive_root *archive_root_find(struct archive_root *list, const char *directory);

/* Gives the archive back; the last one lets go of the lock. Sets *root to NULL; NULL is ignored. */
void archive_root_close(struct archive_root **root, struct archive_root **list);

/*
 * To be called before anything is written: whether the directory is still the archive that was
 * opened.
 *
 * Returns 0, RTSPREC_ERROR_IO (missing, read-only, another disk), RTSPREC_ERROR_BUSY.
 */
int archive_root_check(struct archive_root *root, struct rtsprec_error *error);

#endif
