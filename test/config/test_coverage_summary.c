/* Percentages that add up, and bars. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "coverage_summary.h"

static int sum_of(const struct coverage_summary *summary, int permille[RTSPREC_COVERAGE_COUNT])
{
    int sum = 0;

    coverage_summary_permille(summary, permille);
    for (int i = 0; i < RTSPREC_COVERAGE_COUNT; i++)
        sum += permille[i];
    return sum;
}

static void percentages_add_up(void **state)
{
    struct coverage_summary summary = {0};
    int permille[RTSPREC_COVERAGE_COUNT];
    uint64_t seed = 20261122;

    (void)state;
    assert_int_equal(sum_of(&summary, permille), 0);
    for (int i = 0; i < 3; i++)
        coverage_summary_add(&summary, (enum rtsprec_coverage_reason)i, 1);
    assert_int_equal(sum_of(&summary, permille), 1000);
    assert_int_equal(permille[0], 334); /* of equals the first */
    assert_int_equal(permille[1], 333);
    summary = (struct coverage_summary){0};
    coverage_summary_add(&summary, RTSPREC_COVERAGE_RECORDED, INT64_C(6300000000000000));
    coverage_summary_add(&summary, RTSPREC_COVERAGE_CRASHED, 1);
    assert_int_equal(sum_of(&summary, permille), 1000);
    assert_int_equal(permille[RTSPREC_COVERAGE_RECORDED], 1000);
    for (int round = 0; round < 10000; round++) {
        summary = (struct coverage_summary){0};
        for (int i = 0; i < RTSPREC_COVERAGE_COUNT; i++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            coverage_summary_add(&summary, (enum rtsprec_coverage_reason)i,
                                 (int64_t)(seed % 1000000007) + 1);
        }
        assert_int_equal(sum_of(&summary, permille), 1000);
        for (int i = 0; i < RTSPREC_COVERAGE_COUNT; i++) {
            int64_t exact = summary.us[i] * 1000 / summary.total_us;

            assert_true(permille[i] == exact || permille[i] == exact + 1);
        }
    }
}

static void a_bar_is_drawn(void **state)
{
    /* A cell is 100 long. */
    struct coverage_day day = {.start_us = 1000, .end_us = 1000 + COVERAGE_CELLS * 100};
    char bar[COVERAGE_BAR_BYTES];

    (void)state;
    coverage_day_add(&day, 900, 1200, RTSPREC_COVERAGE_RECORDED);
    coverage_day_add(&day, 1200, 1299, RTSPREC_COVERAGE_RECORDED);
    coverage_day_add(&day, 1299, 1310, RTSPREC_COVERAGE_STALLED);
    coverage_day_add(&day, 1310, 1311, RTSPREC_COVERAGE_RECORDED);
    coverage_day_add(&day, 1311, 1500, RTSPREC_COVERAGE_STALLED);
    coverage_day_add(&day, 1500, 1550, RTSPREC_COVERAGE_RECORDED);
    coverage_day_bar(&day, 1, bar);
    assert_string_equal(bar, "##+-.#                                          ");
    coverage_day_bar(&day, 0, bar);
    assert_string_equal(bar, "██▇▁·█                                          ");
    coverage_day_add(&day, 5700, 9000, RTSPREC_COVERAGE_STALLED);
    coverage_day_bar(&day, 1, bar);
    assert_string_equal(bar, "##+-.#                                         .");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentages_add_up),
        cmocka_unit_test(a_bar_is_drawn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
