#include "segment/splitter.h"

#include "base/clock.h"

void splitter_init(struct splitter *splitter, int64_t segment_us)
{
    *splitter = (struct splitter){.segment_us = segment_us};
}

/* The interval that a moment lies in: a number, different for all of them, and how much of it has
 * passed. */
static int64_t slot_of(int64_t segment_us, int64_t local_us, int64_t *passed_us)
{
    int64_t day = floor_div(local_us, US_PER_DAY);
    int64_t of_day_us = local_us - day * US_PER_DAY;
    int64_t slots_per_day = (US_PER_DAY + segment_us - 1) / segment_us;
    *passed_us = of_day_us % segment_us;
    return day * slots_per_day + of_day_us / segment_us;
}

enum split splitter_decide(struct splitter *splitter, const struct split_packet *packet)
{
    if (packet->is_video && packet->is_key) {
        int64_t passed_us;
        int64_t slot =
            slot_of(splitter->segment_us, packet->wall_us + packet->utc_offset_us, &passed_us);
        /* The same interval can begin anew: in the hour that comes twice. */
        bool has_begun = packet->wall_us - passed_us > splitter->last_key_wall_us;
        splitter->last_key_wall_us = packet->wall_us;
        if (splitter->has_current && slot == splitter->slot && !has_begun)
            return SPLIT_CURRENT;
        splitter->has_earlier = splitter->has_current;
        splitter->has_current = true;
        splitter->start_us = packet->pts_us;
        splitter->slot = slot;
        return SPLIT_CUT;
    }
    if (!splitter->has_current)
        return SPLIT_DROP;
    if (packet->is_video || packet->pts_us >= splitter->start_us)
        return SPLIT_CURRENT;
    return splitter->has_earlier ? SPLIT_EARLIER : SPLIT_DROP;
}

void splitter_reset(struct splitter *splitter)
{
    splitter->has_current = splitter->has_earlier = false;
}

void splitter_close_earlier(struct splitter *splitter)
{
    splitter->has_earlier = false;
}
