#include "transform/video.h"

#include <stdlib.h>

#include <libavutil/mathematics.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "base/clock.h"
#include "base/error.h"
#include "transform/frame_grid.h"
#include "transform/policy.h"

static const AVRational us_base = {1, US_PER_SECOND};

struct video {
    struct video_options options;
    AVRational time_base; /* of what comes and goes */
    AVCodecContext *decoder;
    struct encoder encoder;
    struct SwsContext *scaler; /* NULL until a frame needs it */
    AVFrame *decoded;
    AVFrame *shown; /* what is encoded next, or was last: of the encoder's size and format */

    struct frame_grid grid;
    int64_t place;         /* of the next frame to encode */
    int due;               /* how often shown is to be encoded now */
    bool has_decoded;      /* decoded waits for that, to be shown next */
    bool is_asked, is_key; /* whether the next frame begins a file: asked once */
    bool is_renewing;      /* the encoder gives what it has, to begin anew with the next frame */
    bool is_decoder_at_end, is_ending;
    int keep_every;  /* of so many decoded frames one is encoded */
    bool repeats;    /* places that stay empty show the frame before */
    int left_out;    /* frames since one was */
    int64_t skipped; /* frames in all that were left out */
};

static int no_memory(struct rtsprec_error *error)
{
    return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}

static int explain(int averror, const char *what, struct rtsprec_error *error)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    if (averror == AVERROR(ENOMEM))
        return no_memory(error);
    av_strerror(averror, text, sizeof(text));
    return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "%s: %s", what, text);
}

static int open_decoder(struct video *video, const struct track *track, struct rtsprec_error *error)
{
    const AVCodec *codec = avcodec_find_decoder(track->parameters->codec_id);
    if (!codec)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "there is no decoder of %s",
                         avcodec_get_name(track->parameters->codec_id));
    video->decoder = avcodec_alloc_context3(codec);
    if (!video->decoder || avcodec_parameters_to_context(video->decoder, track->parameters) < 0)
        return no_memory(error);
    video->decoder->pkt_timebase = track->time_base;
    /* Threads of frames would each hold one back. */
    video->decoder->thread_count = 1;
    int err = avcodec_open2(video->decoder, codec, NULL);
    return err < 0 ? explain(err, "the decoder does not open", error) : 0;
}

/* The values of ITU-T H.273 that cameras use, which all encoders know: BT.709, 470, 601, 2020. */
static int usual(int value)
{
    return value == 1 || (value >= 4 && value <= 7) || value == 9 ? value : 0;
}

/* What is not said of colours is guessed by the size, which the encoder's need not be: theirs are
 * said again. That they are not known is no error. */
static void read_colors(struct video *video, const AVPacket *first)
{
    struct encoder_wish *wish = &video->options.wish;
    AVCodecContext *decoder = video->decoder;
    if (!first || avcodec_send_packet(decoder, first) < 0)
        return;
    wish->color_primaries = (enum AVColorPrimaries)usual(decoder->color_primaries);
    wish->color_transfer = (enum AVColorTransferCharacteristic)usual(decoder->color_trc);
    wish->color_space = (enum AVColorSpace)usual(decoder->colorspace);
    avcodec_flush_buffers(decoder);
}

int video_open(struct video **out, const struct video_options *options, struct rtsprec_error *error)
{
    *out = NULL;
    struct video *video = calloc(1, sizeof(*video));
    if (!video)
        return no_memory(error);
    video->options = *options;
    video->options.first = NULL;
    video->time_base = options->track->time_base;
    video->keep_every = 1;
    const AVCodecParameters *in = options->track->parameters;
    struct encoder_wish *wish = &video->options.wish;
    int width = in->width, height = in->height;
    policy_fit(&width, &height, wish->width, wish->height);
    wish->width = width;
    wish->height = height;
    wish->sample_aspect_ratio = in->sample_aspect_ratio;
    frame_grid_init(&video->grid, wish->frame_rate);

    int err = open_decoder(video, options->track, error);
    video->decoded = av_frame_alloc();
    video->shown = av_frame_alloc();
    if (err == 0 && (!video->decoded || !video->shown))
        err = no_memory(error);
    if (err == 0)
        read_colors(video, options->first);
    if (err == 0)
        err = encoder_open(&video->encoder, wish, options->say, options->user, error);
    if (err < 0) {
        video_close(&video);
        return err;
    }
    *out = video;
    return 0;
}

void video_close(struct video **video_pointer)
{
    struct video *video = *video_pointer;
    *video_pointer = NULL;
    if (!video)
        return;
    avcodec_free_context(&video->decoder);
    encoder_close(&video->encoder);
    sws_freeContext(video->scaler);
    av_frame_free(&video->decoded);
    av_frame_free(&video->shown);
    free(video);
}

int video_send(struct video *video, const AVPacket *packet, int keep_every, bool repeats,
               struct rtsprec_error *error)
{
    video->keep_every = keep_every;
    video->repeats = repeats;
    if (!packet)
        video->is_ending = true;
    int err = avcodec_send_packet(video->decoder, packet);
    if (err == AVERROR(ENOMEM))
        return no_memory(error);
    /* Whatever else is wrong with it is the camera's matter: a later one is decoded again. */
    return 0;
}

/* Full range is told to the scaler beside the format, whose own name for it is out of date. */
static enum AVPixelFormat plain_format(enum AVPixelFormat format, bool *is_full_range)
{
    switch (format) {
    case AV_PIX_FMT_YUVJ420P:
        *is_full_range = true;
        return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
        *is_full_range = true;
        return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
        *is_full_range = true;
        return AV_PIX_FMT_YUV444P;
    default:
        return format;
    }
}

