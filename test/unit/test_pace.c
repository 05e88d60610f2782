#include "unit.h"

#include "ingest/pace.h"

#define START (100 * SECOND) /* of the monotonic clock */
#define FRAME (SECOND / 25)

static void test_real_time(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 0);
    /* The medium may begin anywhere, also before 0. */
    assert_int_equal(pace_due_us(&pace, -5 * SECOND, START), START);
    for (int i = 1; i < 1000; i++)
        assert_int_equal(pace_due_us(&pace, -5 * SECOND + i * FRAME, START), START + i * FRAME);
}

/* Waking up late does not add up. */
static void test_lateness_of_a_thread(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 0);
    int64_t now_us = pace_due_us(&pace, 0, START);
    for (int i = 1; i < 1000; i++)
        now_us = pace_due_us(&pace, i * FRAME, now_us + 300) + 300;
    assert_int_equal(now_us, START + 999 * FRAME + 300);
}

/* Tracks are interleaved: one may be behind the other. */
static void test_what_is_due_does_not_wait(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 0);
    pace_due_us(&pace, 0, START);
    assert_int_equal(pace_due_us(&pace, SECOND, START), START + SECOND);
    assert_int_equal(pace_due_us(&pace, SECOND - 200000, START + SECOND), START + SECOND);
    assert_int_equal(pace_due_us(&pace, SECOND + FRAME, START + SECOND), START + SECOND + FRAME);
}

static void test_a_stall_moves_what_follows(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 0);
    pace_due_us(&pace, 0, START);
    assert_int_equal(pace_due_us(&pace, FRAME, START + 3 * SECOND), START + 3 * SECOND);
    assert_int_equal(pace_due_us(&pace, 2 * FRAME, START + 3 * SECOND), START + 3 * SECOND + FRAME);
}

static void test_a_jump_waits_for_nothing(void **state)
{
    (void)state;
    static const int64_t jumps[] = {11 * SECOND,   -11 * SECOND,  HOUR,     -HOUR,
                                    INT64_MAX - 5, INT64_MIN + 5, INT64_MAX};
    for (size_t i = 0; i < LENGTH(jumps); i++) {
        struct pace pace;
        pace_init(&pace, 0);
        pace_due_us(&pace, 0, START);
        assert_int_equal(pace_due_us(&pace, jumps[i], START), START);
        if (jumps[i] < INT64_MAX)
            assert_int_equal(pace_due_us(&pace, jumps[i] + 1, START), START + 1);
        assert_int_equal(pace_due_us(&pace, i % 2 ? INT64_MAX : INT64_MIN, START), START);
    }
    struct pace pace;
    pace_init(&pace, 0);
    pace_due_us(&pace, 0, START);
    assert_int_equal(pace_due_us(&pace, 9 * SECOND, START), START + 9 * SECOND);
}

/* What a live sender has ready is used up, a little faster than it plays. */
static void test_ahead(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 500);
    int64_t now_us = pace_due_us(&pace, 0, START);
    for (int64_t media_us = FRAME; media_us <= HOUR; media_us += FRAME)
        now_us = pace_due_us(&pace, media_us, now_us);
    assert_int_equal(now_us, START + HOUR - HOUR / 1000000 * 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_real_time),
        cmocka_unit_test(test_lateness_of_a_thread),
        cmocka_unit_test(test_what_is_due_does_not_wait),
        cmocka_unit_test(test_a_stall_moves_what_follows),
        cmocka_unit_test(test_a_jump_waits_for_nothing),
        cmocka_unit_test(test_ahead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
