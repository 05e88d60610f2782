#include "base/backoff.h"

void backoff_init(struct backoff *backoff, int64_t min_us, int64_t max_us, int growth_percent,
                  uint64_t seed)
{
    *backoff = (struct backoff){
        .min_us = min_us,
        .max_us = max_us,
        .next_us = min_us,
        .growth_percent = growth_percent,
        .random = seed ? seed : 1,
    };
}

int64_t backoff_next(struct backoff *backoff)
{
    /* xorshift64: cameras that vanish together must not come back in one moment, no more. */
    backoff->random ^= backoff->random << 13;
    backoff->random ^= backoff->random >> 7;
    backoff->random ^= backoff->random << 17;

    int64_t base_us = backoff->next_us;
    int64_t grown_us = base_us * backoff->growth_percent / 100;
    backoff->next_us = grown_us < backoff->max_us ? grown_us : backoff->max_us;

    int64_t jitter_us = (int64_t)(backoff->random % (uint64_t)(base_us / 4 + 1));
    /* Below the value, but above the shortest: the first pause of many cameras has to differ, too.
     */
    int64_t pause_us = base_us - jitter_us;
    return pause_us >= backoff->min_us ? pause_us : backoff->min_us + jitter_us;
}

void backoff_reset(struct backoff *backoff)
{
    backoff->next_us = backoff->min_us;
}
