/*
 * Sound that waits until the picture of its time has been encoded: a cut is where the picture says,
 * and what is beyond it belongs to the next file. Pure.
 */
#ifndef CAMERA_SOUND_HOLD_H
#define CAMERA_SOUND_HOLD_H

#include <stdint.h>

#include "ingest/packet_queue.h"

/* More than any encoder holds back of the picture. */
#define SOUND_HOLD_MAX 512

/* Zeroed, it is empty. */
struct sound_hold {
    struct queue_item items[SOUND_HOLD_MAX]; /* in the order in which they came */
    int64_t pts_us[SOUND_HOLD_MAX];
    int count;
};

/* Takes an item over, which becomes blank; when there is no room the oldest is thrown away. */
void sound_hold_add(struct sound_hold *hold, struct queue_item *item, int64_t pts_us);

/* The next item at or before that time, which is then the caller's: 1, or 0 without one. */
int sound_hold_take(struct sound_hold *hold, int64_t until_us, struct queue_item *item);

void sound_hold_clear(struct sound_hold *hold);

#endif
