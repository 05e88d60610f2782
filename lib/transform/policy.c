#include "transform/policy.h"

#include <stdio.h>

#include <libavcodec/avcodec.h>
#include <libavutil/macros.h>
#include <libavutil/mathematics.h>

/* Encoders refuse less. */
#define LEAST_PIXELS 16

static enum AVCodecID codec_wanted(const struct policy_wish *wish, enum AVCodecID camera)
{
    switch (wish->codec) {
    case RTSPREC_VIDEO_HEVC:
        return AV_CODEC_ID_HEVC;
    case RTSPREC_VIDEO_H264:
        return AV_CODEC_ID_H264;
    case RTSPREC_VIDEO_MPEG4:
        return AV_CODEC_ID_MPEG4;
    case RTSPREC_VIDEO_AV1:
        return AV_CODEC_ID_AV1;
    case RTSPREC_VIDEO_COPY:
        break;
    }
    return camera;
}

static bool is_encodable(enum AVCodecID codec)
{
    return codec == AV_CODEC_ID_HEVC || codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_MPEG4 ||
           codec == AV_CODEC_ID_AV1;
}

/* As people call it. */
static const char *codec_text(enum AVCodecID codec)
{
    switch (codec) {
    case AV_CODEC_ID_HEVC:
        return "H.265";
    case AV_CODEC_ID_H264:
        return "H.264";
    case AV_CODEC_ID_MPEG4:
        return "MPEG-4";
    case AV_CODEC_ID_AV1:
        return "AV1";
    case AV_CODEC_ID_MJPEG:
        return "MJPEG";
    default:
        return avcodec_get_name(codec);
    }
}

bool policy_encodes(const struct policy_wish *wish, enum AVCodecID camera)
{
    return wish->transcode == RTSPREC_TRANSCODE_ALWAYS ||
           (wish->transcode == RTSPREC_TRANSCODE_AUTO && codec_wanted(wish, camera) != camera);
}

static int even(int64_t pixels)
{
    return (int)FFMAX(pixels / 2 * 2, LEAST_PIXELS);
}

void policy_fit(int *width, int *height, int most_width, int most_height)
{
    int64_t w = *width, h = *height;
    if (most_width > 0 && w > most_width) {
        h = av_rescale(*height, most_width, *width);
        w = most_width;
    }
    if (most_height > 0 && h > most_height) {
        w = av_rescale(*width, most_height, *height);
        h = most_height;
    }
    *width = even(w);
    *height = even(h);
}

void policy_decide(struct policy_video *out, const struct policy_wish *wish,
                   const AVCodecParameters *camera)
{
    *out = (struct policy_video){
        .wanted = codec_wanted(wish, camera->codec_id),
        .codec = camera->codec_id,
        .width = camera->width,
        .height = camera->height,
    };
    out->is_encoded = policy_encodes(wish, camera->codec_id);
    out->is_refused = !out->is_encoded && out->wanted != camera->codec_id;
    if (!out->is_encoded)
        return;
    out->codec = is_encodable(out->wanted) ? out->wanted : AV_CODEC_ID_H264;
    out->frame_rate = wish->frame_rate;
    out->bitrate = wish->bitrate;
    policy_fit(&out->width, &out->height, wish->width, wish->height);
}

void policy_describe(char *text, size_t size, const struct policy_video *decided,
                     const AVCodecParameters *camera, double fps)
{
    bool is_same = decided->wanted == camera->codec_id;
    const char *wanted = codec_text(decided->wanted);
    char sent[64], rate[32] = "";
    if (fps > 0)
        snprintf(rate, sizeof(rate), "@%.4g", fps);
    snprintf(sent, sizeof(sent), "%s %dx%d%s", codec_text(camera->codec_id), camera->width,
             camera->height, rate);
    if (decided->is_encoded)
        snprintf(text, size, "Transcoding %s -> %s %dx%d@%.4g, %lld kbit/s, because %s%s", sent,
                 codec_text(decided->codec), decided->width, decided->height,
                 av_q2d(decided->frame_rate), (long long)(decided->bitrate / 1000),
                 is_same ? "it" : wanted, is_same ? " was asked for always" : " was asked for");
    else if (decided->is_refused)
        snprintf(text, size, "Copying %s: %s was asked for, and never to transcode", sent, wanted);
    else
        snprintf(text, size, "Copying %s", sent);
}
