/* What is wanted of a camera when, and how that is told. */
#include "timetable.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#define SECOND INT64_C(1000000)
#define HOUR   (3600 * SECOND)
#define DAY    (24 * HOUR)

/* 2024-01-15 00:00:00 UTC, a Monday. */
#define MONDAY (INT64_C(1705276800) * SECOND)

static struct timetable timetable_of(const char *rule, bool keep_connected)
{
    struct timetable timetable;
    struct settings settings = {.schedule = (char *)rule, .keep_connected = keep_connected};

    assert_int_equal(timetable_init(&timetable, &settings), 0);
    return timetable;
}

static void check(struct timetable *timetable, int64_t now_us, enum rtsprec_recording wanted,
                  int64_t until_us)
{
    assert_int_equal(timetable_ask(timetable, now_us), wanted);
    assert_int_equal(timetable->until_us, until_us);
}

static void a_camera_is_connected_ahead(void **state)
{
    struct timetable timetable = timetable_of("period:08-20", false);

    (void)state;
    check(&timetable, MONDAY, RTSPREC_RECORDING_OFF, MONDAY + 8 * HOUR - 10 * SECOND);
    check(&timetable, MONDAY + 8 * HOUR - 10 * SECOND - 1, RTSPREC_RECORDING_OFF,
          MONDAY + 8 * HOUR - 10 * SECOND);
    check(&timetable, MONDAY + 8 * HOUR - 10 * SECOND, RTSPREC_RECORDING_STANDBY,
          MONDAY + 8 * HOUR);
    check(&timetable, MONDAY + 8 * HOUR - 1, RTSPREC_RECORDING_STANDBY, MONDAY + 8 * HOUR);
    check(&timetable, MONDAY + 8 * HOUR, RTSPREC_RECORDING_ON, MONDAY + 20 * HOUR);
    check(&timetable, MONDAY + 20 * HOUR - 1, RTSPREC_RECORDING_ON, MONDAY + 20 * HOUR);
    /* And until the last frames have come. */
    check(&timetable, MONDAY + 20 * HOUR, RTSPREC_RECORDING_STANDBY,
          MONDAY + 20 * HOUR + SECOND / 2);
    check(&timetable, MONDAY + 20 * HOUR + SECOND / 2, RTSPREC_RECORDING_OFF,
          MONDAY + DAY + 8 * HOUR - 10 * SECOND);
    assert_false(timetable_is_empty(&timetable));
    timetable_uninit(&timetable);
}

static void who_asks_late_waits_for_no_frames(void **state)
{
    struct timetable timetable = timetable_of("period:08-20", false);

    (void)state;
    check(&timetable, MONDAY + 12 * HOUR, RTSPREC_RECORDING_ON, MONDAY + 20 * HOUR);
    check(&timetable, MONDAY + 20 * HOUR + SECOND, RTSPREC_RECORDING_OFF,
          MONDAY + DAY + 8 * HOUR - 10 * SECOND);
    timetable_uninit(&timetable);
}

static void an_answer_holds_since_the_change(void **state)
{
    struct timetable timetable = timetable_of("period:08-20", true);

    (void)state;
    timetable_ask(&timetable, MONDAY + 7 * HOUR);
    assert_int_equal(timetable.from_us, MONDAY + 7 * HOUR);
    timetable_ask(&timetable, MONDAY + 8 * HOUR + 5);
    assert_int_equal(timetable.from_us, MONDAY + 8 * HOUR);
    /* The clock is set. */
    timetable_ask(&timetable, MONDAY + 20 * HOUR + 2 * SECOND);
    assert_int_equal(timetable.from_us, MONDAY + 20 * HOUR + 2 * SECOND);
    timetable_ask(&timetable, MONDAY + 19 * HOUR);
    assert_int_equal(timetable.from_us, MONDAY + 19 * HOUR);
    timetable_uninit(&timetable);
}

static void a_camera_may_be_kept_connected(void **state)
{
    struct timetable timetable = timetable_of("period:08-20", true);

    (void)state;
    check(&timetable, MONDAY, RTSPREC_RECORDING_STANDBY, MONDAY + 8 * HOUR);
    check(&timetable, MONDAY + 8 * HOUR, RTSPREC_RECORDING_ON, MONDAY + 20 * HOUR);
    check(&timetable, MONDAY + 20 * HOUR, RTSPREC_RECORDING_STANDBY, MONDAY + DAY + 8 * HOUR);
    timetable_uninit(&timetable);
}

/* Set forth, set back, and by years. */
static void a_clock_may_be_set(void **state)
{
    struct timetable timetable = timetable_of("period:08-20", false);

    (void)state;
    check(&timetable, MONDAY + 9 * HOUR, RTSPREC_RECORDING_ON, MONDAY + 20 * HOUR);
    check(&timetable, MONDAY + 7 * HOUR, RTSPREC_RECORDING_OFF, MONDAY + 8 * HOUR - 10 * SECOND);
    check(&timetable, MONDAY + 21 * HOUR, RTSPREC_RECORDING_OFF,
          MONDAY + DAY + 8 * HOUR - 10 * SECOND);
    check(&timetable, MONDAY + 12 * HOUR, RTSPREC_RECORDING_ON, MONDAY + 20 * HOUR);
    check(&timetable, 9 * HOUR, RTSPREC_RECORDING_ON, 20 * HOUR);
    check(&timetable, 20 * HOUR - 1, RTSPREC_RECORDING_ON, 20 * HOUR);
    timetable_uninit(&timetable);
}

static void what_never_changes(void **state)
{
    struct timetable always = timetable_of(NULL, false), never = timetable_of("never", true);
    char text[100] = "as it was";

    (void)state;
    check(&always, MONDAY, RTSPREC_RECORDING_ON, RTSPREC_SCHEDULE_NO_CHANGE);
    check(&never, MONDAY, RTSPREC_RECORDING_OFF, RTSPREC_SCHEDULE_NO_CHANGE);
    assert_false(timetable_is_empty(&always));
    assert_true(timetable_is_empty(&never));
    assert_false(timetable_describe(&always, MONDAY, text, sizeof(text)));
    assert_false(timetable_describe(&never, MONDAY, text, sizeof(text)));
    assert_string_equal(text, "as it was");
    timetable_uninit(&never);
    timetable_uninit(&always);
}

static void the_next_change_is_told(void **state)
{
    struct timetable timetable = timetable_of("period:mon-fri 08:30-20", false);
    char text[100];

    (void)state;
    assert_true(timetable_describe(&timetable, MONDAY + 12 * HOUR, text, sizeof(text)));
    assert_string_equal(text, "Recording by schedule until Mon 2024-01-15 20:00");
    assert_true(timetable_describe(&timetable, MONDAY + 4 * DAY + 20 * HOUR, text, sizeof(text)));
    assert_string_equal(text, "Not recorded until Mon 2024-01-22 08:30");
    timetable_uninit(&timetable);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_camera_is_connected_ahead),
        cmocka_unit_test(who_asks_late_waits_for_no_frames),
        cmocka_unit_test(an_answer_holds_since_the_change),
        cmocka_unit_test(a_camera_may_be_kept_connected),
        cmocka_unit_test(a_clock_may_be_set),
        cmocka_unit_test(what_never_changes),
        cmocka_unit_test(the_next_change_is_told),
    };

    setenv("TZ", "UTC0", 1);
    tzset();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
