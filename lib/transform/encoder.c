#include "transform/encoder.h"

#include <stdio.h>
#include <string.h>

#include <libavutil/hwcontext.h>
#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include "base/error.h"

#define KEY_FRAME_SECONDS 2
#define POOL_FRAMES       20 /* of a device's memory: more than an encoder without B-frames holds */

struct candidate {
    const char *name, *kind;
    enum AVCodecID codec;
    enum AVPixelFormat format;
    enum AVHWDeviceType device; /* to which frames are uploaded; NONE: it takes them as they are */
    bool forces_no_keys;        /* it has to begin anew to give a key frame */
};

/* Hardware first, in the order in which it tends to be there; software last, which always works. */
static const struct candidate candidates[] = {
    {"hevc_vaapi", "vaapi", AV_CODEC_ID_HEVC, AV_PIX_FMT_NV12, AV_HWDEVICE_TYPE_VAAPI, false},
    {"hevc_qsv", "qsv", AV_CODEC_ID_HEVC, AV_PIX_FMT_NV12, AV_HWDEVICE_TYPE_NONE, false},
    {"hevc_nvenc", "nvenc", AV_CODEC_ID_HEVC, AV_PIX_FMT_YUV420P, AV_HWDEVICE_TYPE_NONE, false},
    {"hevc_v4l2m2m", "v4l2m2m", AV_CODEC_ID_HEVC, AV_PIX_FMT_YUV420P, AV_HWDEVICE_TYPE_NONE, false},
    {"libx265", "software", AV_CODEC_ID_HEVC, AV_PIX_FMT_YUV420P, AV_HWDEVICE_TYPE_NONE, false},
    {"h264_vaapi", "vaapi", AV_CODEC_ID_H264, AV_PIX_FMT_NV12, AV_HWDEVICE_TYPE_VAAPI, false},
    {"h264_qsv", "qsv", AV_CODEC_ID_H264, AV_PIX_FMT_NV12, AV_HWDEVICE_TYPE_NONE, false},
    {"h264_nvenc", "nvenc", AV_CODEC_ID_H264, AV_PIX_FMT_YUV420P, AV_HWDEVICE_TYPE_NONE, false},
    {"h264_v4l2m2m", "v4l2m2m", AV_CODEC_ID_H264, AV_PIX_FMT_YUV420P, AV_HWDEVICE_TYPE_NONE, false},
    {"libx264", "software", AV_CODEC_ID_H264, AV_PIX_FMT_YUV420P, AV_HWDEVICE_TYPE_NONE, false},
    {"mpeg4_v4l2m2m", "v4l2m2m", AV_CODEC_ID_MPEG4, AV_PIX_FMT_YUV420P, AV_HWDEVICE_TYPE_NONE,
     false},
    {"mpeg4", "software", AV_CODEC_ID_MPEG4, AV_PIX_FMT_YUV420P, AV_HWDEVICE_TYPE_NONE, false},
    {"av1_vaapi", "vaapi", AV_CODEC_ID_AV1, AV_PIX_FMT_NV12, AV_HWDEVICE_TYPE_VAAPI, false},
    {"av1_qsv", "qsv", AV_CODEC_ID_AV1, AV_PIX_FMT_NV12, AV_HWDEVICE_TYPE_NONE, false},
    {"av1_nvenc", "nvenc", AV_CODEC_ID_AV1, AV_PIX_FMT_YUV420P, AV_HWDEVICE_TYPE_NONE, false},
    /* SVT-AV1 1.4 forces key frames only where it keeps no bitrate. */
    {"libsvtav1", "software", AV_CODEC_ID_AV1, AV_PIX_FMT_YUV420P, AV_HWDEVICE_TYPE_NONE, true},
};

#define CANDIDATES (sizeof(candidates) / sizeof(candidates[0]))

static bool is_software(const struct candidate *candidate)
{
    return strcmp(candidate->kind, "software") == 0;
}

