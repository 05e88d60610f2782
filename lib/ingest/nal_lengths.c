#include "ingest/nal_lengths.h"

#include <string.h>

#include <libavcodec/defs.h>
#include <libavutil/intreadwrite.h>

#include <rtsprec/error.h>

#include "ingest/access_unit.h"
#include "ingest/parameter_record.h"

enum { LENGTH_BYTES = 4 };

int nal_lengths_init(struct nal_lengths *lengths, enum AVCodecID codec, const uint8_t *extradata,
                     size_t size)
{
    int result;
    lengths->length_bytes = 0;
    parameter_sets_init(&lengths->sets, codec);
    if (parameter_record_is(codec, extradata, size))
        result = parameter_record_read(&lengths->sets, &lengths->length_bytes, extradata, size);
    else
        result = parameter_sets_take_all(&lengths->sets, extradata, size);
    lengths->sets.is_changed = false;
    if (result < 0)
        nal_lengths_uninit(lengths);
    return result;
}

void nal_lengths_uninit(struct nal_lengths *lengths)
{
    parameter_sets_uninit(&lengths->sets);
}

int nal_lengths_renew(struct nal_lengths *lengths, const uint8_t *extradata, size_t size)
{
    struct nal_lengths renewed;
    int result = nal_lengths_init(&renewed, lengths->sets.codec, extradata, size);
    if (result < 0)
        return result;
    renewed.sets.is_changed = renewed.sets.count > 0;
    nal_lengths_uninit(lengths);
    *lengths = renewed;
    return 0;
}

/* Takes the next NAL unit off [*next, end). Returns 1, 0 without one, or RTSPREC_ERROR_PROTOCOL
 * when its length is wrong. */
static int take_unit(struct nal *nal, int length_bytes, const uint8_t **next, const uint8_t *end)
{
    if (length_bytes == 0)
        return nal_next(nal, next, end);
    size_t left = (size_t)(end - *next), size = 0;
    if (left == 0)
        return 0;
    if (left < (size_t)length_bytes)
        return RTSPREC_ERROR_PROTOCOL;
    for (int i = 0; i < length_bytes; i++)
        size = size << 8 | *(*next)++;
    if (size > left - (size_t)length_bytes)
        return RTSPREC_ERROR_PROTOCOL;
    *nal = (struct nal){*next, size};
    *next += size;
    return 1;
}

/* Takes the parameter sets. Returns 0 with the bytes of what is kept, or an error. */
static int measure(struct nal_lengths *lengths, const AVPacket *frame, size_t *bytes)
{
    const uint8_t *next = frame->data, *end = next + frame->size;
    struct nal nal;
    int result;
    *bytes = 0;
    while ((result = take_unit(&nal, lengths->length_bytes, &next, end)) == 1) {
        enum nal_kind kind = nal_kind(lengths->sets.codec, &nal);
        if (nal_kind_is_set(kind) && parameter_sets_take(&lengths->sets, &nal) < 0)
            return RTSPREC_ERROR_NO_MEMORY;
        if (nal.size > 0 && !nal_kind_is_left_out(kind))
            *bytes += LENGTH_BYTES + nal.size;
    }
    return result;
}

/* Puts what is kept into a buffer of its own. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
static int rewrite(const struct nal_lengths *lengths, AVPacket *frame, size_t bytes)
{
    AVBufferRef *buffer = av_buffer_alloc(bytes + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!buffer)
        return RTSPREC_ERROR_NO_MEMORY;
    const uint8_t *next = frame->data, *end = next + frame->size;
    uint8_t *out = buffer->data;
    struct nal nal;
    while (take_unit(&nal, lengths->length_bytes, &next, end) == 1) {
        if (nal.size == 0 || nal_kind_is_left_out(nal_kind(lengths->sets.codec, &nal)))
            continue;
        AV_WB32(out, (uint32_t)nal.size);
        memcpy(out + LENGTH_BYTES, nal.data, nal.size);
        out += LENGTH_BYTES + nal.size;
    }
    memset(out, 0, AV_INPUT_BUFFER_PADDING_SIZE);
    av_buffer_unref(&frame->buf);
    frame->buf = buffer;
    frame->data = buffer->data;
    frame->size = (int)bytes;
    return 0;
}

int nal_lengths_apply(struct nal_lengths *lengths, AVPacket *frame)
{
    size_t bytes;
    int result = measure(lengths, frame, &bytes);
    if (result < 0 || bytes == 0) {
        av_packet_unref(frame);
        return result == RTSPREC_ERROR_NO_MEMORY ? result : 0;
    }
    bool is_right = lengths->length_bytes == LENGTH_BYTES && bytes == (size_t)frame->size;
    if (bytes > ACCESS_UNIT_MAX_BYTES)
        result = RTSPREC_ERROR_PROTOCOL;
    else if (!is_right)
        result = rewrite(lengths, frame, bytes);
    if (result == 0)
        result = parameter_sets_announce(&lengths->sets, frame);
    if (result < 0)
        av_packet_unref(frame);
    return result < 0 ? result : 1;
}
