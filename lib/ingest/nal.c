#include "ingest/nal.h"

#include <string.h>

/* The first 00 00 01 in [data, end), or end. */
static const uint8_t *find_start_code(const uint8_t *data, const uint8_t *end)
{
    while (end - data >= 3) {
        const uint8_t *one = memchr(data + 2, 1, (size_t)(end - data - 2));
        if (!one)
            break;
        if (one[-1] == 0 && one[-2] == 0)
            return one - 2;
        data = one - 1;
    }
    return end;
}

bool nal_next(struct nal *nal, const uint8_t **next, const uint8_t *end)
{
    const uint8_t *start = find_start_code(*next, end);
    if (end - start <= 3) {
        *next = end;
        return false;
    }
    start += 3;
    const uint8_t *stop = find_start_code(start, end);
    *next = stop;
    while (stop > start && stop[-1] == 0)
        stop--;
    nal->data = start;
    nal->size = (size_t)(stop - start);
    return true;
}

bool nal_starts(const uint8_t *data, size_t size)
{
    return size >= 4 && data[0] == 0 && data[1] == 0 &&
           (data[2] == 1 || (data[2] == 0 && data[3] == 1));
}

static enum nal_kind kind_of_h264(int type)
{
    switch (type) {
    case 1:
    case 2:
    case 3:
    case 4:
        return NAL_SLICE;
    case 5:
        return NAL_KEY_SLICE;
    case 6:
        return NAL_SEI;
    case 7:
        return NAL_SPS;
    case 8:
        return NAL_PPS;
    case 9:
        return NAL_DELIMITER;
    case 10:
    case 11:
    case 12:
        return NAL_FILLER;
    default:
        return NAL_OTHER;
    }
}

static enum nal_kind kind_of_h265(int type)
{
    if (type < 16)
        return NAL_SLICE;
    if (type < 24)
        return NAL_KEY_SLICE;
    switch (type) {
    case 32:
        return NAL_VPS;
    case 33:
        return NAL_SPS;
    case 34:
        return NAL_PPS;
    case 35:
        return NAL_DELIMITER;
    case 36:
    case 37:
    case 38:
        return NAL_FILLER;
    case 39:
        return NAL_SEI;
    default:
        return NAL_OTHER;
    }
}

enum nal_kind nal_kind(enum AVCodecID codec, const struct nal *nal)
{
    if (nal->size == 0)
        return NAL_OTHER;
    return codec == AV_CODEC_ID_HEVC ? kind_of_h265((nal->data[0] >> 1) & 0x3f)
                                     : kind_of_h264(nal->data[0] & 0x1f);
}

/* No SEI message is longer, and no type as high. */
#define MAX_SEI_NUMBER (16 * 1024 * 1024)

/* A number written as a run of 0xff bytes and one other byte; -1 when it has no end. */
static int sei_number(const uint8_t **data, const uint8_t *end)
{
    int value = 0;
    while (*data < end && value < MAX_SEI_NUMBER) {
        int byte = *(*data)++;
        value += byte;
        if (byte != 0xff)
            return value;
    }
    return -1;
}

bool nal_is_recovery_point(const struct nal *sei)
{
    const uint8_t *data = sei->data + 1, *end = sei->data + sei->size;
    while (end - data > 2) {
        int type = sei_number(&data, end);
        int size = sei_number(&data, end);
        if (type < 0 || size < 0 || size > end - data)
            return false;
        if (type == 6 && size > 0)
            return data[0] & 0x80; /* ue(v): a first bit of 1 is the number 0 */
        data += size;
    }
    return false;
}
