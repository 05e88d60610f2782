/*
 * How fast a connection takes bytes when a fault slows it down.
 */
#ifndef CAMERA_PACE_H
#define CAMERA_PACE_H

#include <stddef.h>
#include <stdint.h>

/** {0} is a connection of which nothing was sent yet. */
struct pace {
    int64_t at_us;  /**< until then bytes were counted */
    double allowed; /**< bytes that may go out at that time */
};

/**
 * The bytes that may go out now.
 *
 * @param bytes_per_s  the pace
 * @param burst        bytes that may go out at once
 */
size_t pace_allows(struct pace *pace, double bytes_per_s, size_t burst, int64_t now_us);

/** So many went out. */
void pace_spend(struct pace *pace, size_t bytes);

/** When a burst may go out again. */
int64_t pace_next_us(const struct pace *pace, double bytes_per_s, size_t burst);

#endif
