/*
 * Schedules: at which times a camera is to be recorded. Nothing here waits or reads a clock; what a
 * schedule says of an instant is done with rtsprec_camera_set_recording().
 */
#ifndef RTSPREC_SCHEDULE_H
#define RTSPREC_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/error.h>
#include <rtsprec/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A rule that was read: on or off for each minute of a week.
 *
 * It is a matter of what a clock on the wall shows, in the time zone of the process (TZ). An hour
 * that comes twice, when clocks go back, is on both times or off both times; one that is left out
 * when they go forward does not come, and neither does a period that lies within it.
 *
 * Thread-safety: constant once created, any number of threads; nobody may change TZ meanwhile.
 */
struct rtsprec_schedule;

/** rtsprec_schedule_next_change(): it stays as it is for ever. */
#define RTSPREC_SCHEDULE_NO_CHANGE INT64_MAX

/**
 * Reads a rule.
 *
 * - `always`, `never`
 * - `period:` and one or more periods with commas between them: `[DAYS ]START-END`. START and END
 *   are `HH` or `HH:MM`; START is in the period, END is not any more, and 24 stands at an end only.
 *   An END before its START is on the next day, whatever weekday that is. DAYS are those on which
 *   the period begins, `mon` or `mon-fri` (`sat-mon` are three); without them every day.
 *
 * Periods may touch and overlap: it is on where at least one of them is.
 *
 * @param[out] out    the schedule, the caller's to destroy; NULL after an error
 * @param[in]  rule   the rule as a string; nobody needs it afterwards
 * @param[out] error  what is wrong and what was expected, without the rule itself, so that
 *                    "RULE is " can stand before it; may be NULL
 * @return 0, RTSPREC_ERROR_INVALID, RTSPREC_ERROR_NO_MEMORY
 */
RTSPREC_API int rtsprec_schedule_create(struct rtsprec_schedule **out, const char *rule,
                                        struct rtsprec_error *error);

/** Frees a schedule and sets *schedule to NULL. NULL is ignored. */
RTSPREC_API void rtsprec_schedule_destroy(struct rtsprec_schedule **schedule);

/**
 * The rule in one way of writing it: "period:mon-fri 08:00-18:00, sat 22:00-06:00". It can be read
 * again, and belongs to the schedule.
 */
RTSPREC_API const char *rtsprec_schedule_rule(const struct rtsprec_schedule *schedule);

/** Whether it is time to record. @p unix_us is in µs since 1970-01-01 UTC. */
RTSPREC_API bool rtsprec_schedule_is_on(const struct rtsprec_schedule *schedule, int64_t unix_us);

/**
 * The first instant after @p unix_us, µs since 1970-01-01 UTC, at which rtsprec_schedule_is_on()
 * says something else than at @p unix_us. Where clocks are changed in between, that is taken into
 * account. It takes microseconds, up to some hundred when the change is days away.
 *
 * @return the instant, or RTSPREC_SCHEDULE_NO_CHANGE
 */
RTSPREC_API int64_t rtsprec_schedule_next_change(const struct rtsprec_schedule *schedule,
                                                 int64_t unix_us);

#ifdef __cplusplus
}
#endif

#endif
