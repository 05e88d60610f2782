/* Times as people write and read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "time_text.h"

#define SECOND INT64_C(1000000)

static void use_zone(const char *name)
{
    setenv("TZ", name, 1);
    tzset();
}

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* UTC */
    } rows[] = {
        {"1970-01-01T00:00Z", 0},
        {"2026-11-22", 1795302000},
        {"2026-11-22T21:45", 1795380300},
        {"2026-11-22 21:45:30", 1795380330},
        {"2026-11-22T21:45:30Z", 1795383930},
        {"2026-11-22T21:45Z", 1795383900},
        {"2026-11-22T21:45+01:00", 1795380300},
        {"2026-11-22T21:45:00-05:30", 1795403700},
        {"2026-07-01", 1782856800},
        {"2024-02-29T12:00Z", 1709208000},
        {"2199-12-31T23:59:59Z", 7258118399},
    };

    (void)state;
    use_zone("Europe/Berlin");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t time_us = -1;

        if (!time_text_parse(rows[i].text, &time_us) || time_us != rows[i].seconds * SECOND)
            fail_msg("%s: %lld", rows[i].text, (long long)time_us);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "now",
        "2026",
        "2026-11",
        "2026-1-1",
        "2026-13-01",
        "2026-00-01",
        "2026-02-29",
        "2026-04-31",
        "2026-11-22T",
        "1969-12-31",
        "2200-01-01",
        "2026-11-22x",
        "2026-11-22T24:00",
        "2026-11-22T12:60",
        "2026-11-22T12:00:60",
        "2026-11-22T12:00z",
        "2026-11-22T12:00+1",
        "2026-11-22T12:00+01:60",
        "2026-11-22T12:00+01:00x",
        " 2026-11-22",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        int64_t time_us;

        if (time_text_parse(texts[i], &time_us))
            fail_msg("%s: %lld", texts[i], (long long)time_us);
    }
}

static void times_are_written(void **state)
{
    char text[TIME_TEXT_BYTES];

    (void)state;
    use_zone("Europe/Berlin");
    assert_string_equal(time_text_local(1795380300 * SECOND, text), "2026-11-22 21:45:00");
    assert_string_equal(time_text_utc(1795380300 * SECOND + 7, text),
                        "2026-11-22T20:45:00.000007Z");
    assert_string_equal(time_text_utc(-1, text), "1969-12-31T23:59:59.999999Z");
    assert_string_equal(time_text_duration(3661 * SECOND, text), "01:01:01");
    assert_string_equal(time_text_duration((2 * 86400 + 59) * SECOND + 500000, text),
                        "2d 00:01:00");
    assert_string_equal(time_text_duration(0, text), "00:00:00");
}

static void days_are_as_long_as_they_are(void **state)
{
    int64_t noon = INT64_C(1792922400) * SECOND; /* 2026-10-25 12:00, the day summer time ends */

    (void)state;
    use_zone("Europe/Berlin");
    assert_int_equal(time_text_midnight(noon, 1) - time_text_midnight(noon, 0), 25 * 3600 * SECOND);
    assert_int_equal(time_text_midnight(noon, 0) - time_text_midnight(noon, -1),
                     24 * 3600 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(times_are_written),
        cmocka_unit_test(days_are_as_long_as_they_are),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
