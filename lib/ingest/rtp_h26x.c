#include "ingest/rtp_h26x.h"

#include <stdlib.h>
#include <string.h>

#include <libavcodec/defs.h>
#include <libavutil/common.h>
#include <libavutil/intreadwrite.h>

#include <rtsprec/error.h>

#include "ingest/access_unit.h"
#include "ingest/nal.h"
#include "ingest/parameter_sets.h"
#include "ingest/rtp_payload.h"

enum { LENGTH_BYTES = 4, MAX_UNITS = ACCESS_UNIT_MAX_FRAGMENTS };

#define NO_TIME INT64_MIN

/* The frame that is being gathered. */
struct gathered {
    bool has_begun; /* something of it has come, be it only parameter sets */
    int64_t arrival_us, timestamp;

    AVBufferRef *buffer;   /* NULL until a unit is kept */
    size_t size, capacity; /* the buffer has room for the padding behind */
    int count;             /* units */

    bool is_open; /* the last unit is a fragmented one and has not ended */
    enum nal_kind open_kind;
    size_t open_at; /* where its length stands */

    bool has_slice; /* a slice has come, whole or not */
    bool has_whole; /* a whole slice is kept */
    bool is_key, expects_key;
    bool head_lost; /* packets are missing before its first slice */
    bool is_corrupt;
    bool is_dropped;   /* its bytes are gone: for want of memory, or ... */
    bool is_oversized; /* ... because it became too large */
    bool is_complete;  /* its marker has come and is believed */
};

struct rtp_h26x {
    enum AVCodecID codec;
    bool has_donl;

    struct parameter_sets sets;

    enum { MARKER_UNKNOWN, MARKER_BELIEVED, MARKER_WRONG } marker;
    int64_t marker_timestamp; /* of the last slice, if it came with a marker; else NO_TIME */

    struct gathered frame;
    size_t expected[2]; /* bytes that a frame needs; [1] of key frames */
};

int rtp_h26x_create(struct rtp_h26x **out, enum AVCodecID codec, const uint8_t *sets, size_t size,
                    bool has_donl)
{
    struct rtp_h26x *h26x = *out = calloc(1, sizeof(*h26x));
    if (!h26x)
        return RTSPREC_ERROR_NO_MEMORY;
    h26x->codec = codec;
    h26x->has_donl = has_donl;
    h26x->marker_timestamp = NO_TIME;
    h26x->frame.head_lost = true; /* the camera may begin within a frame */
    parameter_sets_init(&h26x->sets, codec);
    int result = parameter_sets_take_all(&h26x->sets, sets, size);
    h26x->sets.is_changed = false; /* the caller has them */
    if (result < 0)
        rtp_h26x_destroy(out);
    return result;
}

void rtp_h26x_destroy(struct rtp_h26x **h26x)
{
    if (!*h26x)
        return;
    parameter_sets_uninit(&(*h26x)->sets);
    av_buffer_unref(&(*h26x)->frame.buffer);
    free(*h26x);
    *h26x = NULL;
}

static size_t header_bytes(const struct rtp_h26x *h26x)
{
    return h26x->codec == AV_CODEC_ID_HEVC ? 2 : 1;
}

static enum nal_kind kind_of(const struct rtp_h26x *h26x, const uint8_t header[2])
{
    return nal_kind(h26x->codec, &(struct nal){header, header_bytes(h26x)});
}

/* ---- the frame's bytes ---- */

static void drop_bytes(struct gathered *frame)
{
    frame->is_dropped = true;
    av_buffer_unref(&frame->buffer);
    frame->size = frame->capacity = 0;
    frame->is_open = false;
}

/*
 * Makes room for more bytes. Returns 1, 0 when the frame has become too large and takes no more, or
 * RTSPREC_ERROR_NO_MEMORY.
 */
