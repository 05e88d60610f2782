/*
 * A constant frame rate out of frames that come when they come: at each place on a grid of times
 * the frame is shown that is nearest. Those between are dropped, and the frame before is shown
 * again where none came. Pure.
 */
#ifndef TRANSFORM_FRAME_GRID_H
#define TRANSFORM_FRAME_GRID_H

#include <stdbool.h>
#include <stdint.h>

#include <libavutil/rational.h>

struct frame_grid {
    AVRational frame_rate;
    bool has_begun;
    int64_t origin_us; /* the time of place 0: that of the first frame */
    int64_t next;      /* the first place that is still free */
    int64_t last_us;   /* of the last frame */
    int64_t apart_us;  /* what frames are apart, smoothed; at most what places are */
};

void frame_grid_init(struct frame_grid *grid, AVRational frame_rate);

/*
 * Places a frame: false when there is no room for it. Else *place is where it goes, and *repeats
 * how often the frame before it is to be shown right before it. A pause of more than a second is a
 * pause: nothing is repeated.
 */
bool frame_grid_place(struct frame_grid *grid, int64_t pts_us, int64_t *place, int *repeats);

/* The time of a place. */
int64_t frame_grid_time_us(const struct frame_grid *grid, int64_t place);

#endif
