#include "transform/frame_rate.h"

#include "base/clock.h"

#define NEAR 0.02

bool frame_rate_take(struct frame_rate *rate, int64_t dts_us)
{
    if (!rate->has_begun) {
        rate->has_begun = true;
        rate->first_us = dts_us;
        return false;
    }
    rate->frames++;
    int64_t passed_us = dts_us - rate->first_us;
    if (rate->fps == 0 && passed_us >= US_PER_SECOND) {
        double fps = rate->frames * (double)US_PER_SECOND / (double)passed_us;
        double whole = (double)(int64_t)(fps + 0.5);
        bool is_near = fps >= whole * (1 - NEAR) && fps <= whole * (1 + NEAR);
        rate->fps = is_near ? whole : fps;
    }
    return rate->fps > 0;
}
