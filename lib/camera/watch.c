#include "camera/watch.h"

#include "base/clock.h"
#include "base/error.h"
#include "ingest/access_unit.h"

/* A camera that sends video but nothing to begin with is told of after this long. */
#define KEY_FRAME_PATIENCE_US (30 * US_PER_SECOND)

/* How often a loss that goes on is told. */
#define TELL_EVERY_US (10 * US_PER_SECOND)

void watch_init(struct watch *watch, struct rtsprec_camera *camera, int tracks, int64_t now_us)
{
    *watch = (struct watch){.camera = camera, .track_count = tracks, .start_us = now_us};
}

bool watch_is_late(const struct watch *watch, int64_t now_us)
{
    int64_t last_us = watch->last_arrival_us[0];
    return last_us != 0 && now_us - last_us >= watch->camera->options.read_timeout_us;
}

int watch_explain_silence(const struct watch *watch, int64_t now_us, struct rtsprec_error *error)
{
    const struct camera_options *options = &watch->camera->options;
    if (watch->last_arrival_us[0] == 0)
        return error_set(error, RTSPREC_ERROR_TIMEOUT, "connected, but no video within %.1f s",
                         (double)options->open_timeout_us / 1e6);
    bool has_sound = false;
    for (int i = 1; i < watch->track_count; i++)
        has_sound |= now_us - watch->last_arrival_us[i] < options->read_timeout_us / 2;
    return error_set(error, RTSPREC_ERROR_STALLED, "no video for %.1f s%s",
                     (double)options->read_timeout_us / 1e6,
                     has_sound ? " although sound goes on" : "");
}

/* Sound that stops and starts is told of; it never stops the video. */
static void watch_sound(struct watch *watch, int64_t now_us)
{
    struct rtsprec_camera *camera = watch->camera;
    for (int i = 1; i < watch->track_count; i++) {
        bool is_silent = watch->last_arrival_us[i] != 0 &&
                         now_us - watch->last_arrival_us[i] > camera->options.read_timeout_us;
        if (is_silent == watch->told_silent[i])
            continue;
        watch->told_silent[i] = is_silent;
        dispatcher_log(camera->dispatcher, is_silent ? RTSPREC_LOG_WARNING : RTSPREC_LOG_INFO,
                       camera->options.name,
                       is_silent ? "The camera sends no more sound: recording goes on without it"
                                 : "The camera sends sound again");
    }
}

/* A loss is told at once, then what else went missing from time to time. */
static void watch_loss(struct watch *watch, const struct source_packet *packet, int64_t now_us)
{
    struct rtsprec_camera *camera = watch->camera;
    count(&camera->counters.dropped_frames, packet->lost_frames);
    if (packet->lost_frames > 0)
        dispatcher_log(camera->dispatcher, RTSPREC_LOG_WARNING, camera->options.name,
                       "The camera sent a frame of more than %d MiB: left out",
                       ACCESS_UNIT_MAX_BYTES >> 20);
    count(&camera->counters.lost_packets, packet->lost_packets);
    watch->untold_packets += packet->lost_packets;
    bool is_soon = watch->last_loss_us != 0 && now_us - watch->last_loss_us < TELL_EVERY_US;
    if (watch->untold_packets == 0 || is_soon)
        return;
    dispatcher_log(camera->dispatcher, RTSPREC_LOG_WARNING, camera->options.name,
                   "%lld packets were lost on the network: their frames are damaged",
                   (long long)watch->untold_packets);
    watch->untold_packets = 0;
    watch->last_loss_us = now_us;
}

static void watch_key_frame(struct watch *watch, bool has_stream, int64_t now_us)
{
    if (has_stream || watch->told_no_key || now_us - watch->start_us < KEY_FRAME_PATIENCE_US)
        return;
    watch->told_no_key = true;
    dispatcher_log(watch->camera->dispatcher, RTSPREC_LOG_WARNING, watch->camera->options.name,
                   "The camera has sent video for %d s but no key frame with parameter sets: "
                   "nothing can be recorded yet",
                   (int)(KEY_FRAME_PATIENCE_US / US_PER_SECOND));
}

void watch_arrival(struct watch *watch, int track, const struct source_packet *packet,
                   bool has_stream, int64_t now_us)
{
    watch->last_arrival_us[track] = now_us;
    watch_loss(watch, packet, now_us);
    watch_sound(watch, now_us);
    watch_key_frame(watch, has_stream, now_us);
}
