#include "unit.h"

#include "keeper/room.h"

#define MB INT64_C(1000000)

static void test_pauses(void **state)
{
    (void)state;
    /* No limit of space, nothing written, or plenty of room: once a minute. */
    assert_int_equal(room_pause_us(INT64_MAX, 100 * MB, false), MINUTE);
    assert_int_equal(room_pause_us(0, 0, false), MINUTE);
    assert_int_equal(room_pause_us(120 * MB, MB, false), MINUTE);
    /* A minute's worth does not fit twice: when half of it is left. */
    assert_int_equal(room_pause_us(100 * MB, MB, false), 50 * SECOND);
    assert_int_equal(room_pause_us(20 * MB, 10 * MB, false), SECOND);
    assert_int_equal(room_pause_us(0, 10 * MB, false), SECOND / 2);
    assert_int_equal(room_pause_us(-MB, 10 * MB, false), SECOND / 2);
    /* Nothing is left to delete. */
    assert_int_equal(room_pause_us(0, 10 * MB, true), 10 * SECOND);
}

static void test_short(void **state)
{
    (void)state;
    assert_false(room_is_short(INT64_MAX, INT64_MAX, MINUTE));
    assert_false(room_is_short(60 * MB, MB, MINUTE));
    assert_true(room_is_short(60 * MB - 1, MB, MINUTE));
    assert_false(room_is_short(0, MB, 0));
    assert_false(room_is_short(0, MB, -SECOND)); /* the pass is under way */
    assert_true(room_is_short(-1, 0, 0));
}

/* From a pass to the next one, at a steady rate, nobody has to ask for another. */
static void test_steady(void **state)
{
    (void)state;
    for (int64_t room = MB; room < 1000 * MB; room = room * 3 / 2) {
        int64_t pause_us = room_pause_us(room, MB, false);
        for (int64_t us = 0; us <= pause_us; us += pause_us / 10) {
            int64_t left = room - room_needed_bytes(MB, us);
            require(!room_is_short(left, MB, pause_us - us), "%lld bytes, after %lld us",
                    (long long)room, (long long)us);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pauses),
        cmocka_unit_test(test_short),
        cmocka_unit_test(test_steady),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
