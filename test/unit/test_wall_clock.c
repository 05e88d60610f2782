#include "timeline_sim.h"

/* The network stalls, then everything comes at once: not a frame moves. */
static void test_stall_and_burst(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 0);
    for (int64_t n = 0; n < 2000; n++) {
        int64_t arrival = n * 40000;
        if (n >= 500 && n < 620)
            arrival = 620 * 40000; /* 4.8 s at once */
        struct timeline_stamp s = video(&rig, n * FRAME, arrival);
        require(s.pts == n * FRAME && !s.discontinuity, "frame %" PRId64, n);
        require(llabs(s.wall_us - (REAL + n * 40000)) < 20000, "frame %" PRId64 ": %" PRId64, n,
                s.wall_us - REAL - n * 40000);
    }
}

/* A camera's clock is 100 ppm off: over a day 8.6 s. */
static void test_drift_over_a_day(void **state)
{
    (void)state;
    static const int64_t ppm[] = {100, -100, 0};
    for (size_t i = 0; i < LENGTH(ppm); i++) {
        struct rig rig;
        uint64_t random = 19;
        rig_init(&rig, 0);
        int64_t last_wall = 0;
        for (int64_t n = 0; n < 86400 * 5; n++) {
            int64_t real = n * 200000;
            int64_t in = (real + real / 1000000 * ppm[i]) * 9 / 100;
            int64_t late = random_between(&random, 0, 30000);
            struct timeline_stamp s = stamp_at(&rig, 0, in, 0, real + late, real + late);
            require(s.pts == in, "frame %" PRId64, n);
            require(llabs(s.wall_us - (REAL + real)) < 100000,
                    "%" PRId64 " ppm, frame %" PRId64 ": %" PRId64, ppm[i], n,
                    s.wall_us - REAL - real);
            /* Slewed; what moves more is the first packets' delay. */
            require(n < 100 || llabs(s.wall_us - last_wall - 200000) <= 6000,
                    "frame %" PRId64 ": %" PRId64, n, s.wall_us - last_wall);
            last_wall = s.wall_us;
        }
        assert_int_equal(rig.discontinuities, 0);
    }
}

/* Somebody sets the host's clock: names of files follow, media does not. */
static void test_host_clock_is_set(void **state)
{
    (void)state;
    static const int64_t sets[] = {HOUR, -HOUR, 2 * SECOND, -700000};
    for (size_t i = 0; i < LENGTH(sets); i++) {
        struct rig rig;
        rig_init(&rig, 0);
        for (int64_t n = 0; n < 1000; n++) {
            int64_t set = n < 500 ? 0 : sets[i];
            struct timeline_stamp s = stamp_at(&rig, 0, n * FRAME, 0, n * 40000, n * 40000 + set);
            require(s.pts == n * FRAME && !s.discontinuity, "frame %" PRId64, n);
            require(s.wall_us == REAL + n * 40000 + set, "set %zu, frame %" PRId64 ": %" PRId64, i,
                    n, s.wall_us - REAL - n * 40000 - set);
        }
    }
}

/* NTP pulls the clock gently: wall time follows at 500 ppm at most. */
static void test_host_clock_is_slewed(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 0);
    int64_t last = REAL - 40000;
    for (int64_t n = 0; n < 25 * 600; n++) {
        int64_t slewed = n * 40000 / 2500; /* 400 ppm */
        struct timeline_stamp s = stamp_at(&rig, 0, n * FRAME, 0, n * 40000, n * 40000 + slewed);
        require(llabs(s.wall_us - (REAL + n * 40000 + slewed)) < 50000, "frame %" PRId64, n);
        require(llabs(s.wall_us - last - 40000) <= 5000, "frame %" PRId64, n);
        last = s.wall_us;
    }
}

/* More than a second between media and arrival, for longer than a burst lasts: a step. */
static void test_wall_time_steps_when_media_fell_behind(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 0);
    int64_t behind = 0;
    for (int64_t n = 0; n < 2000; n++) {
        /* From frame 500 on, all comes 3 s late, for ever: the camera's clock was stopped. */
        int64_t arrival = n * 40000 + (n >= 500 ? 3 * SECOND : 0);
        struct timeline_stamp s = video(&rig, n * FRAME, arrival);
        assert_int_equal(s.pts, n * FRAME);
        behind = REAL + arrival - s.wall_us;
    }
    assert_true(llabs(behind) < 50000);
}

