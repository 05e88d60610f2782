/*
 * Records cameras that keep going away, and tells what that leaves behind:
 *
 *     reconnector DIRECTORY ROUNDS RECONNECTS [tcp|udp mp4|mkv URL]...
 *
 * In each round the cameras are started, lose their connections so many times in all, and are
 * stopped. Then, with nothing going on, a line says
 *
 *     round N: FILES descriptors, THREADS threads, USED bytes in use, KB kB of memory
 *
 * Memory is what the process keeps after malloc has given back what is free. Files are deleted when
 * they are closed.
 */
#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/log.h>

#include <rtsprec/rtsprec.h>

#define MAX_CAMERAS 64

struct churn {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int losses, wanted; /* of this round */
};

static void take_event(void *user, const struct rtsprec_event *event)
{
    struct churn *churn = user;
    if (event->type == RTSPREC_EVENT_SEGMENT_CLOSED)
        unlink(event->u.segment.path);
    if (event->type != RTSPREC_EVENT_STATE_CHANGED ||
        event->u.state.from != RTSPREC_CAMERA_RECORDING ||
        event->u.state.to != RTSPREC_CAMERA_WAITING)
        return;
    pthread_mutex_lock(&churn->lock);
    if (++churn->losses >= churn->wanted)
        pthread_cond_signal(&churn->changed);
    pthread_mutex_unlock(&churn->lock);
}

static int add_camera(struct rtsprec_recorder *recorder, struct rtsprec_camera **camera, int number,
                      const char *directory, char **words, struct rtsprec_error *error)
{
    struct rtsprec_camera_options options;
    char name[16];
    snprintf(name, sizeof(name), "cam%d", number);
    rtsprec_camera_options_init(&options);
    options.name = name;
    options.url = words[2];
    options.output_directory = directory;
    options.transport = strcmp(words[0], "udp") ? RTSPREC_TRANSPORT_TCP : RTSPREC_TRANSPORT_UDP;
    options.container = strcmp(words[1], "mkv") ? RTSPREC_CONTAINER_MP4 : RTSPREC_CONTAINER_MKV;
    options.retry_min_us = options.retry_max_us = 10000;
    options.auth_retry_min_us = options.auth_retry_max_us = 10000;
    options.sync_interval_us = RTSPREC_SYNC_NEVER;
    return rtsprec_camera_create(camera, recorder, &options, error);
}

static int entries(const char *path)
{
    DIR *directory = opendir(path);
    int count = 0;
    if (!directory)
        return -1;
    while (readdir(directory))
        count++;
    closedir(directory);
    return count - 2;
}

/* Memory of the process that no other shares and no file backs, kB. */
static long anonymous_kb(void)
{
    char line[256];
    long kb = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    while (file && fgets(line, sizeof(line), file)) {
        if (sscanf(line, "Anonymous: %ld", &kb) == 1)
            break;
    }
    if (file)
        fclose(file);
    return kb;
}

/* What the keeper of the catalog has yet to write waits for up to half a second: it is no growth.
 */
#define SETTLE_US    1500000
#define SETTLE_STEPS 15

static void report(int round)
{
    malloc_trim(0);
    struct mallinfo2 memory = mallinfo2();
    for (int i = 0; i < SETTLE_STEPS; i++) {
        usleep(SETTLE_US / SETTLE_STEPS);
        malloc_trim(0);
        struct mallinfo2 now = mallinfo2();
        if (now.uordblks < memory.uordblks)
            memory = now;
    }
    printf("round %d: %d descriptors, %d threads, %zu bytes in use, %ld kB of memory\n", round,
           entries("/proc/self/fd"), entries("/proc/self/task"), memory.uordblks + memory.hblkhd,
           anonymous_kb());
    fflush(stdout);
}

static int run_round(struct churn *churn, struct rtsprec_recorder *recorder,
                     struct rtsprec_camera **cameras, int count, struct rtsprec_error *error)
{
    int err = 0;
    churn->losses = 0;
    for (int i = 0; i < count && err == 0; i++)
        err = rtsprec_camera_start(cameras[i], error);
    pthread_mutex_lock(&churn->lock);
    while (err == 0 && churn->losses < churn->wanted)
        pthread_cond_wait(&churn->changed, &churn->lock);
    pthread_mutex_unlock(&churn->lock);
    rtsprec_recorder_request_stop(recorder);
    rtsprec_recorder_wait(recorder);
    return err;
}

int main(int argc, char **argv)
{
    struct churn churn = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct rtsprec_recorder_options options;
    struct rtsprec_recorder *recorder = NULL;
    struct rtsprec_camera *cameras[MAX_CAMERAS];
    struct rtsprec_error error = {0};
    int count = (argc - 4) / 3;
    if (count < 1 || count > MAX_CAMERAS)
        return 64;
    churn.wanted = atoi(argv[3]);
    av_log_set_level(AV_LOG_QUIET);
    rtsprec_recorder_options_init(&options);
    options.event = take_event;
    options.user = &churn;
    int err = rtsprec_recorder_create(&recorder, &options, &error);
    for (int i = 0; i < count && err == 0; i++)
        err = add_camera(recorder, &cameras[i], i, argv[1], argv + 4 + 3 * i, &error);
    for (int round = 0; round < atoi(argv[2]) && err == 0; round++) {
        err = run_round(&churn, recorder, cameras, count, &error);
        report(round);
    }
    if (err < 0)
        fprintf(stderr, "reconnector: %s\n", error.text);
    rtsprec_recorder_destroy(&recorder);
    return err < 0;
}
