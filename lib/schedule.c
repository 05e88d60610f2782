/* Is it time to record? Pure: the instant is an argument, the time zone is the process's. */
#include <rtsprec/schedule.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/error.h"

#define US_PER_MINUTE    (60 * US_PER_SECOND)
#define MINUTES_PER_DAY  (24 * 60)
#define MINUTES_PER_WEEK (7 * MINUTES_PER_DAY)

/* 1970-01-01 was a Thursday, and weeks begin on Monday. */
#define EPOCH_MINUTE (3 * MINUTES_PER_DAY)

/* Changes of a zone's offset are looked for at this distance: no zone has had two within it. */
#define OFFSET_STEP_US (60 * US_PER_MINUTE)

/* Beyond, 144,000 years from now, nothing changes any more; and no sum overflows. */
#define FARTHEST_US (INT64_MAX / 2)

#define PREFIX "period:"

/* "mon-fri 08:00-18:00, ": the most that a period takes when it is written out. */
#define PERIOD_BYTES 21

#define HOURS "hours such as 08-20, 08:30-17:00 or mon-fri 08-18,sat 10-14"

struct rtsprec_schedule {
    uint64_t on[(MINUTES_PER_WEEK + 63) / 64]; /* a bit per minute of the local week */
    bool changes;                              /* there are minutes of both kinds */
    char rule[];
};

struct period {
    int first_day, last_day; /* 0: Monday */
    int start, end;          /* minutes of the day; end <= start: of the next */
    bool has_days;
};

static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* Reading. Each of these moves *at behind what it has read, and leaves it anywhere after a failure,
 * of which it returns what the period does wrong; else NULL. */

static const char *read_day(const char **at, int *day)
{
    for (*day = 0; *day < 7; (*day)++) {
        if (strncasecmp(*at, days[*day], 3) == 0) {
            *at += 3;
            return NULL;
        }
    }
    return "names no weekday that is known";
}

static const char *read_days(const char **at, struct period *period)
{
    const char *problem = read_day(at, &period->first_day);
    period->last_day = period->first_day;
    period->has_days = true;
    if (!problem && **at == '-') {
        (*at)++;
        problem = read_day(at, &period->last_day);
    }
    if (problem)
        return problem;
    if (**at != ' ')
        return "has no space behind its weekdays";
    *at += strspn(*at, " ");
    return NULL;
}

static bool read_two_digits(const char **at, int *number)
{
    size_t count = strspn(*at, "0123456789");
    if (count < 1 || count > 2)
        return false;
    *number = 0;
    for (size_t i = 0; i < count; i++)
        *number = *number * 10 + ((*at)[i] - '0');
    *at += count;
    return true;
}

static const char *read_minutes(const char **at, int *minutes)
{
    int hour, minute = 0;
    if (!read_two_digits(at, &hour))
        return "has no time where one belongs";
    if (**at == ':') {
        (*at)++;
        if (!read_two_digits(at, &minute))
            return "has no minutes behind a colon";
    }
    *minutes = hour * 60 + minute;
    return minute < 60 && *minutes <= MINUTES_PER_DAY ? NULL : "has a time that does not exist";
}

static const char *read_period(const char **at, struct period *period)
{
    const char *problem;
    *period = (struct period){.last_day = 6};
    *at += strspn(*at, " ");
    if (isalpha((unsigned char)**at) && (problem = read_days(at, period)))
        return problem;
    if ((problem = read_minutes(at, &period->start)))
        return problem;
    if (**at != '-')
        return "has no end";
    (*at)++;
    if ((problem = read_minutes(at, &period->end)))
        return problem;
    if (period->start == MINUTES_PER_DAY)
        return "begins at 24";
    if (period->start == period->end)
        return "ends when it begins";
    *at += strspn(*at, " ");
    return **at == ',' || **at == '\0' ? NULL : "goes on behind its end";
}

/* Keeping. */

static void set_on(struct rtsprec_schedule *schedule, int first, int count)
{
    for (int i = 0; i < count; i++) {
        int minute = (first + i) % MINUTES_PER_WEEK;
        schedule->on[minute / 64] |= UINT64_C(1) << minute % 64;
    }
}

static void add_period(struct rtsprec_schedule *schedule, const struct period *period)
{
    int length = period->end - period->start;
    int day_count = (period->last_day - period->first_day + 7) % 7 + 1;
    if (length < 0)
        length += MINUTES_PER_DAY;
    for (int i = 0; i < day_count; i++)
        set_on(schedule, (period->first_day + i) % 7 * MINUTES_PER_DAY + period->start, length);
}

static void write_period(char **at, const struct period *period)
{
    if (period->has_days) {
        *at += sprintf(*at, "%s", days[period->first_day]);
        if (period->last_day != period->first_day)
            *at += sprintf(*at, "-%s", days[period->last_day]);
        *at += sprintf(*at, " ");
    }
    *at += sprintf(*at, "%02d:%02d-%02d:%02d", period->start / 60, period->start % 60,
                   period->end / 60, period->end % 60);
}

