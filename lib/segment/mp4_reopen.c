/*
 * A sealed file that goes on: its tables are read from its moov, which is one read; its fragments
 * would be one each. That the moov is one of ours, and all of it is understood, is shown by making
 * it again: it has to be the same to the byte.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "segment/mp4_seal.h"

/* The moov of a day with a frame each second has less than a megabyte. */
#define MAX_BOX_BYTES (4 * 1024 * 1024)

#define MDAT_HEADER_BYTES 16

struct sealed {
    int fd;
    uint64_t size;
    uint64_t moov_offset;
    struct mp4_header moov;
    uint8_t *moov_bytes; /* owned */
    uint64_t init_offset;
    struct mp4_header init; /* the moov of the fragmented file, behind the head room */
    uint8_t *init_bytes;    /* owned */
};

static bool read_header(const struct sealed *sealed, uint64_t offset, struct mp4_header *header)
{
    uint8_t bytes[16];
    ssize_t count = file_read_at(sealed->fd, bytes, sizeof(bytes), (int64_t)offset);
    return count > 0 && mp4_header_parse(header, bytes, (size_t)count) &&
           offset + header->size <= sealed->size;
}

/* A whole box in memory, to be freed; NULL when it is not there. */
static uint8_t *read_box(const struct sealed *sealed, uint64_t offset, struct mp4_header *header,
                         uint32_t type)
{
    if (!read_header(sealed, offset, header) || header->type != type ||
        header->size > MAX_BOX_BYTES)
        return NULL;
    uint8_t *box = malloc((size_t)header->size);
    if (box && file_read_at(sealed->fd, box, (size_t)header->size, (int64_t)offset) !=
                   (ssize_t)header->size) {
        free(box);
        return NULL;
    }
    return box;
}

/* What is left of the head room are zeros; the size of the box behind them begins with some, too.
 */
static bool find_init(struct sealed *sealed, uint64_t offset)
{
    uint8_t bytes[4096];
    uint64_t first = offset;
    ssize_t count;
    while ((count = file_read_at(sealed->fd, bytes, sizeof(bytes), (int64_t)first)) > 0) {
        ssize_t zeros = 0;
        while (zeros < count && bytes[zeros] == 0)
            zeros++;
        first += (uint64_t)zeros;
        if (zeros < count)
            break;
    }
    for (uint64_t back = 0; back < 4 && first - back >= offset; back++) {
        sealed->init_offset = first - back;
        sealed->init_bytes =
            read_box(sealed, sealed->init_offset, &sealed->init, MP4_TYPE('m', 'o', 'o', 'v'));
        if (sealed->init_bytes)
            return true;
    }
    return false;
}

/* [ftyp][moov][mdat: zeros, moov, moof, …] */
static bool read_sealed(struct sealed *sealed)
{
    struct mp4_header ftyp, mdat;
    if (!read_header(sealed, 0, &ftyp) || ftyp.type != MP4_TYPE('f', 't', 'y', 'p'))
        return false;
    sealed->moov_offset = ftyp.size;
    sealed->moov_bytes =
        read_box(sealed, sealed->moov_offset, &sealed->moov, MP4_TYPE('m', 'o', 'o', 'v'));
    uint64_t mdat_offset = sealed->moov_offset + sealed->moov.size;
    return sealed->moov_bytes && read_header(sealed, mdat_offset, &mdat) &&
           mdat.type == MP4_TYPE('m', 'd', 'a', 't') && mdat.header_bytes == MDAT_HEADER_BYTES &&
           mdat_offset + mdat.size == sealed->size &&
           find_init(sealed, mdat_offset + MDAT_HEADER_BYTES);
}

/* The one sample table of a moov in memory. */
static bool find_stbl(struct mp4_box *box, const uint8_t *moov, size_t size)
{
    static const uint32_t path[] = {MP4_TYPE('t', 'r', 'a', 'k'), MP4_TYPE('m', 'd', 'i', 'a'),
                                    MP4_TYPE('m', 'i', 'n', 'f'), MP4_TYPE('s', 't', 'b', 'l')};
    const uint8_t *next = moov;
    bool found = mp4_box_next(box, &next, moov + size);
    for (size_t i = 0; found && i < sizeof(path) / sizeof(path[0]); i++)
        found = mp4_box_find(box, box, path[i]);
    return found;
}

