#include "timeline_patterns.h"
#include "timeline_sim.h"

static void test_sound_shares_the_offset(void **state)
{
    (void)state;
    /* Sound that begins up to 0.9 s beside its arrival, before or after the video. */
    for (int64_t skew_ms = -900; skew_ms <= 900; skew_ms += 300) {
        struct rig rig;
        rig_init(&rig, 0);
        int64_t camera = 5000; /* seconds of the camera's clock at START */
        for (int64_t n = 0; n < 100; n++) {
            assert_int_equal(video(&rig, camera * HERTZ + n * FRAME, n * 40000).pts, n * FRAME);
            if (n < 25)
                continue;
            int64_t in = (camera + 1) * AUDIO + (n - 25) * 640; /* 40 ms */
            struct timeline_stamp s =
                stamp_at(&rig, 1, in, 640, n * 40000 + skew_ms * 1000, n * 40000 + skew_ms * 1000);
            require(llabs(s.pts - (AUDIO + (n - 25) * 640)) <= 1, "skew %" PRId64 ": %" PRId64,
                    skew_ms, s.pts);
        }
        assert_int_equal(rig.discontinuities, 0);
    }
}

/* Without a common clock each track follows its arrivals. */
static void test_sound_on_a_clock_of_its_own(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 0);
    video(&rig, 0, 0);
    struct timeline_stamp s = audio(&rig, 123456789, 500000);
    assert_int_equal(s.pts, AUDIO / 2);
    for (int64_t n = 1; n < 100; n++)
        assert_int_equal(audio(&rig, 123456789 + n * 1024, 500000 + n * 64000).pts,
                         AUDIO / 2 + n * 1024);
    assert_int_equal(rig.discontinuities, 0);
}

/* An RTCP sender report moves both tracks by hours: lips and voice stay together. */
static void test_a_common_jump_keeps_sound_in_step(void **state)
{
    (void)state;
    for (int64_t jump = -3600; jump <= 3600; jump += 7200) {
        struct rig rig;
        rig_init(&rig, 0);
        for (int64_t n = 0; n < 1000; n++) {
            int64_t by = n < 500 ? 0 : jump, arrival = n * 40000;
            int64_t pts = video(&rig, by * HERTZ + n * FRAME, arrival).pts;
            int64_t sound =
                stamp_at(&rig, 1, by * AUDIO + n * 640, 640, arrival + 7000, arrival + 7000).pts;
            require(llabs(pts * 100 / 9 - sound * SECOND / AUDIO) < 50000, "frame %" PRId64, n);
        }
        assert_int_equal(rig.discontinuities, 2);
    }
}

/* A day with sound's clock 200 ppm off the picture's, which itself is off. */
static void check_day(struct sim *sim, uint64_t seed, int64_t settled_us)
{
    sim_init(sim, seed);
    sim_run(sim, 0, settled_us);
    sim->skew_us = 0;
    sim_run(sim, settled_us, 24 * HOUR);
    require(sim->skew_us <= 100000, "skew %" PRId64 ", seed %d", sim->skew_us, (int)seed);
    require(sim->wall_error_us <= 100000, "wall time %" PRId64, sim->wall_error_us);
}

static void test_a_day_without_reports(void **state)
{
    (void)state;
    static const int64_t ppm[] = {200, -200};
    for (size_t i = 0; i < LENGTH(ppm); i++) {
        struct sim sim = {.ppm = {-ppm[i] / 2, ppm[i] / 2}, .stall_us = 5 * SECOND};
        check_day(&sim, 11 + i, 20 * SECOND);
        assert_int_equal(sim.rig.discontinuities, 0);
    }
}

/* Sound is sent 300 ms late; the reports know. Their clock is set, which moves nothing. */
static void test_a_day_with_reports(void **state)
{
    (void)state;
    static const int64_t steps[] = {0, HOUR, -HOUR, 300000};
    for (size_t i = 0; i < LENGTH(steps); i++) {
        struct sim sim = {
            .ppm = {i % 2 ? 200 : -200, 0},
            .latency_us = 300000,
            .report_us = (i == 3 ? 45 : 5) * SECOND,
            .ntp_step_us = steps[i],
        };
        check_day(&sim, 21 + i, 120 * SECOND);
        require(sim.skew_us < 60000, "step %zu: %" PRId64, i, sim.skew_us);
        assert_int_equal(sim.rig.discontinuities, 0);
    }
}

/* What reports have said of the latency holds when there are no more. */
static void test_reports_that_end(void **state)
{
    (void)state;
    struct sim sim = {.ppm = {0, 200}, .latency_us = 300000, .report_us = 5 * SECOND};
    sim_init(&sim, 31);
    sim_run(&sim, 0, 100 * SECOND);
    sim.next_report[0] = sim.next_report[1] = INT64_MAX;
    sim.skew_us = 0;
    sim_run(&sim, 100 * SECOND, HOUR);
    require(sim.skew_us <= 100000, "skew %" PRId64, sim.skew_us);
}