/* Frames in the device's memory. */
static int open_device(struct encoder *encoder, const struct candidate *candidate,
                       const struct encoder_wish *wish)
{
    AVBufferRef *device = NULL, *pool = NULL;
    int err = av_hwdevice_ctx_create(&device, candidate->device, wish->device, NULL, 0);
    if (err < 0)
        return err;
    encoder->uploaded = av_frame_alloc();
    pool = av_hwframe_ctx_alloc(device);
    av_buffer_unref(&device);
    if (!pool || !encoder->uploaded) {
        av_buffer_unref(&pool);
        return AVERROR(ENOMEM);
    }
    AVHWFramesContext *frames = (AVHWFramesContext *)pool->data;
    frames->format = AV_PIX_FMT_VAAPI;
    frames->sw_format = candidate->format;
    frames->width = wish->width;
    frames->height = wish->height;
    frames->initial_pool_size = POOL_FRAMES;
    err = av_hwframe_ctx_init(pool);
    encoder->context->pix_fmt = frames->format;
    encoder->context->hw_frames_ctx = pool; /* the context's from here on */
    return err;
}

/* What each encoder needs to begin decodable anew where it is asked to, and not to look ahead: a
 * frame that it holds back is lost in a crash. */
static void set_own_options(AVCodecContext *context, AVDictionary **options,
                            const struct candidate *candidate, const struct encoder_wish *wish)
{
    char text[80];
    if (strcmp(candidate->name, "libx264") == 0) {
        av_dict_set(options, "preset", wish->preset ? wish->preset : "superfast", 0);
        av_dict_set(options, "tune", "zerolatency", 0);
        av_dict_set(options, "forced-idr", "1", 0);
    } else if (strcmp(candidate->name, "libx265") == 0) {
        snprintf(text, sizeof(text), "pools=%d:log-level=none:info=0", wish->threads);
        av_dict_set(options, "preset", wish->preset ? wish->preset : "ultrafast", 0);
        av_dict_set(options, "tune", "zerolatency", 0);
        av_dict_set(options, "forced-idr", "1", 0);
        av_dict_set(options, "x265-params", text, 0);
    } else if (strcmp(candidate->name, "libsvtav1") == 0) {
        /* Its maximum is for constant quality only. */
        context->rc_max_rate = 0;
        snprintf(text, sizeof(text), "lp=%d:pred-struct=1:rc=2", wish->threads);
        av_dict_set(options, "preset", wish->preset ? wish->preset : "12", 0);
        av_dict_set(options, "svtav1-params", text, 0);
    } else {
        /* Equal rates mean to mpeg4 a constant one, for which it would have to stuff. */
        if (strcmp(candidate->name, "mpeg4") == 0)
            context->rc_max_rate++;
        if (wish->preset)
            av_dict_set(options, "preset", wish->preset, 0);
        if (strcmp(candidate->kind, "nvenc") == 0)
            av_dict_set(options, "forced-idr", "1", 0);
        if (strcmp(candidate->kind, "qsv") == 0)
            av_dict_set(options, "forced_idr", "1", 0);
    }
}

static void set_up(AVCodecContext *context, const struct candidate *candidate,
                   const struct encoder_wish *wish)
{
    context->width = wish->width;
    context->height = wish->height;
    context->sample_aspect_ratio = wish->sample_aspect_ratio;
    context->pix_fmt = candidate->format;
    if (wish->color_primaries != 0)
        context->color_primaries = wish->color_primaries;
    if (wish->color_transfer != 0)
        context->color_trc = wish->color_transfer;
    if (wish->color_space != 0)
        context->colorspace = wish->color_space;
    context->framerate = wish->frame_rate;
    context->time_base = av_inv_q(wish->frame_rate);
    context->bit_rate = context->rc_max_rate = wish->bitrate;
    context->rc_buffer_size = (int)FFMIN(2 * wish->bitrate, INT32_MAX);
    context->gop_size = (int)FFMAX(av_q2d(wish->frame_rate) * KEY_FRAME_SECONDS + 0.5, 1);
    context->max_b_frames = 0;
    context->thread_count = wish->threads;
    context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
}

