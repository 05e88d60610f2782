/*
 * offline_camera CLIP DIRECTORY [KEY=VALUE...]: records a clip as a camera that sends it, through
 * all of the library, as fast as it is transcoded. The camera's clock goes with its frames instead
 * of the machine's, so what is recorded does not depend on the machine's load. The keys are in
 * settings[].
 *
 * The frames arrive at the time of their dts and the tracks have sender reports, as from a camera
 * that does everything right; the first one is taken 0.57 s after a clock-aligned boundary.
 *
 * Prints a line for each file, and of all, at the end, how many frames were left out:
 *
 *     file PATH START_US END_US FRAMES
 *     skipped FRAMES
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libavutil/mathematics.h>

#include <rtsprec/rtsprec.h>

#include "base/clock.h"
#include "camera/camera.h"
#include "ingest/pace.h"
#include "ingest/source.h"

/* So much waits for the writer at most, which is too little for it to leave anything out. */
#define MOST_WAITING_US (US_PER_SECOND / 2)
#define POLL_US         5000
#define PHASE_US        570000

static struct rtsprec_camera *camera; /* set before its threads begin */
static int64_t interval_us;
static int64_t first_media_us = INT64_MIN, first_arrival_us, start_wall_us;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ended = PTHREAD_COND_INITIALIZER;
static bool has_ended;

int64_t __wrap_pace_due_us(struct pace *pace, int64_t media_us, int64_t now_us);
int __real_source_read(struct source *source, struct source_packet *out,
                       struct rtsprec_error *error);
int __wrap_source_read(struct source *source, struct source_packet *out,
                       struct rtsprec_error *error);

/* A file is not played at its own pace but at that of the writer. */
int64_t __wrap_pace_due_us(struct pace *pace, int64_t media_us, int64_t now_us)
{
    const struct timespec pause = {.tv_nsec = POLL_US * 1000};
    int64_t bytes, waiting_us;
    (void)pace;
    (void)media_us;
    for (;;) {
        packet_queue_fill(&camera->feed.queue, &bytes, &waiting_us);
        if (waiting_us < MOST_WAITING_US || cancel_interrupted(&camera->cancel))
            return now_us;
        nanosleep(&pause, NULL);
    }
}

static void begin(int64_t media_us)
{
    int64_t real_us = clock_real_us();
    first_media_us = media_us;
    start_wall_us = (real_us / interval_us + 1) * interval_us + PHASE_US;
    first_arrival_us = clock_monotonic_us() + start_wall_us - real_us;
}

int __wrap_source_read(struct source *source, struct source_packet *out,
                       struct rtsprec_error *error)
{
    int err = __real_source_read(source, out, error);
    if (err < 0)
        return err;
    const AVPacket *packet = out->packet;
    AVRational base = source->tracks[packet->stream_index].time_base, us = {1, US_PER_SECOND};
    int64_t ticks = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    int64_t dts_us = av_rescale_q(ticks, base, us);
    if (first_media_us == INT64_MIN)
        begin(dts_us);
    out->arrival_us = first_arrival_us + dts_us - first_media_us;
    out->has_report = true;
    out->report_pts = packet->pts;
    out->report_ntp_us = start_wall_us + av_rescale_q(packet->pts, base, us) - first_media_us;
    return 0;
}

static void take_event(void *user, const struct rtsprec_event *event)
{
    const struct rtsprec_event_segment *segment = &event->u.segment;
    (void)user;
    if (event->type == RTSPREC_EVENT_SEGMENT_CLOSED)
        printf("file\t%s\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\n", segment->path,
               segment->start_us, segment->end_us, segment->frames);
    if (event->type != RTSPREC_EVENT_STATE_CHANGED || event->u.state.to != RTSPREC_CAMERA_WAITING)
        return;
    if (event->u.state.error != RTSPREC_ERROR_CLOSED)
        fprintf(stderr, "%s\n", event->u.state.text);
    pthread_mutex_lock(&lock);
    has_ended = true;
    pthread_cond_signal(&ended);
    pthread_mutex_unlock(&lock);
}

static void take_record(void *user, const struct rtsprec_log_record *record)
{
    (void)user;
    fprintf(stderr, "%s\n", record->text);
}

/* What can be set: a number, or one of some words, whose place counts. */
struct setting {
    const char *name;
    const char *words[5];
};

enum {
    CODEC,
    CONTAINER,
    AUDIO,
    WIDTH,
    HEIGHT,
    MILLIFPS,
    KBPS,
    PRESET,
    THREADS,
    INTERVAL,
    SETTINGS
};

