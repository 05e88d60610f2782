#include "timeline_rig.h"
#include "timeline_patterns.h"

static void test_reordering_of_known_depth(void **state)
{
    (void)state;
    static const int64_t steps[] = {FRAME, 3003, 18000, 1500};
    for (size_t p = 0; p < LENGTH(patterns); p++) {
        for (size_t i = 0; i < LENGTH(steps); i++) {
            /* A picture that is more than a second ahead looks like a jump. */
            if ((patterns[p].count + 1) * steps[i] > HERTZ)
                continue;
            struct rig rig;
            rig_init(&rig, patterns[p].depth);
            for (int64_t n = 0; n < 400; n++) {
                struct timeline_stamp s =
                    video(&rig, 4711 + place(&patterns[p], n) * steps[i], n * steps[i] * 100 / 9);
                require(s.pts == place(&patterns[p], n) * steps[i], "%s, frame %" PRId64,
                        patterns[p].name, n);
                /* Once the window is full, each frame is decoded in an output interval. */
                if (n >= patterns[p].depth)
                    require(s.dts == (n - patterns[p].depth) * steps[i],
                            "%s, frame %" PRId64 ": dts %" PRId64, patterns[p].name, n, s.dts);
            }
            assert_int_equal(rig.discontinuities, 0);
        }
    }
}

/* A depth that the stream does not say is seen in its times; from then on nothing is bent. */
static void test_reordering_of_unknown_depth(void **state)
{
    (void)state;
    for (size_t p = 0; p < LENGTH(patterns); p++) {
        struct rig rig;
        rig_init(&rig, -1);
        int bent = 0;
        for (int64_t n = 0; n < 400; n++) {
            struct timeline_stamp s = video(&rig, place(&patterns[p], n) * FRAME, n * 40000);
            bool is_bent = s.pts != place(&patterns[p], n) * FRAME;
            bent += is_bent;
            require(!is_bent || n < 3 * 8, "%s, frame %" PRId64, patterns[p].name, n);
        }
        require(bent <= 8, "%s: %d", patterns[p].name, bent);
        require(rig.timeline.tracks[0].reorder.depth == patterns[p].depth, "%s: depth %d",
                patterns[p].name, rig.timeline.tracks[0].reorder.depth);
        assert_int_equal(rig.discontinuities, 0);
    }
}

/* The encoder was given other settings: the old depth must not hold the times back. */
static void test_depth_changes(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 16);
    int64_t n = 0;
    for (; n < 100; n++)
        video(&rig, n * FRAME, n * 40000);
    timeline_set_reorder(&rig.timeline, 0, 0);
    for (; n < 200; n++) {
        struct timeline_stamp s = video(&rig, n * FRAME, n * 40000);
        require(s.pts == n * FRAME && s.dts == s.pts, "frame %" PRId64 ": dts %" PRId64, n, s.dts);
    }
    timeline_set_reorder(&rig.timeline, 0, 2);
    for (int64_t first = n; n < 300; n++) {
        int64_t at = first + place(&patterns[4], n - first);
        struct timeline_stamp s = video(&rig, at * FRAME, n * 40000);
        require(n < first + 10 || s.pts == at * FRAME, "frame %" PRId64, n);
    }
    timeline_set_reorder(&rig.timeline, 0, 99);
    assert_int_equal(rig.timeline.tracks[0].reorder.depth, REORDER_MAX);
    timeline_set_reorder(&rig.timeline, 0, -1);
    assert_int_equal(rig.timeline.tracks[0].reorder.depth, REORDER_MAX);
    timeline_set_reorder(&rig.timeline, 1, 3); /* sound is not reordered */
    assert_int_equal(rig.timeline.tracks[1].reorder.depth, 0);
}

