#include "timeline_rig.h"

/* A constant stream, to the tick, over the first bits of every range. */
static void test_times_run_on_to_the_tick(void **state)
{
    (void)state;
    static const int64_t origins[] = {0,
                                      1,
                                      -1,
                                      12345,
                                      -12345,
                                      UINT32_MAX - 50 * FRAME,
                                      INT64_C(1) << 33,
                                      -(INT64_C(1) << 40),
                                      (INT64_C(1) << 60) - 1000 * FRAME,
                                      -(INT64_C(1) << 60) + 1000 * FRAME};
    for (size_t i = 0; i < LENGTH(origins); i++) {
        struct rig rig;
        rig_init(&rig, 0);
        for (int n = 0; n < 500; n++) {
            struct timeline_stamp s = video(&rig, origins[i] + n * FRAME, n * 40000);
            require(s.pts == n * FRAME && s.dts == s.pts && s.duration == FRAME,
                    "origin %zu, frame %d: %" PRId64, i, n, s.pts);
            require(s.wall_us == REAL + n * 40000, "origin %zu, frame %d", i, n);
        }
        assert_int_equal(rig.discontinuities, 0);
    }
}

/* The camera's times decide, however irregular they and the arrivals are. */
static void test_jitter_stays_out(void **state)
{
    (void)state;
    uint64_t random = 7;
    struct rig rig;
    rig_init(&rig, 0);
    int64_t in = 77, out = 0, arrival = 0;
    for (int n = 0; n < 5000; n++) {
        struct timeline_stamp s =
            video(&rig, in, arrival + (n ? random_between(&random, 0, 300000) : 0));
        require(s.pts == out && s.dts == out, "frame %d", n);
        int64_t step = random_between(&random, 1, 60000);
        in += step;
        out += step;
        arrival += step * 100 / 9;
    }
    assert_int_equal(rig.discontinuities, 0);
}

/* 10 s, then the camera's clock moves by `jump` while real time moves by `passed`. */
static void check_jump(int64_t jump_ticks, int64_t passed_us, bool is_told, bool is_followed)
{
    struct rig rig;
    rig_init(&rig, 0);
    int64_t n = 0, in = 1000, arrival = 0;
    for (; n < 250; n++, in += FRAME, arrival += 40000)
        video(&rig, in, arrival);
    in += jump_ticks - FRAME;
    arrival += passed_us - 40000;
    struct timeline_stamp s = video(&rig, in, arrival);
    int64_t expected = 249 * FRAME + (is_followed ? jump_ticks : passed_us * 9 / 100);
    require(s.discontinuity == is_told, "jump %" PRId64, jump_ticks);
    require(s.pts >= expected - 1 && s.pts <= expected + 1,
            "jump %" PRId64 ": %" PRId64 ", not %" PRId64, jump_ticks, s.pts, expected);
    if (is_told) {
        assert_in_range(s.arrival_us, passed_us, passed_us);
        if (llabs(jump_ticks) < INT64_C(1) << 40)
            assert_true(llabs(s.camera_us - jump_ticks * 100 / 9) <= 1);
    }
    /* Behind it all is as before. */
    for (int64_t i = 1; i < 100; i++) {
        struct timeline_stamp next = video(&rig, in + i * FRAME, arrival + i * 40000);
        require(next.pts == s.pts + i * FRAME && !next.discontinuity, "jump %" PRId64, jump_ticks);
        require(llabs(next.wall_us - (REAL + arrival + i * 40000)) < SECOND, "jump %" PRId64,
                jump_ticks);
    }
    assert_int_equal(rig.discontinuities, is_told);
}

