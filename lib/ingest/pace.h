/*
 * When each packet of a medium that could be read faster than it plays is to be handed on: a file
 * runs in real time, a burst of a live stream is spread out. Pure: the time is an argument.
 */
#ifndef INGEST_PACE_H
#define INGEST_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct pace {
    int ahead_ppm; /* how much faster than the medium's clock it runs */

    bool started;
    int64_t anchor_media_us, anchor_us; /* the medium's time, and the monotonic one it is due at */
    int64_t last_media_us;
};

/*
 * ahead_ppm: 0 keeps real time; a live stream is given more than its sender's clock may be fast, so
 * that what waits to be read never grows.
 */
void pace_init(struct pace *pace, int ahead_ppm);

/*
 * When a packet with this time (its dts) is due, on the monotonic clock; now_us when it need not
 * wait. After a jump of the medium's times, or when it is later than half a second, the times that
 * follow are counted from this packet.
 */
int64_t pace_due_us(struct pace *pace, int64_t media_us, int64_t now_us);

#endif
