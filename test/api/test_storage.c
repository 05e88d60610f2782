/*
 * What a program learns of a disk that takes no files, and takes them again: event and statistics.
 * Arguments: RTSPCAM and CLIP.
 */
#include "cmocka_api.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rtsprec/rtsprec.h>

#include "process.h"

static const char *rtspcam, *clip;

struct seen {
    atomic_int failures, recoveries, closed;
    int first_error;
    char first_text[600], first_directory[300];
    const char *originals; /* what is in here is counted besides */
    atomic_int originals_closed, paused, originals_paused;
    atomic_int deleted;
    char deleted_path[600], deleted_why[100]; /* of the first */
};

static void see_closed(struct seen *seen, const struct rtsprec_event_segment *segment)
{
    bool is_original =
        seen->originals && strncmp(segment->path, seen->originals, strlen(seen->originals)) == 0;
    bool is_paused = segment->reason == RTSPREC_SEGMENT_PAUSED;

    atomic_fetch_add(is_original ? &seen->originals_closed : &seen->closed, 1);
    atomic_fetch_add(is_original ? &seen->originals_paused : &seen->paused, is_paused);
}

static void on_event(void *user, const struct rtsprec_event *event)
{
    struct seen *seen = user;

    if (event->type == RTSPREC_EVENT_SEGMENT_CLOSED)
        see_closed(seen, &event->u.segment);
    if (event->type == RTSPREC_EVENT_SEGMENT_DELETED) {
        if (seen->deleted == 0) {
            snprintf(seen->deleted_path, sizeof(seen->deleted_path), "%s", event->u.deleted.path);
            snprintf(seen->deleted_why, sizeof(seen->deleted_why), "%s", event->u.deleted.why);
            assert_true(event->u.deleted.bytes > 0);
            assert_true(event->u.deleted.end_us > event->u.deleted.start_us);
            assert_string_equal(event->camera, "door");
        }
        atomic_fetch_add(&seen->deleted, 1);
    }
    if (event->type != RTSPREC_EVENT_STORAGE_CHANGED)
        return;
    if (event->u.storage.error == 0) {
        atomic_fetch_add(&seen->recoveries, 1);
        return;
    }
    if (seen->failures == 0) {
        seen->first_error = event->u.storage.error;
        snprintf(seen->first_text, sizeof(seen->first_text), "%.599s", event->u.storage.text);
        snprintf(seen->first_directory, sizeof(seen->first_directory), "%.299s",
                 event->u.storage.directory);
    }
    atomic_fetch_add(&seen->failures, 1);
}

/* Waits up to 20 s for a count. */
static void wait_for(atomic_int *count, int least)
{
    for (int i = 0; i < 2000 && atomic_load(count) < least; i++)
        process_pause_ms(10);
    assert_true(atomic_load(count) >= least);
}

static struct rtsprec_camera_statistics statistics_of(const struct rtsprec_camera *camera)
{
    struct rtsprec_camera_statistics statistics = {.size = sizeof(statistics)};

    assert_int_equal(rtsprec_camera_get_statistics(camera, &statistics), 0);
    return statistics;
}

static void a_disk_that_takes_no_files_is_told(void **state)
{
    char url[200], directory[200], blocked[300];
    struct seen seen = {0};
    struct rtsprec_recorder_options options;
    struct rtsprec_camera_options camera_options;
    struct rtsprec_recorder *recorder;
    struct rtsprec_camera *camera;
    struct rtsprec_camera_statistics statistics;

    (void)state;
    process_start_camera(url, sizeof(url), rtspcam, clip);
    process_make_directory(directory, sizeof(directory));
    /* A file where the camera's directory should be. */
    snprintf(blocked, sizeof(blocked), "%s/door", directory);
    fclose(fopen(blocked, "w"));

    rtsprec_recorder_options_init(&options);
    options.event = on_event;
    options.user = &seen;
    assert_int_equal(rtsprec_recorder_create(&recorder, &options, NULL), 0);
    rtsprec_camera_options_init(&camera_options);
    camera_options.name = "door";
    camera_options.url = url;
    camera_options.output_directory = directory;
    camera_options.segment_duration_us = 1000000;
    assert_int_equal(rtsprec_camera_create(&camera, recorder, &camera_options, NULL), 0);
    assert_int_equal(rtsprec_camera_start(camera, NULL), 0);

    wait_for(&seen.failures, 1);
    statistics = statistics_of(camera);
    assert_int_equal(statistics.storage_error, seen.first_error);
    assert_int_equal(statistics.storage_error, RTSPREC_ERROR_IO);
    assert_non_null(strstr(seen.first_text, blocked));
    assert_string_equal(seen.first_directory, directory);
    assert_string_equal(statistics.segment_path, "");
    assert_int_equal(statistics.segments_total, 0);
    assert_int_equal(statistics.written_frames_total, 0);

    assert_int_equal(unlink(blocked), 0);
    wait_for(&seen.recoveries, 1);
    wait_for(&seen.closed, 2);
    statistics = statistics_of(camera);
    rtsprec_recorder_destroy(&recorder);
    assert_int_equal(statistics.storage_error, 0);
    assert_true(statistics.failed_packets_total > 0);
    assert_true(statistics.written_frames_total > 0);
    assert_true(statistics.segments_total >= 2);
    /* Each key frame tried again, but a row of failures is told once. */
    assert_int_equal(seen.failures, 1);
    assert_int_equal(seen.recoveries, 1);
    process_remove_directory(directory);
}