static void test_jumps(void **state)
{
    (void)state;
    const int64_t hour = INT64_C(3600) * HERTZ;
    static const int64_t far[] = {1, -1};
    for (size_t i = 0; i < LENGTH(far); i++) {
        /* The camera's clock was set: the time that passed counts. */
        check_jump(far[i] * hour, 40000, true, false);
        check_jump(far[i] * 24 * hour, 40000, true, false);
        check_jump(far[i] * 3 * HERTZ, 40000, true, false);
        check_jump(far[i] * hour, 20 * SECOND, true, false);
        /* RTP time that wraps without being unwrapped, and a source's unwrapping gone wrong. */
        check_jump(far[i] * (INT64_C(1) << 32), 40000, true, false);
        check_jump(far[i] * (INT64_C(1) << 33), 40000, true, false);
        check_jump(far[i] * (INT64_C(1) << 58), 40000, true, false);
    }
    /* A real gap: the camera's time is right, and it is told of. */
    check_jump(20 * HERTZ, 20 * SECOND, true, true);
    check_jump(hour, HOUR, true, true);
    check_jump(20 * HERTZ, 20 * SECOND + 400000, true, true);
    /* Below a second nothing is wrong. */
    check_jump(HERTZ * 9 / 10, 900000, false, true);
    check_jump(HERTZ * 9 / 10, 40000, false, true);
}

/* The camera's clock is set, and nothing is missing: jitter of arrival does not show. */
static void test_a_jump_without_a_gap(void **state)
{
    (void)state;
    struct rig rig;
    uint64_t random = 15;
    rig_init_rtp(&rig, 0);
    int64_t arrival = 0;
    for (int64_t n = 0; n < 10000; n++) {
        int64_t late = n * 40000 + (n ? random_between(&random, 0, 95000) : 0);
        arrival = late > arrival ? late : arrival;
        assert_int_equal(video(&rig, n * FRAME + n / 100 * 90 * HERTZ, arrival).pts, n * FRAME);
    }
    assert_int_equal(rig.discontinuities, 99);
}

/* The same within what a stall held up: what comes at once was not taken at once. */
static void check_jump_in_burst(int64_t frame_us, int at)
{
    struct rig rig;
    rig_init_rtp(&rig, 0);
    for (int64_t n = 0; n < 400; n++) {
        int64_t ticks = frame_us * 9 / 100;
        int64_t arrival = (n >= 200 && n < 325 ? 325 : n) * frame_us;
        struct timeline_stamp s = video(&rig, n * ticks - (n < at ? 0 : 77 * HERTZ), arrival);
        require(s.pts == n * ticks, "jump at %d, frame %" PRId64, at, n);
        require(llabs(s.wall_us - REAL - n * frame_us) <= 1, "jump at %d, frame %" PRId64, at, n);
    }
    assert_int_equal(rig.discontinuities, 1);
}

static void test_a_jump_in_a_burst(void **state)
{
    (void)state;
    for (int at = 202; at < 325; at += 10) {
        check_jump_in_burst(40000, at);
        check_jump_in_burst(200000, at);
    }
}

/* The camera dropped 1.4 s of what a stall held up: its times are right. */
static void test_a_gap_in_a_burst(void **state)
{
    (void)state;
    struct rig rig;
    rig_init_rtp(&rig, 0);
    for (int64_t n = 0; n < 1000; n++) {
        if (n >= 520 && n < 555)
            continue;
        int64_t arrival = n >= 500 && n < 625 ? 625 * 40000 : n * 40000;
        struct timeline_stamp s = video(&rig, n * FRAME, arrival);
        require(s.pts == n * FRAME && s.discontinuity == (n == 555), "frame %" PRId64, n);
        require(llabs(s.wall_us - REAL - n * 40000) <= 1, "frame %" PRId64, n);
    }
}

/* A wall of times that only go backwards: each is a jump, none is clamped. */
static void test_backwards_for_ever(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 0);
    for (int64_t n = 0; n < 100; n++) {
        struct timeline_stamp s = video(&rig, -n * 10 * HERTZ, n * 40000);
        assert_true(llabs(s.pts - n * FRAME) <= 1);
    }
    assert_int_equal(rig.discontinuities, 99);
}

/* One frame in two seconds is slow, but no row of gaps. */
static void test_slow_camera(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, -1);
    for (int64_t n = 0; n < 200; n++) {
        struct timeline_stamp s = video(&rig, n * 2 * HERTZ, n * 2 * SECOND + n % 3 * 90000);
        require(s.pts == n * 2 * HERTZ && s.dts == s.pts, "frame %" PRId64, n);
        require(n < 3 || s.duration == 2 * HERTZ, "frame %" PRId64, n);
    }
    assert_true(rig.discontinuities <= 2); /* until it is known how slow it is */
}

