/*
 * What is in one output file, from header to close: open -> write* -> close once. While open it is
 * playable up to its last fragment; closed it is complete, indexed and durable. Its names are
 * archive/segment_file.h's matter.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef SEGMENT_SEGMENT_H
#define SEGMENT_SEGMENT_H

#include <stdint.h>

#include <libavcodec/packet.h>

#include <rtsprec/camera.h>
#include <rtsprec/error.h>

#include "ingest/stream.h"
#include "segment/durable.h"

struct segment;

struct segment_options {
    int fd; /* of an empty file, read and write; taken over by a successful open */
    enum rtsprec_container container;
    struct stream *stream; /* a reference is taken */
    int64_t start_pts;     /* of the first video frame, which is time 0 in the file */
    int64_t start_wall_us; /* its wall-clock time, which stands in the file */

    int64_t duration_us; /* how long it is to become */
    int64_t fragment_us; /* a fragment (mp4) or cluster (mkv) is written after this long at most */
    int64_t index_bytes; /* space for the index in front, 0: judged by duration_us */
    struct durable
        *durable; /* NULL: when data reach the disk is the kernel's matter until the close */
    int64_t sync_interval_us; /* with durable */
};

/* What a segment holds. */
struct segment_summary {
    int64_t duration_us; /* end of the last video frame */
    int64_t bytes;       /* once it is closed */
    int64_t frames, packets;
    int64_t index_bytes; /* what its index took, mp4 */
};

/*
 * Writes the header. On failure *out is NULL and the descriptor stays the caller's.
 *
 * Returns 0, RTSPREC_ERROR_NO_SPACE, RTSPREC_ERROR_IO, RTSPREC_ERROR_NO_MEMORY,
 * RTSPREC_ERROR_SYSTEM.
 */
int segment_open(struct segment **out, const struct segment_options *options,
                 struct rtsprec_error *error);

/*
 * Goes on with a closed mp4 of one track whose frames are all key frames, last one tick of the
 * stream's time base and were flushed one by one: the same video, from time 0 on. Its index has the
 * space that it was opened with. *frames is how many it holds. The file is as it was until
 * segment_unseal(), which is to be called before anything is written.
 *
 * Returns as segment_open(), and RTSPREC_ERROR_UNSUPPORTED when the file is another.
 */
int segment_reopen(struct segment **out, const struct segment_options *options, int64_t *frames,
                   struct rtsprec_error *error);

/* Makes the file an open one again, durably. Returns 0, RTSPREC_ERROR_NO_SPACE, RTSPREC_ERROR_IO;
 * the segment can only be closed then. */
int segment_unseal(struct segment *segment, struct rtsprec_error *error);

/*
 * Takes a packet of a track over, in any case; its times are those of the run. It is written when
 * the next one of its track comes, which tells how long it lasts. After a failure, which may be one
 * of an earlier write or sync, the segment can only be closed.
 */
int segment_write(struct segment *segment, AVPacket *packet, struct rtsprec_error *error);

/*
 * When the fragment that is gathered will be written: with a packet at or after *media_us (of the
 * run), or with one before which more than *bytes have come; 0 and 0 when nothing is gathered.
 */
void segment_fragment_end(const struct segment *segment, int64_t *media_us, int64_t *bytes);

/*
 * Writes what was gathered, however short, and of the video all: its last packet lasts as long as
 * it claims to, even if more of it comes. After a failure the segment can only be closed.
 *
 * Returns as segment_write().
 */
int segment_flush(struct segment *segment, struct rtsprec_error *error);

/* How a closed file was left. */
enum segment_end {
    SEGMENT_COMPLETE, /* indexed and durable: it may have its final name */
    SEGMENT_TORN,     /* playable, but a repair has to finish it */
    SEGMENT_EMPTY,    /* not one whole frame is in it */
};

/*
 * Writes what is left, seals and closes the file, frees the segment and sets *segment to NULL.
 *
 * Returns 0 when all that was written is in the file, else the first failure; *end says how it was
 * left: after a full disk it is complete as far as it goes, after an I/O error nothing more is
 * tried on it.
 */
int segment_close(struct segment **segment, struct segment_summary *summary, enum segment_end *end,
                  struct rtsprec_error *error);

#endif
