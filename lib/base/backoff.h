/* How long to wait before the next attempt: exponential, with jitter. Pure but for its state. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

struct backoff {
    int64_t min_us, max_us;
    int64_t next_us; /* the next pause before jitter */
    int growth_percent;
    uint64_t random; /* state of the jitter, never 0 */
};

/*
 * growth_percent: what each pause is of the one before; 125 lets a camera that was away for ten
 * seconds be tried every 2.5 s, which keeps "recorded again within 3 s" for a camera that reboots.
 */
void backoff_init(struct backoff *backoff, int64_t min_us, int64_t max_us, int growth_percent,
                  uint64_t seed);

/* The pause to take now: in [3/4, 1] of the exponential value, for the shortest in [1, 5/4]. */
int64_t backoff_next(struct backoff *backoff);

/* After a success: begin anew. */
void backoff_reset(struct backoff *backoff);

#endif
