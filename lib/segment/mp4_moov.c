/*
 * The moov of a plain mp4 from a fragmented one's moov and the tables gathered since: everything
 * that describes the tracks is copied, what says how long and where is written anew.
 */
#include <string.h>

#include "segment/mp4_table.h"

#define MOVIE_TIMESCALE_FALLBACK 1000

/* Ticks of one timescale in another, rounded to the nearest. */
static int64_t rescale(int64_t value, uint32_t from, uint32_t to)
{
    bool negative = value < 0;
    uint64_t size = (uint64_t)(negative ? -value : value);
    uint64_t result = size / from * to + (size % from * to + from / 2) / from;
    return negative ? -(int64_t)result : (int64_t)result;
}

/* Ticks of the media, from the first sample's dts to the last one's end. */
static int64_t media_duration(const struct mp4_track *track)
{
    return track->last_dts - track->first_dts + track->last_duration;
}

/*
 * Composition offsets are written without a sign, all moved up by the least one; the edit list
 * takes that back. So the presentation time of the first media tick is first_dts + least_offset.
 */
static int64_t presentation_start(const struct mp4_track *track)
{
    return track->first_dts + track->least_offset;
}

/* Not what the durations add up to: of reordered pictures some that the last one waits for may be
 * missing at the end of a file. */
static int64_t presentation_end(const struct mp4_track *track, uint32_t timescale)
{
    return rescale(track->shown_until, track->timescale, timescale);
}

static void copy_box(struct mp4_buffer *out, const struct mp4_box *box)
{
    mp4_put(out, box->start, (size_t)(box->data - box->start) + box->size);
}

/* Copies mvhd or tkhd with another duration, which lies at 16 (version 0, 32 bits) or 24 plus
 * extra. */
static void copy_with_duration(struct mp4_buffer *out, const struct mp4_box *box, size_t extra,
                               uint64_t duration)
{
    size_t place = out->size + (size_t)(box->data - box->start);
    bool is_long = box->size > 0 && box->data[0] == 1;
    size_t at = (is_long ? 24 : 16) + extra;
    copy_box(out, box);
    if (at + (is_long ? 8 : 4) > box->size)
        return;
    if (is_long)
        mp4_patch_u64(out, place + at, duration);
    else
        mp4_patch_u32(out, place + at, duration > UINT32_MAX ? UINT32_MAX : (uint32_t)duration);
}

static void put_edit(struct mp4_buffer *out, int64_t duration, int64_t media_time)
{
    mp4_put_u64(out, (uint64_t)duration);
    mp4_put_u64(out, (uint64_t)media_time);
    mp4_put_u32(out, 0x00010000); /* rate 1 */
}

static void put_edts(struct mp4_buffer *out, const struct mp4_track *track, uint32_t timescale)
{
    int64_t start = presentation_start(track);
    if (start == 0)
        return;
    int64_t hidden = start < 0 ? -start : 0; /* media before time 0 */
    size_t edts = mp4_box_begin(out, MP4_TYPE('e', 'd', 't', 's'));
    size_t elst = mp4_box_begin(out, MP4_TYPE('e', 'l', 's', 't'));
    mp4_put_u32(out, 0x01000000); /* version 1: 64 bits */
    mp4_put_u32(out, start > 0 ? 2 : 1);
    if (start > 0)
        put_edit(out, rescale(start, track->timescale, timescale), -1);
    int64_t shown = track->shown_until - (start > 0 ? start : 0);
    put_edit(out, rescale(shown, track->timescale, timescale), hidden);
    mp4_box_end(out, elst);
    mp4_box_end(out, edts);
}

/* Only the first of its kind was looked at before: there may be a second, of any size. */
static void put_mdhd(struct mp4_buffer *out, const struct mp4_track *track,
                     const struct mp4_box *mdhd)
{
    if (mdhd->size < 24)
        return;
    bool is_long = mdhd->data[0] == 1;
    size_t times = is_long ? 16 : 8, tail = is_long ? 32 : 20;
    size_t box = mp4_box_begin(out, mdhd->type);
    mp4_put_u32(out, 0x01000000);
    for (size_t i = 0; i < 2; i++) /* creation and modification */
        mp4_put_u64(out,
                    is_long ? mp4_u64(mdhd->data + 4 + i * 8) : mp4_u32(mdhd->data + 4 + i * 4));
    mp4_put(out, mdhd->data + 4 + times, 4);
    mp4_put_u64(out, (uint64_t)media_duration(track));
    if (mdhd->size >= tail + 4)
        mp4_put(out, mdhd->data + tail, 4); /* language */
    else
        mp4_put_u32(out, 0);
    mp4_box_end(out, box);
}

