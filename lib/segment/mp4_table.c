#include "segment/mp4_table.h"

#include <stdlib.h>
#include <string.h>

/* tfhd */
#define HAS_BASE_OFFSET      0x000001u
#define HAS_DESCRIPTION      0x000002u
#define HAS_DEFAULT_DURATION 0x000008u
#define HAS_DEFAULT_SIZE     0x000010u
#define HAS_DEFAULT_FLAGS    0x000020u
/* trun */
#define HAS_DATA_OFFSET 0x000001u
#define HAS_FIRST_FLAGS 0x000004u
#define HAS_DURATION    0x000100u
#define HAS_SIZE        0x000200u
#define HAS_FLAGS       0x000400u
#define HAS_OFFSET      0x000800u
/* sample flags */
#define IS_NOT_KEY 0x010000u

/* Reads fields in order; zeros behind the end. */
struct fields {
    const uint8_t *next, *end;
    bool overrun;
};

static struct fields fields_of(const struct mp4_box *box)
{
    return (struct fields){box->data, box->data + box->size, false};
}

static uint32_t take_u32(struct fields *fields)
{
    if (fields->end - fields->next < 4) {
        fields->overrun = true;
        return 0;
    }
    fields->next += 4;
    return mp4_u32(fields->next - 4);
}

static uint64_t take_u64(struct fields *fields)
{
    uint64_t high = take_u32(fields);
    return high << 32 | take_u32(fields);
}

/* A new last item of item_size bytes, NULL when there is no memory. */
static void *append(struct mp4_table *table, struct mp4_array *array, size_t item_size)
{
    if (array->count == array->capacity) {
        size_t capacity = array->capacity ? array->capacity + array->capacity / 2 : 64;
        void *items = realloc(array->items, capacity * item_size);
        if (!items) {
            table->failed = true;
            return NULL;
        }
        array->items = items;
        array->capacity = capacity;
    }
    return (char *)array->items + item_size * array->count++;
}

static void append_u32(struct mp4_table *table, struct mp4_array *array, uint32_t value)
{
    uint32_t *item = append(table, array, sizeof(*item));
    if (item)
        *item = value;
}

static void append_run(struct mp4_table *table, struct mp4_array *array, int32_t value)
{
    struct mp4_run *runs = array->items;
    if (array->count > 0 && runs[array->count - 1].value == value) {
        runs[array->count - 1].count++;
        return;
    }
    struct mp4_run *run = append(table, array, sizeof(*run));
    if (run)
        *run = (struct mp4_run){1, value};
}

static struct mp4_track *track_by_id(struct mp4_table *table, uint32_t id)
{
    for (int i = 0; i < table->track_count; i++) {
        if (table->tracks[i].id == id)
            return &table->tracks[i];
    }
    return NULL;
}

static bool add_track(struct mp4_table *table, const struct mp4_box *trak)
{
    struct mp4_box tkhd, mdia, mdhd, hdlr, stsd;
    if (table->track_count == MP4_MAX_TRACKS ||
        !mp4_box_find(&tkhd, trak, MP4_TYPE('t', 'k', 'h', 'd')) ||
        !mp4_box_find(&mdia, trak, MP4_TYPE('m', 'd', 'i', 'a')) ||
        !mp4_box_find(&mdhd, &mdia, MP4_TYPE('m', 'd', 'h', 'd')) ||
        !mp4_box_find(&hdlr, &mdia, MP4_TYPE('h', 'd', 'l', 'r')) ||
        !mp4_box_find(&stsd, &mdia, MP4_TYPE('m', 'i', 'n', 'f')) ||
        !mp4_box_find(&stsd, &stsd, MP4_TYPE('s', 't', 'b', 'l')) ||
        !mp4_box_find(&stsd, &stsd, MP4_TYPE('s', 't', 's', 'd')) || tkhd.size < 24 ||
        mdhd.size < 24 || hdlr.size < 12 || stsd.size < 16)
        return false;
    /* Behind version and flags: two times of 4 or 8 bytes. */
    struct mp4_track *track = &table->tracks[table->track_count++];
    track->id = mp4_u32(tkhd.data + (tkhd.data[0] == 1 ? 20 : 12));
    track->timescale = mp4_u32(mdhd.data + (mdhd.data[0] == 1 ? 20 : 12));
    track->handler = mp4_u32(hdlr.data + 8);
    track->format = mp4_u32(stsd.data + 12);
    return track->timescale > 0;
}

