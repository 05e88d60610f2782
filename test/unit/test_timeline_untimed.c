/* Packets without a time of their own. */
#include "timeline_rig.h"

static void test_first_packets_without_pts(void **state)
{
    (void)state;
    for (int missing = 1; missing < 30; missing++) {
        struct rig rig;
        rig_init(&rig, missing % 2 ? 0 : -1);
        int64_t last = 0;
        for (int n = 0; n < missing; n++) {
            last = video(&rig, AV_NOPTS_VALUE, n * 40000).pts;
            require(last >= n * FRAME - 2 && last <= n * FRAME + 2, "%d: %" PRId64, n, last);
        }
        /* From the first time on the camera's steps count. */
        struct timeline_stamp first = video(&rig, 5000000, missing * 40000);
        assert_in_range(first.pts, last + 1, last + 2 * FRAME);
        for (int n = 1; n < 20; n++)
            assert_int_equal(video(&rig, 5000000 + n * 3000, (missing + n) * 40000).pts,
                             first.pts + n * 3000);
    }
}

static void test_a_packet_without_pts_in_between(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, 0);
    for (int n = 0; n < 200; n++) {
        int64_t in = n % 7 == 3 || n % 7 == 4 ? AV_NOPTS_VALUE : 900 + n * FRAME;
        assert_int_equal(video(&rig, in, n * 40000).pts, n * FRAME);
    }
    assert_int_equal(rig.discontinuities, 0);
}

/* RTP times that never advance: by arrival, evenly, in the rate there is. */
static void test_times_that_stand_still(void **state)
{
    (void)state;
    static const int64_t origins[] = {0, 12345678, AV_NOPTS_VALUE};
    for (size_t i = 0; i < LENGTH(origins); i++) {
        struct rig rig;
        uint64_t random = 77;
        rig_init_rtp(&rig, 0);
        int64_t last = 0, last_sound = 0;
        for (int64_t n = 0; n < 15000; n++) {
            int64_t at = n * 66667, late = random_between(&random, 0, 49000);
            struct timeline_stamp s = video(&rig, origins[i], at + late);
            int64_t us = s.pts * 100 / 9;
            require(llabs(us - at) <= 100000, "frame %" PRId64 ": %" PRId64, n, us - at);
            require(n < 20 || (us - last > 20000 && us - last < 120000),
                    "frame %" PRId64 ": %" PRId64, n, us - last);
            last = us;
            s = stamp_at(&rig, 1, origins[i], 1067, at + late, at + late);
            require(n < 20 || llabs(s.pts - last_sound - 1067) < 300, "sound %" PRId64 ": %" PRId64,
                    n, s.pts - last_sound);
            require(llabs(s.pts * 125 / 2 - at) <= 150000, "sound %" PRId64, n);
            last_sound = s.pts;
        }
        assert_int_equal(rig.discontinuities, 0);
    }
}

/* They stand still for three seconds and then go on, where they were or where they would be. */
static void test_times_that_stand_still_for_a_while(void **state)
{
    (void)state;
    for (int missed = 0; missed <= 75; missed += 75) {
        struct rig rig;
        rig_init_rtp(&rig, 0);
        int64_t offset = 0;
        for (int64_t n = 0; n < 1000; n++) {
            int64_t in = n < 500 ? n : n < 575 ? 499 : n - 75 + missed;
            struct timeline_stamp s = video(&rig, in * FRAME, n * 40000);
            require(llabs(s.pts - n * FRAME) <= FRAME, "frame %" PRId64 ": %" PRId64, n, s.pts);
            require(llabs(s.wall_us - REAL - n * 40000) <= 40000, "frame %" PRId64, n);
            if (n == 575)
                offset = s.pts - in * FRAME;
            require(n < 575 || s.pts == in * FRAME + offset, "frame %" PRId64, n);
        }
        assert_int_equal(rig.discontinuities, 0);
    }
}

/* Every seventh time comes twice, with two frames: none of the others moves. */
static void test_times_that_come_twice(void **state)
{
    (void)state;
    struct rig rig;
    rig_init_rtp(&rig, 0);
    for (int64_t n = 0; n < 1000; n++) {
        assert_int_equal(video(&rig, n * FRAME, n * 40000).pts, n * FRAME);
        if (n % 7 == 6)
            assert_int_equal(video(&rig, n * FRAME, n * 40000 + 1000).pts, n * FRAME + FRAME / 2);
    }
    assert_int_equal(rig.discontinuities, 0);
}

/* Packets of sound that share the time of the RTP packet they came in follow each other. */
static void test_sound_that_shares_times(void **state)
{
    (void)state;
    for (int shared = 2; shared <= 12; shared += 5) {
        struct rig rig;
        rig_init_rtp(&rig, 0);
        for (int64_t n = 0; n < 1000; n++) {
            int64_t at = n / shared * shared * 64000;
            assert_int_equal(audio(&rig, 500 + n / shared * shared * 1024, at).pts, n * 1024);
        }
        assert_int_equal(rig.discontinuities, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_packets_without_pts),
        cmocka_unit_test(test_a_packet_without_pts_in_between),
        cmocka_unit_test(test_times_that_stand_still),
        cmocka_unit_test(test_times_that_stand_still_for_a_while),
        cmocka_unit_test(test_times_that_come_twice),
        cmocka_unit_test(test_sound_that_shares_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
