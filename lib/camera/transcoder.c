#include "camera/transcoder.h"

#include <stdlib.h>

#include <libavutil/mathematics.h>

#include "base/clock.h"
#include "base/error.h"
#include "camera/camera.h"
#include "camera/media_clock.h"
#include "camera/sound_hold.h"
#include "camera/sounds.h"
#include "ingest/media_filter.h"
#include "ingest/parameters.h"
#include "recorder.h"
#include "segment/container.h"
#include "segment/splitter.h"
#include "transform/overload.h"
#include "transform/policy.h"
#include "transform/video.h"

/* How often an overload that goes on is told. */
#define REPORT_EVERY_US (10 * US_PER_SECOND)

/* What only a camera needs that is encoded: there are many that are not. */
struct room {
    struct media_clock clock;
    struct sound_hold sound;
};

enum mode {
    MODE_COPY,   /* packets pass */
    MODE_ENCODE, /* they are decoded and encoded */
    MODE_REST,   /* they are thrown away */
};

struct transcoder {
    struct rtsprec_camera *camera;
    struct transcoder_sink sink;
    struct stream *in;        /* a reference: what the camera sends; NULL before the first */
    struct policy_video plan; /* for it */
    enum mode mode;
    bool is_substitute;    /* of encoding, which the next segment tries again */
    bool waits_for_key;    /* what comes before the next key frame is of no use */
    struct splitter slots; /* where segments begin */
    int64_t last_wall_us;  /* of the last frame that was asked about */
    struct sounds sounds;  /* its out is in with the sound as it is recorded */
    struct room *room;     /* owned; NULL until it is first to be encoded */

    /* MODE_ENCODE */
    bool has_slot;                /* of those that the recorder has */
    struct video *video;          /* NULL until the first key frame */
    struct media_filter filter;   /* from the encoder's form to that of sources */
    struct parameters parameters; /* of what comes out */
    struct stream *out;           /* a reference: NULL until its first packet */
    AVPacket *packet;             /* what the encoder gave */

    bool is_thrifty;        /* not all frames are encoded */
    int64_t counted;        /* of the video's skipped frames those that are counted */
    int64_t untold;         /* skipped frames not yet told */
    int64_t last_report_us; /* monotonic */
};

static const AVRational us_base = {1, US_PER_SECOND};

static int64_t to_us(int64_t ticks, AVRational base)
{
    return av_rescale_q(ticks, base, us_base);
}

static bool is_key_frame(const AVPacket *packet)
{
    return packet->stream_index == 0 && (packet->flags & AV_PKT_FLAG_KEY);
}

/* Overload. */

static void count_skipped(struct transcoder *transcoder, int64_t frames)
{
    count(&transcoder->camera->counters.skipped_frames, frames);
    transcoder->untold += frames;
}

static void report_skipped(struct transcoder *transcoder)
{
    struct rtsprec_event event = {
        .type = RTSPREC_EVENT_FRAMES_SKIPPED,
        .camera = transcoder->camera->options.name,
        .u.skipped = {transcoder->untold},
    };
    if (transcoder->untold > 0)
        dispatcher_post(transcoder->camera->dispatcher, &event);
    transcoder->untold = 0;
    transcoder->last_report_us = clock_monotonic_us();
}

/* Encoding. */

static bool is_boundary(void *user, int64_t media_us)
{
    struct transcoder *transcoder = user;
    int64_t wall_us = media_clock_wall_us(&transcoder->room->clock, media_us);
    /* Dates are corrected by a little as more is known; a boundary is not crossed back for that. */
    if (wall_us < transcoder->last_wall_us && wall_us > transcoder->last_wall_us - US_PER_SECOND)
        wall_us = transcoder->last_wall_us;
    transcoder->last_wall_us = wall_us;
    struct split_packet packet = {
        .is_video = true,
        .is_key = true,
        .pts_us = media_us,
        .wall_us = wall_us,
        .utc_offset_us = clock_utc_offset_us(wall_us),
    };
    return splitter_decide(&transcoder->slots, &packet) == SPLIT_CUT;
}