/* Every quarter of an hour the RTP times of both tracks begin anew. */
static void test_jumps_keep_sound_in_step(void **state)
{
    (void)state;
    for (int64_t report_us = 0; report_us <= 5 * SECOND; report_us += 5 * SECOND) {
        struct sim sim = {
            .ppm = {-100, 100},
            .latency_us = report_us ? 300000 : 0,
            .report_us = report_us,
            .jump_every_us = 900 * SECOND,
        };
        check_day(&sim, 41, 60 * SECOND);
        assert_int_equal(sim.rig.discontinuities, 2 * (24 * 4 - 1));
    }
}

/* Reports before the first sound put it where it belongs, without slewing. */
static void test_reports_before_the_first_sound(void **state)
{
    (void)state;
    struct rig rig;
    rig_init_rtp(&rig, 0);
    for (int n = 0; n < 10; n++)
        video(&rig, 1000 + n * FRAME, n * 40000);
    timeline_report(&rig.timeline, 0, 1000 + 5 * FRAME, 7 * SECOND, START + 200000);
    timeline_report(&rig.timeline, 1, 77 * AUDIO, 7 * SECOND, START + 200000);
    /* Of the moment of frame 5, 400 ms later. */
    assert_int_equal(audio(&rig, 77 * AUDIO, 600000).pts, AUDIO / 5);
}

/* A camera reports before it sends anything: nothing is slewed at all. */
static void test_reports_before_everything(void **state)
{
    (void)state;
    struct rig rig;
    rig_init_rtp(&rig, 0);
    timeline_report(&rig.timeline, 0, 1000, REAL, START);
    timeline_report(&rig.timeline, 1, 77 * AUDIO, REAL, START);
    for (int64_t n = 0; n < 3000; n++) {
        assert_int_equal(video(&rig, 1000 + n * FRAME, n * 40000).pts, n * FRAME);
        int64_t late = n * 40000 + 300000;
        assert_int_equal(stamp_at(&rig, 1, 77 * AUDIO + n * 640, 640, late, late).pts, n * 640);
    }
}

/* Reports that are off by more than a second are nobody's. */
static void test_wrong_reports(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        struct rig rig;
        rig_init_rtp(&rig, 0);
        for (int64_t n = 0; n < 10000; n++) {
            int64_t now = n * 40000, ntp = REAL + now;
            assert_int_equal(video(&rig, n * FRAME, now).pts, n * FRAME);
            assert_int_equal(stamp_at(&rig, 1, n * 640, 640, now, now).pts, n * 640);
            if (n % 100 != 50)
                continue;
            timeline_report(&rig.timeline, 0, kind == 0 ? 0 : n * FRAME, ntp, START + now);
            timeline_report(&rig.timeline, 1, kind == 1 ? INT64_MIN : n * 640,
                            kind == 2   ? ntp + 1500000
                            : kind == 3 ? INT64_MIN
                                        : ntp,
                            START + now);
        }
        assert_int_equal(rig.discontinuities, 0);
    }
}

/* At the start the camera sends what it had buffered: sound goes to the newest picture. */
static void test_a_buffered_group_of_pictures_at_the_start(void **state)
{
    (void)state;
    struct rig rig;
    rig_init_rtp(&rig, 0);
    int64_t n = 0, m = 0;
    for (; n < 50; n++) /* 2 s */
        video(&rig, 1000 + n * FRAME, 0);
    for (int64_t now = 0; now < 60 * SECOND; now += 40000) {
        struct timeline_stamp picture = video(&rig, 1000 + n++ * FRAME, now);
        struct timeline_stamp sound = stamp_at(&rig, 1, 5 + m++ * 640, 640, now, now);
        require(llabs(sound.pts * 125 / 2 - picture.pts * 100 / 9) <= 1000, "at %" PRId64, now);
        require(llabs(picture.wall_us - REAL - now) <= 100000, "at %" PRId64, now);
    }
}

/* The sound of now comes with the oldest picture: it steps forward once, and never back. */
static void test_sound_that_comes_before_the_buffered_pictures(void **state)
{
    (void)state;
    struct rig rig;
    rig_init_rtp(&rig, 0);
    int64_t n = 0, m = 0;
    video(&rig, 1000, 0);
    stamp_at(&rig, 1, 5, 640, 0, 0);
    for (n = 1; n <= 50; n++) /* 2 s */
        video(&rig, 1000 + n * FRAME, 1000);
    for (int64_t now = 40000; now < 60 * SECOND; now += 40000) {
        struct timeline_stamp picture = video(&rig, 1000 + n++ * FRAME, now);
        struct timeline_stamp sound = stamp_at(&rig, 1, 5 + ++m * 640, 640, now, now);
        require(now < 3 * SECOND || llabs(sound.pts * 125 / 2 - picture.pts * 100 / 9) <= 1000,
                "at %" PRId64, now);
    }
    assert_int_equal(rig.discontinuities, 1);
}

