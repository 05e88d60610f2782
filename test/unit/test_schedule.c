#include "unit.h"

#include <inttypes.h>
#include <time.h>
#include <unistd.h>

#include <rtsprec/schedule.h>

#define ZONES "/usr/share/zoneinfo/"

#define MINUTES_PER_DAY 1440
#define YEAR_MINUTES    (366 * MINUTES_PER_DAY)

/* The zones come with tzdata (cmake/packages.txt). */
static void set_zone(const char *zone)
{
    char path[100];
    snprintf(path, sizeof(path), ZONES "%s", zone);
    require(access(path, R_OK) == 0, "%s", path);
    setenv("TZ", zone, 1);
    tzset();
}

static struct rtsprec_schedule *create(const char *rule)
{
    struct rtsprec_schedule *schedule;
    struct rtsprec_error error;
    require(rtsprec_schedule_create(&schedule, rule, &error) == 0, "%s is %s", rule, error.text);
    return schedule;
}

/* "2024-03-31 01:00:00", UTC */
static int64_t utc(const char *text)
{
    struct tm tm = {0};
    require(strptime(text, "%Y-%m-%d %H:%M:%S", &tm) != NULL, "%s", text);
    return timegm(&tm) * SECOND;
}

static void test_rules(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *written;
    } rows[] = {
        {"always", "always"},
        {"never", "never"},
        {"period:08-20", "period:08:00-20:00"},
        {"period:8-9", "period:08:00-09:00"},
        {"period:0-24", "period:00:00-24:00"},
        {"period:00:00-24:00", "period:00:00-24:00"},
        {"period:22-06", "period:22:00-06:00"},
        {"period:08:30-17:45", "period:08:30-17:45"},
        {"period:08-12,13-17", "period:08:00-12:00, 13:00-17:00"},
        {"period: 08-12 ,  13:15-17 ", "period:08:00-12:00, 13:15-17:00"},
        {"period:mon 08-18", "period:mon 08:00-18:00"},
        {"period:mon-mon 08-18", "period:mon 08:00-18:00"},
        {"period:Mon-FRI  08:00-18:00,sat 10-14,sun 0-1",
         "period:mon-fri 08:00-18:00, sat 10:00-14:00, sun 00:00-01:00"},
        {"period:mon-fri 08:00-18:00, sat 10-14", "period:mon-fri 08:00-18:00, sat 10:00-14:00"},
        {"period:sat-mon 23-01", "period:sat-mon 23:00-01:00"},
        {"period:0-1,1-2,2-3,3-4,4-5,5-6,6-7,7-8",
         "period:00:00-01:00, 01:00-02:00, 02:00-03:00, 03:00-04:00, 04:00-05:00, 05:00-06:00, "
         "06:00-07:00, 07:00-08:00"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct rtsprec_schedule *schedule = create(rows[i].rule);
        assert_string_equal(rtsprec_schedule_rule(schedule), rows[i].written);
        struct rtsprec_schedule *again = create(rows[i].written);
        assert_string_equal(rtsprec_schedule_rule(again), rows[i].written);
        rtsprec_schedule_destroy(&again);
        rtsprec_schedule_destroy(&schedule);
        assert_null(schedule);
        rtsprec_schedule_destroy(&schedule);
    }
    rtsprec_schedule_destroy(NULL);
}

