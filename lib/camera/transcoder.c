#include "camera/transcoder.h"

#include <stdlib.h>

#include <libavutil/mathematics.h>

#include "base/clock.h"
#include "base/error.h"
#include "camera/camera.h"
#include "camera/encoding.h"
#include "camera/sounds.h"
#include "recorder.h"
#include "segment/container.h"
#include "transform/frame_rate.h"
#include "transform/overload.h"
#include "transform/policy.h"

/* How often an overload that goes on is told. */
#define REPORT_EVERY_US (10 * US_PER_SECOND)

/* How long a stop waits for what is still to be encoded. */
#define STOP_WITHIN_US (2 * US_PER_SECOND)

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
    bool has_untold_plan;
    struct frame_rate rate; /* of what the camera sends, until the plan is told */
    enum mode mode;
    bool is_substitute; /* of encoding, which the next segment tries again */
    bool waits_for_key; /* what comes before the next key frame is of no use */
    bool has_loss;      /* what is thrown away next is to be told, for that reason */
    enum rtsprec_coverage_reason loss;
    struct sounds sounds;      /* its out is in with the sound as it is recorded */
    struct encoding *encoding; /* owned; NULL until it is first to be encoded */

    /* MODE_ENCODE */
    bool has_slot;   /* of those that the recorder has */
    bool is_thrifty; /* not all frames are encoded */
    bool only_keys;  /* and of the camera's only key frames are decoded */
    struct hole {
        int64_t start_us, end_us; /* of the clock; 0: there is none */
    } hole;                       /* what of the video was not decoded, and is not yet told */
    int64_t untold;               /* skipped frames not yet told */
    int64_t last_report_us;       /* monotonic */
    int64_t stop_us;              /* monotonic: when a stop was first seen; 0: none was */
};

/* Media time of a packet of the camera's video. */
static int64_t pts_us(const struct transcoder *transcoder, const AVPacket *packet)
{
    return av_rescale_q(packet->pts, transcoder->in->tracks[0].time_base,
                        (AVRational){1, US_PER_SECOND});
}

