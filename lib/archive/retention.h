/*
 * What to delete of an archive so that it stays within its limits: a pure decision. Segments come
 * through a small interface, the oldest of each camera first, and no more of them are asked for
 * than are deleted, and one per camera.
 *
 * One threshold and one margin. The lead is what all cameras write until the next pass. A pass for
 * a limit begins when the lead no longer fits under it, and deletes until the lead fits twice; so a
 * pass after a pass finds nothing to do, and after a pass at least one lead can be written before
 * the next begins. So that a tight limit does not empty an archive, the lead counts as at most a
 * tenth of what the limit allows; room_bytes says what can really be written until the next pass.
 * For free space the lead is that of all archives on the file system: each begins at the same
 * amount, and what one has freed the others need not.
 *
 * rtsprec/retention.h tells the order of deletions. Two things it does not:
 * - What is behind a segment younger than its camera's minimum counts as young, too, until that
 *   one is gone. (Segments of one camera can overlap when clocks are set.)
 * - A limit of free space that an empty disk would not keep either is a mistake: nothing is deleted
 *   for it.
 */
#ifndef ARCHIVE_RETENTION_H
#define ARCHIVE_RETENTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rtsprec/retention.h>

/* A lead counts as at most this part of what a limit allows. */
#define RETENTION_LEAD_PARTS 10

struct retention_segment {
    const char *path; /* relative to the archive */
    int64_t start_us, end_us, bytes;
};

/* Where the segments of a camera come from, those that are protected apart from the others, both by
 * (start_us, path), the oldest first. */
struct retention_supply {
    void *user;
    /* The first that was not taken; its path is valid until it is. Returns 1, 0 when none is left,
     * or a negative code, which ends the decision. */
    int (*peek)(void *user, size_t camera, bool is_protected, struct retention_segment *segment);
    void (*take)(void *user, size_t camera, bool is_protected);
};

struct retention_camera {
    const char *name;
    int64_t bytes;      /* of its closed segments */
    int64_t open_bytes; /* of what it is writing: counts, is never deleted */
    int64_t lead_bytes; /* what it writes until the next pass */
};

struct retention_request {
    const struct rtsprec_archive_limits *limits; /* checked */
    const struct retention_camera *cameras;      /* by their index the supply knows them */
    size_t camera_count;
    int64_t now_us;
    bool is_clock_new;    /* now_us may be far off: nothing goes for its age */
    int64_t free_bytes;   /* of the file system; INT64_MAX: not known */
    int64_t disk_bytes;   /* size of the file system; 0: not known */
    int64_t block_bytes;  /* what files take is a multiple of it; 0: not known */
    int64_t others_bytes; /* what other archives there write until the next pass */
    struct retention_supply supply;
};

struct retention_deletion {
    size_t camera;
    bool is_protected, is_young;
    enum rtsprec_deletion_reason reason;
    struct retention_segment segment;
};

/* Called for each, in order; false ends the decision. */
typedef bool retention_fn(void *user, const struct retention_deletion *deletion);

struct retention_result {
    int64_t deletions, bytes;
    /* What may still be written before a limit of the archive is reached; INT64_MAX: no limit. */
    int64_t room_bytes;
    /* Nothing is left that may be deleted, and this much is missing to what a limit asks for, the
     * lead included; 0: all is well. */
    int64_t short_bytes;
    enum rtsprec_deletion_reason short_of; /* which limit that is */
    bool is_ended;                         /* by the callback */
    bool is_keep_free_impossible;          /* the disk is smaller than what is to stay free */
};

/* Returns 0, a negative code of the supply's, or RTSPREC_ERROR_NO_MEMORY. */
int retention_decide(const struct retention_request *request, retention_fn *tell, void *user,
                     struct retention_result *result);

/* The limits of a camera: its own, or those of the archive for cameras without. */
struct rtsprec_camera_limits retention_limits_of(const struct rtsprec_archive_limits *limits,
                                                 const char *camera);

#endif
