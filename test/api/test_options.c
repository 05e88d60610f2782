/* Every bound that camera.h states, from both sides, through the public functions. */
#include <stdio.h>
#include <string.h>

#include <rtsprec/rtsprec.h>

#include "cmocka_api.h"

#define SECOND INT64_C(1000000)

static struct rtsprec_camera_options valid_options(void)
{
    struct rtsprec_camera_options options;
    rtsprec_camera_options_init(&options);
    options.name = "door";
    options.url = "rtsp://127.0.0.1/stream";
    options.output_directory = "recordings";
    return options;
}

/* The text names the member, so that a caller can show it as it is. */
static void assert_refused(const struct rtsprec_camera_options *options, const char *member)
{
    struct rtsprec_error error = {0};
    int err = rtsprec_camera_options_check(options, &error);

    if (err != RTSPREC_ERROR_INVALID || !strstr(error.text, member))
        fail_msg("%s: expected to be refused, got %d \"%s\"", member, err, error.text);
    assert_int_equal(error.code, RTSPREC_ERROR_INVALID);
    assert_null(strchr(error.text, '\n'));
    assert_int_equal(rtsprec_camera_options_check(options, NULL), RTSPREC_ERROR_INVALID);
}

static void assert_accepted(const struct rtsprec_camera_options *options, const char *what)
{
    struct rtsprec_error error = {0};
    int err = rtsprec_camera_options_check(options, &error);
    if (err != 0)
        fail_msg("%s: expected to be accepted, got %d \"%s\"", what, err, error.text);
    assert_int_equal(error.code, 0);
}

static void defaults_need_only_the_mandatory_members(void **state)
{
    struct rtsprec_camera_options options;
    (void)state;
    rtsprec_camera_options_init(&options);
    assert_int_equal(options.size, sizeof(options));
    assert_null(options.name);
    assert_null(options.url);
    assert_null(options.output_directory);

    options = valid_options();
    assert_accepted(&options, "defaults");
    options = (struct rtsprec_camera_options){.size = sizeof(options),
                                              .name = "door",
                                              .url = "rtsp://127.0.0.1/stream",
                                              .output_directory = "recordings"};
    assert_accepted(&options, "all zero");
}

/* A program compiled against a newer header has members that this library does not know. */
static void the_size_tells_the_version(void **state)
{
    struct {
        struct rtsprec_camera_options options;
        int64_t added;
    } newer = {valid_options(), 0};

    (void)state;
    newer.options.size = 0;
    assert_refused(&newer.options, "size");
    newer.options.size = sizeof(newer.options) - 1;
    assert_refused(&newer.options, "size");
    newer.options.size = sizeof(newer);
    assert_accepted(&newer.options, "a longer struct that asks for nothing new");
    newer.added = 1;
    assert_refused(&newer.options, "size");
}

static void mandatory_members_are_asked_for(void **state)
{
    struct rtsprec_camera_options options;
    (void)state;
    options = valid_options();
    options.name = NULL;
    assert_refused(&options, "name");
    options = valid_options();
    options.url = NULL;
    assert_refused(&options, "url");
    options = valid_options();
    options.output_directory = NULL;
    assert_refused(&options, "output_directory");
    options.output_directory = "";
    assert_refused(&options, "output_directory");
}

static void a_name_is_a_directory_name(void **state)
{
    static const char *const bad[] = {"", ".", "..", "a/b", "/", "../door", "a\nb"};
    static const char *const good[] = {"d", "door 1", "T\xc3\xbcr", "camera.2", "front-door"};
    char longest[202];
    struct rtsprec_camera_options options = valid_options();

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        options.name = bad[i];
        assert_refused(&options, "name");
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        options.name = good[i];
        assert_accepted(&options, good[i]);
    }
    memset(longest, 'n', sizeof(longest));
    longest[200] = '\0';
    options.name = longest;
    assert_accepted(&options, "a name of 200 bytes");
    longest[200] = 'n';
    longest[201] = '\0';
    assert_refused(&options, "name");
}

static void a_url_is_of_a_known_kind(void **state)
{
    static const char *const bad[] = {
        "",          "camera",          "ftp://host/stream",    "rtsp:/host", "rtsp://",
        "rtsp:///s", "rtsp://user:x@/", "rtsp://host:99999/s",  "file://s",   "rtsp://host:p0rt/s",
        "dev/sda",   " rtsp://host/s",  "rtsp://host/a stream", "lavfi:",     "v4l2:video0",
    };
    static const char *const good[] = {
        "rtsp://host",
        "rtsp://host:8554/stream?channel=1",
        "rtsps://host/stream",
        "rtsp://user:pass%40word@host/stream",
        "rtsp://user:p@ss@host/stream",
        "rtsp://[::1]:554/stream",
        "RTSP://host/stream",
        "https://user:pass@host/live.m3u8",
        "srt://host:9000?mode=caller",
        "rtmp://host/live/key",
        "/srv/clip.mp4",
        "file:/srv/clip.mp4",
        "v4l2:/dev/video0",
        "lavfi:testsrc2=rate=10",
    };
    struct rtsprec_camera_options options = valid_options();

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        options.url = bad[i];
        assert_refused(&options, "url");
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        options.url = good[i];
        assert_accepted(&options, good[i]);
    }
}