static void test_what_is_no_rule(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *problem;
    } rows[] = {
        {"", ", expected \"always\", \"never\" or"},
        {"Always", ", expected \"always\", \"never\" or"},
        {"always ", ", expected \"always\", \"never\" or"},
        {"auto", ", expected \"always\", \"never\" or"},
        {"period", ", expected \"always\", \"never\" or"},
        {"period:", ": period 1 has no time"},
        {"period:08", ": period 1 has no end"},
        {"period:08-", ": period 1 has no time"},
        {"period:-20", ": period 1 has no time"},
        {"period:08-25", ": period 1 has a time that does not exist"},
        {"period:24-08", ": period 1 begins at 24"},
        {"period:08:60-20", ": period 1 has a time that does not exist"},
        {"period:08:-20", ": period 1 has no minutes"},
        {"period:08-24:01", ": period 1 has a time that does not exist"},
        {"period:8-8", ": period 1 ends when it begins"},
        {"period:08-08:00", ": period 1 ends when it begins"},
        {"period:008-20", ": period 1 has no time"},
        {"period:08-20,", ": period 2 has no time"},
        {"period:,08-20", ": period 1 has no time"},
        {"period:08-20;", ": period 1 goes on behind its end"},
        {"period:mon08-20", ": period 1 has no space"},
        {"period:mon- 08-20", ": period 1 names no weekday"},
        {"period:08-20,fry 08-20", ": period 2 names no weekday"},
        {"period:mon-fri", ": period 1 has no space"},
        {"period:mon,08-20", ": period 1 has no space"},
        {"period:08.30-20", ": period 1 has no end"},
        {"period:08 - 20", ": period 1 has no end"},
        {"period:08-20 always", ": period 1 goes on behind its end"},
        {"period:99999999999999999999-20", ": period 1 has no time"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct rtsprec_schedule *schedule = (void *)&schedule;
        struct rtsprec_error error = {0};
        int err = rtsprec_schedule_create(&schedule, rows[i].rule, &error);
        require(err == RTSPREC_ERROR_INVALID && error.code == err && schedule == NULL, "%s",
                rows[i].rule);
        require(strncmp(error.text, "no schedule", 11) == 0 &&
                    strstr(error.text, rows[i].problem) == error.text + 11 &&
                    strstr(error.text, ", expected "),
                "%s: %s", rows[i].rule, error.text);
        assert_int_equal(rtsprec_schedule_create(&schedule, rows[i].rule, NULL), err);
    }
}

