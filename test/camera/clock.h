/*
 * The two clocks, in microseconds.
 */
#ifndef CAMERA_CLOCK_H
#define CAMERA_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_read_us(clockid_t id)
{
    struct timespec now = {0};

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/** Only ever goes forward; its zero means nothing. */
static inline int64_t clock_monotonic_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}

/** Since 1970-01-01 UTC. */
static inline int64_t clock_unix_us(void)
{
    return clock_read_us(CLOCK_REALTIME);
}

#endif