/* Times of one clock, and sound that comes late at first: it is not moved. */
static void test_late_sound_of_a_common_clock(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 0);
    for (int64_t n = 0; n < 3000; n++) {
        int64_t now = n * 40000, late = now + (n < 125 ? 400000 : 0);
        video(&rig, n * FRAME, now);
        assert_int_equal(stamp_at(&rig, 1, n * 640, 640, late, late).pts, n * 640);
    }
}

/* What was reported before sound's times stepped back has no say behind that. */
static void test_reports_from_before_a_step(void **state)
{
    (void)state;
    struct rig rig;
    rig_init_rtp(&rig, 0);
    for (int64_t n = 0; n < 4000; n++) {
        int64_t now = n * 40000, in = n * 640 - (n < 2000 ? 0 : 10000);
        if (n % 1000 == 50) {
            timeline_report(&rig.timeline, 0, n * FRAME, now, START + now);
            timeline_report(&rig.timeline, 1, in, now, START + now);
        }
        assert_int_equal(video(&rig, n * FRAME, now).pts, n * FRAME);
        assert_int_equal(stamp_at(&rig, 1, in, 640, now, now).pts, n * 640);
    }
    assert_int_equal(rig.discontinuities, 1);
}

/* A report that was overtaken by a jump of the times it speaks of. */
static void test_a_stray_report(void **state)
{
    (void)state;
    struct rig rig;
    rig_init_rtp(&rig, 0);
    for (int64_t n = 0; n < 100; n++)
        video(&rig, n * FRAME, n * 40000);
    timeline_report(&rig.timeline, 0, 99 * FRAME, REAL, START + 99 * 40000);
    timeline_report(&rig.timeline, 0, HOUR, REAL + SECOND, START + 99 * 40000);
    assert_int_equal(rig.timeline.tracks[0].report.ntp_us, REAL);
    assert_true(rig.timeline.tracks[0].report.is_valid);
}

/* Pictures that overtake others leave the camera before those, not before the sound of their time.
 */
static void test_sound_beside_reordered_pictures(void **state)
{
    (void)state;
    for (size_t p = 0; p < LENGTH(patterns); p++) {
        const struct pattern *pattern = &patterns[p];
        struct rig rig;
        uint64_t random = 3 + p;
        rig_init_rtp(&rig, pattern->depth);
        int64_t m = 0;
        for (int64_t n = 0; n < 5000; n++) {
            int64_t now = n * 40000, taken = place(pattern, n) * 40000;
            int64_t arrival = now + random_between(&random, 0, 39000);
            struct timeline_stamp s = video(&rig, 999 + place(pattern, n) * FRAME, arrival);
            int64_t ahead = s.pts * 100 / 9 - taken;
            /* One that overtakes others is there before its time; it is dated no later than that.
             */
            int64_t shown = taken + pattern->depth * 40000, wall = s.wall_us - REAL;
            require(wall <= arrival && wall <= shown + 100000 &&
                        wall >= (shown < arrival ? shown : arrival) - 100000,
                    "%s, frame %" PRId64 ": %" PRId64, pattern->name, n, wall - shown);
            for (; (m + pattern->depth) * 40000 <= now; m++) {
                s = stamp_at(&rig, 1, 55555 + m * 640, 640, arrival, arrival);
                int64_t skew = s.pts * 125 / 2 - m * 40000 - ahead;
                require(n < 20 || llabs(skew) <= 70000, "%s, frame %" PRId64 ": %" PRId64,
                        pattern->name, n, skew);
            }
        }
        assert_int_equal(rig.discontinuities, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_shares_the_offset),
        cmocka_unit_test(test_sound_on_a_clock_of_its_own),
        cmocka_unit_test(test_a_common_jump_keeps_sound_in_step),
        cmocka_unit_test(test_a_day_without_reports),
        cmocka_unit_test(test_a_day_with_reports),
        cmocka_unit_test(test_reports_that_end),
        cmocka_unit_test(test_jumps_keep_sound_in_step),
        cmocka_unit_test(test_reports_before_the_first_sound),
        cmocka_unit_test(test_reports_before_everything),
        cmocka_unit_test(test_wrong_reports),
        cmocka_unit_test(test_a_buffered_group_of_pictures_at_the_start),
        cmocka_unit_test(test_sound_beside_reordered_pictures),
        cmocka_unit_test(test_sound_that_comes_before_the_buffered_pictures),
        cmocka_unit_test(test_late_sound_of_a_common_clock),
        cmocka_unit_test(test_reports_from_before_a_step),
        cmocka_unit_test(test_a_stray_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
