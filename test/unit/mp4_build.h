/* Writes boxes of fragmented files by hand, for values that no muxer here writes. */
#ifndef MP4_BUILD_H
#define MP4_BUILD_H

#include "unit.h"

#include "segment/mp4_table.h"

#define BOX(name) MP4_TYPE((name)[0], (name)[1], (name)[2], (name)[3])

#define NOT_KEY 0x01010000u
#define KEY     0x02000000u

struct build_track {
    uint32_t id, timescale;
    const char *handler, *format;
};

static inline void put_zeros(struct mp4_buffer *out, size_t count)
{
    for (; count > 0; count--)
        mp4_put(out, "", 1);
}

static inline void build_trak(struct mp4_buffer *out, const struct build_track *track)
{
    size_t trak = mp4_box_begin(out, BOX("trak"));
    size_t box = mp4_box_begin(out, BOX("tkhd"));
    put_zeros(out, 12);
    mp4_put_u32(out, track->id);
    put_zeros(out, 68);
    mp4_box_end(out, box);
    size_t mdia = mp4_box_begin(out, BOX("mdia"));
    box = mp4_box_begin(out, BOX("mdhd"));
    put_zeros(out, 12);
    mp4_put_u32(out, track->timescale);
    mp4_put_u32(out, 0);
    mp4_put_u32(out, 0x55c40000);
    mp4_box_end(out, box);
    box = mp4_box_begin(out, BOX("hdlr"));
    put_zeros(out, 8);
    mp4_put(out, track->handler, 4);
    put_zeros(out, 13);
    mp4_box_end(out, box);
    size_t minf = mp4_box_begin(out, BOX("minf"));
    size_t stbl = mp4_box_begin(out, BOX("stbl"));
    box = mp4_box_begin(out, BOX("stsd"));
    mp4_put_u32(out, 0);
    mp4_put_u32(out, 1);
    size_t entry = mp4_box_begin(out, BOX(track->format));
    put_zeros(out, 70);
    mp4_box_end(out, entry);
    mp4_box_end(out, box);
    mp4_box_end(out, stbl);
    mp4_box_end(out, minf);
    mp4_box_end(out, mdia);
    mp4_box_end(out, trak);
}

/* The moov of a fragmented file; its movie timescale is 1000. */
static inline void build_moov(struct mp4_buffer *out, const struct build_track *tracks, int count)
{
    size_t moov = mp4_box_begin(out, BOX("moov"));
    size_t box = mp4_box_begin(out, BOX("mvhd"));
    put_zeros(out, 12);
    mp4_put_u32(out, 1000);
    put_zeros(out, 84);
    mp4_box_end(out, box);
    for (int i = 0; i < count; i++)
        build_trak(out, &tracks[i]);
    size_t mvex = mp4_box_begin(out, BOX("mvex"));
    for (int i = 0; i < count; i++) {
        box = mp4_box_begin(out, BOX("trex"));
        mp4_put_u32(out, 0);
        mp4_put_u32(out, tracks[i].id);
        mp4_put_u32(out, 1);
        put_zeros(out, 12);
        mp4_box_end(out, box);
    }
    mp4_box_end(out, mvex);
    mp4_box_end(out, moov);
}

struct build_sample {
    uint32_t duration, size, flags;
    int32_t offset;
};

/* A track's part of a moof; data_at: of its first sample, from the moof's beginning. */
struct build_run {
    uint32_t id;
    int32_t data_at;
    uint64_t dts;
    const struct build_sample *samples;
    int count;
};

static inline void build_moof(struct mp4_buffer *out, const struct build_run *runs, int count)
{
    size_t moof = mp4_box_begin(out, BOX("moof"));
    for (int i = 0; i < count; i++) {
        size_t traf = mp4_box_begin(out, BOX("traf"));
        size_t box = mp4_box_begin(out, BOX("tfhd"));
        mp4_put_u32(out, 0x020000); /* offsets count from the moof */
        mp4_put_u32(out, runs[i].id);
        mp4_box_end(out, box);
        box = mp4_box_begin(out, BOX("tfdt"));
        mp4_put_u32(out, 0x01000000);
        mp4_put_u64(out, runs[i].dts);
        mp4_box_end(out, box);
        box = mp4_box_begin(out, BOX("trun"));
        mp4_put_u32(out, 0x01000f01);
        mp4_put_u32(out, (uint32_t)runs[i].count);
        mp4_put_u32(out, (uint32_t)runs[i].data_at);
        for (int k = 0; k < runs[i].count; k++) {
            const struct build_sample *sample = &runs[i].samples[k];
            mp4_put_u32(out, sample->duration);
            mp4_put_u32(out, sample->size);
            mp4_put_u32(out, sample->flags);
            mp4_put_u32(out, (uint32_t)sample->offset);
        }
        mp4_box_end(out, box);
        mp4_box_end(out, traf);
    }
    mp4_box_end(out, moof);
}

/* The box at a path like "trak/mdia/mdhd" below a box; index counts equal first names. */
static inline struct mp4_box box_at(const struct mp4_box *parent, const char *path, int index)
{
    const uint8_t *next = parent->data;
    struct mp4_box box;
    while (mp4_box_next(&box, &next, parent->data + parent->size)) {
        if (box.type == BOX(path) && index-- == 0)
            return path[4] ? box_at(&box, path + 5, 0) : box;
    }
    return (struct mp4_box){0};
}

#endif
