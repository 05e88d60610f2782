/*
 * What comes over an RTSP connection, RFC 2326: replies, requests and interleaved frames in one
 * stream of bytes. Pure: bytes in, meaning out. Everything is bounded here, so that a hostile
 * server costs no more than the caller's buffer.
 */
#ifndef INGEST_RTSP_MESSAGE_H
#define INGEST_RTSP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ingest/text.h"

#define RTSP_MAX_HEADER_BYTES (16 * 1024) /* of a message, from its first line to the empty one */
#define RTSP_MAX_BODY_BYTES   (64 * 1024) /* an SDP of a camera takes one or two kilobytes */
#define RTSP_MAX_BLANK_BYTES  4           /* empty lines before an item, which some cameras send */

/* A buffer of this size always comes to a decision. */
#define RTSP_MAX_ITEM_BYTES (RTSP_MAX_BLANK_BYTES + RTSP_MAX_HEADER_BYTES + RTSP_MAX_BODY_BYTES)

struct rtsp_message {
    int status;              /* of a reply; 0: a request */
    struct text method, url; /* of a request */
    int64_t cseq;            /* -1: there is none */
    struct text headers;     /* all header lines, with their line ends */
    struct text body;
};

enum rtsp_item_kind {
    RTSP_INCOMPLETE, /* more bytes are needed; size is 0 */
    RTSP_FRAME,      /* interleaved: channel, payload */
    RTSP_MESSAGE,
    RTSP_GARBAGE, /* size bytes belong to nothing; what may be something begins behind them */
};

struct rtsp_item {
    enum rtsp_item_kind kind;
    size_t size; /* of the whole item: take that many bytes off the buffer */
    int channel;
    const uint8_t *payload;
    size_t payload_size;
    struct rtsp_message message;
};

/*
 * What the parser knows of a stream beside the bytes at its beginning; kept by the caller as long
 * as the stream lasts. {0} at first.
 */
struct rtsp_scan {
    size_t wanted;   /* so many bytes at least must be there before anything more can be said */
    size_t searched; /* of the message at the beginning: so far there is no empty line */
    size_t one_line; /* at the beginning: no line end and no control character among them */
    bool is_lost;    /* what came last was garbage: a frame must prove itself */
};

/*
 * Says what the buffer begins with. However a stream is cut into pieces, its frames and messages
 * are the same; and however small the pieces are, the time is linear: what was searched is not
 * searched again.
 *
 * is_channel[c] says which channels were set up. A frame of another one is a frame when the next
 * item begins behind it. After garbage a frame counts that has a known channel, looks like RTP and
 * is followed by another of those or by a message; such frames wait for the four bytes behind them.
 *
 * Returns 0, or RTSPREC_ERROR_PROTOCOL: a message that is larger than the bounds or has no sense;
 * the connection is of no more use. *why is then a text without anything of what was received.
 */
int rtsp_item_parse(struct rtsp_item *item, struct rtsp_scan *scan, const uint8_t *data,
                    size_t size, const bool is_channel[256], const char **why);

/* The value of a header, without white space around it; names are compared without case. nth counts
 * headers of that name from 0. {0} when there is none. */
struct text rtsp_header(const struct rtsp_message *message, const char *name, int nth);

/* A parameter of a header's value as in "Session: 12;timeout=60" or "Transport: …;interleaved=0-1".
 * Quotes are taken off, escapes in them stay. A parameter without value is empty, not absent. {0}
 * when there is none. */
struct text rtsp_parameter(struct text value, const char *name);

#endif
