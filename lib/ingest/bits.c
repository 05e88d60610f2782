#include "ingest/bits.h"

unsigned bits_read_one(struct bits *bits)
{
    if (bits->left == 0) {
        if (bits->next < bits->end && bits->zeros >= 2 && *bits->next == 3) {
            bits->next++;
            bits->zeros = 0;
        }
        if (bits->next >= bits->end) {
            bits->overrun = true;
            return 0;
        }
        bits->byte = *bits->next++;
        bits->zeros = bits->byte == 0 ? bits->zeros + 1 : 0;
        bits->left = 8;
    }
    bits->left--;
    return (bits->byte >> bits->left) & 1u;
}

uint32_t bits_read(struct bits *bits, int count)
{
    uint32_t value = 0;
    while (count-- > 0)
        value = value << 1 | bits_read_one(bits);
    return value;
}

void bits_skip(struct bits *bits, int count)
{
    while (count-- > 0)
        bits_read_one(bits);
}

uint32_t bits_read_ue(struct bits *bits)
{
    int zeros = 0;
    while (zeros < 32 && !bits->overrun && !bits_read_one(bits))
        zeros++;
    if (zeros == 0)
        return 0;
    if (zeros == 32 || bits->overrun) {
        bits->overrun = true;
        return 0;
    }
    return (UINT32_C(1) << zeros) - 1 + bits_read(bits, zeros);
}

int32_t bits_read_se(struct bits *bits)
{
    uint32_t code = bits_read_ue(bits);
    int32_t half = (int32_t)(code / 2);
    return code & 1 ? half + 1 : -half;
}

void bits_skip_ue(struct bits *bits, int count)
{
    while (count-- > 0)
        bits_read_ue(bits);
}
