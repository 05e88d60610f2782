/*
 * An encoder of video: the first that works of those that could. What a build of FFmpeg names
 * proves nothing: hardware has to encode one frame before it is believed.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef TRANSFORM_ENCODER_H
#define TRANSFORM_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>

#include <rtsprec/error.h>

struct encoder_wish {
    enum AVCodecID codec;
    int width, height; /* even */
    AVRational sample_aspect_ratio;
    /* What colours mean, as the encoder is to say it; 0: not said. */
    enum AVColorPrimaries color_primaries;
    enum AVColorTransferCharacteristic color_transfer;
    enum AVColorSpace color_space;
    AVRational frame_rate;
    int64_t bitrate; /* bits per second, also at most, over two seconds */
    int threads;     /* at most */
    /* FFmpeg's name ("libx264"), or a kind: "vaapi", "qsv", "nvenc", "v4l2m2m", "software"; NULL:
     * any. When it fails the others are tried. */
    const char *name;
    const char *device; /* of vaapi, a path; NULL: the first */
    /* As the encoder calls it; NULL, or one that it does not know: the fastest that is good. */
    const char *preset;
};

struct encoder {
    AVCodecContext *context;   /* owned */
    const char *name;          /* FFmpeg's */
    AVFrame *uploaded;         /* owned; for encoders that take frames of their device only */
    enum AVPixelFormat format; /* of the frames to send */
    bool forces_no_keys;       /* pict_type is ignored: only its first frame is sure to be one */
    bool refuses_preset;       /* that of the wish is not its own */
    bool has_frame;
};

/* Told of each encoder that does not work, and why; is_asked_for: by the wish, by its name. */
typedef void encoder_say_fn(void *user, bool is_asked_for, const char *text);

/*
 * Opens the first encoder that works. Needs encoder_close() after success only.
 *
 * Returns 0, RTSPREC_ERROR_UNSUPPORTED, or RTSPREC_ERROR_NO_MEMORY.
 */
int encoder_open(struct encoder *encoder, const struct encoder_wish *wish, encoder_say_fn *say,
                 void *user, struct rtsprec_error *error);
void encoder_close(struct encoder *encoder);

/* Sends a frame of encoder->format, its pts in frames; pict_type I asks for a key frame at which
 * decoding can begin. NULL: there are no more. Returns 0 or an AVERROR. */
int encoder_send(struct encoder *encoder, AVFrame *frame);

/* As avcodec_receive_packet(); times in frames. */
int encoder_receive(struct encoder *encoder, AVPacket *packet);

#endif
