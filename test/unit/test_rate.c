#include "unit.h"

#include "keeper/rate.h"

static void test_a_steady_rate(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate, 5 * SECOND, 1000);
    assert_int_equal(rate_peak(&rate), 0);
    rate_tell(&rate, 5 * SECOND + SECOND / 2, 2000); /* too short to say anything */
    assert_int_equal(rate_peak(&rate), 0);
    rate_tell(&rate, 6 * SECOND, 3000);
    assert_int_equal(rate_peak(&rate), 2000);
    for (int64_t i = 7; i < 200; i++) {
        rate_tell(&rate, i * SECOND, 1000 + (i - 5) * 2000);
        assert_int_equal(rate_peak(&rate), 2000);
    }
}

/* A burst counts for a minute, and is forgotten then. */
static void test_the_fastest_of_a_minute(void **state)
{
    (void)state;
    struct rate rate;
    int64_t bytes = 0;
    rate_init(&rate, 0, 0);
    for (int64_t i = 1; i <= 90; i++) {
        bytes += i > 10 && i <= 20 ? 5000 : 1000;
        rate_tell(&rate, i * SECOND, bytes);
        int64_t peak = i <= 10 || i >= 80 ? 1000 : i >= 20 ? 5000 : rate_peak(&rate);
        require(rate_peak(&rate) == peak, "second %d: %lld", (int)i, (long long)rate_peak(&rate));
    }
}

static void test_silence_of_the_teller(void **state)
{
    (void)state;
    struct rate rate;
    rate_init(&rate, 0, 0);
    rate_tell(&rate, 10 * SECOND, 100000);
    assert_int_equal(rate_peak(&rate), 10000);
    rate_tell(&rate, HOUR, 100000);
    assert_int_equal(rate_peak(&rate), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_steady_rate),
        cmocka_unit_test(test_the_fastest_of_a_minute),
        cmocka_unit_test(test_silence_of_the_teller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
