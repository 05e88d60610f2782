/*
 * Records one camera at times, until Ctrl-C:
 *
 *     record_scheduled rtsp://user:password@camera/stream recordings 'period:mon-fri 08-18, sat
 * 10-14' cc record_scheduled.c $(pkg-config --cflags --libs rtsprec) -o record_scheduled
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rtsprec/rtsprec.h>

#define SECOND INT64_C(1000000)

static void print_event(void *user, const struct rtsprec_event *event)
{
    (void)user;
    if (event->type == RTSPREC_EVENT_STATE_CHANGED)
        printf("%s\n", rtsprec_camera_state_name(event->u.state.to));
    if (event->type == RTSPREC_EVENT_SEGMENT_CLOSED)
        printf("%s, %s\n", event->u.segment.path,
               rtsprec_segment_reason_name(event->u.segment.reason));
    fflush(stdout);
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec * SECOND + now.tv_nsec / 1000;
}

/* Until a signal arrives. Between its times the camera is disconnected; with STANDBY instead of OFF
 * it would stay connected. */
static void follow(struct rtsprec_camera *camera, const struct rtsprec_schedule *schedule,
                   const sigset_t *signals)
{
    struct timespec pause;

    do {
        int64_t now = now_us(), change = rtsprec_schedule_next_change(schedule, now);
        int is_on = rtsprec_schedule_is_on(schedule, now);

        rtsprec_camera_set_recording(camera, is_on ? RTSPREC_RECORDING_ON : RTSPREC_RECORDING_OFF,
                                     0);
        /* A second at most: the clock may be set at any time. */
        pause.tv_sec = change - now < SECOND ? 0 : 1;
        pause.tv_nsec = change - now < SECOND ? (change - now) * 1000 : 0;
    } while (sigtimedwait(signals, NULL, &pause) < 0);
}

int main(int argc, char **argv)
{
    struct rtsprec_recorder *recorder = NULL;
    struct rtsprec_schedule *schedule = NULL;
    struct rtsprec_camera *camera = NULL;
    struct rtsprec_error error = {.text = "missing"};
    sigset_t signals;

    if (argc != 4 || rtsprec_schedule_create(&schedule, argv[3], &error) < 0) {
        fprintf(stderr, "usage: record_scheduled URL DIRECTORY RULE; RULE is %s\n", error.text);
        return 64;
    }

    /* Blocked before any thread exists: all inherit it, and only follow() takes signals. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    struct rtsprec_recorder_options recorder_options;
    rtsprec_recorder_options_init(&recorder_options);
    recorder_options.event = print_event;

    struct rtsprec_camera_options camera_options;
    rtsprec_camera_options_init(&camera_options);
    camera_options.name = "camera";
    camera_options.url = argv[1];
    camera_options.output_directory = argv[2];

    if (rtsprec_recorder_create(&recorder, &recorder_options, &error) < 0 ||
        rtsprec_camera_create(&camera, recorder, &camera_options, &error) < 0)
        goto done;
    rtsprec_camera_set_recording(camera, RTSPREC_RECORDING_OFF, 0);
    if (rtsprec_camera_start(camera, &error) == 0)
        follow(camera, schedule, &signals);

done:
    rtsprec_recorder_destroy(&recorder);
    rtsprec_schedule_destroy(&schedule);
    if (error.code < 0)
        fprintf(stderr, "record_scheduled: %s\n", error.text);
    return error.code < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
