/*
 * Media time -> the wall-clock time at which a frame was taken, as the host's clock has it.
 *
 * A frame is dated by its media time, plus the video's lag (ingest/lag.h), plus what the real-time
 * clock is ahead of the monotonic one now. No frame is dated later than it arrived. A rise of the
 * lag is followed at 500 ppm, or at once when it is so large that the dates would be wrong.
 */
#ifndef INGEST_WALL_CLOCK_H
#define INGEST_WALL_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/lag.h"

struct wall_clock {
    int64_t lag_us;          /* what frames are dated by */
    int64_t clock_offset_us; /* real-time clock minus monotonic clock */
    int64_t adjusted_us;     /* monotonic: when lag_us was last looked at */
};

/* Media time 0 is now. */
void wall_clock_init(struct wall_clock *clock, int64_t arrival_us, int64_t real_us);

/* A packet of the video whose lag went into lag; slot_began is what lag_take() returned. */
void wall_clock_take(struct wall_clock *clock, const struct lag *lag, bool slot_began,
                     int64_t lag_us, int64_t arrival_us, int64_t real_us);

/* Media is missing and the camera's time went on: this packet's lag counts from now on. */
void wall_clock_restart(struct wall_clock *clock, int64_t lag_us);

/* When a packet was taken whose media time, counted on the monotonic clock, is media_us. */
int64_t wall_clock_date(const struct wall_clock *clock, int64_t media_us, int64_t real_us);

#endif