/* Puts the decoded picture into shown as the encoder wants it. Returns 0 or an AVERROR. */
static int convert(struct video *video)
{
    const AVCodecContext *to = video->encoder.context;
    AVFrame *from = video->decoded, *shown = video->shown;
    bool is_full_range = from->color_range == AVCOL_RANGE_JPEG;
    enum AVPixelFormat format = plain_format(from->format, &is_full_range);
    av_frame_unref(shown);
    if (format == video->encoder.format && !is_full_range && from->width == to->width &&
        from->height == to->height) {
        av_frame_move_ref(shown, from);
        return 0;
    }
    video->scaler =
        sws_getCachedContext(video->scaler, from->width, from->height, format, to->width,
                             to->height, video->encoder.format, SWS_BILINEAR, NULL, NULL, NULL);
    if (!video->scaler)
        return AVERROR(EINVAL);
    const int *coefficients = sws_getCoefficients(SWS_CS_DEFAULT);
    sws_setColorspaceDetails(video->scaler, coefficients, is_full_range, coefficients, 0, 0,
                             1 << 16, 1 << 16);
    shown->format = video->encoder.format;
    shown->width = to->width;
    shown->height = to->height;
    int err = av_frame_get_buffer(shown, 0);
    if (err >= 0)
        sws_scale(video->scaler, (const uint8_t *const *)from->data, from->linesize, 0,
                  from->height, shown->data, shown->linesize);
    return err;
}

/* The time of what is encoded at a place, in ticks. */
static int64_t ticks_at(const struct video *video, int64_t place)
{
    return av_rescale_q(frame_grid_time_us(&video->grid, place), us_base, video->time_base);
}

/* Encodes what is shown at the next place. */
static int encode(struct video *video)
{
    AVFrame *frame = video->shown;
    /* By the time that its packet will have, rounded to ticks: who cuts there sees no other. */
    if (!video->is_asked)
        video->is_key =
            video->options.is_key(video->options.user, av_rescale_q(ticks_at(video, video->place),
                                                                    video->time_base, us_base));
    video->is_asked = true;
    if (video->is_key && video->encoder.forces_no_keys && video->encoder.has_frame) {
        video->is_renewing = true;
        return encoder_send(&video->encoder, NULL);
    }
    video->is_asked = false;
    video->due--;
    frame->pts = video->place++;
    frame->pict_type = video->is_key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    return encoder_send(&video->encoder, frame);
}

/* Whether the frame that was decoded is to be encoded, and where. */
static bool place_decoded(struct video *video)
{
    AVFrame *frame = video->decoded;
    int64_t place, pts = frame->best_effort_timestamp;
    int repeats;
    if (pts == AV_NOPTS_VALUE)
        return false;
    if (video->keep_every > 1 && ++video->left_out < video->keep_every) {
        video->skipped++;
        return false;
    }
    video->left_out = 0;
    if (!frame_grid_place(&video->grid, av_rescale_q(pts, video->time_base, us_base), &place,
                          &repeats))
        return false;
    video->due = video->shown->buf[0] && video->repeats ? repeats : 0;
    video->place = place - video->due;
    return true;
}

/* One step from decoder to encoder: 1, 0 when the decoder wants more, or an AVERROR. */
static int advance(struct video *video)
{
    int err;
    if (video->due == 0 && video->has_decoded) {
        video->has_decoded = false;
        video->due = 1;
        if ((err = convert(video)) < 0)
            return err;
    }
    if (video->due > 0) {
        err = encode(video);
        return err < 0 ? err : 1;
    }
    if (video->is_decoder_at_end)
        return 0;
    err = avcodec_receive_frame(video->decoder, video->decoded);
    if (err >= 0) {
        video->has_decoded = place_decoded(video);
        return 1;
    }
    if (err != AVERROR(EAGAIN) && video->is_ending) {
        video->is_decoder_at_end = true;
        err = encoder_send(&video->encoder, NULL);
        return err < 0 ? err : 1;
    }
    return err == AVERROR(ENOMEM) ? err : 0;
}

/* From places to times. */
static void stamp(const struct video *video, AVPacket *packet)
{
    packet->pts = ticks_at(video, packet->pts);
    packet->dts = ticks_at(video, packet->dts);
    packet->duration = av_rescale_q(1, av_inv_q(video->grid.frame_rate), video->time_base);
    packet->stream_index = 0;
}

/* The same encoder, from its beginning. */
static int renew(struct video *video, struct rtsprec_error *error)
{
    struct encoder_wish wish = video->options.wish;
    wish.name = video->encoder.name;
    if (video->encoder.refuses_preset)
        wish.preset = NULL;
    encoder_close(&video->encoder);
    video->is_renewing = false;
    return encoder_open(&video->encoder, &wish, video->options.say, video->options.user, error);
}

int video_receive(struct video *video, AVPacket *packet, struct rtsprec_error *error)
{
    for (;;) {
        int err = encoder_receive(&video->encoder, packet);
        if (err >= 0) {
            stamp(video, packet);
            return 1;
        }
        if (err == AVERROR_EOF && !video->is_renewing)
            return 0;
        if (err != AVERROR(EAGAIN) && err != AVERROR_EOF)
            return explain(err, "the encoder failed", error);
        if (err == AVERROR_EOF && (err = renew(video, error)) < 0)
            return err;
        if ((err = advance(video)) < 0)
            return explain(err, "the encoder failed", error);
        if (err == 0)
            return 0;
    }
}

const AVCodecContext *video_context(const struct video *video)
{
    return video->encoder.context;
}

const char *video_encoder_name(const struct video *video)
{
    return video->encoder.name;
}

int64_t video_skipped(const struct video *video)
{
    return video->skipped;
}