static void take_defaults(struct mp4_table *table, const struct mp4_box *mvex)
{
    const uint8_t *next = mvex->data, *end = next + mvex->size;
    struct mp4_box box;
    while (mp4_box_next(&box, &next, end)) {
        if (box.type != MP4_TYPE('t', 'r', 'e', 'x'))
            continue;
        struct fields fields = fields_of(&box);
        take_u32(&fields);
        struct mp4_track *track = track_by_id(table, take_u32(&fields));
        take_u32(&fields);
        if (!track)
            continue;
        track->default_duration = take_u32(&fields);
        track->default_size = take_u32(&fields);
        track->default_flags = take_u32(&fields);
    }
}

bool mp4_table_init(struct mp4_table *table, const uint8_t *moov, size_t size)
{
    *table = (struct mp4_table){.init = malloc(size ? size : 1), .init_size = size};
    if (!table->init)
        return false;
    memcpy(table->init, moov, size);

    struct mp4_box box, child;
    const uint8_t *next = table->init;
    if (!mp4_box_next(&box, &next, table->init + size) || box.type != MP4_TYPE('m', 'o', 'o', 'v'))
        return false;
    const uint8_t *end = box.data + box.size;
    for (next = box.data; mp4_box_next(&child, &next, end);) {
        if (child.type == MP4_TYPE('t', 'r', 'a', 'k') && !add_track(table, &child))
            return false;
    }
    if (mp4_box_find(&child, &box, MP4_TYPE('m', 'v', 'e', 'x')))
        take_defaults(table, &child);
    return table->track_count > 0;
}

void mp4_table_uninit(struct mp4_table *table)
{
    for (int i = 0; i < table->track_count; i++) {
        struct mp4_track *track = &table->tracks[i];
        free(track->sizes.items);
        free(track->durations.items);
        free(track->offsets.items);
        free(track->keys.items);
        free(track->chunks.items);
    }
    free(table->init);
    *table = (struct mp4_table){0};
}

struct sample {
    int64_t dts;
    uint32_t duration, size, flags;
    int32_t offset;
};

/* False when its time is not behind the one before: then the file is damaged. */
static bool add_sample(struct mp4_table *table, struct mp4_track *track,
                       const struct sample *sample)
{
    if (track->sizes.count == 0) {
        track->first_dts = sample->dts;
    } else {
        int64_t step = sample->dts - track->last_dts;
        if (step <= 0 || step > INT32_MAX)
            return false;
        append_run(table, &track->durations, (int32_t)step);
    }
    append_u32(table, &track->sizes, sample->size);
    append_run(table, &track->offsets, sample->offset);
    if (!(sample->flags & IS_NOT_KEY))
        append_u32(table, &track->keys, (uint32_t)track->sizes.count);
    if (sample->offset < track->least_offset)
        track->least_offset = sample->offset;
    int64_t shown_until = sample->dts + sample->offset + sample->duration;
    if (track->sizes.count == 1 || shown_until > track->shown_until)
        track->shown_until = shown_until;
    track->last_dts = sample->dts;
    track->last_duration = sample->duration;
    return !table->failed;
}

/* What a tfhd and a tfdt say of the runs that follow them. */
struct track_fragment {
    const struct mp4_fragment *fragment;
    struct mp4_track *track;
    uint64_t base;
    uint32_t duration, size, flags;
    int64_t dts;
};

/* Whether a sample lies where it can be and is what was written. A sample without a byte would let
 * a small box stand for millions. */
static bool is_whole(const struct track_fragment *track, uint64_t offset, uint32_t size)
{
    const struct mp4_fragment *fragment = track->fragment;
    return size > 0 && offset <= fragment->data_end && size <= fragment->data_end - offset &&
           (!fragment->check || fragment->check(fragment->user, track->track, offset, size));
}

/*
 * Adds a trun's samples; *end is where its data ends, which is where the next one's begins, or
 * before that: samples that share bytes would let a small file stand for endless tables.
 */
static bool add_trun(struct mp4_table *table, struct track_fragment *fragment,
                     const struct mp4_box *trun, uint64_t *end)
{
    struct fields fields = fields_of(trun);
    uint32_t version_flags = take_u32(&fields), flags = version_flags & 0xffffff;
    uint32_t count = take_u32(&fields);
    uint64_t offset = *end;
    if (flags & HAS_DATA_OFFSET)
        offset = fragment->base + (uint64_t)(int64_t)(int32_t)take_u32(&fields);
    uint32_t first_flags = flags & HAS_FIRST_FLAGS ? take_u32(&fields) : 0;
    uint64_t start = offset;

    uint32_t added = 0;
    bool whole = !fields.overrun && offset >= *end;
    for (; whole && added < count; added++) {
        struct sample sample = {.dts = fragment->dts};
        sample.duration = flags & HAS_DURATION ? take_u32(&fields) : fragment->duration;
        sample.size = flags & HAS_SIZE ? take_u32(&fields) : fragment->size;
        sample.flags = flags & HAS_FLAGS                       ? take_u32(&fields)
                       : flags & HAS_FIRST_FLAGS && added == 0 ? first_flags
                                                               : fragment->flags;
        sample.offset = flags & HAS_OFFSET ? (int32_t)take_u32(&fields) : 0;
        whole = !fields.overrun && is_whole(fragment, offset, sample.size) &&
                add_sample(table, fragment->track, &sample);
        if (!whole)
            break;
        offset += sample.size;
        fragment->dts += sample.duration;
    }
    if (added > 0) {
        struct mp4_chunk *chunk = append(table, &fragment->track->chunks, sizeof(*chunk));
        if (chunk)
            *chunk = (struct mp4_chunk){start, added};
    }
    *end = offset;
    return whole && !table->failed;
}

