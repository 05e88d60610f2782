#include "unit.h"

#include <inttypes.h>

#include "base/clock.h"
#include "segment/splitter.h"

/* 2024-03-31 and 2024-10-27, 00:00 UTC: the days of Europe's changes, both at 01:00 UTC. */
#define SPRING_DAY (INT64_C(1711843200) * SECOND)
#define AUTUMN_DAY (INT64_C(1729987200) * SECOND)

static enum split key(struct splitter *splitter, int64_t pts_us, int64_t wall_us, int64_t offset_us)
{
    return splitter_decide(splitter,
                           &(struct split_packet){true, true, pts_us, wall_us, offset_us});
}

static enum split delta(struct splitter *splitter, int64_t pts_us, int64_t wall_us)
{
    return splitter_decide(splitter, &(struct split_packet){true, false, pts_us, wall_us, 0});
}

static enum split sound(struct splitter *splitter, int64_t pts_us, int64_t wall_us)
{
    return splitter_decide(splitter, &(struct split_packet){false, true, pts_us, wall_us, 0});
}

static void test_nothing_before_the_first_key_frame(void **state)
{
    (void)state;
    struct splitter splitter;
    splitter_init(&splitter, MINUTE);
    assert_int_equal(delta(&splitter, 0, 0), SPLIT_DROP);
    assert_int_equal(sound(&splitter, 0, 0), SPLIT_DROP);
    assert_int_equal(key(&splitter, SECOND, SECOND, 0), SPLIT_CUT);
    assert_int_equal(delta(&splitter, SECOND + 40000, SECOND + 40000), SPLIT_CURRENT);
    assert_int_equal(sound(&splitter, SECOND, SECOND), SPLIT_CURRENT);
    /* Sound of before the first frame belongs to nothing; a leading picture to its key frame. */
    assert_int_equal(sound(&splitter, SECOND - 1, SECOND - 1), SPLIT_DROP);
    assert_int_equal(delta(&splitter, SECOND - 1, SECOND - 1), SPLIT_CURRENT);
}

/*
 * A key frame each `gop_us` from `from` to `to`; `offset(wall)` is the time zone. Notes the local
 * time of day of each cut, in seconds.
 */
struct run {
    int64_t from, to, gop_us, segment_us;
    int64_t (*offset)(int64_t wall);
};

static int cuts_of(const struct run *run, int64_t *cuts, int max)
{
    struct splitter splitter;
    splitter_init(&splitter, run->segment_us);
    int count = 0;
    for (int64_t wall = run->from; wall < run->to; wall += run->gop_us) {
        int64_t offset = run->offset(wall);
        if (key(&splitter, wall - run->from, wall, offset) != SPLIT_CUT)
            continue;
        assert_true(count < max);
        cuts[count++] =
            (wall + offset - floor_div(wall + offset, US_PER_DAY) * US_PER_DAY) / SECOND;
    }
    return count;
}

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

static int64_t marquesas(int64_t wall)
{
    (void)wall;
    return -(9 * HOUR + 30 * MINUTE);
}

static int64_t berlin(int64_t wall)
{
    return wall >= SPRING_DAY + HOUR && wall < AUTUMN_DAY + HOUR ? 2 * HOUR : HOUR;
}

static void check_cuts(const struct run *run, const int64_t *expected, int count)
{
    int64_t cuts[64];
    int actual = cuts_of(run, cuts, 64);
    for (int i = 0; i < actual && i < count; i++)
        require(cuts[i] == expected[i], "cut %d at %" PRId64 ", not %" PRId64, i, cuts[i],
                expected[i]);
    require(actual == count, "%d cuts, not %d", actual, count);
}

