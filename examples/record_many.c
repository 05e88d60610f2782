/*
 * Records any number of cameras until Ctrl-C and prints what happens to them:
 *
 *     record_many recordings rtsp://door/stream rtsp://yard/stream
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <rtsprec/rtsprec.h>

/* Runs in the recorder's dispatcher thread, one event at a time. */
static void print_event(void *user, const struct rtsprec_event *event)
{
    const struct rtsprec_event_segment *segment = &event->u.segment;

    (void)user;
    switch (event->type) {
    case RTSPREC_EVENT_STATE_CHANGED:
        printf("%s: %s%s%s\n", event->camera, rtsprec_camera_state_name(event->u.state.to),
               event->u.state.error < 0 ? ", because " : "", event->u.state.text);
        break;
    case RTSPREC_EVENT_SEGMENT_CLOSED:
        printf("%s: %s, %.1f s, %lld bytes, %s\n", event->camera, segment->path,
               (double)(segment->end_us - segment->start_us) / 1e6, (long long)segment->bytes,
               rtsprec_segment_reason_name(segment->reason));
        break;
    case RTSPREC_EVENT_DISCONTINUITY:
        printf("%s: %s\n", event->camera, event->u.discontinuity.text);
        break;
    case RTSPREC_EVENT_PACKETS_DROPPED:
        printf("%s: the disk is too slow, %lld frames lost\n", event->camera,
               (long long)event->u.dropped.frames);
        break;
    case RTSPREC_EVENT_STORAGE_CHANGED:
        printf("%s: %s\n", event->camera,
               event->u.storage.error < 0 ? event->u.storage.text : "files are written again");
        break;
    default: /* kinds that we do not print, and those that a later library adds */
        break;
    }
    fflush(stdout);
}

/* Adds a camera named camera-1, camera-2, ... and starts it. */
static int add_camera(struct rtsprec_recorder *recorder, int number, const char *url,
                      const char *directory, struct rtsprec_error *error)
{
    struct rtsprec_camera_options options;
    struct rtsprec_camera *camera;
    char name[32];
    int err;

    snprintf(name, sizeof name, "camera-%d", number);
    rtsprec_camera_options_init(&options);
    options.name = name;
    options.url = url;
    options.output_directory = directory;
    if ((err = rtsprec_camera_create(&camera, recorder, &options, error)) < 0)
        return err;
    return rtsprec_camera_start(camera, error);
}

int main(int argc, char **argv)
{
    struct rtsprec_recorder_options options;
    struct rtsprec_recorder *recorder = NULL;
    struct rtsprec_error error = {0};
    sigset_t signals;
    int received;

    if (argc < 3) {
        fprintf(stderr, "usage: record_many DIRECTORY URL...\n");
        return 64;
    }

    /* Blocked before any thread exists: every thread inherits it and only sigwait() sees them. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    rtsprec_recorder_options_init(&options);
    options.event = print_event;
    int err = rtsprec_recorder_create(&recorder, &options, &error);
    for (int i = 2; i < argc && err == 0; i++)
        err = add_camera(recorder, i - 1, argv[i], argv[1], &error);
    if (err == 0)
        sigwait(&signals, &received);
    else
        fprintf(stderr, "record_many: %s\n", error.text);

    /* Stops all cameras at once, closes their files, delivers the last events. */
    rtsprec_recorder_destroy(&recorder);
    return err == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
