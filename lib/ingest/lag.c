#include "ingest/lag.h"

#include <string.h>

bool lag_take(struct lag *lag, int64_t lag_us, int64_t arrival_us)
{
    bool begins = lag->count == 0 || arrival_us - lag->slot_start_us >= LAG_SLOT_US;
    if (begins) {
        memmove(lag->least_us + 1, lag->least_us, (LAG_SLOTS - 1) * sizeof(lag->least_us[0]));
        lag->least_us[0] = lag_us;
        lag->slot_start_us = arrival_us;
        lag->count += lag->count < LAG_SLOTS;
    } else if (lag_us < lag->least_us[0]) {
        lag->least_us[0] = lag_us;
    }
    return begins;
}

int64_t lag_least_us(const struct lag *lag)
{
    int64_t least_us = lag->count > 0 ? lag->least_us[0] : 0;
    for (int i = 1; i < lag->count; i++)
        least_us = lag->least_us[i] < least_us ? lag->least_us[i] : least_us;
    return least_us;
}
