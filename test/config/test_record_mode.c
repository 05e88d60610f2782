#include "record_mode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void words(void **state)
{
    (void)state;
    assert_int_equal(record_mode_parse("always"), RECORD_MODE_ALWAYS);
    assert_int_equal(record_mode_parse("never"), RECORD_MODE_NEVER);
    assert_int_equal(record_mode_parse("auto"), RECORD_MODE_AUTO);
    assert_int_equal(record_mode_parse(""), RECORD_MODE_UNKNOWN);
    assert_int_equal(record_mode_parse("Always"), RECORD_MODE_UNKNOWN);
    assert_int_equal(record_mode_parse("always "), RECORD_MODE_UNKNOWN);
    assert_int_equal(record_mode_parse("period"), RECORD_MODE_UNKNOWN);
}

static void schedules(void **state)
{
    static const char *const good[] = {
        "period:08-20",         "period:8-9",
        "period:0-24",          "period:00:00-24:00",
        "period:22-06",         "period:08:30-17:45",
        "period:08-12,13-17",   "period:08-12, 13:15-17",
        "period:mon 08-18",     "period:Mon-Fri 08:00-18:00,sat 10-14,sun 0-1",
        "period:sat-mon 23-01",
    };
    static const char *const bad[] = {
        "period:",          "period:08",           "period:08-",       "period:-20",
        "period:08-25",     "period:24-08",        "period:08:60-20",  "period:08-24:01",
        "period:8-8",       "period:08-08:00",     "period:008-20",    "period:08-20,",
        "period:,08-20",    "period:08-20;",       "period:mon08-20",  "period:mon- 08-20",
        "period:fry 08-20", "period:mon-fri",      "period:mon,08-20", "period:08.30-20",
        "period:08 - 20",   "period:08-20 always",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_int_equal(record_mode_parse(good[i]), RECORD_MODE_PERIOD);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(record_mode_parse(bad[i]), RECORD_MODE_BAD_PERIOD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(words), cmocka_unit_test(schedules)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
