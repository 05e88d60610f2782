#include "unit.h"

#include "transform/overload.h"

static void the_more_waits_the_less_is_kept(void **state)
{
    const struct {
        int64_t waiting_us;
        int keep_every;
        bool only_keys, is_serious;
    } rows[] = {
        {0, 1, false, false},       {1249999, 1, false, false},   {1250000, 2, false, false},
        {2499999, 2, false, false}, {2500000, 4, false, true},    {3750000, 8, false, true},
        {5000000, 1, true, true},   {10 * SECOND, 1, true, true}, {100 * SECOND, 1, true, true},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct overload overload = overload_of(rows[i].waiting_us, 10 * SECOND);
        require(overload.keep_every == rows[i].keep_every, "row %zu: %d", i, overload.keep_every);
        require(overload.only_keys == rows[i].only_keys, "row %zu", i);
        require(overload_is_serious(rows[i].waiting_us, 10 * SECOND) == rows[i].is_serious,
                "row %zu", i);
    }
}

/* The shortest queue that options allow. */
static void a_short_queue_divides_too(void **state)
{
    (void)state;
    assert_int_equal(overload_of(0, 100000).keep_every, 1);
    assert_true(overload_of(100000, 100000).only_keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_more_waits_the_less_is_kept),
        cmocka_unit_test(a_short_queue_divides_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