/* Of a slow camera too: the time that passed counts. */
static void test_a_slow_camera_that_jumps(void **state)
{
    (void)state;
    for (int64_t jump = -7; jump <= 7; jump += 2) {
        struct rig rig;
        rig_init(&rig, 0);
        for (int64_t n = 0; n < 100; n++) {
            int64_t in = n * 2 * HERTZ + (n < 50 ? 0 : jump * HERTZ);
            struct timeline_stamp s = video(&rig, in, n * 2 * SECOND);
            bool is_small = llabs(jump) == 1; /* within what counts as a jump */
            require(s.pts == n * 2 * HERTZ || (is_small && s.pts == in),
                    "jump %" PRId64 ", frame %" PRId64 ": %" PRId64, jump, n, s.pts);
            require(n != 50 || s.discontinuity != is_small, "jump %" PRId64, jump);
        }
    }
}

static void test_duration_is_not_a_gap(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 0);
    for (int64_t n = 0; n < 10; n++)
        video(&rig, n * FRAME, n * 40000);
    struct timeline_stamp s = video(&rig, 60 * HERTZ, MINUTE);
    assert_true(s.discontinuity);
    assert_int_equal(s.duration, FRAME);
    assert_int_equal(audio(&rig, 0, MINUTE).duration, 1024);
}

static void test_extreme_numbers(void **state)
{
    (void)state;
    static const int64_t extremes[] = {INT64_MAX,
                                       INT64_MIN + 1,
                                       0,
                                       INT64_MIN + 2,
                                       INT64_MAX - 1,
                                       INT64_C(1) << 62,
                                       -1,
                                       -(INT64_C(1) << 62),
                                       INT64_C(1) << 60,
                                       AV_NOPTS_VALUE,
                                       -(INT64_C(1) << 60)};
    for (size_t i = 0; i < LENGTH(extremes); i++) {
        for (size_t j = 0; j < LENGTH(extremes); j++) {
            struct rig rig;
            rig_init_with(&rig, (int)i % 3 - 1, j % 2);
            for (int64_t n = 0; n < 12; n++) {
                int64_t arrival = n * 40000;
                struct timeline_stamp s = video(&rig, n % 2 ? extremes[j] : extremes[i], arrival);
                require(s.is_leading || (s.pts >= -10 * HERTZ && s.pts < 1000 * HERTZ),
                        "%zu %zu: %" PRId64, i, j, s.pts);
                s = audio(&rig, n % 2 ? extremes[i] : extremes[j], arrival);
                require(s.pts >= -10 * AUDIO && s.pts < 1000 * AUDIO, "%zu %zu: %" PRId64, i, j,
                        s.pts);
            }
        }
    }
}

/* Announced are 25 frames a second, and there are others. */
static void test_an_announced_rate_that_is_wrong(void **state)
{
    (void)state;
    static const int64_t frames[] = {6000, 3003, 1500, 18000, HERTZ};
    for (size_t i = 0; i < LENGTH(frames); i++) {
        struct rig rig;
        rig_init(&rig, 0);
        for (int64_t n = 0; n < 500; n++) {
            int64_t at = n * frames[i] * 100 / 9;
            struct timeline_stamp s = stamp_at(&rig, 0, n * frames[i], FRAME, at, at);
            require(s.pts == n * frames[i] && s.dts == s.pts, "rate %zu, frame %" PRId64, i, n);
            require(s.duration == (n == 0 ? FRAME : frames[i]), "rate %zu, frame %" PRId64, i, n);
        }
        assert_int_equal(rig.discontinuities, 0);
    }
}

/* Sound whose times step back goes on where it was, and says so. */
static void test_sound_that_steps_back(void **state)
{
    (void)state;
    for (int64_t back = 100; back < 12000; back += 700) {
        struct rig rig;
        rig_init_rtp(&rig, 0);
        for (int64_t n = 0; n < 300; n++)
            assert_int_equal(audio(&rig, n * 1024 - (n < 100 ? 0 : 1024 + back), n * 64000).pts,
                             n * 1024);
        assert_int_equal(rig.discontinuities, 1);
    }
}