void encoder_close(struct encoder *encoder)
{
    /* SVT-AV1 waits for ever for what it never got when it is closed without a frame. */
    AVPacket *packet = encoder->context ? av_packet_alloc() : NULL;
    if (packet && encoder->name && strcmp(encoder->name, "libsvtav1") == 0 &&
        avcodec_is_open(encoder->context)) {
        AVFrame *frame = encoder->has_frame ? NULL : av_frame_alloc();
        if (frame) {
            frame->format = encoder->format;
            frame->width = encoder->context->width;
            frame->height = encoder->context->height;
            if (av_frame_get_buffer(frame, 0) == 0)
                encoder_send(encoder, frame);
            av_frame_free(&frame);
        }
        encoder_send(encoder, NULL);
        while (encoder_receive(encoder, packet) == 0)
            av_packet_unref(packet);
    }
    av_packet_free(&packet);
    av_frame_free(&encoder->uploaded);
    avcodec_free_context(&encoder->context);
    *encoder = (struct encoder){0};
}

/* Opens one. Returns 0 or an AVERROR, with *step being what failed. */
static int open_one(struct encoder *encoder, const struct candidate *candidate,
                    const struct encoder_wish *wish, const char **step)
{
    *encoder = (struct encoder){.name = candidate->name,
                                .format = candidate->format,
                                .forces_no_keys = candidate->forces_no_keys};
    const AVCodec *codec = avcodec_find_encoder_by_name(candidate->name);
    *step = "it is not in this build of FFmpeg";
    if (!codec)
        return AVERROR_ENCODER_NOT_FOUND;
    *step = "out of memory";
    if (!(encoder->context = avcodec_alloc_context3(codec)))
        return AVERROR(ENOMEM);
    set_up(encoder->context, candidate, wish);
    int err = 0;
    if (candidate->device != AV_HWDEVICE_TYPE_NONE) {
        *step = "its device cannot be used";
        err = open_device(encoder, candidate, wish);
    }
    if (err >= 0) {
        AVDictionary *options = NULL;
        set_own_options(encoder->context, &options, candidate, wish);
        *step = "it does not open";
        err = avcodec_open2(encoder->context, codec, &options);
        const AVDictionaryEntry *left = av_dict_get(options, "", NULL, AV_DICT_IGNORE_SUFFIX);
        if (err >= 0 && left) {
            *step = strcmp(left->key, "preset") == 0 ? "it knows no presets"
                                                     : "it lacks an option that is needed";
            err = AVERROR_OPTION_NOT_FOUND;
        }
        av_dict_free(&options);
    }
    if (err < 0)
        encoder_close(encoder);
    return err;
}

/* A grey picture. */
static AVFrame *grey_frame(const struct encoder *encoder)
{
    AVFrame *frame = av_frame_alloc();
    if (!frame)
        return NULL;
    frame->format = encoder->format;
    frame->width = encoder->context->width;
    frame->height = encoder->context->height;
    if (av_frame_get_buffer(frame, 0) < 0) {
        av_frame_free(&frame);
        return NULL;
    }
    int rows = frame->height, chroma_rows = rows / 2;
    for (int i = 0; i < AV_NUM_DATA_POINTERS && frame->data[i]; i++)
        memset(frame->data[i], 128, (size_t)frame->linesize[i] * (size_t)(i ? chroma_rows : rows));
    return frame;
}

/* Whether a packet comes out when a frame goes in. Leaves it closed, for it is at its end. */
static int prove(struct encoder *encoder)
{
    AVFrame *frame = grey_frame(encoder);
    AVPacket *packet = av_packet_alloc();
    int err = frame && packet ? encoder_send(encoder, frame) : AVERROR(ENOMEM);
    if (err >= 0)
        err = encoder_send(encoder, NULL);
    if (err >= 0)
        err = encoder_receive(encoder, packet);
    av_packet_free(&packet);
    av_frame_free(&frame);
    encoder_close(encoder);
    return err;
}

