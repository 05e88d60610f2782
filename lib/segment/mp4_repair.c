/* Reads the tables of a torn file from its fragments. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "segment/mp4_seal.h"

/* A fragment of 500 ms has a moof of a few hundred bytes; the moov of a fragmented file some
 * thousand. */
#define MAX_BOX_BYTES (4 * 1024 * 1024)

/*
 * After a power cut a file can be longer than what was written to it. Frames of the last fragments
 * are therefore looked at; 128 of half a second are more than the 30 s that a kernel keeps data
 * back.
 */
#define CHECKED_FRAGMENTS 128

/* An Opus packet may be padded; nothing else that an mp4 holds ends with a zero byte. */
#define ZEROS_OF_OPUS 64

struct scan {
    int fd;
    const atomic_bool *stop; /* NULL: nobody does */
    struct mp4_part part;
    struct mp4_table table;
    bool is_sealed;
    uint64_t *moofs; /* owned: offsets of the fragments */
    size_t moof_count, moof_capacity;
    uint64_t data_end;    /* where the last sample that was added ends */
    uint64_t content_end; /* behind it are only zeros */
};

/* The header of the box at offset; false when there is none or it goes beyond the file. */
static bool read_header(const struct scan *scan, uint64_t offset, struct mp4_header *header)
{
    uint8_t bytes[16];
    ssize_t count = file_read_at(scan->fd, bytes, sizeof(bytes), (int64_t)offset);
    return count > 0 && mp4_header_parse(header, bytes, (size_t)count);
}

/* A whole box in memory, to be freed; NULL when it is not whole. */
static uint8_t *read_box(const struct scan *scan, uint64_t offset, const struct mp4_header *header)
{
    if (header->size > MAX_BOX_BYTES || header->size > scan->part.size - offset)
        return NULL;
    uint8_t *box = malloc((size_t)header->size);
    if (box && file_read_at(scan->fd, box, (size_t)header->size, (int64_t)offset) !=
                   (ssize_t)header->size) {
        free(box);
        return NULL;
    }
    return box;
}

static bool add_moof_offset(struct scan *scan, uint64_t offset)
{
    if (scan->moof_count == scan->moof_capacity) {
        size_t capacity = scan->moof_capacity ? 2 * scan->moof_capacity : 256;
        uint64_t *moofs = realloc(scan->moofs, capacity * sizeof(*moofs));
        if (!moofs)
            return false;
        scan->moofs = moofs;
        scan->moof_capacity = capacity;
    }
    scan->moofs[scan->moof_count++] = offset;
    return true;
}

/* [moov][mdat to the end] or [mdat][moov to the end]: complete but for the name. */
static bool is_sealed(const struct scan *scan, uint64_t offset, const struct mp4_header *first)
{
    bool moov_first = first->type == MP4_TYPE('m', 'o', 'o', 'v');
    struct mp4_header second;
    if (!moov_first && first->type != MP4_TYPE('m', 'd', 'a', 't'))
        return false;
    if (first->size >= scan->part.size - offset ||
        !read_header(scan, offset + first->size, &second))
        return false;
    uint32_t expected = moov_first ? MP4_TYPE('m', 'd', 'a', 't') : MP4_TYPE('m', 'o', 'o', 'v');
    return second.type == expected && second.size == scan->part.size - offset - first->size;
}

/* ftyp, the head room and the moov; *offset is moved behind them. */
static bool scan_head(struct scan *scan, uint64_t *offset)
{
    struct mp4_header header;
    if (!read_header(scan, *offset, &header) || header.type != MP4_TYPE('f', 't', 'y', 'p') ||
        header.size > MAX_BOX_BYTES)
        return false;
    *offset += header.size;
    if (!read_header(scan, *offset, &header))
        return false;
    if (is_sealed(scan, *offset, &header)) {
        scan->is_sealed = true;
        return true;
    }
    if (header.type != MP4_TYPE('f', 'r', 'e', 'e') || header.header_bytes != 8)
        return false;
    scan->part.room_offset = *offset;
    scan->part.room_bytes = header.size;
    *offset += header.size;
    if (!read_header(scan, *offset, &header) || header.type != MP4_TYPE('m', 'o', 'o', 'v'))
        return false;
    uint8_t *moov = read_box(scan, *offset, &header);
    bool understood = moov && mp4_table_init(&scan->table, moov, (size_t)header.size);
    free(moov);
    *offset += header.size;
    return understood;
}

static bool is_stopped(const struct scan *scan)
{
    return scan->stop && atomic_load_explicit(scan->stop, memory_order_relaxed);
}

/* Finds the fragments whose moof is whole. */
static void scan_moofs(struct scan *scan, uint64_t offset)
{
    struct mp4_header header;
    while (offset < scan->part.size && !is_stopped(scan) && read_header(scan, offset, &header)) {
        if (header.type == MP4_TYPE('m', 'o', 'o', 'f')) {
            if (header.size > scan->part.size - offset || !add_moof_offset(scan, offset))
                return;
        } else if (header.type != MP4_TYPE('m', 'd', 'a', 't')) {
            return;
        }
        if (header.size > scan->part.size - offset)
            return;
        offset += header.size;
    }
}

