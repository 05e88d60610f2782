#include "unit.h"

#include <inttypes.h>

#include "base/clock.h"
#include "segment/timelapse_pick.h"

/* 2024-03-31 and 2024-10-27, 00:00 UTC: the days of Europe's changes, both at 01:00 UTC. */
#define SPRING_DAY (INT64_C(1711843200) * SECOND)
#define AUTUMN_DAY (INT64_C(1729987200) * SECOND)

static int64_t utc(int64_t wall)
{
    (void)wall;
    return 0;
}

static int64_t nepal(int64_t wall)
{
    (void)wall;
    return 5 * HOUR + 45 * MINUTE;
}

static int64_t berlin(int64_t wall)
{
    return wall >= SPRING_DAY + HOUR && wall < AUTUMN_DAY + HOUR ? 2 * HOUR : HOUR;
}

/* A key frame each gop_us from from_us to to_us. */
struct run {
    int64_t from_us, to_us, gop_us, every_us;
    int64_t (*offset)(int64_t wall);
};

/* Local times of day of the frames that are taken, in ms. */
static void check(const struct run *run, const int64_t *expected, int count)
{
    struct timelapse_pick pick;
    int taken = 0;
    timelapse_pick_init(&pick, run->every_us);
    for (int64_t wall = run->from_us; wall < run->to_us; wall += run->gop_us) {
        int64_t local = wall + run->offset(wall);
        if (!timelapse_pick_take(&pick, wall, run->offset(wall)))
            continue;
        int64_t of_day = (local - floor_div(local, US_PER_DAY) * US_PER_DAY) / 1000;
        require(taken < count && of_day == expected[taken], "frame %d at %" PRId64 " ms", taken,
                of_day);
        taken++;
    }
    require(taken == count, "%d frames, not %d", taken, count);
}

static void test_at_the_clock(void **state)
{
    (void)state;
    int64_t (*const zones[])(int64_t) = {utc, nepal};
    for (size_t i = 0; i < LENGTH(zones); i++) {
        /* From 12:00:03.2, every 10 s; a key frame each 2 s, each 2.5 s. */
        int64_t from = AUTUMN_DAY + 12 * HOUR - zones[i](0) + 3200000;
        struct run run = {from, from + 30 * SECOND, 2 * SECOND, 10 * SECOND, zones[i]};
        check(&run, (const int64_t[]){43203200, 43211200, 43221200, 43231200}, 4);
        run.gop_us = 2500000;
        check(&run, (const int64_t[]){43203200, 43210700, 43220700, 43230700}, 4);
        /* They come more rarely: each is taken, once. */
        run.gop_us = 12 * SECOND;
        check(&run, (const int64_t[]){43203200, 43215200, 43227200}, 3);
    }
}

static void test_just_at_the_multiple(void **state)
{
    (void)state;
    struct timelapse_pick pick;
    timelapse_pick_init(&pick, 10 * SECOND);
    assert_true(timelapse_pick_take(&pick, 3 * SECOND, 0));
    assert_false(timelapse_pick_take(&pick, 10 * SECOND - 1, 0));
    assert_true(timelapse_pick_take(&pick, 10 * SECOND, 0));
    assert_false(timelapse_pick_take(&pick, 10 * SECOND, 0));
    assert_false(timelapse_pick_take(&pick, 20 * SECOND - 1, 0));
    assert_true(timelapse_pick_take(&pick, 20 * SECOND, 0));
}

/* 7 h do not divide a day: it begins again at midnight. */
static void test_midnight(void **state)
{
    (void)state;
    struct run run = {AUTUMN_DAY - 24 * HOUR, AUTUMN_DAY + 8 * HOUR, MINUTE, 7 * HOUR, utc};
    check(&run,
          (const int64_t[]){0, 7 * 3600000, 14 * 3600000, 21 * 3600000, 0, 7 * INT64_C(3600000)},
          6);
    run.every_us = 24 * HOUR;
    check(&run, (const int64_t[]){0, 0}, 2);
}

static void test_the_hour_that_does_not_exist(void **state)
{
    (void)state;
    /* 01:00 to 05:00 of that day, in which 03:00 follows 01:59. */
    struct run run = {SPRING_DAY, SPRING_DAY + 3 * HOUR, MINUTE, HOUR, berlin};
    check(&run, (const int64_t[]){3600000, 3 * 3600000, 4 * 3600000}, 3);
    run.every_us = 2 * HOUR; /* 02:00 does not exist */
    check(&run, (const int64_t[]){3600000, 4 * 3600000}, 2);
}

static void test_the_hour_that_comes_twice(void **state)
{
    (void)state;
    /* 01:00 to 05:00 of that day, in which 02:00 follows 02:59. */
    struct run run = {AUTUMN_DAY - HOUR, AUTUMN_DAY + 4 * HOUR, MINUTE, HOUR, berlin};
    check(&run,
          (const int64_t[]){3600000, 2 * 3600000, 2 * 3600000, 3 * 3600000, 4 * INT64_C(3600000)},
          5);
    run.every_us = 4 * HOUR; /* of which none is in it */
    check(&run, (const int64_t[]){3600000, 4 * 3600000}, 2);
}

static void test_pauses(void **state)
{
    (void)state;
    struct timelapse_pick pick;
    timelapse_pick_init(&pick, MINUTE);
    assert_true(timelapse_pick_take(&pick, 0, 0));
    assert_false(timelapse_pick_take(&pick, 59 * SECOND, 0)); /* within one interval */
    assert_true(timelapse_pick_take(&pick, 10 * HOUR + SECOND, 0));
    assert_false(timelapse_pick_take(&pick, 10 * HOUR + 2 * SECOND, 0));
}

static void test_a_clock_that_is_set(void **state)
{
    (void)state;
    struct timelapse_pick pick;
    timelapse_pick_init(&pick, MINUTE);
    assert_true(timelapse_pick_take(&pick, HOUR, 0));
    /* By a second: 01:00:00 comes again, and has been. */
    assert_false(timelapse_pick_take(&pick, HOUR - SECOND, 0));
    assert_false(timelapse_pick_take(&pick, HOUR, 0));
    assert_false(timelapse_pick_take(&pick, HOUR + SECOND, 0));
    assert_true(timelapse_pick_take(&pick, HOUR + MINUTE, 0));
    /* By an hour, and by years, back and forth: at once, and from there on as ever. */
    const int64_t set[] = {0, 20 * 365 * US_PER_DAY, 2 * HOUR};
    for (size_t i = 0; i < LENGTH(set); i++) {
        assert_true(timelapse_pick_take(&pick, set[i] + SECOND, 0));
        assert_false(timelapse_pick_take(&pick, set[i] + 2 * SECOND, 0));
        assert_true(timelapse_pick_take(&pick, set[i] + MINUTE, 0));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_the_clock),
        cmocka_unit_test(test_just_at_the_multiple),
        cmocka_unit_test(test_midnight),
        cmocka_unit_test(test_the_hour_that_does_not_exist),
        cmocka_unit_test(test_the_hour_that_comes_twice),
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_a_clock_that_is_set),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
