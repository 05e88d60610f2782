#include "transform/frame_grid.h"

#include <libavutil/mathematics.h>

#include "base/clock.h"

#define SMOOTHING 8 /* frames */

static const AVRational us_base = {1, US_PER_SECOND};

void frame_grid_init(struct frame_grid *grid, AVRational frame_rate)
{
    *grid = (struct frame_grid){.frame_rate = frame_rate};
}

int64_t frame_grid_time_us(const struct frame_grid *grid, int64_t place)
{
    return grid->origin_us + av_rescale_q(place, av_inv_q(grid->frame_rate), us_base);
}

static void note_distance(struct frame_grid *grid, int64_t pts_us)
{
    int64_t most_us = av_rescale_q(1, av_inv_q(grid->frame_rate), us_base);
    int64_t apart_us = pts_us - grid->last_us;
    if (apart_us > most_us || !grid->has_begun)
        apart_us = most_us;
    if (apart_us > 0)
        grid->apart_us += (apart_us - grid->apart_us) / (grid->next > 1 ? SMOOTHING : 1);
    grid->last_us = pts_us;
}

bool frame_grid_place(struct frame_grid *grid, int64_t pts_us, int64_t *place, int *repeats)
{
    *repeats = 0;
    note_distance(grid, pts_us);
    if (!grid->has_begun) {
        grid->has_begun = true;
        grid->origin_us = pts_us;
    }
    /* The next frame is nearer to a place that is further ahead than half of what they are apart.
     */
    *place = av_rescale_q_rnd(pts_us - grid->origin_us + (grid->apart_us + 1) / 2, us_base,
                              av_inv_q(grid->frame_rate), AV_ROUND_DOWN);
    if (*place < grid->next)
        return false;
    if (frame_grid_time_us(grid, *place) - frame_grid_time_us(grid, grid->next) <= US_PER_SECOND)
        *repeats = grid->next > 0 ? (int)(*place - grid->next) : 0;
    grid->next = *place + 1;
    return true;
}