static int reserve(struct rtp_h26x *h26x, size_t more)
{
    struct gathered *frame = &h26x->frame;
    size_t needed = frame->size + more, capacity = frame->capacity;
    if (frame->is_dropped)
        return 0;
    if (needed > ACCESS_UNIT_MAX_BYTES || frame->count > MAX_UNITS) {
        frame->is_oversized = true;
        drop_bytes(frame);
        return 0;
    }
    if (needed <= capacity)
        return 1;
    size_t expected = h26x->expected[frame->expects_key];
    /* By a quarter: no more than a frame may keep, see trim(). */
    capacity = capacity ? capacity + capacity / 4 : expected + expected / 16;
    capacity = FFMAX(needed, FFMIN(capacity, ACCESS_UNIT_MAX_BYTES));
    if (av_buffer_realloc(&frame->buffer, capacity + AV_INPUT_BUFFER_PADDING_SIZE) < 0) {
        drop_bytes(frame);
        return RTSPREC_ERROR_NO_MEMORY;
    }
    frame->capacity = capacity;
    return 1;
}

static void put(struct gathered *frame, const uint8_t *data, size_t size)
{
    memcpy(frame->buffer->data + frame->size, data, size);
    frame->size += size;
}

/* Keeps a whole NAL unit. */
static int append(struct rtp_h26x *h26x, const uint8_t *data, size_t size)
{
    struct gathered *frame = &h26x->frame;
    uint8_t length[LENGTH_BYTES];
    int result = reserve(h26x, LENGTH_BYTES + size);
    if (result <= 0)
        return result;
    AV_WB32(length, (uint32_t)size);
    put(frame, length, LENGTH_BYTES);
    put(frame, data, size);
    frame->count++;
    return 0;
}

/* ---- NAL units ---- */

/* Whether a slice is the first of its picture: first_mb_in_slice 0 (ue(v)), or the flag of H.265;
 * both are the first bit behind the header. */
static bool is_first_slice(const uint8_t *data, size_t size)
{
    return size > 0 && data[0] & 0x80;
}

/* A slice begins; data is what follows its header. */
static void note_slice(struct gathered *frame, enum nal_kind kind, const uint8_t *data, size_t size)
{
    frame->has_slice = true;
    if (kind == NAL_KEY_SLICE)
        frame->is_key = frame->expects_key = true;
    if (frame->head_lost && !is_first_slice(data, size))
        frame->is_corrupt = true;
    frame->head_lost = false;
}

/* A whole NAL unit that is not a slice has come. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
static int note_other(struct rtp_h26x *h26x, enum nal_kind kind, const uint8_t *data, size_t size)
{
    struct nal nal = {data, size};
    if (kind == NAL_SEI && h26x->codec == AV_CODEC_ID_H264)
        h26x->frame.is_key |= nal_is_recovery_point(&nal);
    int result = nal_kind_is_set(kind) ? parameter_sets_take(&h26x->sets, &nal) : 0;
    return result < 0 ? result : 0;
}

static int take_whole(struct rtp_h26x *h26x, const uint8_t *data, size_t size)
{
    struct gathered *frame = &h26x->frame;
    uint8_t header[2] = {data[0], size > 1 ? data[1] : 0};
    enum nal_kind kind = kind_of(h26x, header);
    if (nal_kind_is_slice(kind)) {
        size_t skip = header_bytes(h26x);
        note_slice(frame, kind, data + skip, size - skip);
        frame->has_whole = true;
    } else {
        int result = note_other(h26x, kind, data, size);
        if (result < 0 || nal_kind_is_left_out(kind))
            return result;
    }
    return append(h26x, data, size);
}

static int close_open(struct rtp_h26x *h26x)
{
    struct gathered *frame = &h26x->frame;
    if (!frame->is_open)
        return 0;
    uint8_t *length = frame->buffer->data + frame->open_at, *data = length + LENGTH_BYTES;
    size_t size = frame->size - frame->open_at - LENGTH_BYTES;
    frame->is_open = false;
    if (nal_kind_is_slice(frame->open_kind)) {
        frame->has_whole = true;
    } else {
        int result = note_other(h26x, frame->open_kind, data, size);
        if (nal_kind_is_left_out(frame->open_kind)) {
            frame->size = frame->open_at;
            return result;
        }
    }
    AV_WB32(length, (uint32_t)size);
    frame->count++;
    return 0;
}

/* Adds to the NAL unit that is open. */
static int extend(struct rtp_h26x *h26x, const uint8_t *data, size_t size, bool ends)
{
    struct gathered *frame = &h26x->frame;
    int result = frame->capacity - frame->size >= size ? 1 : reserve(h26x, size);
    if (result <= 0)
        return result;
    put(frame, data, size);
    return ends ? close_open(h26x) : 0;
}