/* Key frames that last equally long, each a chunk of its own. */
static bool load_samples(struct mp4_table *table, const struct sealed *sealed)
{
    struct mp4_box stbl, sizes, places, times;
    if (!find_stbl(&stbl, sealed->moov_bytes, (size_t)sealed->moov.size) ||
        !mp4_box_find(&sizes, &stbl, MP4_TYPE('s', 't', 's', 'z')) ||
        !mp4_box_find(&times, &stbl, MP4_TYPE('s', 't', 't', 's')))
        return false;
    bool is_long = mp4_box_find(&places, &stbl, MP4_TYPE('c', 'o', '6', '4'));
    if (!is_long && !mp4_box_find(&places, &stbl, MP4_TYPE('s', 't', 'c', 'o')))
        return false;
    size_t place_bytes = is_long ? 8 : 4;
    size_t count = sizes.size < 12 ? 0 : (sizes.size - 12) / 4;
    if (count == 0 || places.size < 8 + count * place_bytes || times.size < 16)
        return false;
    uint32_t duration = mp4_u32(times.data + 12);
    uint64_t end = sealed->init_offset + sealed->init.size;
    for (size_t i = 0; i < count; i++) {
        const uint8_t *place = places.data + 8 + i * place_bytes;
        uint64_t offset = is_long ? mp4_u64(place) : mp4_u32(place);
        uint32_t size = mp4_u32(sizes.data + 12 + i * 4);
        if (offset <= end || offset > sealed->size || size > sealed->size - offset ||
            !mp4_table_add_key(table, offset, size, duration))
            return false;
        end = offset + size;
    }
    return true;
}

static bool is_understood(const struct mp4_table *table, const struct sealed *sealed)
{
    struct mp4_buffer moov = {0};
    const struct mp4_track *track = &table->tracks[0];
    const struct mp4_chunk *last =
        (const struct mp4_chunk *)track->chunks.items + track->chunks.count - 1;
    uint32_t last_bytes = ((const uint32_t *)track->sizes.items)[track->sizes.count - 1];
    /* Behind the last frame nothing may be: what follows it would not be found by a repair. */
    bool is_same = last->offset + last_bytes == sealed->size &&
                   mp4_table_write_moov(table, &moov) && moov.size == sealed->moov.size &&
                   memcmp(moov.data, sealed->moov_bytes, moov.size) == 0;
    mp4_buffer_uninit(&moov);
    return is_same;
}

int mp4_read_sealed(int fd, struct mp4_part *part, struct mp4_table *table,
                    struct rtsprec_error *error)
{
    struct sealed sealed = {.fd = fd};
    struct stat status;
    *table = (struct mp4_table){0};
    if (fstat(fd, &status) != 0)
        return error_set_errno(error, RTSPREC_ERROR_IO, errno, "cannot be examined");
    sealed.size = (uint64_t)status.st_size;
    bool is_ours = read_sealed(&sealed) &&
                   mp4_table_init(table, sealed.init_bytes, (size_t)sealed.init.size) &&
                   table->track_count == 1 && load_samples(table, &sealed) &&
                   is_understood(table, &sealed);
    *part = (struct mp4_part){
        .room_offset = sealed.moov_offset,
        .room_bytes = sealed.init_offset - sealed.moov_offset,
        .size = sealed.size,
    };
    free(sealed.moov_bytes);
    free(sealed.init_bytes);
    return is_ours ? 0
                   : error_set(error, RTSPREC_ERROR_UNSUPPORTED,
                               "it is no file of key frames that could go on");
}

bool mp4_has_same_samples(const struct mp4_table *a, const struct mp4_table *b)
{
    struct mp4_box one, other;
    const uint32_t stsd = MP4_TYPE('s', 't', 's', 'd');
    return a->track_count == 1 && b->track_count == 1 &&
           a->tracks[0].timescale == b->tracks[0].timescale &&
           find_stbl(&one, a->init, a->init_size) && mp4_box_find(&one, &one, stsd) &&
           find_stbl(&other, b->init, b->init_size) && mp4_box_find(&other, &other, stsd) &&
           one.size == other.size && memcmp(one.data, other.data, one.size) == 0;
}
