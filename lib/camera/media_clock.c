#include "camera/media_clock.h"

#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"

#define NEAR_US (US_PER_SECOND / 2)

void media_clock_set(struct media_clock *clock, int64_t media_us, int64_t wall_us)
{
    clock->moments[clock->next].media_us = media_us;
    clock->moments[clock->next].wall_us = wall_us;
    clock->next = (clock->next + 1) % MEDIA_CLOCK_MOMENTS;
    clock->count += clock->count < MEDIA_CLOCK_MOMENTS;
}

int64_t media_clock_wall_us(const struct media_clock *clock, int64_t media_us)
{
    assert(clock->count > 0);
    int64_t best_us = INT64_MAX, ahead_us = 0;
    for (int i = 0; i < clock->count; i++) {
        int64_t at_us = clock->moments[i].media_us;
        int64_t ahead_here_us = clock->moments[i].wall_us - at_us;
        int64_t distance_us = llabs(at_us - media_us);
        if (distance_us <= NEAR_US)
            distance_us = 0; /* all alike */
        if (distance_us < best_us || (distance_us == best_us && ahead_here_us > ahead_us)) {
            best_us = distance_us;
            ahead_us = ahead_here_us;
        }
    }
    return media_us + ahead_us;
}
