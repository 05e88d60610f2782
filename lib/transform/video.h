/*
 * Decodes video, makes it smaller, gives it a constant frame rate, encodes it. What cannot be
 * decoded is left out or concealed; it is never the end.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef TRANSFORM_VIDEO_H
#define TRANSFORM_VIDEO_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/packet.h>

#include <rtsprec/error.h>

#include "ingest/stream.h"
#include "transform/encoder.h"

struct video;

struct video_options {
    const struct track *track; /* what comes: its parameters say the codec */
    const AVPacket *first;     /* of it, a key frame: says what its colours mean; NULL: unknown */
    struct encoder_wish wish;  /* sizes: the largest wanted, 0: as it comes */
    /* Whether a frame of this media time is to be one that a file can begin with. */
    bool (*is_key)(void *user, int64_t pts_us);
    encoder_say_fn *say; /* of encoders that do not work */
    void *user;
};

/*
 * Opens decoder and, at once, encoder, so that a failure shows here. Options are copied, wish's
 * strings and user stay the caller's. The first packet is to be sent all the same.
 *
 * Returns 0, RTSPREC_ERROR_UNSUPPORTED, RTSPREC_ERROR_NO_MEMORY.
 */
int video_open(struct video **out, const struct video_options *options,
               struct rtsprec_error *error);

/* Ignores NULL and a pointer to NULL. */
void video_close(struct video **video);

/*
 * Gives it a packet, whose times are of the track; NULL: there are no more. Then video_receive() is
 * to be called until it has none. The packet stays the caller's. Of overload: of keep_every decoded
 * frames one is encoded, and repeats for the sake of the rate are spared unless repeats is true.
 *
 * Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int video_send(struct video *video, const AVPacket *packet, int keep_every, bool repeats,
               struct rtsprec_error *error);

/*
 * The next encoded packet: 1, with times of the track's time base; 0 when there is none now; or an
 * error, after which it can only be closed.
 */
int video_receive(struct video *video, AVPacket *packet, struct rtsprec_error *error);

/* What comes out, as the encoder says; constant. */
const AVCodecContext *video_context(const struct video *video);
const char *video_encoder_name(const struct video *video);

/* Frames that were decoded and, because of overload, not encoded: a total. */
int64_t video_skipped(const struct video *video);

#endif
