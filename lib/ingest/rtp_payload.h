/*
 * What an RTP payload of H.264 (RFC 6184) or H.265 (RFC 7798) holds: whole NAL units, or a piece of
 * one. Interleaved packets (STAP-B, MTAP) and PACI are not understood and hold nothing. Pure.
 */
#ifndef INGEST_RTP_PAYLOAD_H
#define INGEST_RTP_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/nal.h"

/* Payloads that are a piece of a NAL unit, and flags in the byte behind the payload's header. */
enum {
    RTP_H264_FU_A = 28,
    RTP_H265_FU = 49,
    RTP_PIECE_BEGINS = 0x80,
    RTP_PIECE_ENDS = 0x40,
};

/* A NAL unit, or a piece of one. */
struct rtp_unit {
    const uint8_t *data; /* of a piece: without the NAL unit's header */
    size_t size;
    bool is_piece;
    bool begins, ends; /* of a piece: the NAL unit begins, ends with it */
    uint8_t header[2]; /* the NAL unit's; H.264 has only one byte */
};

/* A walk over a payload. */
struct rtp_payload {
    enum AVCodecID codec;
    bool has_donl; /* H.265: with decoding order numbers (sprop-max-don-diff > 0) */
    const uint8_t *next, *end;
    enum {
        RTP_PAYLOAD_UNKNOWN, /* nothing is left, or nothing understood */
        RTP_PAYLOAD_SINGLE,
        RTP_PAYLOAD_LENGTHS,     /* an aggregate: NAL units with lengths before them */
        RTP_PAYLOAD_START_CODES, /* Annex B: against the RFCs, but some cameras do it */
        RTP_PAYLOAD_PIECE,
    } form;
};

void rtp_payload_begin(struct rtp_payload *payload, enum AVCodecID codec, bool has_donl,
                       const uint8_t *data, size_t size);

/* The next unit, with at least its header; false when there is none. */
bool rtp_payload_next(struct rtp_payload *payload, struct rtp_unit *unit);

/* A piece of a NAL unit that is not its first. */
struct rtp_rest {
    const uint8_t *data;
    size_t size;
    bool ends;
};

/* Whether a payload is such a piece, as most are: the walk above would say the same, but takes
 * longer. False also for the pieces with decoding order numbers (FU-B). */
static inline bool rtp_payload_goes_on(struct rtp_rest *rest, enum AVCodecID codec,
                                       const uint8_t *data, size_t size)
{
    bool is_h265 = codec == AV_CODEC_ID_HEVC;
    size_t skip = is_h265 ? 3 : 2;
    if (size < skip || data[skip - 1] & RTP_PIECE_BEGINS ||
        (is_h265 ? (data[0] >> 1 & 0x3f) != RTP_H265_FU : (data[0] & 0x1f) != RTP_H264_FU_A))
        return false;
    *rest = (struct rtp_rest){data + skip, size - skip, data[skip - 1] & RTP_PIECE_ENDS};
    return true;
}

#endif
