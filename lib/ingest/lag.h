/*
 * How late the packets of a track come: arrival minus media time (dts, of reordered frames), of
 * which the least of the latest 8 to 10 s counts. Networks, stalls and reads that gather packets
 * only add to it; the least is what is left of the camera's latency and of the distance of the two
 * clocks. A fall shows with the packet that brings it, a rise when no packet was earlier for that
 * long.
 */
#ifndef INGEST_LAG_H
#define INGEST_LAG_H

#include <stdbool.h>
#include <stdint.h>

#define LAG_SLOT_US INT64_C(2000000)
#define LAG_SLOTS   5

/* {0} knows nothing. */
struct lag {
    int64_t least_us[LAG_SLOTS]; /* the newest slot first */
    int count;                   /* slots with something in them */
    int64_t slot_start_us;       /* of the newest */
};

/* Takes a packet's. Returns whether a slot began with it: every 2 s, or with each packet when these
 * are rarer. */
bool lag_take(struct lag *lag, int64_t lag_us, int64_t arrival_us);

/* The least; 0 when nothing is known. */
int64_t lag_least_us(const struct lag *lag);

#endif