static void test_cuts_at_the_clock(void **state)
{
    (void)state;
    int64_t (*const zones[])(int64_t) = {utc, nepal, marquesas};
    for (size_t i = 0; i < LENGTH(zones); i++) {
        /* From 12:03:20 local time, a key frame each 2 s: at 12:05:00, not after 5 minutes. */
        int64_t noon = AUTUMN_DAY + 12 * HOUR - zones[i](0);
        struct run run = {noon + 200 * SECOND, noon + 1000 * SECOND, 2 * SECOND, 300 * SECOND,
                          zones[i]};
        check_cuts(&run, (const int64_t[]){43400, 43500, 43800, 44100}, 4);
        /* 7 s do not divide the boundary: the first key frame behind it. */
        run.gop_us = 7 * SECOND;
        check_cuts(&run, (const int64_t[]){43400, 43505, 43806, 44100}, 4);
    }
}

static void test_just_at_the_boundary(void **state)
{
    (void)state;
    struct splitter splitter;
    splitter_init(&splitter, MINUTE);
    assert_int_equal(key(&splitter, 0, AUTUMN_DAY, 0), SPLIT_CUT);
    assert_int_equal(key(&splitter, 1, AUTUMN_DAY + MINUTE - 1, 0), SPLIT_CURRENT);
    assert_int_equal(key(&splitter, 2, AUTUMN_DAY + MINUTE, 0), SPLIT_CUT);
    assert_int_equal(key(&splitter, 3, AUTUMN_DAY + MINUTE + 1, 0), SPLIT_CURRENT);
}

static void test_midnight_always_cuts(void **state)
{
    (void)state;
    /* 7 h do not divide a day: 0, 7, 14, 21, and midnight again. */
    struct run run = {AUTUMN_DAY - 24 * HOUR, AUTUMN_DAY, 10 * SECOND, 7 * HOUR, utc};
    check_cuts(&run, (const int64_t[]){0, 25200, 50400, 75600}, 4);
    run.to = AUTUMN_DAY + 8 * HOUR;
    check_cuts(&run, (const int64_t[]){0, 25200, 50400, 75600, 0, 25200}, 6);
    run.segment_us = 24 * HOUR;
    check_cuts(&run, (const int64_t[]){0, 0}, 2);
    /* In local time, and before 1970. */
    run = (struct run){-10 * HOUR, 10 * HOUR, 10 * SECOND, 24 * HOUR, nepal};
    check_cuts(&run, (const int64_t[]){19 * 3600 + 45 * 60 + 0, 0}, 2);
    /* 1,001 s leave 314 s of the day. */
    run = (struct run){AUTUMN_DAY - 700 * SECOND, AUTUMN_DAY + 1010 * SECOND, SECOND, 1001 * SECOND,
                       utc};
    check_cuts(&run, (const int64_t[]){85700, 86086, 0, 1001}, 4);
}

static void test_clocks_go_forward(void **state)
{
    (void)state;
    struct run run = {SPRING_DAY, SPRING_DAY + 3 * HOUR, 10 * SECOND, HOUR, berlin};
    check_cuts(&run, (const int64_t[]){1 * 3600, 3 * 3600, 4 * 3600}, 3);
    run.from = SPRING_DAY + HOUR - 2 * MINUTE;
    run.to = SPRING_DAY + HOUR + 6 * MINUTE;
    run.segment_us = 5 * MINUTE;
    check_cuts(&run, (const int64_t[]){2 * 3600 - 120, 3 * 3600, 3 * 3600 + 300}, 3);
}

/* The hour that comes twice has its segments twice. */
static void test_clocks_go_back(void **state)
{
    (void)state;
    struct run run = {AUTUMN_DAY - HOUR, AUTUMN_DAY + 4 * HOUR, 10 * SECOND, HOUR, berlin};
    check_cuts(&run, (const int64_t[]){3600, 2 * 3600, 2 * 3600, 3 * 3600, 4 * 3600}, 5);
    run.from = AUTUMN_DAY + HOUR - 7 * MINUTE;
    run.to = AUTUMN_DAY + HOUR + 6 * MINUTE;
    run.segment_us = 5 * MINUTE;
    check_cuts(&run, (const int64_t[]){3 * 3600 - 420, 3 * 3600 - 300, 2 * 3600, 2 * 3600 + 300},
               4);
    /* A day remains one, and so does an interval that has no boundary there. */
    run =
        (struct run){AUTUMN_DAY - 2 * HOUR, AUTUMN_DAY + 24 * HOUR, 10 * SECOND, 24 * HOUR, berlin};
    check_cuts(&run, (const int64_t[]){0, 0}, 2);
    run.to = AUTUMN_DAY + 3 * HOUR;
    run.segment_us = 3 * HOUR;
    check_cuts(&run, (const int64_t[]){0, 3 * 3600}, 2);
}

