#include "unit.h"

#include "camera/media_clock.h"

#define FRAME_US 40000

/* Frames in the order of decoding, two of them reordered: none is dated later than it came. */
static void what_came_early_dates_nothing(void **state)
{
    const int order[] = {0, 3, 1, 2, 6, 4, 5, 9, 7, 8};
    const int64_t ahead_us = HOUR;
    struct media_clock clock = {0};
    (void)state;
    for (int i = 0; i < (int)LENGTH(order); i++) {
        int64_t media_us = order[i] * FRAME_US, date_us = media_us + ahead_us;
        int64_t came_us = (i + 1) * FRAME_US + ahead_us;
        media_clock_set(&clock, media_us, date_us < came_us ? date_us : came_us);
    }
    for (int i = 0; i < 10 * FRAME_US; i += 1000)
        assert_int_equal(media_clock_wall_us(&clock, i), i + ahead_us);
}

/* Dates follow a clock that is set, half a second around the moment excepted. */
static void it_follows_a_clock_that_is_set(void **state)
{
    const int64_t steps[] = {HOUR, -HOUR};
    (void)state;
    for (size_t j = 0; j < LENGTH(steps); j++) {
        struct media_clock clock = {0};
        for (int i = 0; i < 100; i++)
            media_clock_set(&clock, i * FRAME_US, i * FRAME_US + (i < 50 ? 0 : steps[j]));
        assert_int_equal(media_clock_wall_us(&clock, 30 * FRAME_US), 30 * FRAME_US);
        assert_int_equal(media_clock_wall_us(&clock, 70 * FRAME_US), 70 * FRAME_US + steps[j]);
    }
}

static void the_nearest_dates_what_is_far_from_all(void **state)
{
    struct media_clock clock = {0};
    (void)state;
    media_clock_set(&clock, 10 * SECOND, 10 * SECOND + 5);
    media_clock_set(&clock, 20 * SECOND, 20 * SECOND + 7);
    assert_int_equal(media_clock_wall_us(&clock, 0), 5);
    assert_int_equal(media_clock_wall_us(&clock, 14 * SECOND), 14 * SECOND + 5);
    assert_int_equal(media_clock_wall_us(&clock, 16 * SECOND), 16 * SECOND + 7);
    assert_int_equal(media_clock_wall_us(&clock, HOUR), HOUR + 7);
}

static void it_forgets_the_oldest(void **state)
{
    struct media_clock clock = {0};
    (void)state;
    media_clock_set(&clock, 0, HOUR);
    for (int i = 1; i <= MEDIA_CLOCK_MOMENTS; i++)
        media_clock_set(&clock, i * SECOND, i * SECOND);
    assert_int_equal(media_clock_wall_us(&clock, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_came_early_dates_nothing),
        cmocka_unit_test(it_follows_a_clock_that_is_set),
        cmocka_unit_test(the_nearest_dates_what_is_far_from_all),
        cmocka_unit_test(it_forgets_the_oldest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
