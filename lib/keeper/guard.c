#include "keeper/guard.h"

#include <stdio.h>
#include <stdlib.h>

#include "archive/limits.h"
#include "base/clock.h"
#include "keeper/room.h"

/* After a pass that could not be made. */
#define RETRY_US (10 * US_PER_SECOND)

/* Of a pass, where much has to go: what is noted and a stop wait for no more. */
#define LONGEST_PASS_US US_PER_SECOND

/* A writer that asks again so soon after a pass in vain finds nothing new. */
#define VAIN_US US_PER_SECOND

/* Of a clock, until files may go by their age; and what it may be set without beginning anew. */
#define CLOCK_HOLDS_US (600 * US_PER_SECOND)
#define CLOCK_SET_US   (3600 * US_PER_SECOND)

void guard_init(struct guard *guard, struct dispatcher *dispatcher, const char *directory)
{
    *guard = (struct guard){
        .dispatcher = dispatcher,
        .directory = directory,
        .room_bytes = INT64_MAX,
    };
}

void guard_uninit(struct guard *guard)
{
    limits_free(&guard->next_limits);
    limits_free(&guard->limits);
}

struct rtsprec_archive_limits *guard_set_limits(struct guard *guard,
                                                struct rtsprec_archive_limits *limits,
                                                int64_t now_us)
{
    struct rtsprec_archive_limits *old = guard->next_limits;
    guard->next_limits = limits;
    guard->has_next = true;
    guard->is_active = limits != NULL;
    guard->keep_free_bytes = limits ? limits->keep_free_bytes : 0;
    guard->due_us = now_us;
    guard->vain_us = 0;
    return old;
}

int64_t guard_due_us(const struct guard *guard)
{
    return !guard->is_active ? INT64_MAX : guard->is_wanted ? INT64_MIN : guard->due_us;
}

bool guard_is_short(const struct guard *guard, int64_t free_bytes, const struct guard_load *load,
                    int64_t now_us)
{
    if (!guard->is_active || (guard->vain_us != 0 && now_us - guard->vain_us < VAIN_US))
        return false;
    int64_t left_bytes = guard->room_bytes;
    if (left_bytes != INT64_MAX)
        left_bytes -= load->total_bytes - guard->room_total;
    if (guard->keep_free_bytes > 0 && free_bytes != INT64_MAX &&
        free_bytes - guard->keep_free_bytes < left_bytes)
        left_bytes = free_bytes - guard->keep_free_bytes;
    return room_is_short(left_bytes, load->bytes_per_second, guard->due_us - now_us);
}

struct rtsprec_archive_limits *guard_begin(struct guard *guard)
{
    guard->is_wanted = false;
    if (!guard->has_next)
        return NULL;
    struct rtsprec_archive_limits *old = guard->limits;
    guard->limits = guard->next_limits;
    guard->next_limits = NULL;
    guard->has_next = false;
    return old;
}

void guard_end(struct guard *guard, const struct guard_result *result,
               const struct guard_load *load, int64_t now_us)
{
    guard->passes++;
    guard->room_bytes = result->room_bytes;
    guard->room_total = load->total_bytes;
    guard->vain_us = result->is_in_vain || result->is_failed ? now_us : 0;
    /* Limits that were set meanwhile are not yet kept. */
    if (!guard->has_next)
        guard->due_us = now_us + (result->is_cut ? 0
                                  : result->is_failed
                                      ? RETRY_US
                                      : room_pause_us(result->room_bytes, load->bytes_per_second,
                                                      result->is_in_vain));
}

static void tell_kept(struct guard *guard, const struct rtsprec_archive_deletion *deletion)
{
    if (!guard->is_told_stuck)
        dispatcher_log(guard->dispatcher, RTSPREC_LOG_WARNING, deletion->camera,
                       "%s/%s: cannot be deleted and stays: %s", guard->directory, deletion->path,
                       deletion->failure);
    guard->is_told_stuck = true;
}

