/*
 * How many frames a second a camera sends: measured, as what parameter sets say of it is often not
 * true. Pure.
 */
#ifndef TRANSFORM_FRAME_RATE_H
#define TRANSFORM_FRAME_RATE_H

#include <stdbool.h>
#include <stdint.h>

/* Zeroed, it has seen nothing. */
struct frame_rate {
    bool has_begun;
    int64_t first_us;
    int frames; /* since the first */
    double fps; /* 0: not yet known */
};

/* Takes the media time of the next frame, in the order of decoding. Returns whether the rate is
 * known, as it is after a second: to the whole number when it is as near as 2 %. */
bool frame_rate_take(struct frame_rate *rate, int64_t dts_us);

#endif
