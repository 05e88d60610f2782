#include "flood.h"

#include <stdio.h>
#include <string.h>

enum { BUSY_BYTES = 65536, FRAME_BYTES = 1000 };

uint32_t flood_random(uint64_t *state)
{
    uint64_t x = *state; /* xorshift64* */

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return (uint32_t)((x * UINT64_C(0x2545F4914F6CDD1D)) >> 32);
}

static void fill_random(uint8_t *data, size_t size, uint64_t seed)
{
    uint64_t state = seed + 1;

    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)flood_random(&state);
}

/* The next piece. Returns its size. */
static size_t make_piece(const struct flood *flood, uint8_t *out, size_t size)
{
    switch (flood->kind) {
    case FLOOD_HEADERS:
        return (size_t)snprintf((char *)out, size, "X-Filler-%llu: %060d\r\n",
                                (unsigned long long)flood->made, 0);
    case FLOOD_BODY:
        return (size_t)snprintf((char *)out, size, "a=x-filler:%0100d\r\n", 0);
    case FLOOD_FRAMES:
        fill_random(out, 4 + FRAME_BYTES, flood->made);
        memcpy(out, (const uint8_t[]){'$', 0, FRAME_BYTES >> 8, FRAME_BYTES & 0xff}, 4);
        return 4 + FRAME_BYTES;
    case FLOOD_JUNK:
        fill_random(out, FRAME_BYTES, flood->made);
        return FRAME_BYTES;
    case FLOOD_LINE:
    default:
        memset(out, 'x', FRAME_BYTES);
        return FRAME_BYTES;
    }
}

int flood_fill(struct flood *flood, struct outbox *outbox)
{
    uint8_t piece[4 + FRAME_BYTES];

    while (flood->kind != FLOOD_NONE && outbox_size(outbox) < BUSY_BYTES) {
        size_t size = make_piece(flood, piece, sizeof(piece));
        if (size > flood->left)
            size = (size_t)flood->left;
        if (outbox_append(outbox, piece, size) < 0)
            return -1;
        flood->made += size;
        if (flood->left != FLOOD_WITHOUT_END && (flood->left -= size) == 0)
            flood->kind = FLOOD_NONE;
    }
    return 0;
}