/* A step back by more frames than overtake each other is no reordering: time goes on. */
static void test_a_small_step_back_is_no_reordering(void **state)
{
    (void)state;
    static const int depths[] = {-1, 0, 1, 2};
    for (size_t i = 0; i < LENGTH(depths); i++) {
        for (int back = 3; back < 25; back++) {
            struct rig rig;
            rig_init(&rig, depths[i]);
            for (int64_t n = 0; n < 1000; n++) {
                int64_t in = n < 500 ? n : n - back;
                struct timeline_stamp s = video(&rig, in * FRAME, n * 40000);
                require(s.pts == n * FRAME, "depth %d, %d back, frame %" PRId64 ": %" PRId64,
                        depths[i], back, n, s.pts);
                require(s.pts - s.dts <= 2 * FRAME, "frame %" PRId64 ": %" PRId64, n, s.dts);
            }
            assert_int_equal(rig.discontinuities, 1);
        }
    }
}

/* An encoder's times begin anew in the midst of a group: each frame keeps its place there. */
static void check_jump_in_group(const struct pattern *pattern, int at, bool is_burst)
{
    struct rig rig;
    rig_init(&rig, pattern->depth);
    int64_t offset = 0;
    for (int64_t n = 0; n < 200; n++) {
        int64_t in = place(pattern, n) * FRAME + (n < at ? 0 : 3600 * HERTZ);
        struct timeline_stamp s = video(&rig, in, is_burst && n > 80 ? 150 * 40000 : n * 40000);
        if (n == at)
            offset = s.pts - place(pattern, n) * FRAME;
        require(n < at || s.pts == place(pattern, n) * FRAME + offset,
                "%s, jump at %d, frame %" PRId64 ": %" PRId64, pattern->name, at, n,
                s.pts - offset);
    }
    assert_int_equal(rig.discontinuities, 1);
}

static void test_a_jump_between_overtaking_frames(void **state)
{
    (void)state;
    for (size_t p = 1; p < LENGTH(patterns); p++) {
        for (int at = 100; at < 110; at++) {
            check_jump_in_group(&patterns[p], at, false);
            check_jump_in_group(&patterns[p], at, true);
        }
    }
}

/* Recording begins at a key frame that frames follow which are shown before it. */
static void test_leading_frames_of_the_first_key_frame(void **state)
{
    (void)state;
    static const int depths[] = {-1, 1, 2, 16};
    for (size_t i = 0; i < LENGTH(depths); i++) {
        for (int leading = 1; leading <= 7; leading++) {
            struct rig rig;
            rig_init(&rig, depths[i]);
            const int64_t origin = 1000000;
            assert_int_equal(video(&rig, origin, 0).pts, 0);
            for (int n = 0; n < leading; n++) {
                struct timeline_stamp s =
                    video(&rig, origin - (leading - n) * FRAME, (n + 1) * 40000);
                assert_true(s.is_leading);
            }
            for (int n = 1; n < 50; n++)
                assert_int_equal(video(&rig, origin + n * FRAME, (leading + n) * 40000).pts,
                                 n * FRAME);
            assert_int_equal(rig.leading, leading);
            assert_int_equal(rig.discontinuities, 0);

            /* Of a later key frame they can be decoded and stay. */
            struct timeline_stamp s = video(&rig, origin + 53 * FRAME, 60 * 40000);
            assert_int_equal(s.pts, 53 * FRAME);
            assert_false(video(&rig, origin + 52 * FRAME, 61 * 40000).is_leading);
        }
    }
    /* A stream without reordering has none. */
    struct rig rig;
    rig_init(&rig, 0);
    video(&rig, 1000000, 0);
    assert_false(video(&rig, 1000000 - FRAME, 40000).is_leading);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reordering_of_known_depth),
        cmocka_unit_test(test_reordering_of_unknown_depth),
        cmocka_unit_test(test_depth_changes),
        cmocka_unit_test(test_a_small_step_back_is_no_reordering),
        cmocka_unit_test(test_a_jump_between_overtaking_frames),
        cmocka_unit_test(test_leading_frames_of_the_first_key_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
