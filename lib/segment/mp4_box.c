#include "segment/mp4_box.h"

#include <stdlib.h>
#include <string.h>

bool mp4_header_parse(struct mp4_header *header, const uint8_t *data, size_t size)
{
    if (size < 8)
        return false;
    *header = (struct mp4_header){mp4_u32(data + 4), mp4_u32(data), 8};
    if (header->size == 1) {
        if (size < 16)
            return false;
        header->size = mp4_u64(data + 8);
        header->header_bytes = 16;
    }
    return header->size >= (uint64_t)header->header_bytes && header->size <= INT64_MAX;
}

bool mp4_box_next(struct mp4_box *box, const uint8_t **next, const uint8_t *end)
{
    struct mp4_header header;
    size_t left = (size_t)(end - *next);
    if (!mp4_header_parse(&header, *next, left) || header.size > left)
        return false;
    *box = (struct mp4_box){
        .type = header.type,
        .start = *next,
        .data = *next + header.header_bytes,
        .size = (size_t)header.size - (size_t)header.header_bytes,
    };
    *next += header.size;
    return true;
}

bool mp4_box_find(struct mp4_box *child, const struct mp4_box *parent, uint32_t type)
{
    const uint8_t *next = parent->data, *end = next + parent->size;
    struct mp4_box box;
    while (mp4_box_next(&box, &next, end)) {
        if (box.type == type) {
            *child = box;
            return true;
        }
    }
    return false;
}

void mp4_buffer_uninit(struct mp4_buffer *buffer)
{
    free(buffer->data);
    *buffer = (struct mp4_buffer){0};
}

void mp4_put(struct mp4_buffer *buffer, const void *data, size_t size)
{
    if (buffer->failed)
        return;
    if (size > buffer->capacity - buffer->size) {
        size_t capacity = buffer->capacity + size + buffer->capacity / 2 + 256;
        uint8_t *grown = realloc(buffer->data, capacity);
        if (!grown) {
            buffer->failed = true;
            return;
        }
        buffer->data = grown;
        buffer->capacity = capacity;
    }
    if (size > 0)
        memcpy(buffer->data + buffer->size, data, size);
    buffer->size += size;
}

static void store_u32(uint8_t out[4], uint32_t value)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(value >> (24 - 8 * i));
}

void mp4_put_u32(struct mp4_buffer *buffer, uint32_t value)
{
    uint8_t bytes[4];
    store_u32(bytes, value);
    mp4_put(buffer, bytes, sizeof(bytes));
}

void mp4_put_u64(struct mp4_buffer *buffer, uint64_t value)
{
    mp4_put_u32(buffer, (uint32_t)(value >> 32));
    mp4_put_u32(buffer, (uint32_t)value);
}

size_t mp4_box_begin(struct mp4_buffer *buffer, uint32_t type)
{
    size_t place = buffer->size;
    mp4_put_u32(buffer, 0);
    mp4_put_u32(buffer, type);
    return place;
}

void mp4_box_end(struct mp4_buffer *buffer, size_t place)
{
    mp4_patch_u32(buffer, place, (uint32_t)(buffer->size - place));
}

void mp4_patch_u32(struct mp4_buffer *buffer, size_t place, uint32_t value)
{
    if (!buffer->failed)
        store_u32(buffer->data + place, value);
}

void mp4_patch_u64(struct mp4_buffer *buffer, size_t place, uint64_t value)
{
    mp4_patch_u32(buffer, place, (uint32_t)(value >> 32));
    mp4_patch_u32(buffer, place + 4, (uint32_t)value);
}