static int take_piece(struct rtp_h26x *h26x, const struct rtp_unit *unit)
{
    struct gathered *frame = &h26x->frame;
    int result = 0;
    if (unit->begins) {
        size_t size = header_bytes(h26x);
        enum nal_kind kind = kind_of(h26x, unit->header);
        if (nal_kind_is_slice(kind))
            note_slice(frame, kind, unit->data, unit->size);
        if ((result = close_open(h26x)) < 0 ||
            (result = reserve(h26x, LENGTH_BYTES + size + unit->size)) <= 0)
            return result;
        frame->is_open = true;
        frame->open_kind = kind;
        frame->open_at = frame->size;
        frame->size += LENGTH_BYTES;
        put(frame, unit->header, size);
    } else if (!frame->is_open) { /* its beginning is missing */
        if (nal_kind_is_slice(kind_of(h26x, unit->header))) {
            frame->has_slice = frame->is_corrupt = true;
            frame->head_lost = false;
        }
        return 0;
    }
    return extend(h26x, unit->data, unit->size, unit->ends);
}

/* ---- frames ---- */

/* What a packet holds, seen from its headers. */
struct content {
    bool has_slice;
    bool has_sets;
    bool begins_frame; /* a delimiter or parameter sets come before any slice */
};

static struct content inspect(const struct rtp_h26x *h26x, const struct rtp_packet *packet)
{
    struct content content = {0};
    struct rtp_payload payload;
    struct rtp_unit unit;
    rtp_payload_begin(&payload, h26x->codec, h26x->has_donl, packet->payload, packet->size);
    while (rtp_payload_next(&payload, &unit)) {
        enum nal_kind kind = kind_of(h26x, unit.header);
        bool begins = !unit.is_piece || unit.begins;
        content.has_slice |= nal_kind_is_slice(kind);
        content.has_sets |= nal_kind_is_set(kind);
        if ((nal_kind_is_set(kind) || kind == NAL_DELIMITER) && begins && !content.has_slice)
            content.begins_frame = true;
    }
    return content;
}

/*
 * A slice tells whether the one before it ended its frame, as its marker said. For this the first
 * frame waits.
 */
static void judge_marker(struct rtp_h26x *h26x, const struct content *content, int64_t timestamp,
                         bool lost)
{
    if (h26x->marker_timestamp == NO_TIME || !content->has_slice)
        return;
    if (h26x->marker_timestamp == timestamp && !content->begins_frame)
        h26x->marker = MARKER_WRONG;
    else if (h26x->marker == MARKER_UNKNOWN && !lost)
        h26x->marker = MARKER_BELIEVED;
    h26x->marker_timestamp = NO_TIME;
}

/* As in access_unit.c: some cameras give parameter sets the time of the frame before. */
static bool begins_frame(const struct gathered *frame, const struct content *content,
                         int64_t timestamp)
{
    return frame->has_slice &&
           (content->begins_frame || frame->is_complete || timestamp != frame->timestamp);
}

/* Gives back what was reserved in vain; when that fails, it stays. */
static void trim(struct gathered *frame)
{
    if (frame->capacity - frame->size > frame->size / 4)
        av_buffer_realloc(&frame->buffer, frame->size + AV_INPUT_BUFFER_PADDING_SIZE);
    memset(frame->buffer->data + frame->size, 0, AV_INPUT_BUFFER_PADDING_SIZE);
}

