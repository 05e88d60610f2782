/*
 * RTP fragments -> whole frames. libavformat's depacketisers give a packet per NAL unit or piece of
 * one; all that carry one RTP time are one access unit, which is whole when the next one begins.
 */
#ifndef INGEST_ACCESS_UNIT_H
#define INGEST_ACCESS_UNIT_H

#include <stdbool.h>

#include <libavcodec/packet.h>

#include "ingest/nal.h"

/* The largest frame taken: 8 times a key frame of 8K at 100 Mbit/s. */
#define ACCESS_UNIT_MAX_BYTES (16 * 1024 * 1024)

/* The most pieces of one: a packet costs more than its bytes. 16 MiB in datagrams are 12,000. */
#define ACCESS_UNIT_MAX_FRAGMENTS 32768

struct access_unit {
    enum AVCodecID codec;

    /* Of the frame being gathered. */
    AVPacket **fragments; /* owned */
    int count, capacity;
    size_t bytes;
    int64_t pts;        /* the latest that came with a fragment */
    int64_t arrival_us; /* of its first fragment */
    bool has_slice, is_key, is_recovery;
    bool oversized; /* it grew beyond the limit: dropped when it ends */
};

/* A frame that is whole. */
struct frame {
    bool is_key;
    int64_t arrival_us;
};

void access_unit_init(struct access_unit *unit, enum AVCodecID codec);
void access_unit_uninit(struct access_unit *unit);

/*
 * Takes a fragment: its reference moves, it is blank afterwards. When it begins a new frame, the
 * one before goes to out, and *frame describes it.
 *
 * Returns 1 with a frame, 0 without, RTSPREC_ERROR_PROTOCOL when the frame before was beyond the
 * limits and is dropped, or RTSPREC_ERROR_NO_MEMORY: then the fragment stays the caller's.
 */
int access_unit_push(struct access_unit *unit, AVPacket *fragment, int64_t arrival_us,
                     AVPacket *out, struct frame *frame);

#endif
