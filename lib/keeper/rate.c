#include "keeper/rate.h"

#include "base/clock.h"

#define SLOT_US  (10 * US_PER_SECOND)
#define LEAST_US US_PER_SECOND /* what is shorter says nothing */

void rate_init(struct rate *rate, int64_t now_us, int64_t total_bytes)
{
    *rate = (struct rate){
        .begin_us = now_us,
        .begin_bytes = total_bytes,
        .now_us = now_us,
        .now_bytes = total_bytes,
    };
}

static int64_t of_slot(const struct rate *rate)
{
    int64_t us = rate->now_us - rate->begin_us;
    double bytes = (double)(rate->now_bytes - rate->begin_bytes);
    return us < LEAST_US ? 0 : (int64_t)(bytes * (double)US_PER_SECOND / (double)us);
}

void rate_tell(struct rate *rate, int64_t now_us, int64_t total_bytes)
{
    rate->now_us = now_us;
    rate->now_bytes = total_bytes;
    int64_t us = now_us - rate->begin_us;
    if (us < SLOT_US)
        return;
    /* A longer silence of the one who tells counts as the slots that it lasted. */
    int64_t of_this = of_slot(rate);
    for (int64_t slots = us / SLOT_US; slots > 0 && slots > us / SLOT_US - RATE_SLOTS; slots--) {
        rate->per_second[rate->next] = of_this;
        rate->next = (rate->next + 1) % RATE_SLOTS;
    }
    rate->begin_us = now_us;
    rate->begin_bytes = total_bytes;
}

int64_t rate_peak(const struct rate *rate)
{
    int64_t peak = of_slot(rate);
    for (int i = 0; i < RATE_SLOTS; i++)
        peak = rate->per_second[i] > peak ? rate->per_second[i] : peak;
    return peak;
}
