/*
 * Group commit: makes what was written to open files durable, within an interval that is promised,
 * in rounds of one sync per dirty file. One thread for each file system, so that a disk that hangs
 * delays no other; writers never wait for it, except to close a file that is being synced.
 *
 * Thread-safety: any thread; a file's functions from one thread at a time.
 */
#ifndef SEGMENT_DURABLE_H
#define SEGMENT_DURABLE_H

#include <stdint.h>

#include <rtsprec/error.h>

struct durable;
struct durable_file;

int durable_create(struct durable **out, struct rtsprec_error *error);

/* Ends the threads; every file must have been removed. Sets *durable to NULL; NULL is ignored. */
void durable_destroy(struct durable **durable);

/*
 * Takes care of a file from now on; the descriptor stays the caller's. What is written is durable
 * at the latest interval_us, plus the time of one round, after durable_written().
 *
 * Returns 0, RTSPREC_ERROR_NO_MEMORY or RTSPREC_ERROR_SYSTEM.
 */
int durable_add(struct durable_file **out, struct durable *durable, int fd, int64_t interval_us,
                struct rtsprec_error *error);

/* The file is size bytes long now. */
void durable_written(struct durable_file *file, int64_t size);

/*
 * 0, or the negative errno of a sync that failed. The kernel may have dropped what it could not
 * write: a later sync would claim success, so none is tried, and the file is to be closed.
 */
int durable_error(struct durable_file *file);

/* Ends the care, after a round that is in progress. Sets *file to NULL; NULL is ignored. */
void durable_remove(struct durable_file **file);

#endif
