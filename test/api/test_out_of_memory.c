/*
 * Every allocation, every thread and every descriptor that the library asks for is refused in turn.
 * It must come back with an error that says so, and leave nothing behind: LeakSanitizer looks after
 * the memory, this test after threads and descriptors.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rtsprec/rtsprec.h>

#include "cmocka_api.h"
#include "fault.h"
#include "process.h"

static char url[100], directory[200], originals[200];

static void assert_told(int err, const struct rtsprec_error *error)
{
    if (err != RTSPREC_ERROR_NO_MEMORY && err != RTSPREC_ERROR_SYSTEM)
        fail_msg("unexpected error %s \"%s\"", rtsprec_error_name(err), error->text);
    assert_int_equal(error->code, err);
    assert_true(strlen(error->text) > 0);
}

static void fill(struct rtsprec_camera_options *options, const char *name)
{
    rtsprec_camera_options_init(options);
    options->name = name;
    options->url = url;
    options->output_directory = directory;
    options->username = "admin";
    options->password = "s3cret";
    options->segment_duration_us = 1000000;
    options->retry_min_us = 10000;
    options->retry_max_us = 10000;
}

static void ignore_event(void *user, const struct rtsprec_event *event)
{
    (void)user;
    (void)event;
}

static void ignore_log(void *user, const struct rtsprec_log_record *record)
{
    (void)user;
    (void)record;
}

/* Creates, starts and destroys, going on after whatever failed. */
static void use(int run_ms)
{
    struct rtsprec_recorder *recorder = (struct rtsprec_recorder *)url; /* anything but NULL */
    struct rtsprec_camera *first = NULL, *second = NULL;
    struct rtsprec_recorder_options recorder_options;
    struct rtsprec_camera_options options;
    struct rtsprec_error error = {0};
    int err;

    rtsprec_recorder_options_init(&recorder_options);
    recorder_options.event = ignore_event;
    recorder_options.log = ignore_log;
    recorder_options.log_level = RTSPREC_LOG_DEBUG;
    if ((err = rtsprec_recorder_create(&recorder, &recorder_options, &error)) < 0) {
        assert_told(err, &error);
        assert_null(recorder);
        return;
    }

    fill(&options, "door");
    if ((err = rtsprec_camera_create(&first, recorder, &options, &error)) < 0) {
        assert_told(err, &error);
        assert_null(first);
        error = (struct rtsprec_error){0};
    }
    fill(&options, "yard");
    options.transcode = RTSPREC_TRANSCODE_ALWAYS;
    options.video_codec = RTSPREC_VIDEO_MPEG4;
    options.video_width = 64;
    options.also_keep = RTSPREC_ALSO_KEEP_COPY;
    options.also_keep_directory = originals;
    if ((err = rtsprec_camera_create(&second, recorder, &options, &error)) < 0) {
        assert_told(err, &error);
        assert_null(second);
        error = (struct rtsprec_error){0};
    }
    struct rtsprec_archive_limits limits;
    rtsprec_archive_limits_init(&limits);
    limits.max_bytes = 1000000;
    limits.cameras = &(struct rtsprec_camera_limits){.camera = "door", .max_age_us = 1000000};
    limits.camera_count = 1;
    if ((first || second) &&
        (err = rtsprec_recorder_set_limits(recorder, directory, &limits, &error)) < 0) {
        assert_told(err, &error);
        error = (struct rtsprec_error){0};
    }
    if (first && (err = rtsprec_camera_start(first, &error)) < 0) {
        assert_told(err, &error);
        /* A start that failed leaves a camera that can be started, stopped and destroyed. */
        rtsprec_camera_request_stop(first);
        rtsprec_camera_wait(first);
        error = (struct rtsprec_error){0};
    }
    if (second && (err = rtsprec_camera_start(second, &error)) < 0)
        assert_told(err, &error);
    if (run_ms > 0)
        process_pause_ms(run_ms);
    rtsprec_camera_destroy(&second);
    rtsprec_recorder_destroy(&recorder);
    assert_null(recorder);
}

