/* Boxes of ISO base media files (ISO/IEC 14496-12): reading them in memory, writing them to a
 * buffer. */
#ifndef SEGMENT_MP4_BOX_H
#define SEGMENT_MP4_BOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MP4_TYPE(a, b, c, d) \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

static inline uint32_t mp4_u32(const uint8_t *data)
{
    return MP4_TYPE(data[0], data[1], data[2], data[3]);
}

static inline uint64_t mp4_u64(const uint8_t *data)
{
    return (uint64_t)mp4_u32(data) << 32 | mp4_u32(data + 4);
}

/* The header of a box: 8 bytes, or 16 with a size of 64 bits. */
struct mp4_header {
    uint32_t type;
    uint64_t size;    /* of the whole box */
    int header_bytes; /* 8 or 16 */
};

/*
 * Reads a header from the first bytes of a box (16 are enough; fewer only at the end of the file).
 * False when it is none. A size of 0, "up to the end of the file", is none here: we never write it,
 * and zeros are what a power cut leaves.
 */
bool mp4_header_parse(struct mp4_header *header, const uint8_t *data, size_t size);

/* A box in memory. */
struct mp4_box {
    uint32_t type;
    const uint8_t *start; /* of the header */
    const uint8_t *data;  /* behind the header */
    size_t size;          /* of data */
};

/* Takes the next box off [*next, end) and moves *next behind it; false at the end or when it is
 * torn. */
bool mp4_box_next(struct mp4_box *box, const uint8_t **next, const uint8_t *end);

/* The first child of a type; false when there is none. parent and child may be the same object. */
bool mp4_box_find(struct mp4_box *child, const struct mp4_box *parent, uint32_t type);

/* A buffer that grows. After a failure for lack of memory everything is a no-op and failed stays
 * set. */
struct mp4_buffer {
    uint8_t *data; /* owned */
    size_t size, capacity;
    bool failed;
};

void mp4_buffer_uninit(struct mp4_buffer *buffer);
void mp4_put(struct mp4_buffer *buffer, const void *data, size_t size);
void mp4_put_u32(struct mp4_buffer *buffer, uint32_t value);
void mp4_put_u64(struct mp4_buffer *buffer, uint64_t value);

/* Begins a box and returns its place; mp4_box_end() with it fills in the size. */
size_t mp4_box_begin(struct mp4_buffer *buffer, uint32_t type);
void mp4_box_end(struct mp4_buffer *buffer, size_t place);

/* Overwrites four or eight bytes at a place that was written before. */
void mp4_patch_u32(struct mp4_buffer *buffer, size_t place, uint32_t value);
void mp4_patch_u64(struct mp4_buffer *buffer, size_t place, uint64_t value);

#endif
