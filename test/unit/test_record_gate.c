#include "unit.h"

#include "camera/record_gate.h"

static void test_a_run_that_is_recorded(void **state)
{
    (void)state;
    struct record_gate gate = {0};
    assert_int_equal(record_gate_decide(&gate, true, false), RECORD_GATE_KEEP);
    assert_false(record_gate_passes(&gate, false, 5));
    assert_int_equal(record_gate_decide(&gate, true, true), RECORD_GATE_BEGIN);
    assert_true(record_gate_passes(&gate, true, 10));
    for (int i = 11; i < 20; i++) {
        assert_int_equal(record_gate_decide(&gate, true, i % 5 == 0), RECORD_GATE_KEEP);
        assert_true(record_gate_passes(&gate, i % 2, i));
    }
}

static void test_a_run_that_is_not(void **state)
{
    (void)state;
    struct record_gate gate = {0};
    assert_int_equal(record_gate_decide(&gate, false, true), RECORD_GATE_STANDBY);
    assert_false(record_gate_passes(&gate, true, 0));
    assert_int_equal(record_gate_decide(&gate, false, true), RECORD_GATE_KEEP);
    assert_false(record_gate_passes(&gate, true, 1));
}

static void test_it_ends_at_once_and_begins_with_a_key_frame(void **state)
{
    (void)state;
    struct record_gate gate = {0};
    record_gate_decide(&gate, true, true);
    assert_true(record_gate_passes(&gate, true, 100));
    /* Sound may be what comes next. */
    assert_int_equal(record_gate_decide(&gate, false, false), RECORD_GATE_END);
    assert_false(record_gate_passes(&gate, false, 101));
    assert_int_equal(record_gate_decide(&gate, false, true), RECORD_GATE_KEEP);
    assert_int_equal(record_gate_decide(&gate, true, false), RECORD_GATE_KEEP);
    assert_false(record_gate_passes(&gate, true, 150));
    assert_int_equal(record_gate_decide(&gate, true, true), RECORD_GATE_BEGIN);
    assert_true(record_gate_passes(&gate, true, 200));
}

static void test_what_lies_before_the_first_picture_stays_out(void **state)
{
    (void)state;
    struct record_gate gate = {0};
    record_gate_decide(&gate, false, true);
    record_gate_decide(&gate, true, true);
    assert_false(record_gate_passes(&gate, false, 250)); /* its time is not known yet */
    assert_true(record_gate_passes(&gate, true, 200));
    assert_false(record_gate_passes(&gate, true, 120)); /* a leading picture */
    assert_false(record_gate_passes(&gate, false, 199));
    assert_true(record_gate_passes(&gate, false, 200));
    assert_true(record_gate_passes(&gate, true, 201));
    /* Wanted or not changes in between without a packet: nothing is cut. */
    assert_int_equal(record_gate_decide(&gate, true, true), RECORD_GATE_KEEP);
    assert_true(record_gate_passes(&gate, true, 300));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_that_is_recorded),
        cmocka_unit_test(test_a_run_that_is_not),
        cmocka_unit_test(test_it_ends_at_once_and_begins_with_a_key_frame),
        cmocka_unit_test(test_what_lies_before_the_first_picture_stays_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