static bool tell_deleted(void *user, const struct rtsprec_archive_deletion *deletion)
{
    struct guard *guard = user;
    bool goes_on = clock_monotonic_us() - guard->pass_us < LONGEST_PASS_US;
    if (deletion->failure) {
        tell_kept(guard, deletion);
        return goes_on;
    }
    char *path = NULL;
    if (asprintf(&path, "%s/%s", guard->directory, deletion->path) < 0)
        path = NULL;
    char why[100];
    snprintf(why, sizeof(why), "%s%s%s", rtsprec_deletion_reason_name((int)deletion->reason),
             deletion->is_young ? ", younger than its minimum age" : "",
             deletion->is_protected ? ", protected" : "");
    struct rtsprec_event event = {
        .type = RTSPREC_EVENT_SEGMENT_DELETED,
        .camera = deletion->camera,
        .u.deleted =
            {
                .path = path ? path : deletion->path,
                .start_us = deletion->start_us,
                .end_us = deletion->end_us,
                .bytes = deletion->bytes,
                .why = why,
            },
    };
    dispatcher_post(guard->dispatcher, &event);
    free(path);
    return goes_on;
}

/* A state is told when it begins and when it ends. */
static void tell_short(struct guard *guard, const struct retain_result *result)
{
    bool is_short = result->short_bytes > 0 || result->is_keep_free_impossible;
    if (is_short == guard->is_told_short)
        return;
    guard->is_told_short = is_short;
    if (result->is_keep_free_impossible)
        dispatcher_log(guard->dispatcher, RTSPREC_LOG_ERROR, NULL,
                       "%s: %.3f GB are to stay free, which is more than the disk has: nothing is "
                       "deleted for that",
                       guard->directory, (double)guard->limits->keep_free_bytes / 1e9);
    else if (is_short)
        dispatcher_log(guard->dispatcher, RTSPREC_LOG_WARNING, NULL,
                       "%s: the limits cannot be kept (%s): %.3f GB too much, and nothing is left "
                       "that may be deleted",
                       guard->directory, rtsprec_deletion_reason_name((int)result->short_of),
                       (double)result->short_bytes / 1e9);
    else
        dispatcher_log(guard->dispatcher, RTSPREC_LOG_INFO, NULL, "%s: the limits are kept again",
                       guard->directory);
}

void guard_tell_failure(struct guard *guard, const struct guard_result *result)
{
    const struct rtsprec_error *error = &result->error;
    if (!result->is_failed || error->code == 0)
        return;
    if (guard->trouble == 0)
        dispatcher_log(guard->dispatcher, RTSPREC_LOG_ERROR, NULL,
                       "%s: nothing can be deleted to keep the limits: %s", guard->directory,
                       error->text);
    guard->trouble = error->code;
}

bool guard_is_clock_new(struct guard *guard, int64_t real_us, int64_t monotonic_us)
{
    int64_t set_us = real_us - monotonic_us - guard->ahead_us;
    if (guard->held_us == 0 || set_us > CLOCK_SET_US || set_us < -CLOCK_SET_US) {
        guard->held_us = monotonic_us;
        guard->ahead_us = real_us - monotonic_us;
    }
    return monotonic_us - guard->held_us < CLOCK_HOLDS_US;
}

void guard_pass(struct guard *guard, struct catalog *catalog, struct retention_need *need,
                struct guard_result *result)
{
    *result = (struct guard_result){.room_bytes = INT64_MAX};
    if (!guard->limits)
        return;
    guard->pass_us = clock_monotonic_us();
    need->is_clock_new = guard_is_clock_new(guard, need->now_us, guard->pass_us);
    struct retain_result retained = {0};
    int err = catalog ? retain(catalog, guard->directory, guard->limits, need, false, tell_deleted,
                               guard, &retained, &result->error)
                      : RTSPREC_ERROR_STATE;
    result->is_failed = err < 0;
    if (err < 0)
        return;
    guard->trouble = 0;
    guard->is_told_stuck = retained.failed > 0;
    if (!retained.is_ended) /* else nobody knows */
        tell_short(guard, &retained);
    result->is_cut = retained.is_ended && retained.deleted > 0;
    result->is_in_vain = retained.short_bytes > 0;
    result->room_bytes = retained.room_bytes;
}
