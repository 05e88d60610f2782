#include "ingest/access_unit.h"

#include <stdlib.h>
#include <string.h>

#include <rtsprec/error.h>

void access_unit_init(struct access_unit *unit, enum AVCodecID codec)
{
    *unit = (struct access_unit){.codec = codec, .pts = AV_NOPTS_VALUE};
}

static void clear(struct access_unit *unit)
{
    for (int i = 0; i < unit->count; i++)
        av_packet_unref(unit->fragments[i]);
    unit->count = 0;
    unit->bytes = 0;
    unit->pts = AV_NOPTS_VALUE;
    unit->has_slice = unit->is_key = unit->is_recovery = false;
    unit->oversized = false;
}

void access_unit_uninit(struct access_unit *unit)
{
    for (int i = 0; i < unit->capacity; i++)
        av_packet_free(&unit->fragments[i]);
    free(unit->fragments);
    *unit = (struct access_unit){0};
}

/*
 * The NAL units that begin in a fragment. Only a fragment that begins with a start code holds
 * beginnings: the pieces of a long NAL unit behind its first come bare.
 */
struct content {
    bool has_slice, is_key, is_recovery;
    bool begins_frame; /* a delimiter or parameter sets come before any slice */
};

static struct content inspect(enum AVCodecID codec, const AVPacket *fragment)
{
    struct content content = {0};
    const uint8_t *next = fragment->data, *end = next + fragment->size;
    if (!nal_starts(next, (size_t)fragment->size))
        return content;
    struct nal nal;
    while (nal_next(&nal, &next, end)) {
        switch (nal_kind(codec, &nal)) {
        case NAL_KEY_SLICE:
            content.is_key = content.has_slice = true;
            break;
        case NAL_SLICE:
            content.has_slice = true;
            break;
        case NAL_VPS:
        case NAL_SPS:
        case NAL_PPS:
        case NAL_DELIMITER:
            content.begins_frame |= !content.has_slice;
            break;
        case NAL_SEI:
            content.is_recovery |= codec == AV_CODEC_ID_H264 && nal_is_recovery_point(&nal);
            break;
        case NAL_FILLER:
        case NAL_OTHER:
            break;
        }
    }
    return content;
}

/*
 * A new RTP time begins a new frame, unless nothing of a picture has come yet: some cameras give
 * parameter sets the time of the frame before. These follow its slices and so begin a frame, too.
 */
static bool begins_frame(const struct access_unit *unit, const AVPacket *fragment,
                         const struct content *content)
{
    if (!unit->has_slice)
        return false;
    if (content->begins_frame)
        return true;
    return fragment->pts != AV_NOPTS_VALUE && fragment->pts != unit->pts;
}

static int join(struct access_unit *unit, AVPacket *out, struct frame *frame)
{
    if (av_new_packet(out, (int)unit->bytes) < 0)
        return RTSPREC_ERROR_NO_MEMORY;
    uint8_t *end = out->data;
    for (int i = 0; i < unit->count; i++) {
        memcpy(end, unit->fragments[i]->data, (size_t)unit->fragments[i]->size);
        end += unit->fragments[i]->size;
    }
    out->pts = unit->pts;
    out->stream_index = unit->fragments[0]->stream_index;
    frame->is_key = unit->is_key || unit->is_recovery;
    if (frame->is_key)
        out->flags |= AV_PKT_FLAG_KEY;
    frame->arrival_us = unit->arrival_us;
    return 1;
}

/* Makes room for one more fragment. */
static int grow(struct access_unit *unit)
{
    if (unit->count < unit->capacity)
        return 0;
    int capacity = unit->capacity ? 2 * unit->capacity : 32;
    AVPacket **fragments = realloc(unit->fragments, (size_t)capacity * sizeof(AVPacket *));
    if (!fragments)
        return RTSPREC_ERROR_NO_MEMORY;
    unit->fragments = fragments;
    while (unit->capacity < capacity) {
        AVPacket *packet = av_packet_alloc();
        if (!packet)
            return unit->capacity > unit->count ? 0 : RTSPREC_ERROR_NO_MEMORY;
        fragments[unit->capacity++] = packet;
    }
    return 0;
}

int access_unit_push(struct access_unit *unit, AVPacket *fragment, int64_t arrival_us,
                     AVPacket *out, struct frame *frame)
{
    int result = 0;
    struct content content = inspect(unit->codec, fragment);
    if (unit->count < ACCESS_UNIT_MAX_FRAGMENTS && grow(unit) < 0)
        return RTSPREC_ERROR_NO_MEMORY;
    if (begins_frame(unit, fragment, &content)) {
        result = unit->oversized ? RTSPREC_ERROR_PROTOCOL : join(unit, out, frame);
        clear(unit);
        if (result == RTSPREC_ERROR_NO_MEMORY)
            return result;
    }

    if (unit->count == 0)
        unit->arrival_us = arrival_us;
    if (fragment->pts != AV_NOPTS_VALUE)
        unit->pts = fragment->pts;
    unit->has_slice |= content.has_slice;
    unit->is_key |= content.is_key;
    unit->is_recovery |= content.is_recovery;
    unit->oversized |= unit->bytes + (size_t)fragment->size > ACCESS_UNIT_MAX_BYTES ||
                       unit->count == ACCESS_UNIT_MAX_FRAGMENTS;
    if (unit->oversized || fragment->size == 0) {
        av_packet_unref(fragment);
        return result;
    }
    unit->bytes += (size_t)fragment->size;
    av_packet_move_ref(unit->fragments[unit->count++], fragment);
    return result;
}
