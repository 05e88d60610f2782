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

#endif
