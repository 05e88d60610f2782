#include "segment/timelapse_pick.h"

#include "base/clock.h"

void timelapse_pick_init(struct timelapse_pick *pick, int64_t every_us)
{
    *pick = (struct timelapse_pick){.every_us = every_us};
}

/* Multiples of the interval up to this local time, of all days. */
static int64_t multiples(int64_t every_us, int64_t local_us)
{
    int64_t day = floor_div(local_us, US_PER_DAY);
    int64_t per_day = (US_PER_DAY + every_us - 1) / every_us;
    return day * per_day + (local_us - day * US_PER_DAY) / every_us;
}

bool timelapse_pick_take(struct timelapse_pick *pick, int64_t wall_us, int64_t utc_offset_us)
{
    int64_t every_us = pick->every_us, last_us = pick->last_us;
    bool is_back = pick->has_last && wall_us <= last_us;
    if (is_back && last_us - wall_us < every_us)
        return false;
    bool is_first = !pick->has_last || is_back;
    pick->has_last = true;
    pick->last_us = wall_us;
    /* Both by the present offset: what is between them is the time that has passed. */
    return is_first || multiples(every_us, last_us + utc_offset_us) !=
                           multiples(every_us, wall_us + utc_offset_us);
}
