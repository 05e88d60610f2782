/*
 * Copy or encode, and as what: decided from what the camera sends and what was asked for, with the
 * sentence that says so. Pure.
 */
#ifndef TRANSFORM_POLICY_H
#define TRANSFORM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/codec_par.h>
#include <libavutil/rational.h>

#include <rtsprec/camera.h>

/* What was asked for. Size, rate and bitrate say how to encode, never that it is to be done. */
struct policy_wish {
    enum rtsprec_video_codec codec; /* in the file */
    enum rtsprec_transcode transcode;
    int width, height;     /* the largest picture wanted; 0: the camera's */
    AVRational frame_rate; /* frames per second */
    int64_t bitrate;       /* bits per second */
};

struct policy_video {
    bool is_encoded; /* false: packets are copied, and the rest is the camera's */
    bool is_refused; /* another codec was asked for, but never to transcode */
    enum AVCodecID wanted;
    enum AVCodecID codec;
    int width, height;
    AVRational frame_rate;
    int64_t bitrate;
};

/* Whether video of a codec is to be encoded, which is known before its size is. */
bool policy_encodes(const struct policy_wish *wish, enum AVCodecID camera);

void policy_decide(struct policy_video *out, const struct policy_wish *wish,
                   const AVCodecParameters *camera);

/*
 * Says what was decided: text, of size bytes, becomes "Copying H.265 2592x1944@15" or "Transcoding
 * H.264 1280x720@25 -> H.265 1280x720@15, 8000 kbit/s, because …". fps: what the camera sends a
 * second; 0: unknown, and left out.
 */
void policy_describe(char *text, size_t size, const struct policy_video *decided,
                     const AVCodecParameters *camera, double fps);

/*
 * The largest picture inside a bound that looks like the one given: never enlarged, width and
 * height even, which 4:2:0 needs.
 */
void policy_fit(int *width, int *height, int most_width, int most_height);

#endif