/*
 * A sample that reaches into the zeros at the end of the file is torn. An H.264 or H.265 one is a
 * chain of NAL units, each behind its length in 4 bytes.
 */
static bool check_sample(void *user, const struct mp4_track *track, uint64_t offset, uint32_t size)
{
    const struct scan *scan = user;
    int zeros = track->format == MP4_TYPE('O', 'p', 'u', 's') ? ZEROS_OF_OPUS : 0;
    if (offset + size > scan->content_end + (uint64_t)zeros)
        return false;
    if (track->format != MP4_TYPE('a', 'v', 'c', '1') &&
        track->format != MP4_TYPE('h', 'v', 'c', '1'))
        return true;
    while (size >= 4) {
        uint8_t bytes[5] = {0};
        if (file_read_at(scan->fd, bytes, sizeof(bytes), (int64_t)offset) < 4)
            return false;
        uint32_t length = mp4_u32(bytes);
        /* No NAL unit begins with a zero byte and is empty; a run of zeros is no chain. */
        if (length == 0 || length > size - 4)
            return false;
        offset += 4 + (uint64_t)length;
        size -= 4 + length;
    }
    return size == 0;
}

static void note_data_end(struct scan *scan)
{
    for (int i = 0; i < scan->table.track_count; i++) {
        const struct mp4_track *track = &scan->table.tracks[i];
        if (track->chunks.count == 0)
            continue;
        const struct mp4_chunk *chunk =
            (const struct mp4_chunk *)track->chunks.items + track->chunks.count - 1;
        const uint32_t *sizes = track->sizes.items;
        uint64_t end = chunk->offset;
        for (size_t k = track->sizes.count - chunk->samples; k < track->sizes.count; k++)
            end += sizes[k];
        scan->data_end = end > scan->data_end ? end : scan->data_end;
    }
}

static void read_fragments(struct scan *scan)
{
    bool whole = true;
    for (size_t i = 0; i < scan->moof_count && whole && !is_stopped(scan); i++) {
        struct mp4_header header, data;
        uint64_t offset = scan->moofs[i];
        if (!read_header(scan, offset, &header) ||
            !read_header(scan, offset + header.size, &data) ||
            data.type != MP4_TYPE('m', 'd', 'a', 't'))
            return;
        uint64_t left = scan->part.size - offset - header.size;
        uint8_t *moof = read_box(scan, offset, &header);
        if (!moof)
            return;
        struct mp4_fragment fragment = {
            .moof = moof,
            .size = (size_t)header.size,
            .offset = offset,
            .data_end = offset + header.size + (data.size < left ? data.size : left),
            .check = i + CHECKED_FRAGMENTS >= scan->moof_count ? check_sample : NULL,
            .user = scan,
        };
        whole = mp4_table_add(&scan->table, &fragment);
        free(moof);
    }
}

static int64_t video_frames(const struct mp4_table *table)
{
    int64_t frames = 0;
    for (int i = 0; i < table->track_count; i++) {
        if (table->tracks[i].handler == MP4_TYPE('v', 'i', 'd', 'e'))
            frames += (int64_t)table->tracks[i].sizes.count;
    }
    return frames;
}

/* The file that was scanned becomes a sealed one, as far as it goes. */
static int seal_scanned(struct scan *scan, uint64_t begin, struct mp4_repaired *repaired,
                        struct rtsprec_error *error)
{
    size_t moov_bytes;
    if (is_stopped(scan))
        return error_set(error, RTSPREC_ERROR_STOPPED, "stopped");
    note_data_end(scan);
    repaired->frames = video_frames(&scan->table);
    repaired->lost_bytes = scan->part.size - (scan->data_end ? scan->data_end : begin);
    repaired->is_empty = repaired->frames == 0;
    if (repaired->is_empty)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "no whole frame is in it");
    return mp4_seal(scan->fd, &scan->part, &scan->table, &moov_bytes, error);
}

int mp4_repair(int fd, const atomic_bool *stop, struct mp4_repaired *repaired,
               struct rtsprec_error *error)
{
    *repaired = (struct mp4_repaired){0};
    struct scan scan = {.fd = fd, .stop = stop};
    struct stat status;
    int err = 0;
    if (fstat(fd, &status) != 0)
        return error_set_errno(error, RTSPREC_ERROR_IO, errno, "cannot be examined");
    scan.part.size = (uint64_t)status.st_size;
    scan.content_end = (uint64_t)file_content_end(fd, status.st_size);

    uint64_t offset = 0;
    if (!scan_head(&scan, &offset)) {
        err = error_set(error, RTSPREC_ERROR_UNSUPPORTED,
                        status.st_size == 0 ? "the file is empty"
                                            : "the beginning of the file is not that of a segment");
    } else if (scan.is_sealed) {
        repaired->was_sealed = true;
    } else {
        scan_moofs(&scan, offset);
        read_fragments(&scan);
        err = seal_scanned(&scan, offset, repaired, error);
    }
    mp4_table_uninit(&scan.table);
    free(scan.moofs);
    return err;
}