/* What changes at an instant, and that it does not a microsecond before. */
static void test_tables(void **state)
{
    (void)state;
    static const struct {
        const char *rule, *zone, *utc;
        bool before, at;
    } rows[] = {
        /* Half-open. */
        {"period:08-20", "UTC", "2024-01-15 08:00:00", false, true},
        {"period:08-20", "UTC", "2024-01-15 20:00:00", true, false},
        {"period:08:30-08:31", "UTC", "2024-01-15 08:31:00", true, false},
        {"period:08-10,10-12", "UTC", "2024-01-15 10:00:00", true, true},
        {"period:08-11,10-12", "UTC", "2024-01-15 11:00:00", true, true},
        /* Midnight: 24 is the end of the day, and the next one begins. */
        {"period:08-24", "UTC", "2024-01-16 00:00:00", true, false},
        {"period:0-24", "UTC", "2024-01-16 00:00:00", true, true},
        {"period:mon 08-24", "UTC", "2024-01-16 00:00:00", true, false},
        {"period:22-06", "UTC", "2024-01-16 00:00:00", true, true},
        {"period:22-06", "UTC", "2024-01-16 06:00:00", true, false},
        {"period:22-0", "UTC", "2024-01-16 00:00:00", true, false},
        /* A local midnight is not that of UTC. */
        {"period:00-01", "Asia/Kolkata", "2024-01-15 18:30:00", false, true},
        {"period:00-01", "America/New_York", "2024-01-15 05:00:00", false, true},
        /* The week ends on Sunday; over midnight a period is of the day it begins on. */
        {"period:mon-fri 08-18", "UTC", "2024-01-19 18:00:00", true, false},
        {"period:mon-fri 08-18", "UTC", "2024-01-20 08:00:00", false, false},
        {"period:mon-fri 08-18", "UTC", "2024-01-22 08:00:00", false, true},
        {"period:sun 22-06", "UTC", "2024-01-21 22:00:00", false, true},
        {"period:sun 22-06", "UTC", "2024-01-22 00:00:00", true, true},
        {"period:sun 22-06", "UTC", "2024-01-22 06:00:00", true, false},
        {"period:sun 22-06", "UTC", "2024-01-21 06:00:00", false, false},
        {"period:fri-mon 00-24", "UTC", "2024-01-19 00:00:00", false, true},
        {"period:fri-mon 00-24", "UTC", "2024-01-22 00:00:00", true, true},
        {"period:fri-mon 00-24", "UTC", "2024-01-23 00:00:00", true, false},
        /* Before 1970 weeks have the same days: 1969-12-29 was a Monday. */
        {"period:mon 08-18", "UTC", "1969-12-29 08:00:00", false, true},
        /* The leap day was a Thursday; in 2023 Wednesday was followed by March. */
        {"period:thu 00-24", "UTC", "2024-02-29 00:00:00", false, true},
        {"period:thu 00-24", "UTC", "2024-03-01 00:00:00", true, false},
        {"period:wed 22-02", "UTC", "2023-03-01 22:00:00", false, true},
        {"period:wed 22-02", "Europe/Berlin", "2024-02-29 01:00:00", true, false},
        /* The hour that is missing: on 2024-03-31 02:00 is 03:00, at 01:00 UTC. */
        {"period:02-03", "Europe/Berlin", "2024-03-31 01:00:00", false, false},
        {"period:02:30-03:30", "Europe/Berlin", "2024-03-31 01:00:00", false, true},
        {"period:02:30-03:30", "Europe/Berlin", "2024-03-31 01:30:00", true, false},
        {"period:01-02", "Europe/Berlin", "2024-03-31 01:00:00", true, false},
        {"period:01-02:30", "Europe/Berlin", "2024-03-31 01:00:00", true, false},
        {"period:03-04", "Europe/Berlin", "2024-03-31 01:00:00", false, true},
        {"period:08-20", "Europe/Berlin", "2024-03-30 07:00:00", false, true},
        {"period:08-20", "Europe/Berlin", "2024-03-31 06:00:00", false, true},
        /* The hour that comes twice: on 2024-10-27 03:00 is 02:00, at 01:00 UTC. */
        {"period:02-03", "Europe/Berlin", "2024-10-27 00:00:00", false, true},
        {"period:02-03", "Europe/Berlin", "2024-10-27 01:00:00", true, true},
        {"period:02-03", "Europe/Berlin", "2024-10-27 02:00:00", true, false},
        {"period:02:30-03", "Europe/Berlin", "2024-10-27 00:30:00", false, true},
        {"period:02:30-03", "Europe/Berlin", "2024-10-27 01:00:00", true, false},
        {"period:02:30-03", "Europe/Berlin", "2024-10-27 01:30:00", false, true},
        {"period:03-04", "Europe/Berlin", "2024-10-27 01:00:00", false, false},
        {"period:03-04", "Europe/Berlin", "2024-10-27 02:00:00", false, true},
        {"period:08-20", "Europe/Berlin", "2024-10-27 07:00:00", false, true},
        {"period:sun 02-03", "America/New_York", "2024-03-10 07:00:00", false, false},
        {"period:sun 01-02", "America/New_York", "2024-11-03 06:00:00", true, true},
        {"period:sun 01-02", "America/New_York", "2024-11-03 07:00:00", true, false},
        /* Half an hour on Lord Howe: 02:00 is 02:30 on 2024-10-06, at 15:30 UTC of the day before.
         */
        {"period:02-03", "Australia/Lord_Howe", "2024-10-05 15:30:00", false, true},
        {"period:02-03", "Australia/Lord_Howe", "2024-10-05 16:00:00", true, false},
        /* Midnight itself was missing in Sao Paulo on 2018-11-04, at 03:00 UTC. */
        {"period:sun 00-01", "America/Sao_Paulo", "2018-11-04 03:00:00", false, false},
        {"period:sun 00-02", "America/Sao_Paulo", "2018-11-04 03:00:00", false, true},
        {"period:sat 22-24", "America/Sao_Paulo", "2018-11-04 03:00:00", true, false},
        /* Friday 2011-12-30 did not come in Samoa. */
        {"period:fri 00-24", "Pacific/Apia", "2011-12-30 10:00:00", false, false},
        {"period:sat 00-24", "Pacific/Apia", "2011-12-30 10:00:00", false, true},
        {"period:thu 22-06", "Pacific/Apia", "2011-12-30 10:00:00", true, false},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        set_zone(rows[i].zone);
        struct rtsprec_schedule *schedule = create(rows[i].rule);
        int64_t at = utc(rows[i].utc);
        require(rtsprec_schedule_is_on(schedule, at - 1) == rows[i].before, "row %zu, before", i);
        require(rtsprec_schedule_is_on(schedule, at) == rows[i].at, "row %zu, at", i);
        int64_t change = rtsprec_schedule_next_change(schedule, at - 1);
        require((change == at) == (rows[i].before != rows[i].at), "row %zu, %+" PRId64 " us", i,
                change - at);
        rtsprec_schedule_destroy(&schedule);
    }
}