/* The host's clock is set: back into the same interval nothing happens, into another one a cut. */
static void test_the_clock_is_set(void **state)
{
    (void)state;
    struct splitter splitter;
    splitter_init(&splitter, 10 * MINUTE);
    assert_int_equal(key(&splitter, 0, AUTUMN_DAY + 5 * MINUTE, 0), SPLIT_CUT);
    assert_int_equal(key(&splitter, 1, AUTUMN_DAY + 2 * MINUTE, 0), SPLIT_CURRENT);
    assert_int_equal(key(&splitter, 2, AUTUMN_DAY + 6 * MINUTE, 0), SPLIT_CURRENT);
    assert_int_equal(key(&splitter, 3, AUTUMN_DAY - 1, 0), SPLIT_CUT);
    assert_int_equal(key(&splitter, 4, AUTUMN_DAY, 0), SPLIT_CUT);
    assert_int_equal(key(&splitter, 5, AUTUMN_DAY + 3 * HOUR, 0), SPLIT_CUT);
}

static void test_late_sound_goes_where_it_belongs(void **state)
{
    (void)state;
    struct splitter splitter;
    splitter_init(&splitter, MINUTE);
    key(&splitter, 0, AUTUMN_DAY, 0);
    assert_int_equal(key(&splitter, MINUTE, AUTUMN_DAY + MINUTE, 0), SPLIT_CUT);
    assert_int_equal(sound(&splitter, MINUTE, AUTUMN_DAY + MINUTE), SPLIT_CURRENT);
    assert_int_equal(sound(&splitter, MINUTE - 1, AUTUMN_DAY + MINUTE), SPLIT_EARLIER);
    /* Video is in order: a leading picture belongs to the key frame before it. */
    assert_int_equal(delta(&splitter, MINUTE - 1, AUTUMN_DAY + MINUTE), SPLIT_CURRENT);
    splitter_close_earlier(&splitter);
    assert_int_equal(sound(&splitter, MINUTE - 1, AUTUMN_DAY + MINUTE), SPLIT_DROP);
    assert_int_equal(sound(&splitter, MINUTE, AUTUMN_DAY + MINUTE), SPLIT_CURRENT);
    /* Sound never cuts, wherever it lies. */
    assert_int_equal(sound(&splitter, HOUR, AUTUMN_DAY + HOUR), SPLIT_CURRENT);
}

static void test_after_a_reset_all_begins_anew(void **state)
{
    (void)state;
    struct splitter splitter;
    splitter_init(&splitter, MINUTE);
    key(&splitter, 0, AUTUMN_DAY, 0);
    key(&splitter, MINUTE, AUTUMN_DAY + MINUTE, 0);
    splitter_reset(&splitter);
    assert_int_equal(sound(&splitter, MINUTE, AUTUMN_DAY + MINUTE), SPLIT_DROP);
    assert_int_equal(delta(&splitter, MINUTE, AUTUMN_DAY + MINUTE), SPLIT_DROP);
    assert_int_equal(key(&splitter, 0, AUTUMN_DAY + MINUTE, 0), SPLIT_CUT);
    assert_int_equal(sound(&splitter, -1, AUTUMN_DAY + MINUTE), SPLIT_DROP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_before_the_first_key_frame),
        cmocka_unit_test(test_cuts_at_the_clock),
        cmocka_unit_test(test_just_at_the_boundary),
        cmocka_unit_test(test_midnight_always_cuts),
        cmocka_unit_test(test_clocks_go_forward),
        cmocka_unit_test(test_clocks_go_back),
        cmocka_unit_test(test_the_clock_is_set),
        cmocka_unit_test(test_late_sound_goes_where_it_belongs),
        cmocka_unit_test(test_after_a_reset_all_begins_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
