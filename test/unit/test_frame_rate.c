#include "unit.h"

#include <math.h>

#include "transform/frame_rate.h"

/* Known with the first frame a second after the first, and then it stays. */
static void test_rates(void **state)
{
    static const struct {
        int64_t interval_us, jitter_us;
        double fps;
        int known_after; /* frames */
    } rows[] = {
        {40000, 0, 25, 26},   {66667, 0, 15, 16},     {66667, 8000, 15, 16},
        {33367, 0, 30, 31},   {80000, 0, 12.5, 14},   {1000000, 0, 1, 2},
        {5000000, 0, 0.2, 2}, {8333, 1000, 120, 122}, {160000, 0, 6.25, 8},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct frame_rate rate = {0};
        uint64_t random = i + 1;
        int frames = 0;
        for (int64_t at = -7 * SECOND; frames < 200; at += rows[i].interval_us) {
            int64_t jitter_us = frames ? random_between(&random, 0, rows[i].jitter_us) : 0;
            bool is_known = frame_rate_take(&rate, at + jitter_us);
            frames++;
            require(is_known == (frames >= rows[i].known_after) ||
                        (rows[i].jitter_us && abs(frames - rows[i].known_after) < 2),
                    "row %zu: frame %d", i, frames);
        }
        require(fabs(rate.fps - rows[i].fps) < 1e-3, "row %zu: %f", i, rate.fps);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