static void test_what_never_changes(void **state)
{
    (void)state;
    static const char *const rules[] = {
        "always", "never", "period:00-24", "period:08-20,20-08", "period:mon-thu 0-24,fri-sun 0-24",
    };
    static const int64_t instants[] = {INT64_MIN, -1, 0, INT64_C(1711846800) * SECOND, INT64_MAX};
    set_zone("Europe/Berlin");
    for (size_t i = 0; i < LENGTH(rules); i++) {
        struct rtsprec_schedule *schedule = create(rules[i]);
        for (size_t j = 0; j < LENGTH(instants); j++) {
            require(rtsprec_schedule_is_on(schedule, instants[j]) ==
                        (strcmp(rules[i], "never") != 0),
                    "%s", rules[i]);
            assert_true(rtsprec_schedule_next_change(schedule, instants[j]) ==
                        RTSPREC_SCHEDULE_NO_CHANGE);
        }
        rtsprec_schedule_destroy(&schedule);
    }
}

static void test_the_ends_of_time(void **state)
{
    (void)state;
    set_zone("Europe/Berlin");
    struct rtsprec_schedule *schedule = create("period:08-20");
    assert_true(rtsprec_schedule_next_change(schedule, INT64_MAX) == RTSPREC_SCHEDULE_NO_CHANGE);
    assert_true(rtsprec_schedule_next_change(schedule, INT64_MIN) < 0);
    assert_true(rtsprec_schedule_is_on(schedule, INT64_MAX) ==
                rtsprec_schedule_is_on(schedule, INT64_MAX - 1));
    rtsprec_schedule_destroy(&schedule);
}

/* Years against an evaluation that knows nothing but wall clocks: of each minute of the year, the
 * weekday and the minute of the day that localtime_r() says, held against the periods one by one.
 */

struct naive_period {
    const char *days; /* "0123456", 0: Sunday as in struct tm */
    int start, end;   /* minutes */
};

static const struct {
    const char *rule;
    struct naive_period periods[4];
} simulated[] = {
    {"always", {{"0123456", 0, 1440}}},
    {"never", {{"", 0, 1440}}},
    {"period:08-20", {{"0123456", 480, 1200}}},
    {"period:22:15-06:45", {{"0123456", 1335, 405}}},
    {"period:mon-fri 08:00-18:00, sat 10-14", {{"12345", 480, 1080}, {"6", 600, 840}}},
    {"period:sat-mon 23-02:30,wed 0-24", {{"601", 1380, 150}, {"3", 0, 1440}}},
    {"period:sun 01:30-02:15,sun 02:45-03,0:00-0:01",
     {{"0", 90, 135}, {"0", 165, 180}, {"0123456", 0, 1}}},
};

