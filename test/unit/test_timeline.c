#include "unit.h"

#include <inttypes.h>

#include <libavutil/avutil.h>

#include "ingest/timeline.h"

#define START (100 * HOUR)                   /* of the monotonic clock */
#define REAL  (INT64_C(1700000000) * SECOND) /* of the wall clock at that moment */
#define HERTZ 90000                          /* of the video's time base */
#define FRAME 3600                           /* 25 fps, in ticks */
#define AUDIO INT64_C(16000)                 /* of the audio's time base */

/* A timeline with a video and an audio track, and what it must keep to. */
struct rig {
    struct timeline timeline;
    int64_t last_dts[2];
    int discontinuities;
};

static void rig_init(struct rig *rig, int reorder_frames)
{
    struct stream *stream = stream_create();
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    assert_int_equal(stream_add_track(stream, parameters, (AVRational){1, HERTZ}, reorder_frames),
                     0);
    parameters->codec_type = AVMEDIA_TYPE_AUDIO;
    assert_int_equal(stream_add_track(stream, parameters, (AVRational){1, (int)AUDIO}, -1), 0);
    avcodec_parameters_free(&parameters);
    *rig = (struct rig){.last_dts = {INT64_MIN, INT64_MIN}};
    timeline_init(&rig->timeline, stream);
    stream_unref(&stream);
}

/* Stamps, with the first guarantee checked. Times are relative to START and REAL. */
static struct timeline_stamp stamp_at(struct rig *rig, int track, int64_t pts, int64_t duration,
                                      int64_t arrival_us, int64_t real_us)
{
    struct timeline_stamp stamp;
    timeline_stamp(&rig->timeline, track, pts, duration, START + arrival_us, REAL + real_us,
                   &stamp);
    require(stamp.pts != AV_NOPTS_VALUE && stamp.dts != AV_NOPTS_VALUE, "pts %" PRId64, pts);
    require(stamp.pts >= stamp.dts, "pts %" PRId64 " < dts %" PRId64, stamp.pts, stamp.dts);
    require(rig->last_dts[track] == INT64_MIN || stamp.dts > rig->last_dts[track],
            "dts %" PRId64 " after %" PRId64, stamp.dts, rig->last_dts[track]);
    rig->last_dts[track] = stamp.dts;
    rig->discontinuities += stamp.discontinuity;
    return stamp;
}

static struct timeline_stamp video(struct rig *rig, int64_t pts, int64_t arrival_us)
{
    return stamp_at(rig, 0, pts, 0, arrival_us, arrival_us);
}

static struct timeline_stamp audio(struct rig *rig, int64_t pts, int64_t arrival_us)
{
    return stamp_at(rig, 1, pts, 1024, arrival_us, arrival_us);
}

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

/* Output order of the frames of a GOP in decoding order, and how many frames overtake another. */
static const struct pattern {
    const char *name;
    int depth, count;
    int order[8];
} patterns[] = {
    {"IPPP", 0, 1, {0}},
    {"IPB", 1, 2, {1, 0}},
    {"IPBB", 1, 3, {2, 0, 1}},
    {"IPBBB", 1, 4, {3, 0, 1, 2}},
    {"pyramid of 3", 2, 4, {3, 1, 0, 2}},
    {"pyramid of 7", 3, 8, {7, 3, 1, 0, 2, 5, 4, 6}},
};

/* Frame n of an endless closed-GOP stream of that pattern: its place in output order. */
static int64_t place(const struct pattern *pattern, int64_t n)
{
    if (n == 0)
        return 0;
    int64_t group = (n - 1) / pattern->count;
    return 1 + group * pattern->count + pattern->order[(n - 1) % pattern->count];
}

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
        require(rig.timeline.tracks[0].depth == patterns[p].depth, "%s: depth %d", patterns[p].name,
                rig.timeline.tracks[0].depth);
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
    assert_int_equal(rig.timeline.tracks[0].depth, TIMELINE_MAX_REORDER);
    timeline_set_reorder(&rig.timeline, 0, -1);
    assert_int_equal(rig.timeline.tracks[0].depth, TIMELINE_MAX_REORDER);
    timeline_set_reorder(&rig.timeline, 1, 3); /* sound is not reordered */
    assert_int_equal(rig.timeline.tracks[1].depth, 0);
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

/* A camera that sets its clock back by less than what counts as a jump does not reorder. */
static void test_a_small_step_back_is_no_reordering(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig, -1);
    for (int64_t n = 0; n < 1000; n++) {
        struct timeline_stamp s = video(&rig, (n < 500 ? n : n - 20) * FRAME, n * 40000);
        require(n < 500 || n > 525 ? s.pts == (n < 500 ? n : n - 20) * FRAME : s.pts > 0,
                "frame %" PRId64, n);
        require(s.pts - s.dts <= 2 * FRAME, "frame %" PRId64 ": %" PRId64, n, s.pts - s.dts);
    }
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
            /* Slewed, never stepped. */
            require(n == 0 || llabs(s.wall_us - last_wall - 200000) <= 5000 + 50,
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
            rig_init(&rig, (int)i % 3 - 1);
            for (int64_t n = 0; n < 12; n++) {
                int64_t arrival = n * 40000;
                struct timeline_stamp s = video(&rig, n % 2 ? extremes[j] : extremes[i], arrival);
                require(s.pts >= -10 * HERTZ && s.pts < 1000 * HERTZ, "%zu %zu: %" PRId64, i, j,
                        s.pts);
                s = audio(&rig, n % 2 ? extremes[i] : extremes[j], arrival);
                require(s.pts >= -10 * AUDIO && s.pts < 1000 * AUDIO, "%zu %zu: %" PRId64, i, j,
                        s.pts);
            }
        }
    }
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
        rig_init(&rig, (int)random_between(&random, -1, 5));
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
            case 9:
                timeline_set_reorder(&rig.timeline, 0, (int)random_between(&random, -1, 20));
                break;
            default:
                break;
            }
            arrival += random_between(&random, 0, 80000);
            int64_t duration = random_between(&random, 0, 3) ? 0 : random_between(&random, 1, 9000);
            struct timeline_stamp s = stamp_at(&rig, track, pts, duration, arrival, arrival + real);
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
        cmocka_unit_test(test_first_packets_without_pts),
        cmocka_unit_test(test_a_packet_without_pts_in_between),
        cmocka_unit_test(test_reordering_of_known_depth),
        cmocka_unit_test(test_reordering_of_unknown_depth),
        cmocka_unit_test(test_depth_changes),
        cmocka_unit_test(test_jumps),
        cmocka_unit_test(test_backwards_for_ever),
        cmocka_unit_test(test_stall_and_burst),
        cmocka_unit_test(test_sound_shares_the_offset),
        cmocka_unit_test(test_sound_on_a_clock_of_its_own),
        cmocka_unit_test(test_a_small_step_back_is_no_reordering),
        cmocka_unit_test(test_a_common_jump_keeps_sound_in_step),
        cmocka_unit_test(test_slow_camera),
        cmocka_unit_test(test_duration_is_not_a_gap),
        cmocka_unit_test(test_drift_over_a_day),
        cmocka_unit_test(test_host_clock_is_set),
        cmocka_unit_test(test_host_clock_is_slewed),
        cmocka_unit_test(test_wall_time_steps_when_media_fell_behind),
        cmocka_unit_test(test_extreme_numbers),
        cmocka_unit_test(test_fuzz),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
