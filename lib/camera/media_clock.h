/*
 * The wall-clock time of any moment of a run, from that of the packets around it. Pure. A packet
 * that came before its time, as reordered ones do, is dated no later than it came: of packets near
 * each other the latest date is right.
 */
#ifndef CAMERA_MEDIA_CLOCK_H
#define CAMERA_MEDIA_CLOCK_H

#include <stdint.h>

/* More frames than a decoder and an encoder hold back together. */
#define MEDIA_CLOCK_MOMENTS 256

/* Zeroed, it knows nothing. */
struct media_clock {
    struct {
        int64_t media_us, wall_us;
    } moments[MEDIA_CLOCK_MOMENTS]; /* a ring */
    int count, next;
};

void media_clock_set(struct media_clock *clock, int64_t media_us, int64_t wall_us);

/* By what is known of half a second around it, else by the moment next to it. At least one has to
 * be known. */
int64_t media_clock_wall_us(const struct media_clock *clock, int64_t media_us);

#endif