/* Refuses call 1, 2, 3, ... until a run asks for fewer; `count` calls in a row. */
static void refuse_in_turn(int count, enum fault_scope scope, int run_ms, int limit)
{
    bool refused = true;

    use(run_ms);
    int threads = process_count("/proc/self/task");
    int descriptors = process_count("/proc/self/fd");
    int first;
    for (first = 1; refused && first <= limit; first++) {
        fault_arm(first, count, scope);
        use(run_ms);
        refused = fault_disarm();
    }
    print_message("%d calls refused in turn\n", first - 2);
    assert_true(first > 10); /* the wrapping is in effect */
    assert_true(process_count_settled("/proc/self/task", threads) <= threads);
    assert_int_equal(process_count("/proc/self/fd"), descriptors);
}

static void one_call_is_refused(void **state)
{
    (void)state;
    refuse_in_turn(1, FAULT_THIS_THREAD, 0, 10000);
}

static void all_calls_from_one_on_are_refused(void **state)
{
    (void)state;
    refuse_in_turn(1000000, FAULT_THIS_THREAD, 0, 10000);
}

/* The cameras' own threads too, which go on trying: bounded, because they never come to an end. */
static void calls_of_the_threads_are_refused(void **state)
{
    (void)state;
    refuse_in_turn(1, FAULT_ALL_THREADS, 20, 100);
    refuse_in_turn(20, FAULT_ALL_THREADS, 20, 100);
}

/* From a camera that answers: connecting, opening files, writing, rotating, closing. */
static void calls_while_recording_are_refused(void **state)
{
    (void)state;
    refuse_in_turn(1, FAULT_ALL_THREADS, 60, 150);
    refuse_in_turn(20, FAULT_ALL_THREADS, 60, 50);
}

static void checking_options_needs_no_luck(void **state)
{
    struct rtsprec_camera_options options;
    bool refused = true;

    (void)state;
    fill(&options, "door");
    options.also_keep = RTSPREC_ALSO_KEEP_COPY;
    options.also_keep_directory = originals;
    for (int first = 1; refused; first++) {
        struct rtsprec_error error = {0};
        fault_arm(first, 1, FAULT_THIS_THREAD);
        int err = rtsprec_camera_options_check(&options, &error);
        refused = fault_disarm();
        if (err != 0)
            assert_told(err, &error);
        assert_true(err == 0 || refused);
    }
}

static void reading_a_schedule_needs_no_luck(void **state)
{
    bool refused = true;

    (void)state;
    for (int first = 1; refused; first++) {
        struct rtsprec_error error = {0};
        struct rtsprec_schedule *schedule;
        fault_arm(first, 1, FAULT_THIS_THREAD);
        int err = rtsprec_schedule_create(&schedule, "period:mon-fri 08-18", &error);
        refused = fault_disarm();
        if (err != 0)
            assert_told(err, &error);
        assert_int_equal(err == 0, !refused);
        assert_int_equal(schedule != NULL, !refused);
        rtsprec_schedule_destroy(&schedule);
    }
}

/* An archive of two cameras with a file each, DIRECTORY/archive. */
static void make_archive(char *path, size_t size)
{
    static const char *const names[] = {"", "/a", "/a/2024-03-01", "/b", "/b/2024-03-01"};
    static const char *const files[] = {"/.rtsprec", "/a/2024-03-01/10_00_00.mp4",
                                        "/b/2024-03-01/10_00_00.mp4"};
    char name[300];
    mkdir(directory, 0700);
    snprintf(path, size, "%s/archive", directory);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, names[i]);
        mkdir(name, 0700);
    }
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        snprintf(name, sizeof(name), "%s%s", path, files[i]);
        FILE *file = fopen(name, "w");
        assert_non_null(file);
        fclose(file);
    }
}

static int ignore_segment(void *user, const struct rtsprec_archive_segment *segment)
{
    (void)user;
    (void)segment;
    return 0;
}

static int ignore_span(void *user, const struct rtsprec_archive_span *span)
{
    (void)user;
    (void)span;
    return 0;
}

/* Asks everything, going on after whatever failed. */
static void use_archive(const char *path)
{
    struct rtsprec_archive *archive = (struct rtsprec_archive *)url; /* anything but NULL */
    struct rtsprec_error error = {0};
    int64_t count;
    int err = rtsprec_archive_open(&archive, path, &error);
    if (err < 0) {
        assert_told(err, &error);
        assert_null(archive);
        return;
    }
    err = rtsprec_archive_list(archive, NULL, INT64_MIN, INT64_MAX, ignore_segment, NULL, &error);
    if (err < 0)
        assert_told(err, &error);
    err = rtsprec_archive_coverage(archive, NULL, 0, INT64_MAX, ignore_span, NULL, &error);
    if (err < 0)
        assert_told(err, &error);
    err = rtsprec_archive_protect(archive, "a", INT64_MIN, INT64_MAX, "why", &count, &error);
    if (err < 0)
        assert_told(err, &error);
    err = rtsprec_archive_rescan(archive, NULL, &error);
    if (err < 0)
        assert_told(err, &error);
    rtsprec_archive_close(&archive);
}

