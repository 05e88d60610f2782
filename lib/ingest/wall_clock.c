#include "ingest/wall_clock.h"

/* Half of what names may be wrong by: with a network's delay they stay within it. */
#define STEP_US 50000

/* Below this, two readings of two clocks differ by what happened between them, or by NTP. */
#define CLOCK_SET_US 50000

void wall_clock_init(struct wall_clock *clock, int64_t arrival_us, int64_t real_us)
{
    *clock = (struct wall_clock){
        .clock_offset_us = real_us - arrival_us,
        .adjusted_us = arrival_us,
    };
}

static void follow_host(struct wall_clock *clock, int64_t offset_us)
{
    int64_t change_us = offset_us - clock->clock_offset_us;
    bool is_set = change_us > CLOCK_SET_US || change_us < -CLOCK_SET_US;
    clock->clock_offset_us += is_set ? change_us : change_us / 16;
}

void wall_clock_take(struct wall_clock *clock, const struct lag *lag, bool slot_began,
                     int64_t lag_us, int64_t arrival_us, int64_t real_us)
{
    follow_host(clock, real_us - arrival_us);
    if (lag_us < clock->lag_us)
        clock->lag_us = lag_us;
    if (!slot_began)
        return;
    int64_t rise_us = lag_least_us(lag) - clock->lag_us;
    int64_t most_us = (arrival_us - clock->adjusted_us) / 2000;
    clock->adjusted_us = arrival_us;
    if (rise_us > 0)
        clock->lag_us += rise_us < most_us || rise_us > STEP_US ? rise_us : most_us;
}

void wall_clock_restart(struct wall_clock *clock, int64_t lag_us)
{
    clock->lag_us = lag_us;
}

int64_t wall_clock_date(const struct wall_clock *clock, int64_t media_us, int64_t real_us)
{
    int64_t date_us = media_us + clock->lag_us + clock->clock_offset_us;
    return date_us < real_us ? date_us : real_us;
}
