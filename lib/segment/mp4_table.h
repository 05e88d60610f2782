/*
 * The sample tables of a fragmented mp4: where each frame lies, how long it lasts, whether it is a
 * key frame. Gathered fragment by fragment, while they are written or when a torn file is read
 * again, and then written as the one moov that a closed file has.
 *
 * What comes in may be damaged: every size and count is bounded by what is there.
 */
#ifndef SEGMENT_MP4_TABLE_H
#define SEGMENT_MP4_TABLE_H

#include "segment/mp4_box.h"

#define MP4_MAX_TRACKS 8

/* Equal values in a row: a fixed frame rate needs one of them, however long the file. */
struct mp4_run {
    uint32_t count;
    int32_t value;
};

struct mp4_array {
    void *items; /* owned */
    size_t count, capacity;
};

struct mp4_chunk {
    uint64_t offset; /* in the file */
    uint32_t samples;
};

struct mp4_track {
    uint32_t id, timescale;
    uint32_t handler;                                       /* 'vide', 'soun' */
    uint32_t format;                                        /* 'avc1', 'hvc1', 'mp4a', … */
    uint32_t default_duration, default_size, default_flags; /* trex */

    struct mp4_array sizes;     /* uint32_t, a sample each */
    struct mp4_array durations; /* struct mp4_run; all but the last sample's */
    struct mp4_array offsets;   /* struct mp4_run of composition offsets, may be negative */
    struct mp4_array keys;      /* uint32_t, numbers of the key frames from 1 */
    struct mp4_array chunks;    /* struct mp4_chunk */

    int64_t first_dts, last_dts; /* ticks of timescale */
    uint32_t last_duration;
    int32_t least_offset;
    int64_t shown_until; /* when the last sample in presentation order ends */
};

struct mp4_table {
    uint8_t *init; /* owned: the moov box of the fragmented file */
    size_t init_size;
    struct mp4_track tracks[MP4_MAX_TRACKS];
    int track_count;
    bool failed; /* no memory: the table is incomplete */
};

/* Takes a copy of the whole moov box that precedes the fragments. False when it is not understood
 * or there is no memory; the table needs mp4_table_uninit() in any case. */
bool mp4_table_init(struct mp4_table *table, const uint8_t *moov, size_t size);
void mp4_table_uninit(struct mp4_table *table);

/* Whether a sample can be trusted to be what was written; see struct mp4_fragment. */
typedef bool mp4_sample_check(void *user, const struct mp4_track *track, uint64_t offset,
                              uint32_t size);

/* A moof box in memory. */
struct mp4_fragment {
    const uint8_t *moof;
    size_t size;
    uint64_t offset;         /* of the box in the file */
    uint64_t data_end;       /* samples lie before this offset of the file */
    mp4_sample_check *check; /* NULL: all are trusted */
    void *user;
};

/*
 * Adds the samples of a fragment.
 *
 * True when all were added. False when the box is damaged, a sample goes beyond data_end or the
 * check refuses it: those of its track before it were added, and the file is not to be read
 * further.
 */
bool mp4_table_add(struct mp4_table *table, const struct mp4_fragment *fragment);

/* Adds a key frame, a chunk of its own behind those that are there, to the first track. False when
 * there is no memory or it has no byte. */
bool mp4_table_add_key(struct mp4_table *table, uint64_t offset, uint32_t size, uint32_t duration);

/* Samples of all tracks. */
size_t mp4_table_samples(const struct mp4_table *table);

/* Appends the moov of a plain mp4. False when there is no memory or there are no samples. */
bool mp4_table_write_moov(const struct mp4_table *table, struct mp4_buffer *out);

#endif