static void say(void *user, const char *text)
{
    struct transcoder *transcoder = user;
    const struct rtsprec_camera *camera = transcoder->camera;
    /* That there is no such hardware is no news unless it was asked for. */
    dispatcher_log(camera->dispatcher,
                   camera->options.encoder ? RTSPREC_LOG_WARNING : RTSPREC_LOG_DEBUG,
                   camera->options.name, "%s", text);
}

struct policy_wish transcoder_wish(const struct camera_options *options)
{
    struct policy_wish wish = {
        .codec = options->video_codec,
        .transcode = options->transcode,
        .width = (int)options->video_width,
        .height = (int)options->video_height,
        .bitrate = options->video_bitrate,
    };
    av_reduce(&wish.frame_rate.num, &wish.frame_rate.den, options->video_millifps, 1000, INT32_MAX);
    return wish;
}

/* What the encoder says of its stream, in the form of sources. */
static int open_filter(struct transcoder *transcoder, struct rtsprec_error *error)
{
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    int err = parameters
                  ? avcodec_parameters_from_context(parameters, video_context(transcoder->video))
                  : AVERROR(ENOMEM);
    if (err >= 0)
        err =
            media_filter_open(&transcoder->filter, parameters, transcoder->in->tracks[0].time_base);
    if (err >= 0)
        err = parameters_init(&transcoder->parameters, parameters);
    avcodec_parameters_free(&parameters);
    return err < 0 ? error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory") : 0;
}

static int open_video(struct transcoder *transcoder, struct rtsprec_error *error)
{
    const struct camera_options *options = &transcoder->camera->options;
    const struct policy_video *plan = &transcoder->plan;
    struct video_options video_options = {
        .track = &transcoder->in->tracks[0],
        .wish = {.codec = plan->codec,
                 .width = plan->width,
                 .height = plan->height,
                 .frame_rate = plan->frame_rate,
                 .bitrate = plan->bitrate,
                 .threads = (int)options->encoder_threads,
                 .name = options->encoder,
                 .device = options->encoder_device,
                 .preset = options->encoder_preset},
        .is_key = is_boundary,
        .say = say,
        .user = transcoder,
    };
    int err = video_open(&transcoder->video, &video_options, error);
    if (err == 0)
        err = open_filter(transcoder, error);
    if (err == 0)
        camera_set_encoder(transcoder->camera, video_encoder_name(transcoder->video));
    transcoder->counted = 0;
    return err;
}

static void close_video(struct transcoder *transcoder)
{
    video_close(&transcoder->video);
    media_filter_close(&transcoder->filter);
    parameters_uninit(&transcoder->parameters);
    transcoder->parameters = (struct parameters){0};
    stream_unref(&transcoder->out);
    if (transcoder->room)
        sound_hold_clear(&transcoder->room->sound);
}

/* Sound up to that media time goes on, once there is a stream that it could go to. */
static void release_held(struct transcoder *transcoder, int64_t until_us)
{
    struct queue_item item;
    while (transcoder->out && sound_hold_take(&transcoder->room->sound, until_us, &item)) {
        transcoder->sink.take(transcoder->sink.user, &item);
        queue_item_uninit(&item);
    }
}

