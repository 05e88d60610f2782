/*
 * Bytes without end, or without sense, that a camera sends instead of the rest of an answer.
 */
#ifndef CAMERA_FLOOD_H
#define CAMERA_FLOOD_H

#include <stdint.h>

#include "outbox.h"

/** What the bytes are. */
enum flood_kind {
    FLOOD_NONE,
    FLOOD_HEADERS, /**< header lines */
    FLOOD_LINE,    /**< one header line */
    FLOOD_BODY,    /**< lines of an SDP */
    FLOOD_FRAMES,  /**< interleaved packets */
    FLOOD_JUNK,    /**< random bytes */
};

#define FLOOD_WITHOUT_END UINT64_MAX

/** {0} is none. */
struct flood {
    enum flood_kind kind;
    uint64_t left; /**< bytes */
    uint64_t made;
};

/** Adds bytes until the outbox holds enough to be busy. Returns 0 or -1 (no memory). */
int flood_fill(struct flood *flood, struct outbox *outbox);

/** The next number of a generator that gives the same numbers in each run. @p state: not 0. */
uint32_t flood_random(uint64_t *state);

#endif