static int try_one(struct encoder *encoder, const struct candidate *candidate,
                   const struct encoder_wish *wish, const char **step)
{
    int err = open_one(encoder, candidate, wish, step);
    if (err < 0 || is_software(candidate))
        return err;
    *step = "it encodes nothing";
    err = prove(encoder);
    return err < 0 ? err : open_one(encoder, candidate, wish, step);
}

/* Also without the preset, which one encoder knows and another does not. */
static int try_presets(struct encoder *encoder, const struct candidate *candidate,
                       const struct encoder_wish *wish, const char **step, encoder_say_fn *say,
                       void *user)
{
    int err = try_one(encoder, candidate, wish, step);
    if (err >= 0 || !wish->preset || err == AVERROR(ENOMEM) || err == AVERROR_ENCODER_NOT_FOUND)
        return err;
    struct encoder_wish plain = *wish;
    plain.preset = NULL;
    if ((err = try_one(encoder, candidate, &plain, step)) < 0)
        return err;
    char text[256];
    snprintf(text, sizeof(text), "The encoder %s has no preset \"%s\": going on with its usual one",
             candidate->name, wish->preset);
    say(user, true, text);
    encoder->refuses_preset = true;
    return 0;
}

/* FFmpeg's name, or that of a kind. */
static bool is_named(const struct candidate *candidate, const char *name)
{
    return name && (strcmp(candidate->name, name) == 0 || strcmp(candidate->kind, name) == 0);
}

int encoder_open(struct encoder *encoder, const struct encoder_wish *wish, encoder_say_fn *say,
                 void *user, struct rtsprec_error *error)
{
    bool is_known = !wish->name;
    for (size_t i = 0; i < CANDIDATES && !is_known; i++)
        is_known = candidates[i].codec == wish->codec && is_named(&candidates[i], wish->name);
    char text[256], reason[AV_ERROR_MAX_STRING_SIZE];
    if (!is_known) {
        snprintf(text, sizeof(text), "The encoder \"%s\" is not one of %s", wish->name,
                 avcodec_get_name(wish->codec));
        say(user, true, text);
    }
    /* What was named comes first, then the others in their order. */
    for (int pass = wish->name ? 0 : 1; pass < 2; pass++) {
        for (size_t i = 0; i < CANDIDATES; i++) {
            const struct candidate *candidate = &candidates[i];
            const char *step;
            if (candidate->codec != wish->codec || is_named(candidate, wish->name) != (pass == 0))
                continue;
            int err = try_presets(encoder, candidate, wish, &step, say, user);
            if (err >= 0)
                return 0;
            if (err == AVERROR(ENOMEM))
                return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
            av_strerror(err, reason, sizeof(reason));
            snprintf(text, sizeof(text), "The encoder %s is no use: %s%s%s", candidate->name, step,
                     err == AVERROR_ENCODER_NOT_FOUND ? "" : ": ",
                     err == AVERROR_ENCODER_NOT_FOUND ? "" : reason);
            say(user, pass == 0, text);
        }
    }
    return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "no encoder of %s works here",
                     avcodec_get_name(wish->codec));
}

int encoder_send(struct encoder *encoder, AVFrame *frame)
{
    if (frame)
        encoder->has_frame = true;
    if (!frame || !encoder->uploaded)
        return avcodec_send_frame(encoder->context, frame);
    av_frame_unref(encoder->uploaded);
    int err = av_hwframe_get_buffer(encoder->context->hw_frames_ctx, encoder->uploaded, 0);
    if (err >= 0)
        err = av_hwframe_transfer_data(encoder->uploaded, frame, 0);
    if (err >= 0)
        err = av_frame_copy_props(encoder->uploaded, frame);
    return err < 0 ? err : avcodec_send_frame(encoder->context, encoder->uploaded);
}

int encoder_receive(struct encoder *encoder, AVPacket *packet)
{
    return avcodec_receive_packet(encoder->context, packet);
}