/* The first packet tells all that the encoder did not. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
static int begin_out(struct transcoder *transcoder, const AVPacket *packet)
{
    const AVCodecContext *encoder = video_context(transcoder->video);
    AVCodecParameters *video = transcoder->parameters.current;
    const struct stream *copied = transcoder->sounds.out;
    if (parameters_update(&transcoder->parameters, packet) < 0)
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
    transcoder->out = out;
    transcoder->sink.begin(transcoder->sink.user, out);
    return 0;
}

/* What the encoder gave. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
static int give_out(struct transcoder *transcoder)
{
    AVPacket *packet = transcoder->packet;
    int err = media_filter_run(&transcoder->filter, packet);
    if (err <= 0)
        return err == RTSPREC_ERROR_NO_MEMORY ? err : 0;
    err = transcoder->out ? 0 : begin_out(transcoder, packet);
    av_packet_free_side_data(packet);
    if (err == 0) {
        AVRational base = transcoder->in->tracks[0].time_base;
        int64_t pts_us = to_us(packet->pts, base);
        struct queue_item item = {
            .kind = QUEUE_PACKET,
            .packet = packet,
            .wall_us = media_clock_wall_us(&transcoder->room->clock, pts_us),
            .media_us = to_us(packet->dts, base),
        };
        transcoder->sink.take(transcoder->sink.user, &item);
        release_held(transcoder, pts_us);
    }
    av_packet_unref(packet);
    return err;
}

/* Sends a packet, or NULL, and gives out what becomes of it. */
static int encode(struct transcoder *transcoder, const AVPacket *packet, int keep_every,
                  struct rtsprec_error *error)
{
    int err = video_send(transcoder->video, packet, keep_every, !transcoder->is_thrifty, error);
    while (err == 0 && (err = video_receive(transcoder->video, transcoder->packet, error)) == 1)
        err = give_out(transcoder) < 0 ? error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory")
                                       : 0;
    int64_t skipped = video_skipped(transcoder->video);
    count_skipped(transcoder, skipped - transcoder->counted);
    transcoder->counted = skipped;
    return err;
}

static void release_slot(struct transcoder *transcoder)
{
    if (transcoder->has_slot)
        recorder_end_transcode(transcoder->camera->recorder);
    transcoder->has_slot = false;
}

/* Does without the encoder until the next segment: copies, or where that is not wanted or not
 * possible throws away. */
static void substitute(struct transcoder *transcoder, bool may_copy)
{
    struct rtsprec_camera *camera = transcoder->camera;
    const AVCodecParameters *video = transcoder->in->tracks[0].parameters;
    close_video(transcoder);
    release_slot(transcoder);
    camera_set_encoder(camera, "");
    transcoder->is_substitute = true;
    transcoder->waits_for_key = true;
    transcoder->mode =
        may_copy && container_accepts(camera->options.container, video) ? MODE_COPY : MODE_REST;
    transcoder->sink.begin(transcoder->sink.user, transcoder->sounds.out);
}

static const char *substitute_text(const struct transcoder *transcoder)
{
    return transcoder->mode == MODE_COPY ? "copying it until a segment begins"
                                         : "recording nothing until a segment begins";
}

static void fail(struct transcoder *transcoder, const struct rtsprec_error *error)
{
    substitute(transcoder, true);
    dispatcher_log(transcoder->camera->dispatcher, RTSPREC_LOG_ERROR,
                   transcoder->camera->options.name, "The video cannot be transcoded: %s; %s",
                   error->text, substitute_text(transcoder));
}

static bool make_room(struct transcoder *transcoder)
{
    if (!transcoder->room)
        transcoder->room = calloc(1, sizeof(*transcoder->room));
    return transcoder->room != NULL;
}

