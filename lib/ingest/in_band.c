#include "ingest/in_band.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

#include <rtsprec/error.h>

#include "ingest/nal.h"

/* Where sets belong in a frame with start codes: behind its delimiter; -1 when it has some. */
static int find_place(const AVPacket *frame, enum AVCodecID codec)
{
    const uint8_t *next = frame->data, *end = frame->data + frame->size;
    struct nal nal;
    int place = 0;
    while (nal_next(&nal, &next, end)) {
        enum nal_kind kind = nal_kind(codec, &nal);
        if (kind == NAL_SPS)
            return -1;
        if (kind == NAL_SLICE || kind == NAL_KEY_SLICE)
            break;
        if (kind == NAL_DELIMITER && place == 0)
            place = (int)(nal.data + nal.size - frame->data);
    }
    return place;
}

/* Annex B -> lengths of four bytes. Returns the size; out may be NULL. */
static int write_prefixed(uint8_t *out, const uint8_t *sets, int size)
{
    const uint8_t *next = sets;
    struct nal nal;
    int written = 0;
    while (nal_next(&nal, &next, sets + size)) {
        if (out) {
            AV_WB32(out + written, (uint32_t)nal.size);
            memcpy(out + written + 4, nal.data, nal.size);
        }
        written += 4 + (int)nal.size;
    }
    return written;
}

int in_band_insert(AVPacket *frame, const struct parameters *parameters)
{
    bool is_prefixed = parameters->is_length_prefixed;
    const uint8_t *sets = parameters->sets;
    int size = parameters->sets_size;
    if (!sets || size == 0)
        return 0;
    int place = is_prefixed ? 0 : find_place(frame, parameters->current->codec_id);
    if (place < 0)
        return 0;
    int added = is_prefixed ? write_prefixed(NULL, sets, size) : size;
    int old_size = frame->size;
    if (av_packet_make_writable(frame) < 0 || av_grow_packet(frame, added) < 0)
        return RTSPREC_ERROR_NO_MEMORY;
    uint8_t *at = frame->data + place;
    memmove(at + added, at, (size_t)(old_size - place));
    if (is_prefixed)
        write_prefixed(at, sets, size);
    else
        memcpy(at, sets, (size_t)size);
    return 0;
}
