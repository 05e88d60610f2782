#include "camera/encoding.h"

#include <stdlib.h>

#include <libavutil/mathematics.h>

#include "base/clock.h"
#include "base/error.h"
#include "camera/camera.h"
#include "camera/media_clock.h"
#include "camera/sound_hold.h"
#include "ingest/media_filter.h"
#include "ingest/parameters.h"
#include "segment/splitter.h"
#include "transform/video.h"

struct encoding {
    struct rtsprec_camera *camera;
    const struct transcoder_sink *sink;

    /* where files begin */
    struct media_clock clock;
    struct splitter slots;
    int64_t last_wall_us; /* of the last frame that was asked about */

    /* open */
    struct stream *copied;        /* a reference: with the sound as it is recorded */
    AVRational base;              /* of the times of what comes and goes */
    struct video *video;          /* NULL: it is closed */
    struct media_filter filter;   /* from the encoder's form to that of sources */
    struct parameters parameters; /* of what comes out */
    struct stream *out;           /* a reference: NULL until its first packet */
    AVPacket *packet;             /* what the encoder gave */
    bool is_fruitless;            /* it could not be opened, and nothing came of it since */
    struct sound_hold sound;
    int64_t counted; /* of the video's skipped frames those that were taken */
    int64_t end_us;  /* see encoding_end_us() */
};

static int64_t to_us(int64_t ticks, AVRational base)
{
    return av_rescale_q(ticks, base, (AVRational){1, US_PER_SECOND});
}

struct encoding *encoding_create(struct rtsprec_camera *camera, const struct transcoder_sink *sink)
{
    struct encoding *encoding = calloc(1, sizeof(*encoding));
    if (!encoding || !(encoding->packet = av_packet_alloc())) {
        free(encoding);
        return NULL;
    }
    encoding->camera = camera;
    encoding->sink = sink;
    splitter_init(&encoding->slots, camera->options.segment_duration_us);
    return encoding;
}

void encoding_destroy(struct encoding **encoding_pointer)
{
    struct encoding *encoding = *encoding_pointer;
    *encoding_pointer = NULL;
    if (!encoding)
        return;
    encoding_close(encoding);
    av_packet_free(&encoding->packet);
    free(encoding);
}

/* Where files begin. */

void encoding_set_time(struct encoding *encoding, int64_t media_us, int64_t wall_us)
{
    media_clock_set(&encoding->clock, media_us, wall_us);
}

void encoding_forget_times(struct encoding *encoding)
{
    encoding->clock = (struct media_clock){0};
}

bool encoding_is_boundary(struct encoding *encoding, int64_t media_us)
{
    int64_t wall_us = media_clock_wall_us(&encoding->clock, media_us);
    /* Dates are corrected by a little as more is known; a boundary is not crossed back for that. */
    if (wall_us < encoding->last_wall_us && wall_us > encoding->last_wall_us - US_PER_SECOND)
        wall_us = encoding->last_wall_us;
    encoding->last_wall_us = wall_us;
    struct split_packet packet = {
        .is_video = true,
        .is_key = true,
        .pts_us = media_us,
        .wall_us = wall_us,
        .utc_offset_us = clock_utc_offset_us(wall_us),
    };
    return splitter_decide(&encoding->slots, &packet) == SPLIT_CUT;
}

void encoding_forget_boundary(struct encoding *encoding)
{
    splitter_reset(&encoding->slots);
}

/* Opening. */

/* For who looks why the queue is full. */
static void tell_work(const struct encoding *encoding, bool is_encoding)
{
    atomic_store_explicit(&encoding->camera->is_encoding, is_encoding, memory_order_relaxed);
}

static bool is_key(void *user, int64_t media_us)
{
    return encoding_is_boundary(user, media_us);
}

static void say(void *user, bool is_asked_for, const char *text)
{
    struct encoding *encoding = user;
    const struct rtsprec_camera *camera = encoding->camera;
    /* That there is no such hardware is no news unless it was asked for, and then not twice. */
    dispatcher_log(camera->dispatcher,
                   is_asked_for && !encoding->is_fruitless ? RTSPREC_LOG_WARNING
                                                           : RTSPREC_LOG_DEBUG,
                   camera->options.name, "%s", text);
}

/* What the encoder says of its stream, in the form of sources. */
static int open_filter(struct encoding *encoding, struct rtsprec_error *error)
{
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    int err = parameters
                  ? avcodec_parameters_from_context(parameters, video_context(encoding->video))
                  : AVERROR(ENOMEM);
    if (err >= 0)
        err = media_filter_open(&encoding->filter, parameters, encoding->base);
    if (err >= 0)
        err = parameters_init(&encoding->parameters, parameters);
    avcodec_parameters_free(&parameters);
    return err < 0 ? error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory") : 0;
}