static void a_refused_url_keeps_its_password(void **state)
{
    static const char *const urls[] = {
        "rtsp://user:hunter2@/stream",      "rtsp://user:hunter2@host:99999/stream",
        "ftp://user:hunter2@host/stream",   "rtsp://user:hunter2/x@host/stream",
        "rtsp://user:hunter2@ho st/stream",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
        struct rtsprec_camera_options options = valid_options();
        struct rtsprec_error error = {0};
        options.url = urls[i];
        assert_int_equal(rtsprec_camera_options_check(&options, &error), RTSPREC_ERROR_INVALID);
        if (strstr(error.text, "hunter2"))
            fail_msg("the password stands in \"%s\"", error.text);
    }
}

/* Signed on purpose: a caller may hand over any number, a compiler may make the enums unsigned. */
static void an_enum_is_one_of_its_values(void **state)
{
    static const int bad[] = {-1, 4, 1000};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct rtsprec_camera_options options = valid_options();
        options.transport = (enum rtsprec_transport)bad[i];
        assert_refused(&options, "transport");
        options = valid_options();
        options.container = (enum rtsprec_container)bad[i];
        assert_refused(&options, "container");
        options = valid_options();
        options.audio = (enum rtsprec_audio)bad[i];
        assert_refused(&options, "audio");
        options = valid_options();
        options.ingest = (enum rtsprec_ingest)bad[i];
        assert_refused(&options, "ingest");
        options = valid_options();
        options.tls_verify = (enum rtsprec_tls)bad[i];
        assert_refused(&options, "tls_verify");
        options = valid_options();
        options.transcode = (enum rtsprec_transcode)bad[i];
        assert_refused(&options, "transcode");
        options = valid_options();
        options.on_overload = (enum rtsprec_overload)bad[i];
        assert_refused(&options, "on_overload");
        options = valid_options();
        options.also_keep = (enum rtsprec_also_keep)bad[i];
        assert_refused(&options, "also_keep");
        /* Of codecs 4 is one. */
        options = valid_options();
        options.video_codec = (enum rtsprec_video_codec)(bad[i] + (bad[i] > 0));
        assert_refused(&options, "video_codec");
    }
    for (int i = 0; i < 4; i++) {
        struct rtsprec_camera_options options = valid_options();
        options.transport = (enum rtsprec_transport)i;
        assert_accepted(&options, "a transport");
    }
    for (int i = 0; i < 5; i++) {
        struct rtsprec_camera_options options = valid_options();
        options.video_codec = (enum rtsprec_video_codec)i;
        assert_accepted(&options, "a codec");
    }
}

static void a_certificate_that_nobody_verifies_is_refused(void **state)
{
    struct rtsprec_camera_options options = valid_options();
    (void)state;
    options.url = "rtsps://host/stream";
    options.ingest = RTSPREC_INGEST_LIBAVFORMAT;
    assert_refused(&options, "ingest");
    options.tls_verify = RTSPREC_TLS_ACCEPT_ANY;
    assert_accepted(&options, "verification off");
    options.tls_verify = RTSPREC_TLS_VERIFY;
    options.url = "rtsp://host/stream";
    assert_accepted(&options, "no certificate");
}

static void the_authorities_are_a_file_that_can_be_read(void **state)
{
    struct rtsprec_camera_options options = valid_options();
    (void)state;
    options.tls_ca_file = "/nowhere/authorities.pem";
    assert_refused(&options, "tls_ca_file");
    options.tls_ca_file = "/dev/null";
    assert_accepted(&options, "a file");
}

/* The documented range of a number; 0 always stands for the default. max 0: no upper bound stated.
 */
static const struct range {
    const char *member;
    size_t offset;
    int64_t min, max;
} ranges[] = {
#define RANGE(member, min, max)                                            \
    {                                                                      \
#member, offsetof(struct rtsprec_camera_options, member), min, max \
    }
    RANGE(segment_duration_us, SECOND, 86400 * SECOND),
    RANGE(open_timeout_us, SECOND / 10, 300 * SECOND),
    RANGE(read_timeout_us, SECOND / 10, 300 * SECOND),
    RANGE(retry_min_us, 0, 0),
    RANGE(retry_max_us, 0, 0),
    RANGE(auth_retry_min_us, 0, 0),
    RANGE(auth_retry_max_us, 0, 0),
    RANGE(queue_duration_us, 0, 0),
    RANGE(queue_bytes, 0, 0),
    RANGE(video_bitrate, 1000, 1000000000),
#undef RANGE
};

