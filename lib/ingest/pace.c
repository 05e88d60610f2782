#include "ingest/pace.h"

#include "base/clock.h"

/* Longer than the pictures of the slowest camera are apart. */
#define JUMP_US (10 * US_PER_SECOND)

/* Lateness of a thread that was woken late is no reason to run late from then on. */
#define LATE_US (US_PER_SECOND / 2)

void pace_init(struct pace *pace, int ahead_ppm)
{
    *pace = (struct pace){.ahead_ppm = ahead_ppm};
}

static int64_t anchor(struct pace *pace, int64_t media_us, int64_t now_us)
{
    pace->started = true;
    pace->anchor_media_us = media_us;
    pace->anchor_us = now_us;
    return now_us;
}

int64_t pace_due_us(struct pace *pace, int64_t media_us, int64_t now_us)
{
    int64_t step_us;
    bool is_jump = __builtin_sub_overflow(media_us, pace->last_media_us, &step_us) ||
                   step_us > JUMP_US || step_us < -JUMP_US;
    pace->last_media_us = media_us;
    if (!pace->started || is_jump)
        return anchor(pace, media_us, now_us);
    int64_t passed_us = media_us - pace->anchor_media_us;
    int64_t due_us = pace->anchor_us + passed_us - passed_us / 1000000 * pace->ahead_ppm;
    if (now_us - due_us > LATE_US)
        return anchor(pace, media_us, now_us);
    return due_us > now_us ? due_us : now_us;
}
