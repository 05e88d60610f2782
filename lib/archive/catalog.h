/*
 * The catalog of an archive: an SQLite file in its root. It holds what the tree holds and what
 * explains what is missing; the tree is the truth, and the catalog is made from it again when it is
 * gone or broken (reconcile.h).
 *
 * Nothing of this is on the media path: a statement may wait for another process, and a commit for
 * the disk.
 *
 * Callbacks run within a query: they must not call the catalog.
 *
 * Thread-safety: one thread at a time per struct catalog; any number of them, of any process, on
 * one file.
 */
#ifndef ARCHIVE_CATALOG_H
#define ARCHIVE_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/archive.h>
#include <rtsprec/error.h>

#define CATALOG_FILE ".rtsprec-catalog.db"

struct catalog;

/*
 * All return 0, RTSPREC_ERROR_BUSY (another process has held it for 10 s), RTSPREC_ERROR_NO_SPACE,
 * RTSPREC_ERROR_NO_MEMORY or RTSPREC_ERROR_IO.
 */

/*
 * Opens or creates it. A broken one is put aside as *.broken-N and begun anew, unless another
 * process has it open: then that is RTSPREC_ERROR_IO. *is_new: it does not hold all of the tree
 * yet, so that it has to be reconciled before it is believed.
 */
int catalog_open(struct catalog **out, const char *archive_directory, bool *is_new,
                 struct rtsprec_error *error);

/* The same for whoever is not its recorder: while one gives signs of life, nobody has crashed, and
 * the pages are not checked, which costs more the larger the archive is. */
int catalog_open_beside(struct catalog **out, const char *archive_directory, int64_t now_us,
                        bool *is_new, struct rtsprec_error *error);

/* One that is empty and not in a file: what a tree that is reconciled with it holds can be found
 * out on a disk that is too full for more. */
int catalog_open_in_memory(struct catalog **out, const char *archive_directory,
                           struct rtsprec_error *error);

/* Closes it, sets *catalog to NULL; NULL is ignored. Where it has proved to be broken meanwhile, it
 * is put aside, too. */
void catalog_close(struct catalog **catalog);

/* Gives back the memory that reading all of the tree was worth; what comes now are single rows. */
void catalog_keep_small(struct catalog *catalog);

/* Whether it has proved to be broken; then all there is left is to close it and to open it again.
 */
bool catalog_is_broken(const struct catalog *catalog);

/* Several changes as one; what is not committed when a call has failed has to be rolled back. */
int catalog_begin(struct catalog *catalog, struct rtsprec_error *error);
int catalog_commit(struct catalog *catalog, struct rtsprec_error *error);
void catalog_rollback(struct catalog *catalog);

/* Between many transactions, one after the other: about once a second, waits until those have had
 * their turn who wait for theirs, a tenth of a second. */
void catalog_let_others_in(struct catalog *catalog);

/* --- segments: catalog_segments.c. Paths are relative to the archive's root:
 *     CAMERA/YYYY-MM-DD/HH_MM_SS.mp4 --- */

/*
 * Adds a closed segment, or replaces the row of that path: what protects it stays, and so does the
 * reason it ended when the new one is RTSPREC_SEGMENT_UNKNOWN. What a file says of itself is
 * segment_info.h's matter; of the same file it is always the same.
 */
int catalog_add_segment(struct catalog *catalog, const struct rtsprec_archive_segment *segment,
                        struct rtsprec_error *error);

/*
 * Forgets a segment whose file is gone, or goes next; reason (DELETED by retention, REMOVED by
 * hand) is what its time is missing because of from then on. A path that is not there is fine.
 */
int catalog_remove_segment(struct catalog *catalog, const char *path,
                           enum rtsprec_coverage_reason reason, struct rtsprec_error *error);

/* Called for each row, oldest first; false ends it. */
typedef bool catalog_segment_fn(void *user, const struct rtsprec_archive_segment *segment);

/* Those that overlap [from_us, to_us), by start and path. camera NULL: of all. */
int catalog_list(struct catalog *catalog, const char *camera, int64_t from_us, int64_t to_us,
                 catalog_segment_fn *segment, void *user, struct rtsprec_error *error);