static void a_second_archive_fails_and_recovers_by_itself(void **state)
{
    char url[200], directory[200], output[300], originals[300];
    struct seen seen = {.originals = originals};
    struct rtsprec_recorder_options options;
    struct rtsprec_camera_options camera_options;
    struct rtsprec_archive_limits limits;
    struct rtsprec_recorder *recorder;
    struct rtsprec_camera *camera;
    struct rtsprec_camera_statistics statistics;

    (void)state;
    process_start_camera(url, sizeof(url), rtspcam, clip);
    process_make_directory(directory, sizeof(directory));
    snprintf(output, sizeof(output), "%s/output", directory);
    snprintf(originals, sizeof(originals), "%s/originals", directory);
    fclose(fopen(originals, "w")); /* where its directory should be */
    rtsprec_recorder_options_init(&options);
    options.event = on_event;
    options.user = &seen;
    assert_int_equal(rtsprec_recorder_create(&recorder, &options, NULL), 0);
    rtsprec_camera_options_init(&camera_options);
    camera_options.name = "door";
    camera_options.url = url;
    camera_options.output_directory = output;
    camera_options.segment_duration_us = 1000000;
    camera_options.video_codec = RTSPREC_VIDEO_MPEG4;
    camera_options.video_width = 64;
    camera_options.also_keep = RTSPREC_ALSO_KEEP_COPY;
    camera_options.also_keep_directory = originals;
    assert_int_equal(rtsprec_camera_create(&camera, recorder, &camera_options, NULL), 0);
    rtsprec_archive_limits_init(&limits);
    assert_int_equal(rtsprec_recorder_set_limits(recorder, originals, &limits, NULL), 0);
    assert_int_equal(rtsprec_camera_start(camera, NULL), 0);

    wait_for(&seen.failures, 1);
    wait_for(&seen.closed, 2);
    statistics = statistics_of(camera);
    assert_string_equal(seen.first_directory, originals);
    assert_non_null(strstr(seen.first_text, originals));
    assert_int_equal(statistics.also_keep_storage_error, seen.first_error);
    assert_int_equal(statistics.storage_error, 0);
    assert_int_equal(seen.originals_closed, 0);

    assert_int_equal(unlink(originals), 0);
    wait_for(&seen.recoveries, 1);
    wait_for(&seen.originals_closed, 2);
    assert_int_equal(rtsprec_camera_set_recording(camera, RTSPREC_RECORDING_STANDBY, 0), 0);
    wait_for(&seen.paused, 1);
    wait_for(&seen.originals_paused, 1);
    statistics = statistics_of(camera);
    assert_int_equal(statistics.segments_total, seen.closed);
    rtsprec_recorder_destroy(&recorder);
    assert_int_equal(statistics.also_keep_storage_error, 0);
    assert_int_equal(statistics.failed_packets_total, 0);
    assert_int_equal(seen.failures, 1);
    assert_int_equal(seen.recoveries, 1);
    process_remove_directory(directory);
}

static void what_exceeds_the_limits_is_deleted_and_told(void **state)
{
    char url[200], directory[200];
    struct seen seen = {0};
    struct rtsprec_recorder_options options;
    struct rtsprec_camera_options camera_options;
    struct rtsprec_archive_limits limits;
    struct rtsprec_recorder *recorder;
    struct rtsprec_camera *camera;

    (void)state;
    process_start_camera(url, sizeof(url), rtspcam, clip);
    process_make_directory(directory, sizeof(directory));
    rtsprec_recorder_options_init(&options);
    options.event = on_event;
    options.user = &seen;
    assert_int_equal(rtsprec_recorder_create(&recorder, &options, NULL), 0);
    rtsprec_camera_options_init(&camera_options);
    camera_options.name = "door";
    camera_options.url = url;
    camera_options.output_directory = directory;
    camera_options.segment_duration_us = 1000000;
    assert_int_equal(rtsprec_camera_create(&camera, recorder, &camera_options, NULL), 0);
    rtsprec_archive_limits_init(&limits);
    limits.max_bytes = 8000000; /* two seconds of a camera that is twenty times as fast */
    assert_int_equal(rtsprec_recorder_set_limits(recorder, directory, &limits, NULL), 0);
    assert_int_equal(rtsprec_camera_start(camera, NULL), 0);
    wait_for(&seen.closed, 4);
    wait_for(&seen.deleted, 1);
    rtsprec_recorder_destroy(&recorder);
    assert_int_equal(strncmp(seen.deleted_path, directory, strlen(directory)), 0);
    assert_int_equal(access(seen.deleted_path, F_OK), -1);
    assert_string_equal(seen.deleted_why, "archive space");
    assert_int_equal(seen.failures, 0);
    process_remove_directory(directory);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_that_takes_no_files_is_told),
        cmocka_unit_test(a_second_archive_fails_and_recovers_by_itself),
        cmocka_unit_test(what_exceeds_the_limits_is_deleted_and_told),
    };

    if (argc != 3)
        return 64;
    rtspcam = argv[1];
    clip = argv[2];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
