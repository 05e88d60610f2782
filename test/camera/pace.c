#include "pace.h"

size_t pace_allows(struct pace *pace, double bytes_per_s, size_t burst, int64_t now_us)
{
    if (pace->at_us == 0)
        pace->allowed = (double)burst;
    else
        pace->allowed += bytes_per_s * (double)(now_us - pace->at_us) / 1e6;
    if (pace->allowed > (double)burst)
        pace->allowed = (double)burst;
    pace->at_us = now_us;
    return pace->allowed >= 1 ? (size_t)pace->allowed : 0;
}

void pace_spend(struct pace *pace, size_t bytes)
{
    pace->allowed -= (double)bytes;
}

int64_t pace_next_us(const struct pace *pace, double bytes_per_s, size_t burst)
{
    return pace->at_us + (int64_t)(((double)burst - pace->allowed) / bytes_per_s * 1e6) + 1;
}
