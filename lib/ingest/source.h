/*
 * Where packets come from: open, read, close. The reader knows no more than this, so that another
 * way of talking to a camera can take av_source.c's place.
 */
#ifndef INGEST_SOURCE_H
#define INGEST_SOURCE_H

#include <stdbool.h>

#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>
#include <libavutil/rational.h>

#include <rtsprec/camera.h>
#include <rtsprec/error.h>

#include "base/cancel.h"
#include "base/resolve.h"
#include "base/url.h"

struct source;

struct source_options {
    const struct url *url;
    enum rtsprec_transport transport;
    bool wants_audio;
    int64_t silence_us;        /* longest wait for the next byte */
    struct resolver *resolver; /* of the camera's host, kept from one run to the next */
    /* Every blocking call returns when it is interrupted: a stop, or the caller's deadline. */
    struct cancel *cancel;
};

/* What the camera announces. */
struct source_track {
    const AVCodecParameters *parameters; /* the source's; may be incomplete */
    AVRational time_base;
};

/* Connects and starts the stream. On failure *out is NULL and the error says why. */
int source_open(struct source **out, const struct source_options *options,
                struct rtsprec_error *error);

/* Number of tracks announced, and one of them. */
int source_track_count(const struct source *source);
struct source_track source_track(const struct source *source, int index);

/* Whether packets of the track are fragments for access_unit.c; else they are whole frames with key
 * flags. */
bool source_sends_fragments(const struct source *source, int index);

/*
 * The next packet; stream_index is the source's track. It may hold a piece of a frame or several;
 * pts may be missing.
 *
 * Returns 0 or one of enum rtsprec_error_code.
 */
int source_read(struct source *source, AVPacket *packet, struct rtsprec_error *error);

/* Says good-bye to the camera and frees the source; NULL is ignored. Takes at most half a second.
 */
void source_close(struct source **source);

#endif