static void a_second_archive_is_apart_from_the_first(void **state)
{
    static const char *const bad[] = {NULL,
                                      "",
                                      "recordings",
                                      "recordings/",
                                      "./recordings",
                                      "recordings/originals",
                                      "originals/../recordings",
                                      ".",
                                      "/"};
    static const char *const good[] = {"originals", "recordings2", "recordings/../originals",
                                       "/nowhere/recordings"};
    struct rtsprec_camera_options options = valid_options();

    (void)state;
    options.also_keep_directory = "recordings";
    assert_accepted(&options, "a directory in which nothing is kept");
    options.also_keep = RTSPREC_ALSO_KEEP_COPY;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        options.also_keep_directory = bad[i];
        assert_refused(&options, "also_keep_directory");
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        options.also_keep_directory = good[i];
        assert_accepted(&options, good[i]);
    }
}

static void numbers_have_the_documented_bounds(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        const struct range *range = &ranges[i];
        struct rtsprec_camera_options options = valid_options();
        int64_t *value = (int64_t *)((char *)&options + range->offset);

        *value = 0;
        assert_accepted(&options, range->member);
        *value = -1;
        assert_refused(&options, range->member);
        *value = INT64_MIN;
        assert_refused(&options, range->member);
        if (range->max == 0)
            continue;
        *value = range->min;
        assert_accepted(&options, range->member);
        *value = range->min - 1;
        assert_refused(&options, range->member);
        *value = range->max;
        assert_accepted(&options, range->member);
        *value = range->max + 1;
        assert_refused(&options, range->member);
        *value = INT64_MAX;
        assert_refused(&options, range->member);
    }
}

/* The same of those that are int: sizes, rate, threads. */
static void small_numbers_have_the_documented_bounds(void **state)
{
    static const struct range small[] = {
#define RANGE(member, min, max) {#member, offsetof(struct rtsprec_camera_options, member), min, max}
        RANGE(video_width, 16, 16384),      RANGE(video_height, 16, 16384),
        RANGE(video_millifps, 100, 240000), RANGE(encoder_threads, 1, 64),
        RANGE(timelapse_fps, 1, 60),
#undef RANGE
    };
    (void)state;
    for (size_t i = 0; i < sizeof(small) / sizeof(small[0]); i++) {
        const int good[] = {0, (int)small[i].min, (int)small[i].max};
        const int bad[] = {-1, (int)small[i].min - 1, (int)small[i].max + 1, INT32_MAX};
        struct rtsprec_camera_options options = valid_options();
        int *value = (int *)((char *)&options + small[i].offset);
        for (size_t j = 0; j < sizeof(good) / sizeof(good[0]); j++) {
            *value = good[j];
            assert_accepted(&options, small[i].member);
        }
        for (size_t j = 0; j < sizeof(bad) / sizeof(bad[0]); j++) {
            *value = bad[j];
            if (*value != 0)
                assert_refused(&options, small[i].member);
        }
    }
}

/* Unlike the other times, this one has no default but none. */
static void the_interval_of_a_timelapse_has_bounds(void **state)
{
    const int64_t good[] = {0, 1000000, INT64_C(86400) * 1000000};
    const int64_t bad[] = {-1, 1, 999999, INT64_C(86400) * 1000000 + 1, INT64_MAX, INT64_MIN};
    struct rtsprec_camera_options options = valid_options();
    (void)state;
    assert_int_equal(options.timelapse_interval_us, 0);
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        options.timelapse_interval_us = good[i];
        assert_accepted(&options, "timelapse_interval_us");
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        options.timelapse_interval_us = bad[i];
        assert_refused(&options, "timelapse_interval_us");
    }
}

static void the_shortest_pause_is_not_above_the_longest(void **state)
{
    struct rtsprec_camera_options options = valid_options();
    (void)state;
    options.retry_min_us = 4 * SECOND;
    options.retry_max_us = 3 * SECOND;
    assert_refused(&options, "retry_m");
    options = valid_options();
    options.auth_retry_min_us = 120 * SECOND;
    options.auth_retry_max_us = 100 * SECOND;
    assert_refused(&options, "auth_retry_m");
}

