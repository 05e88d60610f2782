/*
 * How fast bytes are written at most: the fastest tenth of a minute of the last minute. Pure.
 */
#ifndef KEEPER_RATE_H
#define KEEPER_RATE_H

#include <stdint.h>

#define RATE_SLOTS 6

struct rate {
    int64_t begin_us, begin_bytes;  /* of the present slot */
    int64_t now_us, now_bytes;      /* last told */
    int64_t per_second[RATE_SLOTS]; /* of those before, a ring */
    int next;
};

/* The clock is monotonic; total_bytes only grows. */
void rate_init(struct rate *rate, int64_t now_us, int64_t total_bytes);
void rate_tell(struct rate *rate, int64_t now_us, int64_t total_bytes);

/* Bytes a second. */
int64_t rate_peak(const struct rate *rate);

#endif
