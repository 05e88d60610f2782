#include "segment/mp4_tap.h"

#include <string.h>

void mp4_tap_init(struct mp4_tap *tap, const uint8_t *moov, size_t size, uint64_t offset)
{
    *tap = (struct mp4_tap){.offset = offset};
    tap->failed = !mp4_table_init(&tap->table, moov, size);
}

void mp4_tap_uninit(struct mp4_tap *tap)
{
    mp4_table_uninit(&tap->table);
    mp4_buffer_uninit(&tap->moof);
}

static void end_moof(struct mp4_tap *tap)
{
    struct mp4_fragment fragment = {
        .moof = tap->moof.data,
        .size = tap->moof.size,
        .offset = tap->moof_offset,
        .data_end = INT64_MAX, /* it is being written */
    };
    if (tap->moof.failed || !mp4_table_add(&tap->table, &fragment))
        tap->failed = true;
    tap->moof.size = 0;
    tap->is_moof = false;
}

/* Takes what belongs to a box's header; returns how many bytes that were. */
static size_t take_header(struct mp4_tap *tap, const uint8_t *data, size_t size)
{
    size_t wanted = 8;
    if (tap->header_bytes >= 8 && mp4_u32(tap->header) == 1)
        wanted = 16;
    size_t count = wanted - tap->header_bytes < size ? wanted - tap->header_bytes : size;
    memcpy(tap->header + tap->header_bytes, data, count);
    tap->header_bytes += count;
    bool is_long = tap->header_bytes >= 8 && mp4_u32(tap->header) == 1;
    if (tap->header_bytes < (is_long ? 16u : 8u))
        return count;

    struct mp4_header header;
    if (!mp4_header_parse(&header, tap->header, tap->header_bytes)) {
        tap->failed = true;
        return count;
    }
    tap->left = header.size - (uint64_t)header.header_bytes;
    tap->is_moof = header.type == MP4_TYPE('m', 'o', 'o', 'f');
    if (tap->is_moof) {
        tap->moof_offset = tap->offset + count - (uint64_t)header.header_bytes;
        mp4_put(&tap->moof, tap->header, tap->header_bytes);
    }
    tap->header_bytes = 0;
    return count;
}

void mp4_tap_feed(struct mp4_tap *tap, const uint8_t *data, size_t size)
{
    while (size > 0 && !tap->failed) {
        size_t count;
        if (tap->left == 0) {
            count = take_header(tap, data, size);
        } else {
            count = tap->left < size ? (size_t)tap->left : size;
            if (tap->is_moof)
                mp4_put(&tap->moof, data, count);
            tap->left -= count;
        }
        data += count;
        size -= count;
        tap->offset += count;
        if (tap->left == 0 && tap->is_moof)
            end_moof(tap);
    }
}
