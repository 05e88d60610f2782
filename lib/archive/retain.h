/*
 * One pass of retention: decides what to delete (retention.h) from the catalog and deletes it
 * (remover.h); before that, timelapses that are too old.
 *
 * Files go in groups: first the catalog forgets them, says DELETED of their time, and that it has
 * to look at their directories again; then they are removed. Wherever this is cut, and whichever of
 * the two a power cut undoes, what the catalog still has to learn lies in a directory that the next
 * reconcile() reads: because the catalog says so, or because the directory's time is not the one
 * noted. A file that is still there is added again. So nothing of this has to be made durable. (The
 * other way round, the ledger would take a deletion that was cut for somebody else's. That is
 * accepted only where the disk is so full that the catalog cannot be written before files went.)
 */
#ifndef ARCHIVE_RETAIN_H
#define ARCHIVE_RETAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/retention.h>

#include "archive/catalog.h"
#include "archive/retention.h"

/* What is known besides the catalog. */
struct retention_need {
    int64_t now_us;
    bool is_clock_new;    /* as in struct retention_request */
    int64_t others_bytes; /* likewise */
    /* Cameras that record now, with their name, open_bytes and lead_bytes. */
    const struct retention_camera *active;
    size_t active_count;
};

struct retain_result {
    int64_t deleted, bytes; /* files; their sizes */
    int64_t freed_bytes;    /* that the file system got back; 0 in a dry run */
    int64_t failed;         /* files that could not be deleted */
    int64_t room_bytes;     /* as in struct retention_result, with the rest */
    int64_t short_bytes;
    enum rtsprec_deletion_reason short_of;
    bool is_keep_free_impossible;
    bool is_ended; /* by the callback */
};

/* Told of each file once it is gone, or in a dry run instead; false ends the pass: no other goes.
 */
typedef bool retain_fn(void *user, const struct rtsprec_archive_deletion *deletion);

/*
 * The caller has made sure that the archive is there (archive_root_check()) and that no other pass
 * runs in it. A dry run tells exactly what a run at this moment would delete, and changes nothing.
 *
 * Returns 0, a code of the catalog's, or RTSPREC_ERROR_IO when the disk does not let go of a file;
 * one that only its permissions keep is told, skipped and counted as failed.
 */
int retain(struct catalog *catalog, const char *archive_directory,
           const struct rtsprec_archive_limits *limits, const struct retention_need *need,
           bool dry_run, retain_fn *told, void *user, struct retain_result *result,
           struct rtsprec_error *error);

#endif