/* What the check refuses, creating refuses too, and leaves nothing behind. */
static void creating_checks_the_same(void **state)
{
    struct rtsprec_recorder *recorder = NULL;
    struct rtsprec_camera *camera, *twin;
    struct rtsprec_camera_options options = valid_options();
    struct rtsprec_error error = {0};

    (void)state;
    assert_int_equal(rtsprec_recorder_create(&recorder, NULL, &error), 0);
    options.segment_duration_us = -5;
    camera = (struct rtsprec_camera *)&options;
    assert_int_equal(rtsprec_camera_create(&camera, recorder, &options, &error),
                     RTSPREC_ERROR_INVALID);
    assert_null(camera);
    assert_non_null(strstr(error.text, "segment_duration_us"));

    options = valid_options();
    error = (struct rtsprec_error){0};
    assert_int_equal(rtsprec_camera_create(&camera, recorder, &options, &error), 0);
    assert_string_equal(rtsprec_camera_name(camera), "door");
    assert_int_equal(rtsprec_camera_create(&twin, recorder, &options, &error),
                     RTSPREC_ERROR_EXISTS);
    assert_null(twin);
    assert_non_null(strstr(error.text, "door"));
    rtsprec_recorder_destroy(&recorder);
    assert_null(recorder);
}

/* A camera's options are strings of the caller, who may change them at once. */
static void strings_are_copied(void **state)
{
    char name[] = "yard", url[] = "rtsp://127.0.0.1/stream", directory[] = "recordings";
    struct rtsprec_recorder *recorder = NULL;
    struct rtsprec_camera *camera = NULL;
    struct rtsprec_camera_options options;

    (void)state;
    rtsprec_camera_options_init(&options);
    options.name = name;
    options.url = url;
    options.output_directory = directory;
    assert_int_equal(rtsprec_recorder_create(&recorder, NULL, NULL), 0);
    assert_int_equal(rtsprec_camera_create(&camera, recorder, &options, NULL), 0);
    memset(name, 'x', strlen(name));
    memset(url, 'x', strlen(url));
    memset(directory, 'x', strlen(directory));
    assert_string_equal(rtsprec_camera_name(camera), "yard");
    rtsprec_recorder_destroy(&recorder);
}

static void a_recorder_checks_its_options(void **state)
{
    struct rtsprec_recorder_options options;
    struct rtsprec_recorder *recorder = (struct rtsprec_recorder *)&options; /* not NULL */
    struct rtsprec_error error = {0};

    (void)state;
    rtsprec_recorder_options_init(&options);
    assert_int_equal(options.size, sizeof(options));
    options.size = 0;
    assert_int_equal(rtsprec_recorder_create(&recorder, &options, &error), RTSPREC_ERROR_INVALID);
    assert_non_null(strstr(error.text, "size"));
    assert_null(recorder);

    rtsprec_recorder_options_init(&options);
    options.log_level = (enum rtsprec_log_level)5;
    assert_int_equal(rtsprec_recorder_create(&recorder, &options, &error), RTSPREC_ERROR_INVALID);
    assert_non_null(strstr(error.text, "log_level"));

    rtsprec_recorder_options_init(&options);
    options.max_transcodes = 1001;
    assert_int_equal(rtsprec_recorder_create(&recorder, &options, &error), RTSPREC_ERROR_INVALID);
    assert_non_null(strstr(error.text, "max_transcodes"));
    options.max_transcodes = -1;
    assert_int_equal(rtsprec_recorder_create(&recorder, &options, &error), RTSPREC_ERROR_INVALID);

    options = (struct rtsprec_recorder_options){.size = sizeof(options)};
    assert_int_equal(rtsprec_recorder_create(&recorder, &options, &error), 0);
    rtsprec_recorder_destroy(&recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_need_only_the_mandatory_members),
        cmocka_unit_test(the_size_tells_the_version),
        cmocka_unit_test(mandatory_members_are_asked_for),
        cmocka_unit_test(a_name_is_a_directory_name),
        cmocka_unit_test(a_url_is_of_a_known_kind),
        cmocka_unit_test(a_refused_url_keeps_its_password),
        cmocka_unit_test(an_enum_is_one_of_its_values),
        cmocka_unit_test(a_certificate_that_nobody_verifies_is_refused),
        cmocka_unit_test(the_authorities_are_a_file_that_can_be_read),
        cmocka_unit_test(a_second_archive_is_apart_from_the_first),
        cmocka_unit_test(numbers_have_the_documented_bounds),
        cmocka_unit_test(small_numbers_have_the_documented_bounds),
        cmocka_unit_test(the_interval_of_a_timelapse_has_bounds),
        cmocka_unit_test(the_shortest_pause_is_not_above_the_longest),
        cmocka_unit_test(creating_checks_the_same),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(a_recorder_checks_its_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