static int read_periods(struct rtsprec_schedule *schedule, const char *text,
                        struct rtsprec_error *error)
{
    char *at = schedule->rule + sprintf(schedule->rule, PREFIX);
    for (int number = 1;; number++) {
        struct period period;
        const char *problem = read_period(&text, &period);
        if (problem)
            return error_set(error, RTSPREC_ERROR_INVALID,
                             "no schedule: period %d %s, expected " HOURS, number, problem);
        add_period(schedule, &period);
        write_period(&at, &period);
        if (*text == '\0')
            return 0;
        text++;
        at += sprintf(at, ", ");
    }
}

static bool is_on_at(const struct rtsprec_schedule *schedule, int minute)
{
    return schedule->on[minute / 64] >> minute % 64 & 1;
}

int rtsprec_schedule_create(struct rtsprec_schedule **out, const char *rule,
                            struct rtsprec_error *error)
{
    *out = NULL;
    error_clear(error);
    /* A period takes at least the 4 bytes of "8-9,". */
    size_t size = sizeof(PREFIX) + (strlen(rule) / 4 + 1) * PERIOD_BYTES;
    struct rtsprec_schedule *schedule = calloc(1, sizeof(*schedule) + size);
    if (!schedule)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    int err = 0;
    if (!strcmp(rule, "always") || !strcmp(rule, "never")) {
        set_on(schedule, 0, *rule == 'a' ? MINUTES_PER_WEEK : 0);
        memcpy(schedule->rule, rule, strlen(rule) + 1);
    } else if (!strncmp(rule, PREFIX, strlen(PREFIX))) {
        err = read_periods(schedule, rule + strlen(PREFIX), error);
    } else {
        err = error_set(error, RTSPREC_ERROR_INVALID,
                        "no schedule, expected \"always\", \"never\" or \"" PREFIX "\" and " HOURS);
    }
    for (int minute = 1; minute < MINUTES_PER_WEEK; minute++)
        schedule->changes |= is_on_at(schedule, minute) != is_on_at(schedule, 0);
    *out = schedule;
    if (err < 0)
        rtsprec_schedule_destroy(out);
    return err;
}

void rtsprec_schedule_destroy(struct rtsprec_schedule **schedule)
{
    if (!schedule)
        return;
    free(*schedule);
    *schedule = NULL;
}

const char *rtsprec_schedule_rule(const struct rtsprec_schedule *schedule)
{
    return schedule->rule;
}

/* Asking. */

static int minute_of_week(int64_t local_us)
{
    int64_t minute = floor_div(local_us, US_PER_MINUTE) + EPOCH_MINUTE;
    return (int)(minute - floor_div(minute, MINUTES_PER_WEEK) * MINUTES_PER_WEEK);
}

bool rtsprec_schedule_is_on(const struct rtsprec_schedule *schedule, int64_t unix_us)
{
    if (unix_us > FARTHEST_US)
        unix_us = FARTHEST_US;
    if (unix_us < -FARTHEST_US)
        unix_us = -FARTHEST_US;
    return is_on_at(schedule, minute_of_week(unix_us + clock_utc_offset_us(unix_us)));
}

/* The first local time after local_us at which it is not as it was; there is one. */
static int64_t next_in_week(const struct rtsprec_schedule *schedule, int64_t local_us, bool was_on)
{
    int minute = minute_of_week(local_us), count = 1;
    while (is_on_at(schedule, (minute + count) % MINUTES_PER_WEEK) == was_on)
        count++;
    return (floor_div(local_us, US_PER_MINUTE) + count) * US_PER_MINUTE;
}

/* The first instant in (from_us, until_us] at which the zone's offset is not what it was; INT64_MAX
 * when there is none. */
static int64_t next_offset_change(int64_t from_us, int64_t until_us)
{
    int64_t offset_us = clock_utc_offset_us(from_us);
    for (int64_t at_us = from_us; at_us < until_us;) {
        int64_t next_us = until_us - at_us > OFFSET_STEP_US ? at_us + OFFSET_STEP_US : until_us;
        if (clock_utc_offset_us(next_us) == offset_us) {
            at_us = next_us;
            continue;
        }
        int64_t before = floor_div(at_us, US_PER_SECOND), after = floor_div(next_us, US_PER_SECOND);
        while (after - before > 1) {
            int64_t middle = before + (after - before) / 2;
            if (clock_utc_offset_us(middle * US_PER_SECOND) == offset_us)
                before = middle;
            else
                after = middle;
        }
        return after * US_PER_SECOND;
    }
    return INT64_MAX;
}

int64_t rtsprec_schedule_next_change(const struct rtsprec_schedule *schedule, int64_t unix_us)
{
    if (!schedule->changes)
        return RTSPREC_SCHEDULE_NO_CHANGE;
    if (unix_us < -FARTHEST_US)
        unix_us = -FARTHEST_US;
    bool was_on = rtsprec_schedule_is_on(schedule, unix_us);
    for (int64_t at_us = unix_us; at_us <= FARTHEST_US;) {
        int64_t offset_us = clock_utc_offset_us(at_us);
        int64_t change_us = next_in_week(schedule, at_us + offset_us, was_on) - offset_us;
        int64_t shift_us = next_offset_change(at_us, change_us);
        if (shift_us == INT64_MAX)
            return change_us;
        if (rtsprec_schedule_is_on(schedule, shift_us) != was_on)
            return shift_us;
        at_us = shift_us;
    }
    return RTSPREC_SCHEDULE_NO_CHANGE;
}