static void put_stts(struct mp4_buffer *out, const struct mp4_track *track)
{
    const struct mp4_run *runs = track->durations.items;
    size_t count = track->durations.count;
    size_t box = mp4_box_begin(out, MP4_TYPE('s', 't', 't', 's'));
    mp4_put_u32(out, 0);
    mp4_put_u32(out, (uint32_t)count + 1);
    for (size_t i = 0; i < count; i++) {
        mp4_put_u32(out, runs[i].count);
        mp4_put_u32(out, (uint32_t)runs[i].value);
    }
    mp4_put_u32(out, 1);
    mp4_put_u32(out, track->last_duration);
    mp4_box_end(out, box);
}

static void put_ctts(struct mp4_buffer *out, const struct mp4_track *track)
{
    const struct mp4_run *runs = track->offsets.items;
    if (track->offsets.count == 1 && runs[0].value == 0)
        return;
    size_t box = mp4_box_begin(out, MP4_TYPE('c', 't', 't', 's'));
    mp4_put_u32(out, 0);
    mp4_put_u32(out, (uint32_t)track->offsets.count);
    for (size_t i = 0; i < track->offsets.count; i++) {
        mp4_put_u32(out, runs[i].count);
        mp4_put_u32(out, (uint32_t)runs[i].value - (uint32_t)track->least_offset);
    }
    mp4_box_end(out, box);
}

static void put_u32_table(struct mp4_buffer *out, uint32_t type, const struct mp4_array *array)
{
    const uint32_t *items = array->items;
    size_t box = mp4_box_begin(out, type);
    mp4_put_u32(out, 0);
    if (type == MP4_TYPE('s', 't', 's', 'z'))
        mp4_put_u32(out, 0); /* no common size */
    mp4_put_u32(out, (uint32_t)array->count);
    for (size_t i = 0; i < array->count; i++)
        mp4_put_u32(out, items[i]);
    mp4_box_end(out, box);
}

/* Chunks of equally many samples in a row are one entry. */
static void put_stsc(struct mp4_buffer *out, const struct mp4_track *track)
{
    const struct mp4_chunk *chunks = track->chunks.items;
    size_t box = mp4_box_begin(out, MP4_TYPE('s', 't', 's', 'c'));
    mp4_put_u32(out, 0);
    size_t count_place = out->size;
    uint32_t entries = 0;
    mp4_put_u32(out, 0);
    for (size_t i = 0; i < track->chunks.count; i++) {
        if (i > 0 && chunks[i].samples == chunks[i - 1].samples)
            continue;
        mp4_put_u32(out, (uint32_t)i + 1);
        mp4_put_u32(out, chunks[i].samples);
        mp4_put_u32(out, 1); /* the only sample description */
        entries++;
    }
    mp4_patch_u32(out, count_place, entries);
    mp4_box_end(out, box);
}

static void put_chunk_offsets(struct mp4_buffer *out, const struct mp4_track *track)
{
    const struct mp4_chunk *chunks = track->chunks.items;
    bool is_long = chunks[track->chunks.count - 1].offset > UINT32_MAX;
    size_t box =
        mp4_box_begin(out, is_long ? MP4_TYPE('c', 'o', '6', '4') : MP4_TYPE('s', 't', 'c', 'o'));
    mp4_put_u32(out, 0);
    mp4_put_u32(out, (uint32_t)track->chunks.count);
    for (size_t i = 0; i < track->chunks.count; i++) {
        if (is_long)
            mp4_put_u64(out, chunks[i].offset);
        else
            mp4_put_u32(out, (uint32_t)chunks[i].offset);
    }
    mp4_box_end(out, box);
}

