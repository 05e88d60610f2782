/*
 * Records one camera until Ctrl-C or, when given, for a number of seconds:
 *
 *     record_one rtsp://user:password@camera/stream recordings 60
 *     cc record_one.c $(pkg-config --cflags --libs rtsprec) -o record_one
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <rtsprec/rtsprec.h>

/* Runs in the recorder's dispatcher thread. The library masks credentials in every record. */
static void print_record(void *user, const struct rtsprec_log_record *record)
{
    (void)user;
    fprintf(record->level <= RTSPREC_LOG_WARNING ? stderr : stdout, "%s\n", record->text);
}

/* Sleeps until SIGINT or SIGTERM arrives, or until so many seconds are over; 0 means no limit. */
static void wait_for_end(const sigset_t *signals, long seconds)
{
    if (seconds > 0) {
        struct timespec limit = {.tv_sec = seconds};
        sigtimedwait(signals, NULL, &limit);
    } else {
        int received;
        sigwait(signals, &received);
    }
}

int main(int argc, char **argv)
{
    struct rtsprec_recorder *recorder = NULL;
    struct rtsprec_camera *camera = NULL;
    struct rtsprec_error error = {0};
    sigset_t signals;

    char *end = NULL;
    long seconds = argc == 4 ? strtol(argv[3], &end, 10) : 0;
    if (argc < 3 || argc > 4 || (end && *end != '\0') || seconds < 0) {
        fprintf(stderr, "usage: record_one URL DIRECTORY [SECONDS]\n");
        return 64;
    }

    /* Blocked before any thread exists: all inherit it, and only wait_for_end() takes signals. */
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);

    struct rtsprec_recorder_options recorder_options;
    rtsprec_recorder_options_init(&recorder_options);
    recorder_options.log = print_record;

    struct rtsprec_camera_options camera_options;
    rtsprec_camera_options_init(&camera_options);
    camera_options.name = "camera";
    camera_options.url = argv[1];
    camera_options.output_directory = argv[2];

    if (rtsprec_recorder_create(&recorder, &recorder_options, &error) < 0)
        goto done;
    if (rtsprec_camera_create(&camera, recorder, &camera_options, &error) < 0)
        goto done;
    if (rtsprec_camera_start(camera, &error) < 0)
        goto done;

    wait_for_end(&signals, seconds);

done:
    /* Stops the camera, closes its file and destroys both; NULL is fine after a failure. */
    rtsprec_recorder_destroy(&recorder);
    if (error.code < 0)
        fprintf(stderr, "record_one: %s\n", error.text);
    return error.code < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
