/*
 * What is in one output file, from header to close: open -> write* -> close once. While open it is
 * playable up to its last fragment. Its names are archive/segment_file.h's matter.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef SEGMENT_SEGMENT_H
#define SEGMENT_SEGMENT_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/codec_id.h>
#include <libavcodec/packet.h>

#include <rtsprec/camera.h>
#include <rtsprec/error.h>

#include "ingest/stream.h"

struct segment;

/* Whether a container takes a codec. */
bool segment_accepts(enum rtsprec_container container, enum AVCodecID codec);

/* The usual file name extension of a container, without the dot. */
const char *segment_extension(enum rtsprec_container container);

struct segment_options {
    int fd; /* of an empty file, read and write; taken over by a successful open */
    enum rtsprec_container container;
    struct stream *stream; /* a reference is taken */
    int64_t start_pts;     /* of the first video frame, which is time 0 in the file */
};

/* What a segment holds. */
struct segment_summary {
    int64_t duration_us; /* end of the last video frame */
    int64_t bytes;       /* once it is closed */
    int64_t frames, packets;
};

/*
 * Writes the header. On failure *out is NULL and the descriptor stays the caller's.
 *
 * Returns 0, RTSPREC_ERROR_NO_SPACE, RTSPREC_ERROR_IO, RTSPREC_ERROR_NO_MEMORY.
 */
int segment_open(struct segment **out, const struct segment_options *options,
                 struct rtsprec_error *error);

/*
 * Writes a packet of a track; its times are those of the run. The packet stays the caller's, its
 * times are undefined afterwards. After a failure the segment can only be closed.
 */
int segment_write(struct segment *segment, AVPacket *packet, struct rtsprec_error *error);

/*
 * Writes what is left, closes the file, frees the segment and sets *segment to NULL. Every write
 * and the close are checked: 0 means that all of it is in the file; after a failure, also an
 * earlier one of segment_write(), what is whole in the file can still be played.
 */
int segment_close(struct segment **segment, struct segment_summary *summary,
                  struct rtsprec_error *error);

#endif
