#include "transform/frame_grid.h"

#include <libavutil/mathematics.h>

#include "base/clock.h"

static const AVRational us_base = {1, US_PER_SECOND};

void frame_grid_init(struct frame_grid *grid, AVRational frame_rate)
{
    *grid = (struct frame_grid){.frame_rate = frame_rate};
}

int64_t frame_grid_time_us(const struct frame_grid *grid, int64_t place)
{
    return grid->origin_us + av_rescale_q(place, av_inv_q(grid->frame_rate), us_base);
}

bool frame_grid_place(struct frame_grid *grid, int64_t pts_us, int64_t *place, int *repeats)
{
    *repeats = 0;
    if (!grid->has_begun) {
        grid->has_begun = true;
        grid->origin_us = pts_us;
    }
    *place = av_rescale_q(pts_us - grid->origin_us, us_base, av_inv_q(grid->frame_rate));
    if (*place < grid->next)
        return false;
    if (frame_grid_time_us(grid, *place) - frame_grid_time_us(grid, grid->next) <= US_PER_SECOND)
        *repeats = grid->next > 0 ? (int)(*place - grid->next) : 0;
    grid->next = *place + 1;
    return true;
}