/* Years in which something happens to the zone's clocks. */
static const struct {
    const char *zone;
    int year;
} years[] = {
    {"UTC", 2024},
    {"Europe/Berlin", 2024},
    {"America/New_York", 2024},
    {"Australia/Lord_Howe", 2024}, /* by half an hour */
    {"Asia/Kolkata", 2024},        /* never, and at :30 */
    {"America/St_Johns", 2010},    /* at 00:01, and at :30 */
    {"Pacific/Apia", 2011},        /* also by a day */
    {"Asia/Tehran", 2022},         /* at midnight, and at :30 */
    {"Africa/Casablanca", 2024},   /* back before Ramadan and on after it */
    {"America/Sao_Paulo", 2018},   /* at midnight */
};

struct wall {
    int weekday, minute;
};

static bool is_on_naively(const struct naive_period *periods, struct wall wall)
{
    for (int i = 0; i < 4 && periods[i].days; i++) {
        const struct naive_period *period = &periods[i];
        bool today = strchr(period->days, '0' + wall.weekday) != NULL;
        bool yesterday = strchr(period->days, '0' + (wall.weekday + 6) % 7) != NULL;
        if (period->start < period->end) {
            if (today && wall.minute >= period->start && wall.minute < period->end)
                return true;
        } else if ((today && wall.minute >= period->start) ||
                   (yesterday && wall.minute < period->end)) {
            return true;
        }
    }
    return false;
}

/* All that the schedule says of the year; on: what it should say of each minute. */
static void check_year(const struct rtsprec_schedule *schedule, int64_t start_us, const bool *on,
                       const char *rule, const char *zone)
{
    uint64_t random = 20240331;
    int64_t change_us = -1; /* the next one behind this minute, within the year */
    for (int i = YEAR_MINUTES - 1; i >= 0; i--) {
        int64_t at_us = start_us + i * MINUTE;
        require(rtsprec_schedule_is_on(schedule, at_us) == on[i], "%s in %s, minute %d", rule, zone,
                i);
        bool is_last = i == YEAR_MINUTES - 1;
        bool has_changed = !is_last && on[i] != on[i + 1];
        if (has_changed)
            change_us = at_us + MINUTE;
        /* At each change, before and behind it, and here and there. */
        bool is_first = i > 0 && on[i] != on[i - 1];
        if (change_us < 0 || !(has_changed || is_first || next_random(&random) % 500 == 0))
            continue;
        int64_t within_us = at_us + random_between(&random, 0, MINUTE - 1);
        require(rtsprec_schedule_next_change(schedule, within_us) == change_us,
                "%s in %s, minute %d", rule, zone, i);
        require(rtsprec_schedule_next_change(schedule, at_us) == change_us, "%s in %s, minute %d",
                rule, zone, i);
        require(rtsprec_schedule_is_on(schedule, within_us) == on[i], "%s in %s, minute %d", rule,
                zone, i);
    }
}

static void test_years(void **state)
{
    (void)state;
    struct wall *walls = malloc(YEAR_MINUTES * sizeof(*walls));
    bool *on = malloc(YEAR_MINUTES * sizeof(*on));
    for (size_t i = 0; i < LENGTH(years); i++) {
        set_zone(years[i].zone);
        struct tm first = {.tm_year = years[i].year - 1900, .tm_mday = 1};
        time_t start = timegm(&first);
        for (int minute = 0; minute < YEAR_MINUTES; minute++) {
            time_t at = start + (time_t)minute * 60;
            struct tm local;
            localtime_r(&at, &local);
            walls[minute] = (struct wall){local.tm_wday, local.tm_hour * 60 + local.tm_min};
        }
        for (size_t j = 0; j < LENGTH(simulated); j++) {
            for (int minute = 0; minute < YEAR_MINUTES; minute++)
                on[minute] = is_on_naively(simulated[j].periods, walls[minute]);
            struct rtsprec_schedule *schedule = create(simulated[j].rule);
            check_year(schedule, start * SECOND, on, simulated[j].rule, years[i].zone);
            rtsprec_schedule_destroy(&schedule);
        }
    }
    free(on);
    free(walls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_what_is_no_rule),
        cmocka_unit_test(test_tables),
        cmocka_unit_test(test_what_never_changes),
        cmocka_unit_test(test_the_ends_of_time),
        cmocka_unit_test(test_years),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