/*
 * Of one camera, those that are (not) protected, by start and path, at most "most", that come
 * behind (after_start_us, after_path) in that order; INT64_MIN and "": from the first. Costs what
 * it returns.
 */
int catalog_oldest(struct catalog *catalog, const char *camera, bool is_protected,
                   int64_t after_start_us, const char *after_path, int most,
                   catalog_segment_fn *segment, void *user, struct rtsprec_error *error);

struct catalog_camera {
    const char *name;
    int64_t segments, bytes; /* all of them */
    int64_t protected_bytes;
    int64_t oldest_us, newest_us; /* first start, end of the last one; 0: no segment */
    /* Its rate: what lies in the last recent_us, at most 24 h and 2,000 segments, up to newest_us
     */
    int64_t recent_bytes, recent_us;
};
typedef bool catalog_camera_fn(void *user, const struct catalog_camera *camera);

/* All cameras that the catalog has heard of, by name, also those without a segment. */
int catalog_cameras(struct catalog *catalog, catalog_camera_fn *camera, void *user,
                    struct rtsprec_error *error);

/*
 * Protects what overlaps [from_us, to_us); why NULL: takes it back. *count: how many are closed.
 * The files get or lose the same as an extended attribute. The time is noted: a segment of it that
 * is added later is protected, too, and its file marked by whoever adds it. Of a camera that the
 * catalog has not heard of nothing is noted.
 */
int catalog_protect(struct catalog *catalog, const char *camera, int64_t from_us, int64_t to_us,
                    const char *why, int64_t *count, struct rtsprec_error *error);

/* --- the ledger: catalog_ledger.c. All times UTC µs; they come from the caller. --- */

/* A program begins to write to the archive. The last session, when it did not end, is left as it
 * was: what follows it is a crash. */
int catalog_begin_session(struct catalog *catalog, int64_t now_us, struct rtsprec_error *error);

/* The session that this catalog began is alive (every 10 s), or ended in good order. Without one
 * nothing is done. */
#define CATALOG_SIGN_OF_LIFE_US INT64_C(10000000)
int catalog_touch_session(struct catalog *catalog, int64_t now_us, struct rtsprec_error *error);
int catalog_end_session(struct catalog *catalog, int64_t now_us, struct rtsprec_error *error);

/*
 * The clock was set: the session that this catalog began ends at end_us by the clock of before, and
 * goes on as another one at now_us, in which no condition holds yet. Without one nothing is done.
 */
int catalog_move_session(struct catalog *catalog, int64_t end_us, int64_t now_us,
                         struct rtsprec_error *error);

/*
 * From now on, what is not recorded of this camera is missing because of reason
 * (RTSPREC_COVERAGE_RECORDED: a file is open). Takes the place of what was said in this session for
 * later times: what other sessions left behind it stays, a wrong clock is no reason to forget it.
 * The same reason again is nothing new. It is a sign of life, too.
 *
 * Of a condition RECORDED that is over, what lies behind its last segment has the reason of what
 * followed; of the last one of a session that runs everything is recorded.
 */
int catalog_set_condition(struct catalog *catalog, const char *camera,
                          enum rtsprec_coverage_reason reason, int64_t now_us,
                          struct rtsprec_error *error);

/* This much is missing although a segment spans it: frames were dropped. */
int catalog_add_hole(struct catalog *catalog, const char *camera, int64_t start_us, int64_t end_us,
                     enum rtsprec_coverage_reason reason, struct rtsprec_error *error);

/* --- what both together say: catalog_coverage.c, by the rules of coverage.h --- */

typedef bool catalog_span_fn(void *user, const struct rtsprec_archive_span *span);

/* Every microsecond of [from_us, to_us), in order, neighbours of one reason joined; false ends it.
 * A camera that nobody knows is UNKNOWN. */
int catalog_coverage(struct catalog *catalog, const char *camera, int64_t from_us, int64_t to_us,
                     catalog_span_fn *span, void *user, struct rtsprec_error *error);

#endif
