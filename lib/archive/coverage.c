#include "archive/coverage.h"

/* What holds at an instant that moves forward. */
struct sweep {
    const struct coverage_ledger *ledger;
    int64_t now_us;
    size_t segment, missing, session, condition; /* of each, how many have begun */
    int64_t recorded_until_us;                   /* of the segments that have begun */
    int64_t missing_until_us[RTSPREC_COVERAGE_COUNT];
};

static void keep_later(int64_t *time_us, int64_t other_us)
{
    if (other_us > *time_us)
        *time_us = other_us;
}

/* Takes in all that has begun by now. */
static void advance(struct sweep *sweep, int64_t now_us)
{
    const struct coverage_ledger *ledger = sweep->ledger;
    sweep->now_us = now_us;
    while (sweep->segment < ledger->segment_count &&
           ledger->segments[sweep->segment].start_us <= now_us)
        keep_later(&sweep->recorded_until_us, ledger->segments[sweep->segment++].end_us);
    for (; sweep->missing < ledger->missing_count &&
           ledger->missing[sweep->missing].start_us <= now_us;
         sweep->missing++) {
        const struct coverage_interval *missing = &ledger->missing[sweep->missing];
        keep_later(&sweep->missing_until_us[missing->reason], missing->end_us);
    }
    while (sweep->session < ledger->session_count &&
           ledger->sessions[sweep->session].start_us <= now_us)
        sweep->session++;
    while (sweep->condition < ledger->condition_count &&
           ledger->conditions[sweep->condition].start_us <= now_us)
        sweep->condition++;
}

static bool is_hole(int reason)
{
    return reason != RTSPREC_COVERAGE_DELETED && reason != RTSPREC_COVERAGE_REMOVED;
}

static enum rtsprec_coverage_reason after(const struct coverage_session *session)
{
    return session->is_ended ? RTSPREC_COVERAGE_STOPPED : RTSPREC_COVERAGE_CRASHED;
}

/* Within a session, of the condition that holds. */
static enum rtsprec_coverage_reason of_condition(const struct sweep *sweep,
                                                 const struct coverage_session *session)
{
    const struct coverage_condition *condition = &sweep->ledger->conditions[sweep->condition - 1];
    if (condition->start_us < session->start_us)
        return RTSPREC_COVERAGE_STOPPED;
    if (condition->reason != RTSPREC_COVERAGE_RECORDED ||
        sweep->now_us < condition->recorded_until_us)
        return condition->reason;
    bool has_next = sweep->condition < sweep->ledger->condition_count &&
                    condition[1].start_us <= session->end_us;
    if (has_next)
        return condition[1].reason;
    return session->is_running ? RTSPREC_COVERAGE_RECORDED : after(session);
}

static enum rtsprec_coverage_reason reason_of(const struct sweep *sweep)
{
    for (int i = 0; i < RTSPREC_COVERAGE_COUNT; i++) {
        if (is_hole(i) && sweep->missing_until_us[i] > sweep->now_us)
            return (enum rtsprec_coverage_reason)i;
    }
    if (sweep->recorded_until_us > sweep->now_us)
        return RTSPREC_COVERAGE_RECORDED;
    if (sweep->missing_until_us[RTSPREC_COVERAGE_DELETED] > sweep->now_us)
        return RTSPREC_COVERAGE_DELETED;
    if (sweep->missing_until_us[RTSPREC_COVERAGE_REMOVED] > sweep->now_us)
        return RTSPREC_COVERAGE_REMOVED;
    if (sweep->session == 0 || sweep->condition == 0)
        return RTSPREC_COVERAGE_UNKNOWN;
    const struct coverage_session *session = &sweep->ledger->sessions[sweep->session - 1];
    return sweep->now_us < session->end_us ? of_condition(sweep, session) : after(session);
}

/* Keeps the earlier of both, of those that lie ahead. */
static void keep_next(const struct sweep *sweep, int64_t *next_us, int64_t time_us)
{
    if (time_us > sweep->now_us && time_us < *next_us)
        *next_us = time_us;
}

/* When something may change: never later than it does. */
static int64_t next_change(const struct sweep *sweep, int64_t to_us)
{
    const struct coverage_ledger *ledger = sweep->ledger;
    int64_t next_us = to_us;
    if (sweep->segment < ledger->segment_count)
        keep_next(sweep, &next_us, ledger->segments[sweep->segment].start_us);
    if (sweep->missing < ledger->missing_count)
        keep_next(sweep, &next_us, ledger->missing[sweep->missing].start_us);
    if (sweep->session < ledger->session_count)
        keep_next(sweep, &next_us, ledger->sessions[sweep->session].start_us);
    if (sweep->condition < ledger->condition_count)
        keep_next(sweep, &next_us, ledger->conditions[sweep->condition].start_us);
    keep_next(sweep, &next_us, sweep->recorded_until_us);
    for (int i = 0; i < RTSPREC_COVERAGE_COUNT; i++)
        keep_next(sweep, &next_us, sweep->missing_until_us[i]);
    if (sweep->session > 0)
        keep_next(sweep, &next_us, ledger->sessions[sweep->session - 1].end_us);
    if (sweep->condition > 0)
        keep_next(sweep, &next_us, ledger->conditions[sweep->condition - 1].recorded_until_us);
    return next_us;
}

void coverage_spans(const struct coverage_ledger *ledger, int64_t from_us, int64_t to_us,
                    coverage_fn *tell, void *user)
{
    struct sweep sweep = {.ledger = ledger, .recorded_until_us = INT64_MIN};
    for (int i = 0; i < RTSPREC_COVERAGE_COUNT; i++)
        sweep.missing_until_us[i] = INT64_MIN;
    struct coverage_interval span = {.start_us = from_us, .end_us = from_us};
    while (span.end_us < to_us) {
        advance(&sweep, span.end_us);
        enum rtsprec_coverage_reason reason = reason_of(&sweep);
        if (span.end_us > span.start_us && reason != span.reason) {
            if (!tell(user, &span))
                return;
            span.start_us = span.end_us;
        }
        span.reason = reason;
        span.end_us = next_change(&sweep, to_us);
    }
    if (span.end_us > span.start_us)
        tell(user, &span);
}
