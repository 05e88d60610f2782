/*
 * What a camera's ledger says of a time: recorded, or missing for one reason. Pure.
 *
 * Of an instant counts the first of
 *   1. a hole: frames were dropped, whatever spans it;
 *   2. a closed segment: RECORDED;
 *   3. what was DELETED, what was REMOVED;
 *   4. no session before it, or the camera was not yet known then: UNKNOWN;
 *   5. the session is over: STOPPED when it ended in good order, else CRASHED;
 *   6. nothing was said of the camera in this session: STOPPED;
 *   7. what was said last: a condition. RECORDED means that a file was open. In the session that
 *      runs, the last condition is believed. One that is over is believed up to its last segment;
 *      what lies behind it has the reason of what followed: the next condition or, at the end of
 *      the session, as in 5.
 */
#ifndef ARCHIVE_COVERAGE_H
#define ARCHIVE_COVERAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rtsprec/archive.h>

struct coverage_interval {
    int64_t start_us, end_us;
    enum rtsprec_coverage_reason reason;
};

struct coverage_session {
    int64_t start_us, end_us; /* the end: its last sign of life */
    bool is_ended;            /* in good order */
    bool is_running;
};

struct coverage_condition {
    int64_t start_us;
    int64_t recorded_until_us; /* of RECORDED: end of its last segment, or of what was one */
    enum rtsprec_coverage_reason reason;
};

/* All by start_us. Of sessions and conditions what bears on the time asked for: also the last one
 * before it and the first one behind. */
struct coverage_ledger {
    const struct coverage_interval *segments; /* their reason does not matter */
    size_t segment_count;
    const struct coverage_interval *missing; /* DELETED, REMOVED; any other reason is a hole's */
    size_t missing_count;
    const struct coverage_session *sessions;
    size_t session_count;
    const struct coverage_condition *conditions;
    size_t condition_count;
};

/* Called for each span in order; false ends it. */
typedef bool coverage_fn(void *user, const struct coverage_interval *span);

/* Every microsecond of [from_us, to_us) exactly once, neighbours of one reason joined. */
void coverage_spans(const struct coverage_ledger *ledger, int64_t from_us, int64_t to_us,
                    coverage_fn *tell, void *user);

#endif
