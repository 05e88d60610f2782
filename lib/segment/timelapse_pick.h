/*
 * Which key frames a timelapse takes: the first at or after each multiple of an interval, counted
 * from local midnight. A pure decision.
 */
#ifndef SEGMENT_TIMELAPSE_PICK_H
#define SEGMENT_TIMELAPSE_PICK_H

#include <stdbool.h>
#include <stdint.h>

struct timelapse_pick {
    int64_t every_us;
    bool has_last;
    int64_t last_us; /* wall-clock time of the latest frame that was judged */
};

void timelapse_pick_init(struct timelapse_pick *pick, int64_t every_us);

/*
 * Whether to take the key frame of this wall-clock time; utc_offset_us: what local time is ahead of
 * UTC then. To be called for each; the first is taken.
 *
 * A time that local clocks jump over has no frame, and of an hour that they repeat both have
 * theirs. Of a wall clock that was set back by less than the interval no time is taken twice; set
 * back further, it begins anew.
 */
bool timelapse_pick_take(struct timelapse_pick *pick, int64_t wall_us, int64_t utc_offset_us);

#endif
