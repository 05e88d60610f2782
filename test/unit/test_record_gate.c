#include "unit.h"

#include "camera/record_gate.h"

/* Wall-clock and monotonic time of the tests' moments run alike. */
#define REAL(now_us) (INT64_C(1700000000) * SECOND + (now_us))

static void set(struct record_gate *gate, bool is_wanted, int64_t from_us, int64_t now_us)
{
    record_gate_set(gate, is_wanted, REAL(from_us), REAL(now_us), now_us);
}

/* A packet of one moment that comes at another. */
static int decide(struct record_gate *gate, bool is_key, int64_t wall_us, int64_t now_us)
{
    return (int)record_gate_decide(gate, is_key, REAL(wall_us), now_us);
}

static void test_a_run_that_is_recorded(void **state)
{
    (void)state;
    struct record_gate gate = {0};
    record_gate_set(&gate, true, INT64_MIN, REAL(0), 0);
    assert_int_equal(decide(&gate, false, 5, 5), RECORD_GATE_KEEP);
    assert_false(record_gate_passes(&gate, false, 5));
    assert_int_equal(decide(&gate, true, 10, 10), RECORD_GATE_BEGIN);
    assert_true(record_gate_passes(&gate, true, 10));
    for (int i = 11; i < 20; i++) {
        assert_int_equal(decide(&gate, i % 5 == 0, i, i), RECORD_GATE_KEEP);
        assert_true(record_gate_passes(&gate, i % 2, i));
    }
}

static void test_a_run_that_is_not(void **state)
{
    (void)state;
    struct record_gate gate = {0};
    set(&gate, false, 0, 0);
    assert_int_equal(decide(&gate, true, 0, 0), RECORD_GATE_STANDBY);
    assert_false(record_gate_passes(&gate, true, 0));
    assert_int_equal(decide(&gate, true, 1, 1), RECORD_GATE_KEEP);
    assert_false(record_gate_passes(&gate, true, 1));
}

static void test_it_ends_at_once_and_begins_with_a_key_frame(void **state)
{
    (void)state;
    struct record_gate gate = {0};
    set(&gate, true, 0, 0);
    assert_int_equal(decide(&gate, true, 100, 100), RECORD_GATE_BEGIN);
    assert_true(record_gate_passes(&gate, true, 100));
    /* Sound may be what comes next. */
    set(&gate, false, 101, 101);
    assert_int_equal(decide(&gate, false, 101, 101), RECORD_GATE_END);
    assert_false(record_gate_passes(&gate, false, 101));
    assert_int_equal(decide(&gate, true, 110, 110), RECORD_GATE_KEEP);
    set(&gate, true, 150, 150);
    assert_int_equal(decide(&gate, false, 150, 150), RECORD_GATE_KEEP);
    assert_false(record_gate_passes(&gate, true, 150));
    assert_int_equal(decide(&gate, true, 200, 200), RECORD_GATE_BEGIN);
    assert_true(record_gate_passes(&gate, true, 200));
}

static void test_what_lies_before_the_first_picture_stays_out(void **state)
{
    (void)state;
    struct record_gate gate = {0};
    set(&gate, false, 0, 0);
    decide(&gate, true, 0, 0);
    set(&gate, true, 200, 200);
    assert_int_equal(decide(&gate, true, 200, 200), RECORD_GATE_BEGIN);
    assert_false(record_gate_passes(&gate, false, 250)); /* its time is not known yet */
    assert_true(record_gate_passes(&gate, true, 200));
    assert_false(record_gate_passes(&gate, true, 120)); /* a leading picture */
    assert_false(record_gate_passes(&gate, false, 199));
    assert_true(record_gate_passes(&gate, false, 200));
    assert_true(record_gate_passes(&gate, true, 201));
    assert_int_equal(decide(&gate, true, 300, 300), RECORD_GATE_KEEP);
    assert_true(record_gate_passes(&gate, true, 300));
}

/* What comes 80 ms late is judged by when it was taken, to the microsecond. */
static void test_packets_are_judged_by_their_own_time(void **state)
{
    (void)state;
    const int64_t late = SECOND / 12;
    struct record_gate gate = {0};
    set(&gate, false, 0, 0);
    decide(&gate, true, 0, 0);

    set(&gate, true, HOUR, HOUR + 3);
    assert_int_equal(decide(&gate, true, HOUR - 1, HOUR - 1 + late), RECORD_GATE_KEEP);
    assert_false(record_gate_passes(&gate, true, HOUR - 1));
    assert_int_equal(decide(&gate, true, HOUR, HOUR + late), RECORD_GATE_BEGIN);
    assert_true(record_gate_passes(&gate, true, HOUR));

    set(&gate, false, 2 * HOUR, 2 * HOUR + 3);
    assert_int_equal(decide(&gate, true, 2 * HOUR - 1, 2 * HOUR - 1 + late), RECORD_GATE_KEEP);
    assert_true(record_gate_passes(&gate, true, 2 * HOUR - 1));
    assert_int_equal(decide(&gate, false, 2 * HOUR, 2 * HOUR + late), RECORD_GATE_END);
    assert_false(record_gate_passes(&gate, true, 2 * HOUR));
    /* A picture that was reordered: closed is closed. */
    assert_int_equal(decide(&gate, false, 2 * HOUR - 1, 2 * HOUR + late), RECORD_GATE_KEEP);
    assert_false(record_gate_passes(&gate, true, 2 * HOUR - 1));
}

/* An hour back, after the change has come and before: it is not taken back, and not waited for. */
static void test_a_clock_that_is_set_back(void **state)
{
    (void)state;
    struct record_gate gate = {0};
    set(&gate, false, 0, 0);
    decide(&gate, true, 0, 0);
    set(&gate, true, 2 * HOUR, 2 * HOUR);
    assert_int_equal(decide(&gate, true, 2 * HOUR, 2 * HOUR), RECORD_GATE_BEGIN);
    assert_int_equal(decide(&gate, false, HOUR + 1, 2 * HOUR + 1), RECORD_GATE_KEEP);
    assert_true(record_gate_passes(&gate, true, 2 * HOUR + 1));

    set(&gate, false, 3 * HOUR, 3 * HOUR);
    assert_int_equal(decide(&gate, false, 2 * HOUR, 3 * HOUR), RECORD_GATE_KEEP);
    assert_int_equal(decide(&gate, false, 2 * HOUR + 4 * SECOND, 3 * HOUR + 4 * SECOND),
                     RECORD_GATE_KEEP);
    assert_int_equal(decide(&gate, false, 2 * HOUR + 5 * SECOND, 3 * HOUR + 5 * SECOND),
                     RECORD_GATE_END);

    /* A run that begins after that. */
    gate = (struct record_gate){0};
    record_gate_set(&gate, true, REAL(3 * HOUR), REAL(2 * HOUR), 4 * HOUR);
    assert_int_equal(decide(&gate, true, 2 * HOUR, 4 * HOUR), RECORD_GATE_BEGIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_that_is_recorded),
        cmocka_unit_test(test_a_run_that_is_not),
        cmocka_unit_test(test_it_ends_at_once_and_begins_with_a_key_frame),
        cmocka_unit_test(test_what_lies_before_the_first_picture_stays_out),
        cmocka_unit_test(test_packets_are_judged_by_their_own_time),
        cmocka_unit_test(test_a_clock_that_is_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