static void looking_at_an_archive_is_refused(void **state)
{
    char path[250], catalog[300];
    bool refused = true;
    int first;

    (void)state;
    make_archive(path, sizeof(path));
    snprintf(catalog, sizeof(catalog), "%s/.rtsprec-catalog.db", path);
    int descriptors = process_count("/proc/self/fd");
    for (first = 1; refused; first++) {
        unlink(catalog);
        fault_arm(first, 1, FAULT_THIS_THREAD);
        use_archive(path);
        refused = fault_disarm();
    }
    assert_true(first > 20);
    assert_int_equal(process_count("/proc/self/fd"), descriptors);
    process_remove_directory(path); /* a file of it is protected */
}

static int ignore_outlook(void *user, const struct rtsprec_archive_outlook *outlook)
{
    (void)user;
    (void)outlook;
    return 0;
}

/* What was refused memory has deleted nothing that it does not know of: the files are gone or in
 * the catalog. */
static void keeping_limits_is_refused(void **state)
{
    char path[250];
    bool refused = true;
    struct rtsprec_archive_limits limits;

    (void)state;
    rtsprec_archive_limits_init(&limits);
    limits.max_age_us = 1;
    int descriptors = process_count("/proc/self/fd");
    for (int first = 1; refused; first++) {
        struct rtsprec_archive *archive = NULL;
        struct rtsprec_archive_retention result = {.size = sizeof(result)};
        struct rtsprec_error error = {0};
        make_archive(path, sizeof(path));
        assert_int_equal(rtsprec_archive_open(&archive, path, NULL), 0);
        assert_int_equal(rtsprec_archive_rescan(archive, NULL, NULL), 0);
        fault_arm(first, 1, FAULT_THIS_THREAD);
        int err = rtsprec_archive_forecast(archive, &limits, ignore_outlook, NULL, &error);
        if (err == 0)
            err = rtsprec_archive_retain(archive, &limits, 1, NULL, NULL, NULL, &error);
        if (err == 0)
            err = rtsprec_archive_retain(archive, &limits, 0, NULL, NULL, &result, &error);
        refused = fault_disarm();
        if (err != 0)
            assert_told(err, &error);
        assert_true(err == 0 || refused);
        int64_t deleted = result.deleted;
        assert_int_equal(rtsprec_archive_retain(archive, &limits, 0, NULL, NULL, &result, &error),
                         0);
        assert_int_equal(deleted + result.deleted, 2);
        rtsprec_archive_close(&archive);
    }
    assert_int_equal(process_count("/proc/self/fd"), descriptors);
}

/* With no arguments on an address that refuses, else with RTSPCAM and CLIP on a camera. */
int main(int argc, char **argv)
{
    const struct CMUnitTest refused[] = {
        cmocka_unit_test(one_call_is_refused),
        cmocka_unit_test(all_calls_from_one_on_are_refused),
        cmocka_unit_test(calls_of_the_threads_are_refused),
        cmocka_unit_test(checking_options_needs_no_luck),
        cmocka_unit_test(reading_a_schedule_needs_no_luck),
        cmocka_unit_test(looking_at_an_archive_is_refused),
        cmocka_unit_test(keeping_limits_is_refused),
    };
    const struct CMUnitTest recording[] = {
        cmocka_unit_test(calls_while_recording_are_refused),
    };
    int failures;

    process_make_directory(directory, sizeof(directory));
    process_make_directory(originals, sizeof(originals));
    if (argc == 3) {
        process_start_camera(url, sizeof(url), argv[1], argv[2]);
        failures = cmocka_run_group_tests(recording, NULL, NULL);
    } else {
        int port = process_refusing_url(url, sizeof(url));
        failures = cmocka_run_group_tests(refused, NULL, NULL);
        close(port);
    }
    process_remove_directory(directory);
    process_remove_directory(originals);
    return failures;
}
