#include "camera/sound_hold.h"

#include <string.h>

static void remove_at(struct sound_hold *hold, int at)
{
    hold->count--;
    memmove(&hold->items[at], &hold->items[at + 1],
            (size_t)(hold->count - at) * sizeof(hold->items[0]));
    memmove(&hold->pts_us[at], &hold->pts_us[at + 1],
            (size_t)(hold->count - at) * sizeof(hold->pts_us[0]));
}

void sound_hold_add(struct sound_hold *hold, struct queue_item *item, int64_t pts_us)
{
    if (hold->count == SOUND_HOLD_MAX) {
        queue_item_uninit(&hold->items[0]);
        remove_at(hold, 0);
    }
    hold->items[hold->count] = *item;
    hold->pts_us[hold->count++] = pts_us;
    *item = (struct queue_item){0};
}

int sound_hold_take(struct sound_hold *hold, int64_t until_us, struct queue_item *item)
{
    for (int i = 0; i < hold->count; i++) {
        if (hold->pts_us[i] > until_us)
            continue;
        *item = hold->items[i];
        remove_at(hold, i);
        return 1;
    }
    return 0;
}

void sound_hold_clear(struct sound_hold *hold)
{
    for (int i = 0; i < hold->count; i++)
        queue_item_uninit(&hold->items[i]);
    hold->count = 0;
}