static void put_stbl(struct mp4_buffer *out, const struct mp4_track *track,
                     const struct mp4_box *stbl)
{
    struct mp4_box stsd;
    size_t box = mp4_box_begin(out, stbl->type);
    if (mp4_box_find(&stsd, stbl, MP4_TYPE('s', 't', 's', 'd')))
        copy_box(out, &stsd);
    put_stts(out, track);
    put_ctts(out, track);
    if (track->keys.count < track->sizes.count)
        put_u32_table(out, MP4_TYPE('s', 't', 's', 's'), &track->keys);
    put_stsc(out, track);
    put_u32_table(out, MP4_TYPE('s', 't', 's', 'z'), &track->sizes);
    put_chunk_offsets(out, track);
    mp4_box_end(out, box);
}

/* mdia and minf: containers of which one child is written anew. */
static void put_container(struct mp4_buffer *out, const struct mp4_track *track,
                          const struct mp4_box *parent)
{
    size_t place = mp4_box_begin(out, parent->type);
    const uint8_t *next = parent->data;
    struct mp4_box box;
    while (mp4_box_next(&box, &next, parent->data + parent->size)) {
        switch (box.type) {
        case MP4_TYPE('m', 'd', 'h', 'd'):
            put_mdhd(out, track, &box);
            break;
        case MP4_TYPE('m', 'i', 'n', 'f'):
            put_container(out, track, &box);
            break;
        case MP4_TYPE('s', 't', 'b', 'l'):
            put_stbl(out, track, &box);
            break;
        default:
            copy_box(out, &box);
        }
    }
    mp4_box_end(out, place);
}

static void put_trak(struct mp4_buffer *out, const struct mp4_track *track,
                     const struct mp4_box *trak, uint32_t timescale)
{
    size_t place = mp4_box_begin(out, trak->type);
    const uint8_t *next = trak->data;
    struct mp4_box box;
    while (mp4_box_next(&box, &next, trak->data + trak->size)) {
        switch (box.type) {
        case MP4_TYPE('t', 'k', 'h', 'd'):
            /* Its duration lies behind the track's id and a reserved word. */
            copy_with_duration(out, &box, 4, (uint64_t)presentation_end(track, timescale));
            put_edts(out, track, timescale);
            break;
        case MP4_TYPE('e', 'd', 't', 's'):
            break;
        case MP4_TYPE('m', 'd', 'i', 'a'):
            put_container(out, track, &box);
            break;
        default:
            copy_box(out, &box);
        }
    }
    mp4_box_end(out, place);
}

static uint32_t movie_timescale(const struct mp4_box *moov)
{
    struct mp4_box mvhd;
    if (!mp4_box_find(&mvhd, moov, MP4_TYPE('m', 'v', 'h', 'd')) || mvhd.size < 24)
        return MOVIE_TIMESCALE_FALLBACK;
    uint32_t timescale = mp4_u32(mvhd.data + (mvhd.data[0] == 1 ? 20 : 12));
    return timescale ? timescale : MOVIE_TIMESCALE_FALLBACK;
}

bool mp4_table_write_moov(const struct mp4_table *table, struct mp4_buffer *out)
{
    if (table->failed || mp4_table_samples(table) == 0)
        return false;
    struct mp4_box moov, box;
    const uint8_t *next = table->init;
    mp4_box_next(&moov, &next, table->init + table->init_size);
    uint32_t timescale = movie_timescale(&moov);
    int64_t longest = 0;
    for (int i = 0; i < table->track_count; i++) {
        const struct mp4_track *track = &table->tracks[i];
        int64_t end = track->sizes.count ? presentation_end(track, timescale) : 0;
        longest = end > longest ? end : longest;
    }

    size_t place = mp4_box_begin(out, moov.type);
    int index = 0;
    for (next = moov.data; mp4_box_next(&box, &next, moov.data + moov.size);) {
        if (box.type == MP4_TYPE('m', 'v', 'h', 'd')) {
            copy_with_duration(out, &box, 0, (uint64_t)longest);
        } else if (box.type == MP4_TYPE('t', 'r', 'a', 'k')) {
            const struct mp4_track *track = &table->tracks[index++];
            if (track->sizes.count > 0)
                put_trak(out, track, &box, timescale);
        } else if (box.type != MP4_TYPE('m', 'v', 'e', 'x')) {
            copy_box(out, &box);
        }
    }
    mp4_box_end(out, place);
    return !out->failed;
}
