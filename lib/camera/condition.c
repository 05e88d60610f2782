#include "camera/condition.h"

#include <string.h>

#include <rtsprec/error.h>

enum rtsprec_coverage_reason condition_of_camera_error(int code, bool is_connected)
{
    switch (code) {
    case RTSPREC_ERROR_STOPPED:
        return RTSPREC_COVERAGE_STOPPED;
    case RTSPREC_ERROR_UNAUTHORIZED:
        return RTSPREC_COVERAGE_UNAUTHORIZED;
    case RTSPREC_ERROR_UNSUPPORTED:
    case RTSPREC_ERROR_PROTOCOL:
        return RTSPREC_COVERAGE_UNSUPPORTED;
    case RTSPREC_ERROR_STALLED:
        return RTSPREC_COVERAGE_STALLED;
    case RTSPREC_ERROR_TIMEOUT:
        return is_connected ? RTSPREC_COVERAGE_STALLED : RTSPREC_COVERAGE_UNREACHABLE;
    default:
        return RTSPREC_COVERAGE_UNREACHABLE;
    }
}

enum rtsprec_coverage_reason condition_of_storage_error(int code)
{
    return code == RTSPREC_ERROR_NO_SPACE ? RTSPREC_COVERAGE_DISK_FULL
                                          : RTSPREC_COVERAGE_DISK_FAILED;
}

/* A place behind the first "at" changes, the oldest given up when there is no room. */
static struct condition_change *insert(struct condition *condition, int at)
{
    struct condition_change *changes = condition->changes;
    if (condition->count == CONDITION_MAX_CHANGES) {
        condition->count--;
        memmove(changes, changes + 1, (size_t)condition->count * sizeof(*changes));
        at -= at > 0;
    }
    memmove(changes + at + 1, changes + at, (size_t)(condition->count - at) * sizeof(*changes));
    condition->count++;
    return changes + at;
}

/* What holds already is not told. */
static const struct condition_change *tell(struct condition *condition,
                                           enum rtsprec_coverage_reason reason, int64_t since_us,
                                           int64_t now_us, int *count)
{
    struct condition_change *changes = condition->changes;
    *count = 0;
    since_us = since_us < now_us ? since_us : now_us; /* a frame's time may be ahead of the clock */
    while (condition->count > 0 && changes[condition->count - 1].since_us > now_us)
        condition->count--;
    int at = condition->count;
    while (at > 0 && changes[at - 1].since_us > since_us)
        at--;
    if (at > 0 && changes[at - 1].reason == reason)
        return changes;
    bool is_same_time = at > 0 && changes[at - 1].since_us == since_us;
    struct condition_change *change = is_same_time ? changes + at - 1 : insert(condition, at);
    *change = (struct condition_change){reason, since_us};
    *count = (int)(changes + condition->count - change);
    return change;
}

const struct condition_change *condition_want(struct condition *condition, bool is_wanted,
                                              int64_t from_us, int64_t now_us, int *count)
{
    condition->is_unwanted = !is_wanted;
    condition->unwanted_since_us = from_us;
    /* Whatever was told of a later time was told without knowing this. */
    while (condition->count > 0 && condition->changes[condition->count - 1].since_us > from_us)
        condition->count--;
    if (!is_wanted)
        return tell(condition, RTSPREC_COVERAGE_NOT_SCHEDULED, from_us, now_us, count);
    if (condition->absence == 0)
        condition->absence = RTSPREC_COVERAGE_STOPPED;
    return tell(condition, condition->absence, from_us, now_us, count);
}

const struct condition_change *condition_absent(struct condition *condition,
                                                enum rtsprec_coverage_reason reason, int64_t now_us,
                                                int *count)
{
    condition->absence = reason;
    *count = 0;
    return condition->is_unwanted ? condition->changes
                                  : tell(condition, reason, now_us, now_us, count);
}

const struct condition_change *condition_connecting(struct condition *condition, int64_t now_us,
                                                    int *count)
{
    *count = 0;
    if (condition->absence != 0 && condition->absence != RTSPREC_COVERAGE_STOPPED)
        return condition->changes;
    return condition_absent(condition, RTSPREC_COVERAGE_CONNECTING, now_us, count);
}

void condition_arriving(struct condition *condition)
{
    condition->absence = RTSPREC_COVERAGE_CONNECTING;
}

const struct condition_change *condition_recorded(struct condition *condition, int64_t start_us,
                                                  int64_t now_us, int *count)
{
    return tell(condition, RTSPREC_COVERAGE_RECORDED, start_us, now_us, count);
}

const struct condition_change *condition_lost(struct condition *condition,
                                              enum rtsprec_coverage_reason reason, int64_t from_us,
                                              int64_t now_us, int *count)
{
    if (condition->is_unwanted && from_us >= condition->unwanted_since_us)
        reason = RTSPREC_COVERAGE_NOT_SCHEDULED;
    return tell(condition, reason, from_us, now_us, count);
}
