#include "unit.h"

#include "base/backoff.h"

static void test_grows_to_the_longest_pause(void **state)
{
    (void)state;
    struct backoff backoff;
    backoff_init(&backoff, SECOND, 16 * SECOND, 200, 7);
    for (int64_t full = SECOND; full <= 16 * SECOND; full *= 2) {
        int64_t pause = backoff_next(&backoff);
        if (full == SECOND) /* the shortest is spread upwards */
            assert_in_range(pause, SECOND, SECOND * 5 / 4);
        else
            assert_in_range(pause, full * 3 / 4, full);
    }
    for (int i = 0; i < 1000; i++)
        assert_in_range(backoff_next(&backoff), 12 * SECOND, 16 * SECOND);
}

static void test_begins_anew_after_a_reset(void **state)
{
    (void)state;
    struct backoff backoff;
    backoff_init(&backoff, SECOND / 2, 5 * SECOND, 125, 99);
    for (int i = 0; i < 50; i++)
        backoff_next(&backoff);
    backoff_reset(&backoff);
    assert_in_range(backoff_next(&backoff), SECOND / 2, SECOND * 625 / 1000);
    assert_in_range(backoff_next(&backoff), SECOND / 2, SECOND * 782 / 1000);
}

static void test_jitter_spreads_over_its_whole_range(void **state)
{
    (void)state;
    int64_t least = INT64_MAX, most = 0, sum = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct backoff backoff;
        backoff_init(&backoff, 1000, 4 * SECOND, 4000000, seed * 7919);
        backoff_next(&backoff);
        for (int i = 0; i < 20; i++) {
            int64_t pause = backoff_next(&backoff);
            assert_in_range(pause, 3 * SECOND, 4 * SECOND);
            least = pause < least ? pause : least;
            most = pause > most ? pause : most;
            sum += pause;
        }
    }
    assert_true(least < 3 * SECOND + SECOND / 50);
    assert_true(most > 4 * SECOND - SECOND / 50);
    assert_in_range(sum / 20000, 34 * SECOND / 10, 36 * SECOND / 10);
}

static void test_cameras_differ(void **state)
{
    (void)state;
    struct backoff one, other;
    backoff_init(&one, 1000, HOUR, 100000, 1);
    backoff_init(&other, 1000, HOUR, 100000, 2);
    int same = 0;
    for (int i = 0; i < 20; i++)
        same += backoff_next(&one) == backoff_next(&other);
    assert_true(same <= 1);
}

static void test_never_below_the_shortest_pause(void **state)
{
    (void)state;
    struct backoff backoff;
    /* A constant pause, and one that the percentage would let shrink to nothing. */
    for (int growth = 100; growth <= 101; growth++) {
        backoff_init(&backoff, 10, 10, growth, 0);
        for (int i = 0; i < 100; i++)
            assert_in_range(backoff_next(&backoff), 10, 12);
    }
}

static void test_days_without_overflow(void **state)
{
    (void)state;
    struct backoff backoff;
    backoff_init(&backoff, 60 * SECOND, 30 * MINUTE, 200, 5);
    for (int i = 0; i < 10000; i++)
        assert_in_range(backoff_next(&backoff), 60 * SECOND, 30 * MINUTE);
}

/* Cameras that vanish together, at their first attempt. */
static void test_the_first_pause_differs_too(void **state)
{
    (void)state;
    int64_t least = INT64_MAX, most = 0;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct backoff backoff;
        backoff_init(&backoff, SECOND / 2, 5 * SECOND, 125, seed * 7919);
        int64_t pause = backoff_next(&backoff);
        least = pause < least ? pause : least;
        most = pause > most ? pause : most;
    }
    assert_true(most - least > SECOND / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_grows_to_the_longest_pause),
        cmocka_unit_test(test_begins_anew_after_a_reset),
        cmocka_unit_test(test_jitter_spreads_over_its_whole_range),
        cmocka_unit_test(test_cameras_differ),
        cmocka_unit_test(test_never_below_the_shortest_pause),
        cmocka_unit_test(test_days_without_overflow),
        cmocka_unit_test(test_the_first_pause_differs_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
