#include "au_hash.h"

#include <string.h>

#include "annex_b.h"

#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x00000100000001b3)

static uint64_t fnv1a(uint64_t hash, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * FNV_PRIME;
    return hash;
}

static int is_left_out(enum AVCodecID codec, uint8_t first_byte)
{
    int is_delimiter =
        codec == AV_CODEC_ID_H264 ? (first_byte & 0x1f) == 9 : ((first_byte >> 1) & 0x3f) == 35;

    return is_delimiter || annex_b_is_parameter_set(codec, first_byte);
}

static uint64_t hash_nal(uint64_t hash, enum AVCodecID codec, const uint8_t *nal, size_t size)
{
    static const uint8_t border = 1;

    while (size > 0 && nal[size - 1] == 0)
        size--;
    if (size == 0 || is_left_out(codec, nal[0]))
        return hash;
    return fnv1a(fnv1a(hash, &border, 1), nal, size);
}

static uint64_t hash_annex_b(enum AVCodecID codec, const uint8_t *data, size_t size)
{
    uint64_t hash = FNV_OFFSET;
    size_t code = annex_b_find(data, size, 0);

    while (code < size) {
        size_t start = code + 3;
        code = annex_b_find(data, size, start);
        hash = hash_nal(hash, codec, data + start, code - start);
    }
    return hash;
}

static uint64_t hash_length_prefixed(enum AVCodecID codec, const uint8_t *data, size_t size,
                                     size_t length_size)
{
    uint64_t hash = FNV_OFFSET;

    while (size >= length_size) {
        size_t length = 0;
        for (size_t i = 0; i < length_size; i++)
            length = length << 8 | data[i];
        data += length_size;
        size -= length_size;
        if (length > size)
            length = size; /* a broken length: hash what there is, so that it differs */
        hash = hash_nal(hash, codec, data, length);
        data += length;
        size -= length;
    }
    return hash;
}

uint64_t au_hash(enum AVCodecID codec, const uint8_t *data, size_t size, int nal_length_size)
{
    if (codec != AV_CODEC_ID_H264 && codec != AV_CODEC_ID_HEVC)
        return fnv1a(FNV_OFFSET, data, size);
    if (nal_length_size > 0)
        return hash_length_prefixed(codec, data, size, (size_t)nal_length_size);
    return hash_annex_b(codec, data, size);
}

int au_nal_length_size(enum AVCodecID codec, const uint8_t *extradata, size_t size)
{
    /* Both records begin with version 1; Annex B begins with 00 00. */
    if (extradata == NULL || size < 7 || extradata[0] != 1)
        return 0;
    if (codec == AV_CODEC_ID_H264)
        return (extradata[4] & 3) + 1;
    if (codec == AV_CODEC_ID_HEVC && size >= 23)
        return (extradata[21] & 3) + 1;
    return 0;
}