static const struct setting settings[SETTINGS] = {
    [CODEC] = {"codec", {"copy", "hevc", "h264", "mpeg4", "av1"}},
    [CONTAINER] = {"container", {"mp4", "mkv"}},
    [AUDIO] = {"audio", {"auto", "off", "copy", "aac"}},
    [WIDTH] = {"width", {NULL}},
    [HEIGHT] = {"height", {NULL}},
    [MILLIFPS] = {"millifps", {NULL}},
    [KBPS] = {"kbps", {NULL}},
    [PRESET] = {"preset", {NULL}},
    [THREADS] = {"threads", {NULL}},
    [INTERVAL] = {"seconds", {NULL}},
};

static int value_of(const struct setting *setting, const char *text)
{
    for (size_t i = 0; i < sizeof(setting->words) / sizeof(setting->words[0]); i++) {
        if (setting->words[i] && !strcmp(setting->words[i], text))
            return (int)i;
    }
    return setting->words[0] ? -1 : (int)strtol(text, NULL, 10);
}

/* Reads KEY=VALUE; returns false when it is none of ours. */
static bool read_setting(struct rtsprec_camera_options *options, const char *word)
{
    const char *text = strchr(word, '=');
    size_t length = text ? (size_t)(text - word) : 0;
    int key = 0;
    while (key < SETTINGS &&
           (strncmp(settings[key].name, word, length) != 0 || strlen(settings[key].name) != length))
        key++;
    if (!text || key == SETTINGS)
        return false;
    int value = value_of(&settings[key], ++text);
    switch (key) {
    case CODEC:
        options->video_codec = value;
        break;
    case CONTAINER:
        options->container = value;
        break;
    case AUDIO:
        options->audio = value;
        break;
    case WIDTH:
        options->video_width = value;
        break;
    case HEIGHT:
        options->video_height = value;
        break;
    case MILLIFPS:
        options->video_millifps = value;
        break;
    case KBPS:
        options->video_bitrate = INT64_C(1000) * value;
        break;
    case PRESET:
        options->encoder_preset = text;
        break;
    case THREADS:
        options->encoder_threads = value;
        break;
    default:
        options->segment_duration_us = US_PER_SECOND * value;
        break;
    }
    return value >= 0;
}

static int record(const struct rtsprec_camera_options *options, struct rtsprec_error *error)
{
    struct rtsprec_recorder *recorder = NULL;
    struct rtsprec_recorder_options recorder_options;
    struct rtsprec_camera_statistics statistics = {.size = sizeof(statistics)};
    rtsprec_recorder_options_init(&recorder_options);
    recorder_options.event = take_event;
    recorder_options.log = take_record;
    int err = rtsprec_recorder_create(&recorder, &recorder_options, error);
    if (err == 0)
        err = rtsprec_camera_create(&camera, recorder, options, error);
    if (err == 0)
        err = rtsprec_camera_start(camera, error);
    if (err == 0) {
        pthread_mutex_lock(&lock);
        while (!has_ended)
            pthread_cond_wait(&ended, &lock);
        pthread_mutex_unlock(&lock);
        rtsprec_camera_request_stop(camera);
        rtsprec_camera_wait(camera);
        rtsprec_camera_get_statistics(camera, &statistics);
    }
    /* The events that are left come now. */
    rtsprec_recorder_destroy(&recorder);
    if (err == 0)
        printf("skipped\t%" PRId64 "\n", statistics.skipped_frames_total);
    return err;
}

int main(int argc, char **argv)
{
    struct rtsprec_camera_options options;
    struct rtsprec_error error = {0};
    rtsprec_camera_options_init(&options);
    options.name = "camera";
    options.transcode = RTSPREC_TRANSCODE_ALWAYS;
    options.segment_duration_us = 2 * US_PER_SECOND;
    /* It plays once, and a slow encoder is no silence. */
    options.retry_min_us = options.retry_max_us = 3600 * US_PER_SECOND;
    options.read_timeout_us = 300 * US_PER_SECOND;
    bool is_right = argc >= 3;
    for (int i = 3; i < argc && is_right; i++)
        is_right = read_setting(&options, argv[i]);
    if (!is_right) {
        fprintf(stderr, "usage: offline_camera CLIP DIRECTORY [KEY=VALUE...]\n");
        return 64;
    }
    options.url = argv[1];
    options.output_directory = argv[2];
    interval_us = options.segment_duration_us;
    if (record(&options, &error) < 0) {
        fprintf(stderr, "offline_camera: %s\n", error.text);
        return EXIT_FAILURE;
    }
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