/* Begins to encode with the key frame that comes next. */
static void begin_encoding(struct transcoder *transcoder)
{
    struct rtsprec_camera *camera = transcoder->camera;
    if (!make_room(transcoder)) {
        struct rtsprec_error error;
        error_set(&error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
        fail(transcoder, &error);
        return;
    }
    transcoder->room->clock = (struct media_clock){0};
    transcoder->has_slot = transcoder->has_slot || recorder_begin_transcode(camera->recorder);
    if (!transcoder->has_slot && transcoder->is_substitute && transcoder->mode == MODE_COPY)
        return; /* as before */
    if (!transcoder->has_slot) {
        substitute(transcoder, true);
        dispatcher_log(camera->dispatcher, RTSPREC_LOG_WARNING, camera->options.name,
                       "As many cameras are transcoded as may be at a time: %s",
                       substitute_text(transcoder));
        return;
    }
    transcoder->mode = MODE_ENCODE;
    transcoder->is_substitute = false;
    transcoder->waits_for_key = true;
    splitter_reset(&transcoder->slots);
}

/* Too much waits, and the program does not want frames to be left out. */
static void give_up(struct transcoder *transcoder)
{
    struct rtsprec_camera *camera = transcoder->camera;
    transcoder_flush(transcoder);
    substitute(transcoder, camera->options.on_overload == RTSPREC_OVERLOAD_COPY);
    dispatcher_log(camera->dispatcher, RTSPREC_LOG_WARNING, camera->options.name,
                   "The video comes faster than it can be transcoded: %s",
                   substitute_text(transcoder));
}

/* Keeps to what can be encoded. Returns how many of the decoded frames to encode, 0: the packet is
 * not even to be decoded. */
static int thrift(struct transcoder *transcoder)
{
    const struct camera_options *options = &transcoder->camera->options;
    int64_t waiting_us, bytes;
    packet_queue_fill(&transcoder->camera->queue, &bytes, &waiting_us);
    struct overload overload = overload_of(waiting_us, options->queue_duration_us);
    if (options->on_overload != RTSPREC_OVERLOAD_DROP_FRAMES) {
        if (!overload_is_serious(waiting_us, options->queue_duration_us))
            return 1;
        give_up(transcoder);
        return 0;
    }
    /* Who waits for the end does not wait for what was too much before. */
    if (transcoder->is_thrifty && cancel_stopped(&transcoder->camera->cancel)) {
        transcoder->waits_for_key = true;
        return 0;
    }
    bool was_thrifty = transcoder->is_thrifty;
    transcoder->is_thrifty = overload.only_keys || overload.keep_every > 1;
    if (transcoder->is_thrifty && !was_thrifty) {
        dispatcher_log(transcoder->camera->dispatcher, RTSPREC_LOG_WARNING, options->name,
                       "The video comes faster than it can be transcoded: leaving frames out");
        transcoder->last_report_us = clock_monotonic_us();
    }
    if (transcoder->untold > 0 &&
        (!transcoder->is_thrifty ||
         clock_monotonic_us() - transcoder->last_report_us > REPORT_EVERY_US))
        report_skipped(transcoder);
    /* Once frames are not decoded, those that follow cannot be, up to the next key frame. */
    transcoder->waits_for_key = transcoder->waits_for_key || overload.only_keys;
    return overload.keep_every;
}

/* Sound as it is recorded. */
static void take_sound(void *user, struct queue_item *item, int64_t pts_us)
{
    struct transcoder *transcoder = user;
    if (transcoder->mode == MODE_ENCODE)
        sound_hold_add(&transcoder->room->sound, item, pts_us);
    else if (transcoder->mode == MODE_COPY && !transcoder->waits_for_key)
        transcoder->sink.take(transcoder->sink.user, item);
}

static void take_to_encode(struct transcoder *transcoder, struct queue_item *item)
{
    AVPacket *packet = item->packet;
    struct rtsprec_error error;
    int keep_every = thrift(transcoder);
    if (transcoder->mode != MODE_ENCODE) {
        transcoder_take(transcoder, item);
        return;
    }
    if (is_key_frame(packet) && keep_every > 0)
        transcoder->waits_for_key = false;
    if (transcoder->waits_for_key) {
        count_skipped(transcoder, transcoder->video != NULL);
        return;
    }
    if ((!transcoder->video && open_video(transcoder, &error) < 0) ||
        encode(transcoder, packet, keep_every, &error) < 0) {
        fail(transcoder, &error);
        transcoder_take(transcoder, item);
    }
}

/* From outside. */

struct transcoder *transcoder_create(struct rtsprec_camera *camera)
{
    struct transcoder *transcoder = calloc(1, sizeof(*transcoder));
    if (!transcoder || !(transcoder->packet = av_packet_alloc())) {
        free(transcoder);
        return NULL;
    }
    transcoder->camera = camera;
    splitter_init(&transcoder->slots, camera->options.segment_duration_us);
    return transcoder;
}

void transcoder_destroy(struct transcoder **transcoder_pointer)
{
    struct transcoder *transcoder = *transcoder_pointer;
    *transcoder_pointer = NULL;
    if (!transcoder)
        return;
    free(transcoder->room);
    av_packet_free(&transcoder->packet);
    free(transcoder);
}

void transcoder_open(struct transcoder *transcoder, const struct transcoder_sink *sink)
{
    transcoder->sink = *sink;
    transcoder->mode = MODE_COPY;
}

void transcoder_close(struct transcoder *transcoder)
{
    transcoder_flush(transcoder);
    release_slot(transcoder);
    sounds_end(&transcoder->sounds);
    stream_unref(&transcoder->in);
}

void transcoder_begin(struct transcoder *transcoder, struct stream *stream)
{
    struct rtsprec_camera *camera = transcoder->camera;
    struct policy_wish wish = transcoder_wish(&camera->options);
    char text[256];
    transcoder_flush(transcoder);
    stream_unref(&transcoder->in);
    transcoder->in = stream_ref(stream);
    if (sounds_begin(&transcoder->sounds, camera, stream) < 0) {
        dispatcher_log(camera->dispatcher, RTSPREC_LOG_ERROR, camera->options.name,
                       "Out of memory: nothing is recorded until the camera is connected again");
        transcoder->mode = MODE_REST;
        transcoder->is_substitute = false;
        return;
    }
    policy_decide(&transcoder->plan, text, sizeof(text), &wish, stream->tracks[0].parameters);
    dispatcher_log(camera->dispatcher,
                   transcoder->plan.is_refused ? RTSPREC_LOG_WARNING : RTSPREC_LOG_INFO,
                   camera->options.name, "%s", text);
    if (transcoder->plan.is_encoded) {
        begin_encoding(transcoder);
        return;
    }
    release_slot(transcoder);
    transcoder->mode = MODE_COPY;
    transcoder->is_substitute = transcoder->waits_for_key = false;
    transcoder->sink.begin(transcoder->sink.user, transcoder->sounds.out);
}

/* Whether a segment would begin with this frame, which then is the first to be encoded again. */
static bool tries_again(struct transcoder *transcoder, const struct queue_item *item)
{
    int64_t media_us = to_us(item->packet->pts, transcoder->in->tracks[0].time_base);
    if (!make_room(transcoder))
        return false;
    media_clock_set(&transcoder->room->clock, media_us, item->wall_us);
    return is_key_frame(item->packet) && is_boundary(transcoder, media_us);
}

void transcoder_take(struct transcoder *transcoder, struct queue_item *item)
{
    const AVPacket *packet = item->packet;
    if (packet->stream_index != 0) {
        sounds_take(&transcoder->sounds, item, take_sound, transcoder);
        return;
    }
    if (transcoder->mode != MODE_ENCODE && transcoder->is_substitute &&
        !transcoder->waits_for_key && tries_again(transcoder, item))
        begin_encoding(transcoder);
    if (transcoder->mode == MODE_ENCODE) {
        media_clock_set(&transcoder->room->clock,
                        to_us(packet->pts, transcoder->in->tracks[0].time_base), item->wall_us);
        take_to_encode(transcoder, item);
        return;
    }
    if (is_key_frame(packet) && transcoder->waits_for_key) {
        transcoder->waits_for_key = false;
        /* It is of a segment that has begun: the next one is what is waited for. */
        tries_again(transcoder, item);
    }
    if (transcoder->mode == MODE_COPY && !transcoder->waits_for_key)
        transcoder->sink.take(transcoder->sink.user, item);
    else
        count_skipped(transcoder, 1);
}

void transcoder_flush(struct transcoder *transcoder)
{
    struct rtsprec_error error;
    sounds_flush(&transcoder->sounds, take_sound, transcoder);
    if (transcoder->video) {
        encode(transcoder, NULL, 1, &error);
        release_held(transcoder, INT64_MAX);
    }
    close_video(transcoder);
    camera_set_encoder(transcoder->camera, "");
    report_skipped(transcoder);
    transcoder->is_thrifty = false;
    transcoder->waits_for_key = transcoder->mode == MODE_ENCODE;
    splitter_reset(&transcoder->slots);
}

bool transcoder_is_encoding(const struct transcoder *transcoder)
{
    return transcoder->mode == MODE_ENCODE;
}