/* RTP times of 32 bits that nobody has extended: a day of them, 1 frame a second. */
static void test_wraps(void **state)
{
    (void)state;
    struct rig rig;
    rig_init_rtp(&rig, 0);
    for (int64_t n = 0; n < 100000; n++) {
        int64_t in = (int64_t)(uint32_t)(4000000000 + n * HERTZ);
        assert_int_equal(video(&rig, in, n * SECOND).pts, n * HERTZ);
    }
    assert_int_equal(rig.discontinuities, 3);
}

/*
 * 100,000 short streams of anything: the first guarantee is checked with every stamp; besides, our
 * time may never leave the time that passed by more than some slow frames and small jumps add up
 * to.
 */
static void test_fuzz(void **state)
{
    (void)state;
    uint64_t random = 2024;
    for (int round = 0; round < 100000; round++) {
        struct rig rig;
        rig_init_with(&rig, (int)random_between(&random, -1, 5), round % 2);
        int64_t in[2] = {random_between(&random, -1000000, 1000000), 0}, arrival = 0, real = 0;
        in[1] = in[0] / 6 + random_between(&random, -1, 1) * 1000000;
        for (int n = 0; n < 30; n++) {
            int track = random_between(&random, 0, 2) == 0;
            int64_t pts = in[track] += track ? 640 : FRAME;
            switch (random_between(&random, 0, 25)) {
            case 0:
                in[track] += random_between(&random, -1, 1) *
                             (INT64_C(1) << random_between(&random, 10, 62)) / 2;
                pts = in[track] %= INT64_C(1) << 61;
                break;
            case 1:
                pts = AV_NOPTS_VALUE;
                break;
            case 2:
                pts = (int64_t)next_random(&random);
                break;
            case 3:
            case 4:
            case 5:
                pts -= random_between(&random, 0, 5) * FRAME;
                break;
            case 6:
                in[track] -= track ? 640 : FRAME;
                break;
            case 7:
                arrival += random_between(&random, 0, 100) * SECOND;
                break;
            case 8:
                real += random_between(&random, -HOUR, HOUR);
                break;
            case 10:
                timeline_report(&rig.timeline, track, (int64_t)next_random(&random),
                                (int64_t)next_random(&random), START + arrival);
                break;
            case 11:
                timeline_report(&rig.timeline, track, pts,
                                arrival + random_between(&random, -2, 2) * SECOND / 2,
                                START + arrival);
                break;
            case 9:
                timeline_set_reorder(&rig.timeline, 0, (int)random_between(&random, -1, 20));
                break;
            default:
                break;
            }
            arrival += random_between(&random, 0, 80000);
            int64_t duration = random_between(&random, 0, 3) ? 0 : random_between(&random, 1, 9000);
            struct timeline_stamp s = stamp_at(&rig, track, pts, duration, arrival, arrival + real);
            if (s.is_leading)
                continue;
            int64_t us = track ? s.pts * SECOND / AUDIO : s.pts * 100 / 9;
            require(us > -40 * SECOND && us < arrival + 1000 * SECOND,
                    "round %d, packet %d: %" PRId64 " at %" PRId64, round, n, us, arrival);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_run_on_to_the_tick),
        cmocka_unit_test(test_jitter_stays_out),
        cmocka_unit_test(test_jumps),
        cmocka_unit_test(test_a_jump_without_a_gap),
        cmocka_unit_test(test_a_jump_in_a_burst),
        cmocka_unit_test(test_a_gap_in_a_burst),
        cmocka_unit_test(test_backwards_for_ever),
        cmocka_unit_test(test_slow_camera),
        cmocka_unit_test(test_a_slow_camera_that_jumps),
        cmocka_unit_test(test_duration_is_not_a_gap),
        cmocka_unit_test(test_an_announced_rate_that_is_wrong),
        cmocka_unit_test(test_sound_that_steps_back),
        cmocka_unit_test(test_wraps),
        cmocka_unit_test(test_extreme_numbers),
        cmocka_unit_test(test_fuzz),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
