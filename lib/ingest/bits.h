/* Reads bits of a NAL unit, jumping over emulation prevention bytes; zeros behind the end. Pure. */
#ifndef INGEST_BITS_H
#define INGEST_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* Begins as {.next = ..., .end = ...}. */
struct bits {
    const uint8_t *next, *end;
    int zeros; /* zero bytes read just before next */
    int left;  /* bits of byte not yet read */
    uint8_t byte;
    bool overrun; /* more was read than there is, or a number was too large */
};

unsigned bits_read_one(struct bits *bits);
uint32_t bits_read(struct bits *bits, int count);
void bits_skip(struct bits *bits, int count);

/* Exp-Golomb codes: ue(v) and se(v). */
uint32_t bits_read_ue(struct bits *bits);
int32_t bits_read_se(struct bits *bits);
void bits_skip_ue(struct bits *bits, int count);

#endif
