#include "unit.h"

#include "transform/frame_grid.h"

/* What became of a source of so many frames at such a rate. */
struct outcome {
    int dropped, repeated, placed;
    int64_t last_us;  /* end of the last place */
    int64_t worst_us; /* how far a frame was moved at most */
};

static struct outcome run(AVRational from, AVRational to, int frames, int64_t start_us)
{
    struct frame_grid grid;
    struct outcome outcome = {0};
    int64_t expected = 0;
    frame_grid_init(&grid, to);
    for (int i = 0; i < frames; i++) {
        int64_t pts_us = start_us + i * SECOND * from.den / from.num, place;
        int repeats;
        if (!frame_grid_place(&grid, pts_us, &place, &repeats)) {
            assert_int_equal(repeats, 0);
            outcome.dropped++;
            continue;
        }
        /* No place stays empty, and none is taken twice. */
        require(place - repeats == expected, "frame %d: place %d - %d", i, (int)place, repeats);
        expected = place + 1;
        outcome.repeated += repeats;
        outcome.placed++;
        int64_t off_us = llabs(frame_grid_time_us(&grid, place) - pts_us);
        outcome.worst_us = off_us > outcome.worst_us ? off_us : outcome.worst_us;
        outcome.last_us = frame_grid_time_us(&grid, place + 1);
    }
    return outcome;
}

static void every_rate_becomes_every_other(void **state)
{
    const AVRational rates[] = {{25, 1}, {15, 1}, {30, 1}, {25, 2}, {30000, 1001}, {1, 1}};
    const int seconds = 60;
    (void)state;
    for (size_t i = 0; i < LENGTH(rates); i++) {
        for (size_t j = 0; j < LENGTH(rates); j++) {
            int frames = (int)(seconds * (int64_t)rates[i].num / rates[i].den);
            struct outcome outcome = run(rates[i], rates[j], frames, 12345678);
            int64_t place_us = SECOND * rates[j].den / rates[j].num;
            int64_t frame_us = SECOND * rates[i].den / rates[i].num;
            /* Of the frames that could be seen at a place it is the nearest. */
            int64_t nearest_us = (place_us < frame_us ? place_us : frame_us) / 2 + 1;
            require(outcome.worst_us <= nearest_us, "%zu -> %zu: moved by %d us", i, j,
                    (int)outcome.worst_us);
            int64_t length_us = outcome.last_us - 12345678, source_us = frames * frame_us;
            require(llabs(length_us - source_us) <= place_us + frame_us, "%zu -> %zu: %d us", i, j,
                    (int)(length_us - source_us));
            if (i == j)
                require(outcome.dropped == 0 && outcome.repeated == 0, "rate %zu is kept", i);
            assert_int_equal(outcome.placed + outcome.dropped, frames);
        }
    }
}

/* A camera's frames come at 25 per second, up to 12 ms early or late. */
static void a_rate_is_kept_although_times_are_uneven(void **state)
{
    struct frame_grid grid;
    uint64_t seed = 7;
    int64_t place;
    int repeats;
    (void)state;
    frame_grid_init(&grid, (AVRational){25, 1});
    for (int i = 0; i < 1000; i++) {
        int64_t late_us = i > 0 ? random_between(&seed, -12000, 12000) : 0;
        require(frame_grid_place(&grid, i * INT64_C(40000) + late_us, &place, &repeats), "frame %d",
                i);
        require(place == i && repeats == 0, "frame %d: place %d", i, (int)place);
    }
}

static void a_pause_stays_a_pause(void **state)
{
    struct frame_grid grid;
    int64_t place;
    int repeats;
    (void)state;
    frame_grid_init(&grid, (AVRational){10, 1});
    assert_true(frame_grid_place(&grid, 0, &place, &repeats));
    assert_int_equal(place, 0);
    assert_true(frame_grid_place(&grid, SECOND, &place, &repeats));
    assert_int_equal(repeats, 9);
    assert_true(frame_grid_place(&grid, 4 * SECOND, &place, &repeats));
    assert_int_equal(place, 40);
    assert_int_equal(repeats, 0);
}

static void what_is_before_the_beginning_is_dropped(void **state)
{
    struct frame_grid grid;
    int64_t place;
    int repeats;
    (void)state;
    frame_grid_init(&grid, (AVRational){10, 1});
    assert_true(frame_grid_place(&grid, SECOND, &place, &repeats));
    assert_false(frame_grid_place(&grid, 0, &place, &repeats));
    assert_false(frame_grid_place(&grid, SECOND + 40000, &place, &repeats));
    assert_false(frame_grid_place(&grid, SECOND + 60000, &place, &repeats));
    assert_true(frame_grid_place(&grid, SECOND + 95000, &place, &repeats));
    assert_int_equal(place, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rate_becomes_every_other),
        cmocka_unit_test(a_rate_is_kept_although_times_are_uneven),
        cmocka_unit_test(a_pause_stays_a_pause),
        cmocka_unit_test(what_is_before_the_beginning_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
