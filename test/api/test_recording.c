/*
 * Cameras that are not to be recorded for a while: connected or not, started or not.
 * Arguments: RTSPCAM, CLIP, and one whose sound is G.711.
 */
#include "cmocka_api.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rtsprec/rtsprec.h>

#include "process.h"

static char url[200], directory[200];
static const char *g711;

/* What the events said. */
struct seen {
    atomic_int states[6]; /* how often each was entered */
    atomic_int opened, paused, stopped, lost, changes;
    int bad;
};

static void see_closed(struct seen *seen, const struct rtsprec_event_segment *segment)
{
    if (access(segment->path, R_OK) < 0 || segment->frames <= 0)
        seen->bad++;
    if (segment->reason == RTSPREC_SEGMENT_PAUSED)
        atomic_fetch_add(&seen->paused, 1);
    if (segment->reason == RTSPREC_SEGMENT_STOPPED)
        atomic_fetch_add(&seen->stopped, 1);
    if (segment->reason == RTSPREC_SEGMENT_LOST)
        atomic_fetch_add(&seen->lost, 1);
}

static void on_event(void *user, const struct rtsprec_event *event)
{
    struct seen *seen = user;

    if (event->type == RTSPREC_EVENT_STATE_CHANGED)
        atomic_fetch_add(&seen->states[event->u.state.to], 1);
    if (event->type == RTSPREC_EVENT_SEGMENT_OPENED)
        atomic_fetch_add(&seen->opened, 1);
    if (event->type == RTSPREC_EVENT_SEGMENT_CLOSED)
        see_closed(seen, &event->u.segment);
    if (event->type == RTSPREC_EVENT_RECORDING_CHANGED) {
        atomic_fetch_add(&seen->changes, 1);
        seen->bad += event->u.recording.from == event->u.recording.to;
    }
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

static void wait_for_frames(const struct rtsprec_camera *camera, int count)
{
    int64_t before = statistics_of(camera).received_packets_total;
    for (int i = 0; i < 2000 && statistics_of(camera).received_packets_total < before + count; i++)
        process_pause_ms(10);
    assert_true(statistics_of(camera).received_packets_total >= before + count);
}

static struct rtsprec_recorder *open_recorder(struct seen *seen, const char *from,
                                              struct rtsprec_camera **camera)
{
    struct rtsprec_recorder_options options;
    struct rtsprec_camera_options camera_options;
    struct rtsprec_recorder *recorder;

    rtsprec_recorder_options_init(&options);
    options.event = on_event;
    options.user = seen;
    assert_int_equal(rtsprec_recorder_create(&recorder, &options, NULL), 0);
    rtsprec_camera_options_init(&camera_options);
    camera_options.name = "door";
    camera_options.url = from;
    camera_options.output_directory = directory;
    camera_options.segment_duration_us = INT64_C(3600000000);
    assert_int_equal(rtsprec_camera_create(camera, recorder, &camera_options, NULL), 0);
    return recorder;
}

static void a_camera_in_standby_is_connected_and_not_recorded(void **state)
{
    struct seen seen = {0};
    struct rtsprec_camera *camera;
    struct rtsprec_recorder *recorder = open_recorder(&seen, url, &camera);
    struct rtsprec_camera_statistics statistics;

    (void)state;
    assert_int_equal(statistics_of(camera).recording, RTSPREC_RECORDING_ON);
    assert_int_equal(rtsprec_camera_set_recording(camera, RTSPREC_RECORDING_STANDBY, 0), 0);
    assert_int_equal(statistics_of(camera).recording, RTSPREC_RECORDING_STANDBY);
    assert_int_equal(rtsprec_camera_start(camera, NULL), 0);
    wait_for(&seen.states[RTSPREC_CAMERA_STANDBY], 1);
    wait_for_frames(camera, 50);
    statistics = statistics_of(camera);
    assert_int_equal(statistics.state, RTSPREC_CAMERA_STANDBY);
    assert_string_equal(statistics.video_codec, "h264");
    assert_string_equal(statistics.segment_path, "");

    for (int i = 1; i <= 3; i++) {
        assert_int_equal(rtsprec_camera_set_recording(camera, RTSPREC_RECORDING_ON, 0), 0);
        wait_for(&seen.opened, i);
        wait_for(&seen.states[RTSPREC_CAMERA_RECORDING], i);
        wait_for_frames(camera, 50);
        assert_int_equal(rtsprec_camera_set_recording(camera, RTSPREC_RECORDING_STANDBY, 0), 0);
        wait_for(&seen.paused, i);
        wait_for(&seen.states[RTSPREC_CAMERA_STANDBY], i + 1);
        int64_t frames = statistics_of(camera).written_frames_total;
        wait_for_frames(camera, 50);
        assert_int_equal(statistics_of(camera).written_frames_total, frames);
    }
    statistics = statistics_of(camera);
    rtsprec_recorder_destroy(&recorder);
    assert_int_equal(statistics.connects_total, 1);
    assert_int_equal(statistics.failures_total, 0);
    assert_int_equal(statistics.failed_packets_total, 0);
    assert_int_equal(statistics.dropped_packets_total, 0);
    assert_int_equal(statistics.segments_total, 3);
    assert_int_equal(seen.opened, 3);
    assert_int_equal(seen.changes, 7);
    assert_int_equal(seen.states[RTSPREC_CAMERA_CONNECTING], 1);
    assert_int_equal(seen.states[RTSPREC_CAMERA_WAITING], 0);
    assert_int_equal(seen.states[RTSPREC_CAMERA_STOPPED], 1);
    assert_int_equal(seen.stopped + seen.lost, 0);
    assert_int_equal(seen.bad, 0);
}

static void a_camera_that_is_off_is_not_connected(void **state)
{
    struct seen seen = {0};
    struct rtsprec_camera *camera;
    struct rtsprec_recorder *recorder = open_recorder(&seen, url, &camera);
    struct rtsprec_camera_statistics statistics;

    (void)state;
    assert_int_equal(rtsprec_camera_set_recording(camera, RTSPREC_RECORDING_OFF, 0), 0);
    assert_int_equal(statistics_of(camera).state, RTSPREC_CAMERA_STOPPED);
    /* Stopped and started again it stays off. */
    for (int i = 1; i <= 2; i++) {
        assert_int_equal(rtsprec_camera_start(camera, NULL), 0);
        wait_for(&seen.states[RTSPREC_CAMERA_OFF], i);
        assert_int_equal(statistics_of(camera).state, RTSPREC_CAMERA_OFF);
        if (i == 1) {
            rtsprec_camera_request_stop(camera);
            rtsprec_camera_wait(camera);
        }
    }
    assert_int_equal(statistics_of(camera).connects_total, 0);

    for (int i = 1; i <= 3; i++) {
        assert_int_equal(rtsprec_camera_set_recording(camera, RTSPREC_RECORDING_ON, 0), 0);
        wait_for(&seen.opened, i);
        wait_for_frames(camera, 50);
        assert_int_equal(rtsprec_camera_set_recording(camera, RTSPREC_RECORDING_OFF, 0), 0);
        wait_for(&seen.paused, i);
        wait_for(&seen.states[RTSPREC_CAMERA_OFF], i + 2);
        int64_t packets = statistics_of(camera).received_packets_total;
        process_pause_ms(50);
        assert_int_equal(statistics_of(camera).received_packets_total, packets);
    }
    statistics = statistics_of(camera);
    rtsprec_recorder_destroy(&recorder);
    assert_int_equal(statistics.connects_total, 3);
    assert_int_equal(statistics.failures_total, 0);
    assert_int_equal(statistics.segments_total, 3);
    assert_int_equal(seen.states[RTSPREC_CAMERA_WAITING], 0);
    assert_int_equal(seen.stopped + seen.lost, 0);
    assert_int_equal(seen.bad, 0);
}

/* A camera that is off and one that is stopped are two things: a file says which. */
static void a_stop_is_told_from_a_pause(void **state)
{
    struct seen seen = {0};
    struct rtsprec_camera *camera;
    struct rtsprec_recorder *recorder = open_recorder(&seen, url, &camera);

    (void)state;
    assert_int_equal(rtsprec_camera_start(camera, NULL), 0);
    wait_for(&seen.opened, 1);
    wait_for_frames(camera, 20);
    rtsprec_camera_request_stop(camera);
    rtsprec_camera_wait(camera);
    wait_for(&seen.stopped, 1);
    rtsprec_recorder_destroy(&recorder);
    assert_int_equal(seen.paused, 0);
    assert_int_equal(seen.changes, 0);
    assert_int_equal(seen.bad, 0);
}

/* An encoder of sound begins before the first sound: that is nothing that was lost. */
static void encoded_sound_loses_nothing(void **state)
{
    struct seen seen = {0};
    struct rtsprec_camera *camera;
    struct rtsprec_recorder *recorder = open_recorder(&seen, g711, &camera);

    (void)state;
    assert_int_equal(rtsprec_camera_start(camera, NULL), 0);
    wait_for(&seen.opened, 1);
    wait_for_frames(camera, 100);
    rtsprec_camera_request_stop(camera);
    rtsprec_camera_wait(camera);
    assert_string_equal(statistics_of(camera).audio_codec, "pcm_alaw");
    assert_int_equal(statistics_of(camera).failed_packets_total, 0);
    rtsprec_recorder_destroy(&recorder);
    assert_int_equal(seen.bad, 0);
}

static void nonsense_is_refused(void **state)
{
    struct seen seen = {0};
    struct rtsprec_camera *camera;
    struct rtsprec_recorder *recorder = open_recorder(&seen, url, &camera);

    (void)state;
    assert_int_equal(rtsprec_camera_set_recording(camera, (enum rtsprec_recording)3, 0),
                     RTSPREC_ERROR_INVALID);
    assert_int_equal(rtsprec_camera_set_recording(camera, RTSPREC_RECORDING_ON, 0), 0);
    assert_int_equal(statistics_of(camera).recording, RTSPREC_RECORDING_ON);
    rtsprec_recorder_destroy(&recorder);
    assert_int_equal(seen.changes, 0);
    assert_string_equal(rtsprec_recording_name(RTSPREC_RECORDING_ON), "on");
    assert_string_equal(rtsprec_recording_name(RTSPREC_RECORDING_STANDBY), "standby");
    assert_string_equal(rtsprec_recording_name(RTSPREC_RECORDING_OFF), "off");
    assert_string_equal(rtsprec_camera_state_name(RTSPREC_CAMERA_STANDBY), "standby");
    assert_string_equal(rtsprec_camera_state_name(RTSPREC_CAMERA_OFF), "off");
    assert_string_equal(rtsprec_segment_reason_name(RTSPREC_SEGMENT_PAUSED), "paused");
}

static void *change_often(void *camera)
{
    for (int i = 0; i < 300; i++) {
        rtsprec_camera_set_recording(camera, (enum rtsprec_recording)(i * 7 % 3), 0);
        if (i % 4 == 0)
            process_pause_ms(i % 13);
    }
    return NULL;
}

/* ThreadSanitizer's test, and that no change is lost: the last one counts. */
static void any_thread_may_change_it(void **state)
{
    struct seen seen = {0};
    struct rtsprec_camera *camera;
    struct rtsprec_recorder *recorder = open_recorder(&seen, url, &camera);
    pthread_t threads[3];

    (void)state;
    assert_int_equal(rtsprec_camera_start(camera, NULL), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, change_often, camera), 0);
    for (int i = 0; i < 10; i++) {
        rtsprec_camera_request_stop(camera);
        rtsprec_camera_wait(camera);
        assert_int_equal(rtsprec_camera_start(camera, NULL), 0);
        process_pause_ms(20);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(rtsprec_camera_set_recording(camera, RTSPREC_RECORDING_OFF, 0), 0);
    for (int i = 0; i < 2000 && statistics_of(camera).state != RTSPREC_CAMERA_OFF; i++)
        process_pause_ms(10);
    assert_int_equal(statistics_of(camera).state, RTSPREC_CAMERA_OFF);
    int opened = atomic_load(&seen.opened);
    assert_int_equal(rtsprec_camera_set_recording(camera, RTSPREC_RECORDING_ON, 0), 0);
    wait_for(&seen.opened, opened + 1);
    rtsprec_recorder_destroy(&recorder);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_camera_in_standby_is_connected_and_not_recorded),
        cmocka_unit_test(a_camera_that_is_off_is_not_connected),
        cmocka_unit_test(a_stop_is_told_from_a_pause),
        cmocka_unit_test(encoded_sound_loses_nothing),
        cmocka_unit_test(nonsense_is_refused),
        cmocka_unit_test(any_thread_may_change_it),
    };

    if (argc != 4)
        return 64;
    process_start_camera(url, sizeof(url), argv[1], argv[2]);
    g711 = argv[3];
    process_make_directory(directory, sizeof(directory));
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    process_remove_directory(directory);
    return failures;
}
