/*
 * NAL units between start codes.
 */
#ifndef CAMERA_ANNEX_B_H
#define CAMERA_ANNEX_B_H

#include <stddef.h>
#include <stdint.h>

#include <libavcodec/codec_id.h>

/** The position of the next 00 00 01 at or after @p from; @p size when there is none. */
static inline size_t annex_b_find(const uint8_t *data, size_t size, size_t from)
{
    for (size_t i = from; i + 3 <= size; i++) {
        if (data[i] == 0 && data[i + 1] == 0 && data[i + 2] == 1)
            return i;
    }
    return size;
}

/** Whether a NAL unit of H.264 or H.265 that begins with this byte is a parameter set. */
static inline int annex_b_is_parameter_set(enum AVCodecID codec, uint8_t first_byte)
{
    int type = codec == AV_CODEC_ID_H264 ? first_byte & 0x1f : (first_byte >> 1) & 0x3f;

    return codec == AV_CODEC_ID_H264 ? type == 7 || type == 8 : type >= 32 && type <= 34;
}

#endif
