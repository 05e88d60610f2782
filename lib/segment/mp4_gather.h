/*
 * Packets -> one fragment of an mp4 (moof and mdat). The payload is never copied: it stays in its
 * packets until the fragment is written.
 */
#ifndef SEGMENT_MP4_GATHER_H
#define SEGMENT_MP4_GATHER_H

#include <sys/uio.h>

#include <libavcodec/packet.h>

#include "ingest/stream.h"
#include "segment/mp4_box.h"

struct mp4_gather {
    AVPacket **packets; /* owned, blank behind count; in order of arrival */
    size_t count, capacity;
    uint32_t sequence; /* of the last fragment */

    /*
     * Decode times in a file cannot be negative: each track is decoded by as much later as its
     * first packet's decoding is before its presentation. Presentation times stay what they are.
     */
    bool has_begun[STREAM_MAX_TRACKS];
    int64_t delay[STREAM_MAX_TRACKS];
    AVPacket *latest[STREAM_MAX_TRACKS]; /* of the fragment; NULL: none */

    /* Of the fragment as it is laid out. */
    struct mp4_buffer head; /* moof and the header of the mdat */
    size_t moof_bytes;
    struct iovec *pieces; /* owned; the head, then the payload */
    size_t piece_count, piece_capacity;
};

void mp4_gather_uninit(struct mp4_gather *gather);

/*
 * Takes a packet over: stream_index is its track, whose id in the file is one more; times in ticks
 * of the file's track, of the segment; its duration final unless another of its track follows in
 * the same fragment. False when there is no memory; the packet then stays the caller's.
 */
bool mp4_gather_add(struct mp4_gather *gather, AVPacket *packet);

/* Lays out what was gathered (which is not nothing) as pieces to be written. False when there is no
 * memory. */
bool mp4_gather_lay_out(struct mp4_gather *gather);

/* Lets go of what was gathered. */
void mp4_gather_clear(struct mp4_gather *gather);

#endif
