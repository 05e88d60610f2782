/*
 * Where packets come from: open, read, close. The reader knows no more than this; which kind of
 * source serves a URL is decided in source.c.
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

#define SOURCE_MAX_TRACKS 8

/* What is received in a turn passes through a buffer of this size: at 20 Mbit/s all that 50 ms have
 * brought, and small enough for a processor's cache. */
#define SOURCE_TURN_BYTES (128 * 1024)

struct source_options {
    const struct url *url;
    enum rtsprec_ingest ingest;
    enum rtsprec_transport transport;
    enum rtsprec_tls tls_verify;
    const char *tls_ca_file; /* NULL: the system's authorities */
    bool wants_audio;
    int64_t silence_us;        /* longest wait for the next byte */
    struct resolver *resolver; /* of the camera's host, kept from one run to the next */
    /* Every blocking call returns when it is interrupted: a stop, or the caller's deadline. */
    struct cancel *cancel;
};

/* What the camera announces. The extradata of H.264 and H.265 is their parameter sets in Annex B.
 */
struct source_track {
    const AVCodecParameters *parameters; /* the source's; may be incomplete */
    AVRational time_base;
};

/* Constant from source_open() on. */
struct source {
    const struct source_kind *kind;
    bool has_common_times; /* of all tracks, see timeline_init() */
    bool takes_turns;      /* source_begin_turn() may be called */
    int track_count;
    struct source_track tracks[SOURCE_MAX_TRACKS];
};

/*
 * A whole frame of video, or a packet of sound. A frame of H.264 or H.265 is NAL units behind
 * lengths of four bytes. No parameter sets are among them: when they are others than before (or
 * than the track's), all of them come with the frame as AV_PKT_DATA_NEW_EXTRADATA, in Annex B.
 */
struct source_packet {
    AVPacket *packet; /* the caller's, blank before; stream_index is the source's track, pts may be
                         missing, a frame from which decoding can begin has the key flag */
    int64_t arrival_us;   /* monotonic: when the source had it */
    int lost_frames;      /* before it: larger than ACCESS_UNIT_MAX_BYTES, left out */
    int64_t lost_packets; /* before it: RTP packets that never came */

    /* The latest sender report of its track since the packet before: this time of the track was
     * this time of the camera's clock, µs since 1970. */
    bool has_report;
    int64_t report_pts, report_ntp_us;
};

/* How a kind of source does it. Each embeds struct source as its first member. */
struct source_kind {
    int (*read)(struct source *source, struct source_packet *out, struct rtsprec_error *error);
    void (*close)(struct source *source);
    void (*begin_turn)(struct source *source, uint8_t *buffer, bool waits); /* both or none */
    bool (*end_turn)(struct source *source);
};

/* Connects and starts the stream. On failure *out is NULL and the error says why. */
int source_open(struct source **out, const struct source_options *options,
                struct rtsprec_error *error);

/* Waits for the next packet. Returns 0 or one of enum rtsprec_error_code. */
int source_read(struct source *source, struct source_packet *out, struct rtsprec_error *error);

/*
 * A turn: source_read() gives what has come, and does not wait, or for 50 ms if it waits; it
 * returns 1 when there is nothing more. The buffer of SOURCE_TURN_BYTES is lent for the turn;
 * nothing stays in it. The end of a turn returns whether there may be more than a turn takes.
 */
void source_begin_turn(struct source *source, uint8_t *buffer, bool waits);
bool source_end_turn(struct source *source);

/* Says good-bye to the camera and frees the source; NULL is ignored. Takes at most half a second.
 */
void source_close(struct source **source);

#endif