int encoding_open(struct encoding *encoding, struct stream *in, struct stream *copied,
                  const struct policy_video *plan, const AVPacket *first,
                  struct rtsprec_error *error)
{
    const struct camera_options *options = &encoding->camera->options;
    struct video_options video_options = {
        .track = &in->tracks[0],
        .first = first,
        .wish = {.codec = plan->codec,
                 .width = plan->width,
                 .height = plan->height,
                 .frame_rate = plan->frame_rate,
                 .bitrate = plan->bitrate,
                 .threads = (int)options->encoder_threads,
                 .name = options->encoder,
                 .device = options->encoder_device,
                 .preset = options->encoder_preset},
        .is_key = is_key,
        .say = say,
        .user = encoding,
    };
    encoding->copied = stream_ref(copied);
    encoding->base = in->tracks[0].time_base;
    encoding->counted = encoding->end_us = 0;
    tell_work(encoding, true);
    int err = video_open(&encoding->video, &video_options, error);
    tell_work(encoding, false);
    if (err == 0)
        err = open_filter(encoding, error);
    if (err < 0) {
        encoding_close(encoding);
        encoding->is_fruitless = true;
    } else {
        camera_set_encoder(encoding->camera, video_encoder_name(encoding->video));
    }
    return err;
}

void encoding_close(struct encoding *encoding)
{
    if (encoding->video)
        camera_set_encoder(encoding->camera, "");
    video_close(&encoding->video);
    media_filter_close(&encoding->filter);
    parameters_uninit(&encoding->parameters);
    encoding->parameters = (struct parameters){0};
    stream_unref(&encoding->out);
    stream_unref(&encoding->copied);
    sound_hold_clear(&encoding->sound);
}

bool encoding_is_fruitless(const struct encoding *encoding)
{
    return encoding->is_fruitless;
}

int64_t encoding_end_us(const struct encoding *encoding)
{
    return encoding->end_us;
}

bool encoding_is_open(const struct encoding *encoding)
{
    return encoding->video != NULL;
}

/* Packets. */

/* Sound up to that media time goes on, once there is a stream that it could go to. */
static void release_held(struct encoding *encoding, int64_t until_us)
{
    struct queue_item item;
    while (encoding->out && sound_hold_take(&encoding->sound, until_us, &item)) {
        encoding->sink->take(encoding->sink->user, &item);
        queue_item_uninit(&item);
    }
}

/* The first packet tells all that the encoder did not. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
static int begin_out(struct encoding *encoding, const AVPacket *packet)
{
    const AVCodecContext *encoder = video_context(encoding->video);
    AVCodecParameters *video = encoding->parameters.current;
    const struct stream *copied = encoding->copied;
    if (parameters_update(&encoding->parameters, packet) < 0)
        return RTSPREC_ERROR_NO_MEMORY;
    video->width = encoder->width;
    video->height = encoder->height;
    struct stream *out = stream_create();
    int err = out ? stream_add_track(out, video, copied->tracks[0].time_base, 0)
                  : RTSPREC_ERROR_NO_MEMORY;
    for (int i = 1; i < copied->track_count && err == 0; i++)
        err = stream_add_track(out, copied->tracks[i].parameters, copied->tracks[i].time_base, -1);
    if (err < 0) {
        stream_unref(&out);
        return err;
    }
    encoding->out = out;
    encoding->is_fruitless = false;
    encoding->sink->begin(encoding->sink->user, out);
    return 0;
}

/* What the encoder gave. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
static int give_out(struct encoding *encoding)
{
    AVPacket *packet = encoding->packet;
    int err = media_filter_run(&encoding->filter, packet);
    if (err <= 0)
        return err == RTSPREC_ERROR_NO_MEMORY ? err : 0;
    err = encoding->out ? 0 : begin_out(encoding, packet);
    av_packet_free_side_data(packet);
    if (err == 0) {
        int64_t pts_us = to_us(packet->pts, encoding->base);
        struct queue_item item = {
            .kind = QUEUE_PACKET,
            .packet = packet,
            .wall_us = media_clock_wall_us(&encoding->clock, pts_us),
            .media_us = to_us(packet->dts, encoding->base),
        };
        encoding->end_us = item.wall_us + to_us(packet->duration, encoding->base);
        encoding->sink->take(encoding->sink->user, &item);
        release_held(encoding, pts_us);
    }
    av_packet_unref(packet);
    return err;
}

int encoding_send(struct encoding *encoding, const AVPacket *packet, int keep_every, bool repeats,
                  struct rtsprec_error *error)
{
    if (packet && encoding->end_us == 0)
        encoding->end_us =
            media_clock_wall_us(&encoding->clock, to_us(packet->pts, encoding->base));
    tell_work(encoding, true);
    int err = video_send(encoding->video, packet, keep_every, repeats, error);
    while (err == 0 && (err = video_receive(encoding->video, encoding->packet, error)) == 1) {
        tell_work(encoding, false);
        err =
            give_out(encoding) < 0 ? error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory") : 0;
        tell_work(encoding, true);
    }
    tell_work(encoding, false);
    if (!packet)
        release_held(encoding, INT64_MAX);
    return err;
}

int64_t encoding_take_skipped(struct encoding *encoding)
{
    int64_t skipped = video_skipped(encoding->video);
    int64_t news = skipped - encoding->counted;
    encoding->counted = skipped;
    return news;
}

void encoding_take_sound(struct encoding *encoding, struct queue_item *item, int64_t pts_us)
{
    sound_hold_add(&encoding->sound, item, pts_us);
}
