#include "unit.h"

#include <unistd.h>

#include "base/clock.h"

/* 2024's changes in Europe: at 01:00 UTC on 31 March and 27 October. */
#define SPRING (INT64_C(1711846800) * SECOND)
#define AUTUMN (INT64_C(1729990800) * SECOND)

static void set_zone(const char *zone)
{
    setenv("TZ", zone, 1);
    tzset();
}

static void test_floor_div(void **state)
{
    (void)state;
    static const struct {
        int64_t a, b, quotient;
    } rows[] = {
        {0, 5, 0},
        {4, 5, 0},
        {5, 5, 1},
        {6, 5, 1},
        {-1, 5, -1},
        {-5, 5, -1},
        {-6, 5, -2},
        {INT64_MAX, 1, INT64_MAX},
        {INT64_MIN, 1, INT64_MIN},
        {INT64_MIN, INT64_MAX, -2},
        {-1, INT64_MAX, -1},
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        require(floor_div(rows[i].a, rows[i].b) == rows[i].quotient, "row %zu", i);
}

/* Rules written out need no database of zones; the named zone is tested where there is one. */
static void check_europe(const char *zone)
{
    set_zone(zone);
    assert_int_equal(clock_utc_offset_us(SPRING - 1), HOUR);
    assert_int_equal(clock_utc_offset_us(SPRING), 2 * HOUR);
    assert_int_equal(clock_utc_offset_us(AUTUMN - 1), 2 * HOUR);
    assert_int_equal(clock_utc_offset_us(AUTUMN), HOUR);

    struct tm before = clock_local_time(SPRING - 1), after = clock_local_time(SPRING);
    assert_int_equal(before.tm_hour, 1);
    assert_int_equal(before.tm_sec, 59);
    assert_int_equal(after.tm_hour, 3);
    before = clock_local_time(AUTUMN - 1);
    after = clock_local_time(AUTUMN);
    assert_int_equal(before.tm_hour, 2);
    assert_int_equal(before.tm_min, 59);
    assert_int_equal(after.tm_hour, 2);
    assert_int_equal(after.tm_min, 0);
    assert_int_equal(after.tm_mday, 27);
}

static void test_both_changes_of_a_year(void **state)
{
    (void)state;
    check_europe("CET-1CEST,M3.5.0,M10.5.0/3");
    if (access("/usr/share/zoneinfo/Europe/Berlin", R_OK) == 0)
        check_europe("Europe/Berlin");
}

static void test_odd_zones(void **state)
{
    (void)state;
    set_zone("UTC0");
    assert_int_equal(clock_utc_offset_us(AUTUMN), 0);
    set_zone("XXX-5:45"); /* Nepal */
    assert_int_equal(clock_utc_offset_us(AUTUMN), 5 * HOUR + 45 * MINUTE);
    set_zone("XXX9:30"); /* Marquesas */
    assert_int_equal(clock_utc_offset_us(AUTUMN), -(9 * HOUR + 30 * MINUTE));
}

/* Half a second before 1970 is in 1969. */
static void test_before_1970(void **state)
{
    (void)state;
    set_zone("UTC0");
    struct tm local = clock_local_time(-SECOND / 2);
    assert_int_equal(local.tm_year, 69);
    assert_int_equal(local.tm_sec, 59);
}

/* What names say: there and back, also in the hour that comes twice. */
static void test_from_local_time(void **state)
{
    (void)state;
    set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
    for (int64_t t = AUTUMN - 3 * HOUR; t < AUTUMN + 3 * HOUR; t += 10 * MINUTE) {
        struct tm local = clock_local_time(t);
        assert_int_equal(clock_from_local_time(&local), t);
        local.tm_isdst = -1; /* which of the two is not said */
        int64_t off = clock_from_local_time(&local) - t;
        assert_true(off == 0 || off == HOUR || off == -HOUR);
    }
}

static void test_clocks_run(void **state)
{
    (void)state;
    int64_t before = clock_monotonic_us();
    int64_t real = clock_real_us();
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_monotonic_us();
        assert_true(now >= before);
        before = now;
    }
    /* Between 2020 and 2200: microseconds, not another unit. */
    assert_true(real > INT64_C(1577836800) * SECOND);
    assert_true(real < INT64_C(7258118400) * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_floor_div),  cmocka_unit_test(test_both_changes_of_a_year),
        cmocka_unit_test(test_odd_zones),  cmocka_unit_test(test_before_1970),
        cmocka_unit_test(test_clocks_run), cmocka_unit_test(test_from_local_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