/* Two hours of a network that is ill in several ways, and of a camera with clocks that are off. */
static void check_hours(const struct sim *sim, int discontinuities)
{
    for (int ppm = -200; ppm <= 200; ppm += 200) {
        struct sim run = *sim;
        run.ppm[0] = ppm;
        sim_init(&run, 7 + (uint64_t)(ppm + 200));
        sim_run(&run, 0, 2 * HOUR);
        require(run.wall_error_us <= 100000, "%d ppm: %" PRId64, ppm, run.wall_error_us);
        require(run.rig.discontinuities == discontinuities, "%d ppm: %d", ppm,
                run.rig.discontinuities);
    }
}

static void test_stalls(void **state)
{
    (void)state;
    for (int64_t stall_us = SECOND; stall_us <= 64 * SECOND; stall_us *= 4)
        check_hours(&(struct sim){.stall_us = stall_us}, 0);
}

static void test_outages(void **state)
{
    (void)state;
    check_hours(&(struct sim){.outage_us = 20 * SECOND}, 2 * 59);
}

static void test_congestion(void **state)
{
    (void)state;
    check_hours(&(struct sim){.congestion_us = 900000}, 0);
    check_hours(&(struct sim){.congestion_us = 3 * SECOND}, 0);
}

static void test_jumps(void **state)
{
    (void)state;
    check_hours(&(struct sim){.jump_every_us = 100 * SECOND}, 2 * 71);
    check_hours(&(struct sim){.jump_every_us = 100 * SECOND, .picture_us = 200000}, 2 * 71);
}

/* The camera's time moves by less than what counts as a jump, each minute. */
static void test_small_steps(void **state)
{
    (void)state;
    static const int64_t steps_ms[] = {50, 90, 300, 800, -50, -90, -300, -800};
    for (size_t i = 0; i < LENGTH(steps_ms); i++) {
        struct rig rig;
        uint64_t random = 5 + i;
        rig_init_rtp(&rig, 0);
        for (int64_t n = 0; n < 25 * 1200; n++) {
            int64_t in = n * FRAME + n / 1500 * steps_ms[i] * 90;
            int64_t arrival = n * 40000 + random_between(&random, 0, 39000);
            struct timeline_stamp s = video(&rig, in, arrival);
            require(llabs(s.wall_us - (REAL + n * 40000)) <= 100000,
                    "%" PRId64 " ms, frame %" PRId64 ": %" PRId64, steps_ms[i], n,
                    s.wall_us - REAL - n * 40000);
        }
    }
}

/* The camera was silent for 20 s, of which its clock missed some. */
static void test_a_gap_of_another_length(void **state)
{
    (void)state;
    for (int64_t less_ms = -400; less_ms <= 400; less_ms += 80) {
        struct rig rig;
        rig_init_rtp(&rig, 0);
        for (int64_t n = 0; n < 2000; n++) {
            int64_t arrival = n * 40000 + (n < 500 ? 0 : 20 * SECOND);
            int64_t in = n * FRAME + (n < 500 ? 0 : 20 * HERTZ - less_ms * 90);
            struct timeline_stamp s = video(&rig, in, arrival);
            require(s.pts == in && llabs(s.wall_us - REAL - arrival) <= 1,
                    "%" PRId64 " ms, frame %" PRId64 ": %" PRId64, less_ms, n,
                    s.wall_us - REAL - arrival);
        }
        assert_int_equal(rig.discontinuities, 1);
    }
}

/* Its RTP times stand still. */
static void test_times_by_arrival(void **state)
{
    (void)state;
    check_hours(&(struct sim){.has_no_times = {true, true}}, 0);
    check_hours(&(struct sim){.has_no_times = {true, true}, .picture_us = 66667}, 0);
    check_hours(&(struct sim){.has_no_times = {true, false}, .picture_us = 500000}, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stall_and_burst),
        cmocka_unit_test(test_drift_over_a_day),
        cmocka_unit_test(test_host_clock_is_set),
        cmocka_unit_test(test_host_clock_is_slewed),
        cmocka_unit_test(test_wall_time_steps_when_media_fell_behind),
        cmocka_unit_test(test_stalls),
        cmocka_unit_test(test_outages),
        cmocka_unit_test(test_congestion),
        cmocka_unit_test(test_jumps),
        cmocka_unit_test(test_small_steps),
        cmocka_unit_test(test_a_gap_of_another_length),
        cmocka_unit_test(test_times_by_arrival),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
