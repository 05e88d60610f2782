#include "unit.h"

#include "ingest/lag.h"

static void test_nothing_is_known_at_first(void **state)
{
    (void)state;
    struct lag lag = {0};
    assert_int_equal(lag_least_us(&lag), 0);
    assert_true(lag_take(&lag, 700, HOUR));
    assert_int_equal(lag_least_us(&lag), 700);
}

/* However late the others come. */
static void test_the_least_counts(void **state)
{
    (void)state;
    struct lag lag = {0};
    uint64_t random = 3;
    for (int64_t n = 0; n < 10000; n++) {
        int64_t late = n % 100 == 0 ? 0 : random_between(&random, 1, 5 * SECOND);
        lag_take(&lag, -3 * SECOND + late, HOUR + n * 40000);
        require(lag_least_us(&lag) == -3 * SECOND, "packet %d", (int)n);
    }
    assert_int_equal(lag.count, LAG_SLOTS);
}

static void test_a_fall_counts_at_once_and_a_rise_late(void **state)
{
    (void)state;
    struct lag lag = {0};
    int64_t now = HOUR;
    for (; now < HOUR + 20 * SECOND; now += 40000)
        lag_take(&lag, 1000, now);
    lag_take(&lag, 400, now);
    assert_int_equal(lag_least_us(&lag), 400);
    int64_t since = now;
    while (lag_least_us(&lag) == 400)
        lag_take(&lag, 2000, now += 40000);
    assert_int_equal(lag_least_us(&lag), 2000);
    assert_in_range(now - since, 8 * SECOND, 10 * SECOND + 40000);
}

/* A stall is one slot, however long: what was known before it stays. */
static void test_a_stall_ends_no_more_than_a_slot(void **state)
{
    (void)state;
    struct lag lag = {0};
    int64_t now = HOUR;
    for (; now < HOUR + 20 * SECOND; now += 40000)
        lag_take(&lag, 1000, now);
    now += 60 * SECOND;
    assert_true(lag_take(&lag, 60 * SECOND, now));
    assert_false(lag_take(&lag, 59 * SECOND, now));
    assert_int_equal(lag_least_us(&lag), 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_known_at_first),
        cmocka_unit_test(test_the_least_counts),
        cmocka_unit_test(test_a_fall_counts_at_once_and_a_rise_late),
        cmocka_unit_test(test_a_stall_ends_no_more_than_a_slot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