static int64_t duration_us(const struct transcoder *transcoder, const AVPacket *packet)
{
    return av_rescale_q(packet->duration, transcoder->in->tracks[0].time_base,
                        (AVRational){1, US_PER_SECOND});
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

/* What is left out next adds to it. */
static void tell_hole(struct transcoder *transcoder)
{
    struct hole *hole = &transcoder->hole;
    if (hole->start_us < hole->end_us)
        transcoder->sink.leave_out(transcoder->sink.user, RTSPREC_COVERAGE_OVERLOADED,
                                   hole->start_us, hole->end_us);
    hole->start_us = hole->end_us;
}

/* The single key frames that are shown meanwhile do not end a hole. */
static void widen_hole(struct transcoder *transcoder, const struct queue_item *item)
{
    struct hole *hole = &transcoder->hole;
    int64_t end_us = item->wall_us + duration_us(transcoder, item->packet);
    if (hole->end_us == 0)
        *hole = (struct hole){item->wall_us, end_us};
    else if (end_us > hole->end_us)
        hole->end_us = end_us;
}

/* With this frame decoding goes on, if there was a hole. */
static void end_hole(struct transcoder *transcoder, const struct queue_item *item)
{
    struct hole *hole = &transcoder->hole;
    if (hole->end_us == 0)
        return;
    if (item->wall_us > hole->start_us)
        hole->end_us = item->wall_us;
    tell_hole(transcoder);
    *hole = (struct hole){0};
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
    tell_hole(transcoder);
    transcoder->untold = 0;
    transcoder->last_report_us = clock_monotonic_us();
}

/* Encoding. */

/* More parts of a second, or frames in them, have no room in MPEG-4. */
#define MOST_RATE 65535

struct policy_wish transcoder_wish(const struct camera_options *options)
{
    struct policy_wish wish = {
        .codec = options->video_codec,
        .transcode = options->transcode,
        .width = (int)options->video_width,
        .height = (int)options->video_height,
        .bitrate = options->video_bitrate,
    };
    av_reduce(&wish.frame_rate.num, &wish.frame_rate.den, options->video_millifps, 1000, MOST_RATE);
    return wish;
}

static bool is_open(const struct transcoder *transcoder)
{
    return transcoder->encoding && encoding_is_open(transcoder->encoding);
}

/* Sends a packet, or NULL, and gives out what becomes of it. */
static int encode(struct transcoder *transcoder, const AVPacket *packet, int keep_every,
                  struct rtsprec_error *error)
{
    int err =
        encoding_send(transcoder->encoding, packet, keep_every, !transcoder->is_thrifty, error);
    count_skipped(transcoder, encoding_take_skipped(transcoder->encoding));
    return err;
}

static void release_slot(struct transcoder *transcoder)
{
    if (transcoder->has_slot)
        recorder_end_transcode(transcoder->camera->recorder);
    transcoder->has_slot = false;
}

/* What is not recorded from now on is missing for that reason. */
static void set_loss(struct transcoder *transcoder, enum rtsprec_coverage_reason reason)
{
    transcoder->loss = reason;
    transcoder->has_loss = true;
}

static void tell_loss(struct transcoder *transcoder, int64_t from_us)
{
    if (transcoder->has_loss)
        transcoder->sink.lose(transcoder->sink.user, transcoder->loss, from_us);
    transcoder->has_loss = false;
}

/* Does without the encoder until the next segment: copies, or where that is not wanted or not
 * possible throws away, for that reason. */
static void substitute(struct transcoder *transcoder, bool may_copy,
                       enum rtsprec_coverage_reason reason)
{
    struct rtsprec_camera *camera = transcoder->camera;
    const AVCodecParameters *video = transcoder->in->tracks[0].parameters;
    int64_t end_us = is_open(transcoder) ? encoding_end_us(transcoder->encoding) : 0;
    if (transcoder->encoding)
        encoding_close(transcoder->encoding);
    release_slot(transcoder);
    transcoder->is_substitute = true;
    transcoder->waits_for_key = true;
    transcoder->mode =
        may_copy && container_accepts(camera->options.container, video) ? MODE_COPY : MODE_REST;
    transcoder->sink.begin(transcoder->sink.user, transcoder->sounds.out);
    set_loss(transcoder, reason);
    /* What was still inside is missing, too. */
    if (end_us != 0)
        tell_loss(transcoder, end_us);
}

static const char *substitute_text(const struct transcoder *transcoder)
{
    return transcoder->mode == MODE_COPY ? "copying it until a segment begins"
                                         : "recording nothing until a segment begins";
}

/* Each boundary tries again: the first failure of a row is the one to tell. */
static void fail(struct transcoder *transcoder, const struct rtsprec_error *error, bool is_news)
{
    substitute(transcoder, true, RTSPREC_COVERAGE_UNSUPPORTED);
    dispatcher_log(transcoder->camera->dispatcher, is_news ? RTSPREC_LOG_ERROR : RTSPREC_LOG_DEBUG,
                   transcoder->camera->options.name, "The video cannot be transcoded: %s; %s",
                   error->text, substitute_text(transcoder));
}

static bool make_encoding(struct transcoder *transcoder)
{
    if (!transcoder->encoding)
        transcoder->encoding = encoding_create(transcoder->camera, &transcoder->sink);
    return transcoder->encoding != NULL;
}

/* Begins to encode with the key frame that comes next. */
static void begin_encoding(struct transcoder *transcoder)
{
    struct rtsprec_camera *camera = transcoder->camera;
    if (!make_encoding(transcoder)) {
        struct rtsprec_error error;
        error_set(&error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
        fail(transcoder, &error, true);
        return;
    }
    encoding_forget_times(transcoder->encoding);
    transcoder->has_slot = transcoder->has_slot || recorder_begin_transcode(camera->recorder);
    if (!transcoder->has_slot && transcoder->is_substitute && transcoder->mode == MODE_COPY)
        return; /* as before */
    if (!transcoder->has_slot) {
        substitute(transcoder, true, RTSPREC_COVERAGE_OVERLOADED);
        dispatcher_log(camera->dispatcher, RTSPREC_LOG_WARNING, camera->options.name,
                       "As many cameras are transcoded as may be at a time: %s",
                       substitute_text(transcoder));
        return;
    }
    transcoder->mode = MODE_ENCODE;
    transcoder->is_substitute = false;
    transcoder->waits_for_key = true;
    encoding_forget_boundary(transcoder->encoding);
}

/* Sound as it is recorded. */
static void take_sound(void *user, struct queue_item *item, int64_t media_us)
{
    struct transcoder *transcoder = user;
    if (transcoder->mode == MODE_ENCODE)
        encoding_take_sound(transcoder->encoding, item, media_us);
    else if (transcoder->mode == MODE_COPY && !transcoder->waits_for_key)
        transcoder->sink.take(transcoder->sink.user, item);
}

/* Once it is known how many frames a second there are, or nobody will know. */
static void tell_plan(struct transcoder *transcoder)
{
    const struct policy_video *plan = &transcoder->plan;
    const struct rtsprec_camera *camera = transcoder->camera;
    char text[256];
    if (!transcoder->has_untold_plan)
        return;
    transcoder->has_untold_plan = false;
    policy_describe(text, sizeof(text), plan, transcoder->in->tracks[0].parameters,
                    transcoder->rate.fps);
    dispatcher_log(camera->dispatcher, plan->is_refused ? RTSPREC_LOG_WARNING : RTSPREC_LOG_INFO,
                   camera->options.name, "%s", text);
}

/* Gives out what is still inside. */
static void flush(struct transcoder *transcoder)
{
    struct rtsprec_error error;
    tell_plan(transcoder);
    sounds_flush(&transcoder->sounds, take_sound, transcoder);
    if (is_open(transcoder) && encode(transcoder, NULL, 1, &error) < 0)
        dispatcher_log(transcoder->camera->dispatcher, RTSPREC_LOG_WARNING,
                       transcoder->camera->options.name, "The end of the video is missing: %s",
                       error.text);
    if (transcoder->encoding) {
        encoding_close(transcoder->encoding);
        encoding_forget_boundary(transcoder->encoding);
    }
    report_skipped(transcoder);
    transcoder->hole = (struct hole){0};
    transcoder->has_loss = transcoder->is_substitute || transcoder->mode == MODE_REST;
    transcoder->is_thrifty = transcoder->only_keys = false;
    transcoder->waits_for_key = transcoder->mode == MODE_ENCODE;
}

/* Too much waits, and the program does not want frames to be left out. */
static void give_up(struct transcoder *transcoder)
{
    struct rtsprec_camera *camera = transcoder->camera;
    flush(transcoder);
    substitute(transcoder, camera->options.on_overload == RTSPREC_OVERLOAD_COPY,
               RTSPREC_COVERAGE_OVERLOADED);
    dispatcher_log(camera->dispatcher, RTSPREC_LOG_WARNING, camera->options.name,
                   "The video comes faster than it can be transcoded: %s",
                   substitute_text(transcoder));
}

/* Whether somebody waits for the end, who does not wait for what was, or is, too much. */
static bool is_to_end(struct transcoder *transcoder)
{
    if (!cancel_stopped(&transcoder->camera->cancel))
        return false;
    int64_t now_us = clock_monotonic_us();
    if (transcoder->stop_us == 0)
        transcoder->stop_us = now_us;
    return transcoder->is_thrifty || now_us - transcoder->stop_us > STOP_WITHIN_US;
}

/* Keeps to what can be encoded. Returns how many of the decoded frames to encode, 0: the packet is
 * not even to be decoded. */
static int thrift(struct transcoder *transcoder)
{
    const struct camera_options *options = &transcoder->camera->options;
    int64_t waiting_us, bytes;
    packet_queue_fill(&transcoder->camera->feed.queue, &bytes, &waiting_us);
    struct overload overload = overload_of(waiting_us, options->queue_duration_us);
    if (is_to_end(transcoder)) {
        transcoder->waits_for_key = true;
        return 0;
    }
    if (options->on_overload != RTSPREC_OVERLOAD_DROP_FRAMES) {
        if (!overload_is_serious(waiting_us, options->queue_duration_us))
            return 1;
        give_up(transcoder);
        return 0;
    }
    bool was_thrifty = transcoder->is_thrifty;
    transcoder->only_keys = overload.only_keys;
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
        if (is_open(transcoder)) {
            count_skipped(transcoder, 1);
            widen_hole(transcoder, item);
        }
        return;
    }
    if (!transcoder->only_keys)
        end_hole(transcoder, item);
    bool is_news = !encoding_is_fruitless(transcoder->encoding);
    if ((!is_open(transcoder) &&
         encoding_open(transcoder->encoding, transcoder->in, transcoder->sounds.out,
                       &transcoder->plan, packet, &error) < 0) ||
        encode(transcoder, packet, keep_every, &error) < 0) {
        fail(transcoder, &error, is_news);
        transcoder_take(transcoder, item);
    }
}

/* From outside. */

struct transcoder *transcoder_create(struct rtsprec_camera *camera)
{
    struct transcoder *transcoder = calloc(1, sizeof(*transcoder));
    if (transcoder)
        transcoder->camera = camera;
    return transcoder;
}

void transcoder_destroy(struct transcoder **transcoder_pointer)
{
    struct transcoder *transcoder = *transcoder_pointer;
    *transcoder_pointer = NULL;
    if (!transcoder)
        return;
    encoding_destroy(&transcoder->encoding);
    free(transcoder);
}

void transcoder_open(struct transcoder *transcoder, const struct transcoder_sink *sink)
{
    transcoder->sink = *sink;
    transcoder->stop_us = 0;
    transcoder->mode = MODE_COPY;
}

void transcoder_close(struct transcoder *transcoder)
{
    transcoder_end(transcoder);
    sounds_end(&transcoder->sounds);
    stream_unref(&transcoder->in);
}

void transcoder_begin(struct transcoder *transcoder, struct stream *stream)
{
    struct rtsprec_camera *camera = transcoder->camera;
    struct policy_wish wish = transcoder_wish(&camera->options);
    flush(transcoder);
    stream_unref(&transcoder->in);
    transcoder->in = stream_ref(stream);
    if (sounds_begin(&transcoder->sounds, camera, stream) < 0) {
        dispatcher_log(camera->dispatcher, RTSPREC_LOG_ERROR, camera->options.name,
                       "Out of memory: nothing is recorded until the camera is connected again");
        transcoder->mode = MODE_REST;
        transcoder->is_substitute = false;
        set_loss(transcoder, RTSPREC_COVERAGE_OVERLOADED);
        return;
    }
    policy_decide(&transcoder->plan, &wish, stream->tracks[0].parameters);
    transcoder->has_untold_plan = true;
    transcoder->rate = (struct frame_rate){0};
    if (transcoder->plan.is_refused)
        tell_plan(transcoder); /* not only once something is recorded */
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
    int64_t media_us = pts_us(transcoder, item->packet);
    if (!make_encoding(transcoder))
        return false;
    encoding_set_time(transcoder->encoding, media_us, item->wall_us);
    return is_key_frame(item->packet) && encoding_is_boundary(transcoder->encoding, media_us);
}

/* Whether to encode from this frame of the video on, which was not done before it. */
static bool is_to_begin(struct transcoder *transcoder, const struct queue_item *item)
{
    if (transcoder->mode == MODE_ENCODE)
        return !transcoder->has_slot && is_key_frame(item->packet);
    return transcoder->is_substitute && !transcoder->waits_for_key && tries_again(transcoder, item);
}

void transcoder_take(struct transcoder *transcoder, struct queue_item *item)
{
    const AVPacket *packet = item->packet;
    if (packet->stream_index != 0) {
        sounds_take(&transcoder->sounds, item, take_sound, transcoder);
        return;
    }
    if (transcoder->has_untold_plan && frame_rate_take(&transcoder->rate, item->media_us))
        tell_plan(transcoder);
    if (is_to_begin(transcoder, item))
        begin_encoding(transcoder);
    if (transcoder->mode == MODE_ENCODE) {
        encoding_set_time(transcoder->encoding, pts_us(transcoder, packet), item->wall_us);
        take_to_encode(transcoder, item);
        return;
    }
    if (is_key_frame(packet) && transcoder->waits_for_key) {
        transcoder->waits_for_key = false;
        /* It is of a segment that has begun: the next one is what is waited for. */
        tries_again(transcoder, item);
    }
    if (transcoder->mode == MODE_COPY && !transcoder->waits_for_key) {
        transcoder->has_loss = false;
        transcoder->sink.take(transcoder->sink.user, item);
    } else {
        tell_loss(transcoder, item->wall_us);
        count_skipped(transcoder, 1);
    }
}

void transcoder_end(struct transcoder *transcoder)
{
    flush(transcoder);
    release_slot(transcoder);
}

bool transcoder_is_encoding(const struct transcoder *transcoder)
{
    return transcoder->mode == MODE_ENCODE;
}