/* Ends the frame. Returns 1 with it, 0 when nothing whole was in it, or an error. */
static int finish(struct rtp_h26x *h26x, AVPacket *out, int64_t *out_arrival_us)
{
    int result = close_open(h26x);
    struct gathered frame = h26x->frame;
    h26x->frame = (struct gathered){.has_begun = false};
    if (result < 0 || frame.is_dropped || !frame.has_whole) {
        av_buffer_unref(&frame.buffer);
        return result < 0 ? result : frame.is_oversized ? RTSPREC_ERROR_PROTOCOL : 0;
    }
    size_t *expected = &h26x->expected[frame.is_key];
    *expected = FFMAX(frame.size, *expected - *expected / 128);
    trim(&frame);
    out->buf = frame.buffer;
    out->data = frame.buffer->data;
    out->size = (int)frame.size;
    out->pts = frame.timestamp;
    out->flags =
        (frame.is_key ? AV_PKT_FLAG_KEY : 0) | (frame.is_corrupt ? AV_PKT_FLAG_CORRUPT : 0);
    *out_arrival_us = frame.arrival_us;
    if ((result = parameter_sets_announce(&h26x->sets, out)) < 0) {
        av_packet_unref(out);
        return result;
    }
    return 1;
}

static int take_units(struct rtp_h26x *h26x, const struct rtp_packet *packet)
{
    struct rtp_payload payload;
    struct rtp_unit unit;
    int result = 0;
    rtp_payload_begin(&payload, h26x->codec, h26x->has_donl, packet->payload, packet->size);
    while (result >= 0 && rtp_payload_next(&payload, &unit)) {
        if (unit.is_piece)
            result = take_piece(h26x, &unit);
        else if ((result = close_open(h26x)) >= 0)
            result = take_whole(h26x, unit.data, unit.size);
    }
    return result;
}

static void note_loss(struct gathered *frame)
{
    if (frame->is_open)
        frame->size = frame->open_at;
    frame->is_open = false;
    if (frame->has_slice)
        frame->is_corrupt = true;
    else
        frame->head_lost = true;
}

/*
 * Whether a packet is the next piece of the NAL unit that is open and tells nothing else, as
 * nineteen of twenty do: those need not be looked at twice, which halves what a packet costs.
 */
static bool goes_on(const struct rtp_h26x *h26x, const struct rtp_packet *packet, int64_t timestamp,
                    struct rtp_rest *piece)
{
    return h26x->frame.is_open && h26x->frame.timestamp == timestamp &&
           h26x->marker_timestamp == NO_TIME &&
           rtp_payload_goes_on(piece, h26x->codec, packet->payload, packet->size);
}

/*
 * What a packet says of the frame it belongs to, before its units are taken. Returns 1 when it
 * ended the frame before, which is in out then, 0, or an error that concerns that one only.
 */
static int begin_packet(struct rtp_h26x *h26x, const struct rtp_packet *packet, int64_t timestamp,
                        bool lost, int64_t arrival_us, AVPacket *out, int64_t *out_arrival_us)
{
    struct gathered *frame = &h26x->frame;
    int result = 0;
    struct content content = inspect(h26x, packet);
    judge_marker(h26x, &content, timestamp, lost);
    if (lost)
        note_loss(frame);
    if (begins_frame(frame, &content, timestamp)) {
        result = finish(h26x, out, out_arrival_us);
        if (lost)
            note_loss(frame);
    }
    if (!frame->has_begun)
        frame->arrival_us = arrival_us;
    frame->has_begun = true;
    frame->timestamp = timestamp;
    frame->expects_key |= content.has_sets;
    return result;
}

int rtp_h26x_push(struct rtp_h26x *h26x, const struct rtp_packet *packet, int64_t timestamp,
                  bool lost, int64_t arrival_us, AVPacket *out, int64_t *out_arrival_us)
{
    struct gathered *frame = &h26x->frame;
    struct rtp_rest piece;
    int result = 0, taken;
    if (!packet)
        return frame->is_complete ? finish(h26x, out, out_arrival_us) : 0;
    if (!lost && goes_on(h26x, packet, timestamp, &piece)) {
        taken = extend(h26x, piece.data, piece.size, piece.ends);
    } else {
        result = begin_packet(h26x, packet, timestamp, lost, arrival_us, out, out_arrival_us);
        taken = take_units(h26x, packet);
    }
    if (taken < 0) {
        if (result == 1)
            av_packet_unref(out);
        return taken;
    }
    if (packet->marker && frame->has_slice) {
        h26x->marker_timestamp = timestamp;
        frame->is_complete = h26x->marker == MARKER_BELIEVED;
    }
    return result == 0 && frame->is_complete ? finish(h26x, out, out_arrival_us) : result;
}