static bool read_tfhd(struct mp4_table *table, struct track_fragment *fragment,
                      const struct mp4_box *tfhd)
{
    struct fields fields = fields_of(tfhd);
    uint32_t flags = take_u32(&fields) & 0xffffff;
    fragment->track = track_by_id(table, take_u32(&fields));
    if (!fragment->track || fields.overrun)
        return false;
    fragment->base = flags & HAS_BASE_OFFSET ? take_u64(&fields) : fragment->fragment->offset;
    if (flags & HAS_DESCRIPTION)
        take_u32(&fields);
    const struct mp4_track *track = fragment->track;
    fragment->duration = flags & HAS_DEFAULT_DURATION ? take_u32(&fields) : track->default_duration;
    fragment->size = flags & HAS_DEFAULT_SIZE ? take_u32(&fields) : track->default_size;
    fragment->flags = flags & HAS_DEFAULT_FLAGS ? take_u32(&fields) : track->default_flags;
    /* Without a tfdt it goes on where the last one ended. */
    fragment->dts = track->sizes.count ? track->last_dts + track->last_duration : 0;
    return !fields.overrun;
}

static bool add_traf(struct mp4_table *table, const struct mp4_fragment *whole,
                     const struct mp4_box *traf, uint64_t *end)
{
    struct mp4_box box;
    struct track_fragment fragment = {.fragment = whole};
    if (!mp4_box_find(&box, traf, MP4_TYPE('t', 'f', 'h', 'd')) ||
        !read_tfhd(table, &fragment, &box))
        return false;
    if (mp4_box_find(&box, traf, MP4_TYPE('t', 'f', 'd', 't'))) {
        struct fields fields = fields_of(&box);
        bool is_long = take_u32(&fields) >> 24 == 1;
        uint64_t dts = is_long ? take_u64(&fields) : take_u32(&fields);
        if (fields.overrun || dts > INT64_MAX / 4)
            return false;
        fragment.dts = (int64_t)dts;
    }
    const uint8_t *next = traf->data;
    while (mp4_box_next(&box, &next, traf->data + traf->size)) {
        if (box.type == MP4_TYPE('t', 'r', 'u', 'n') && !add_trun(table, &fragment, &box, end))
            return false;
    }
    return true;
}

bool mp4_table_add(struct mp4_table *table, const struct mp4_fragment *fragment)
{
    struct mp4_box box, child;
    const uint8_t *next = fragment->moof;
    if (!mp4_box_next(&box, &next, next + fragment->size) ||
        box.type != MP4_TYPE('m', 'o', 'o', 'f'))
        return false;
    uint64_t end = fragment->offset + fragment->size;
    bool whole = true;
    for (next = box.data; mp4_box_next(&child, &next, box.data + box.size);) {
        /* Also behind a torn track: the data of the tracks do not lie in the order of time. */
        if (child.type == MP4_TYPE('t', 'r', 'a', 'f'))
            whole &= add_traf(table, fragment, &child, &end);
    }
    return whole;
}

bool mp4_table_add_key(struct mp4_table *table, uint64_t offset, uint32_t size, uint32_t duration)
{
    struct mp4_track *track = &table->tracks[0];
    struct sample sample = {
        .dts = track->sizes.count ? track->last_dts + track->last_duration : 0,
        .duration = duration,
        .size = size,
    };
    if (size == 0 || !add_sample(table, track, &sample))
        return false;
    struct mp4_chunk *chunk = append(table, &track->chunks, sizeof(*chunk));
    if (chunk)
        *chunk = (struct mp4_chunk){offset, 1};
    return chunk != NULL;
}

size_t mp4_table_samples(const struct mp4_table *table)
{
    size_t samples = 0;
    for (int i = 0; i < table->track_count; i++)
        samples += table->tracks[i].sizes.count;
    return samples;
}
