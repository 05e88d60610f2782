/*
 * Bytes that wait for a slow TCP client, and the access units that end among them.
 */
#ifndef CAMERA_OUTBOX_H
#define CAMERA_OUTBOX_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "connection.h"
#include "served_log.h"

/** A byte queue. {0} is an empty one. */
struct outbox {
    uint8_t *data;
    size_t begin, end, capacity;
    uint64_t appended; /**< bytes since the start of the connection */
    uint64_t taken;    /**< of them, those the socket has taken */

    struct outbox_mark *marks; /**< in the order of their positions */
    size_t marks_begin, marks_end, marks_capacity;
};

void outbox_uninit(struct outbox *outbox);

static inline size_t outbox_size(const struct outbox *outbox)
{
    return outbox->end - outbox->begin;
}

/** Returns 0 or -1 when there is no memory. */
int outbox_append(struct outbox *outbox, const void *data, size_t size);

/** Notes that @p unit ends with the last byte appended. Returns 0 or -1 (no memory). */
int outbox_mark(struct outbox *outbox, const struct served_unit *unit);

/**
 * Hands the socket what it takes without blocking, at most @p limit bytes, and logs the units that
 * are thereby complete.
 *
 * @param[out] sent_bytes  what it took
 * @return 0; 1 when the socket takes no more at present; -1 when the connection is broken
 */
int outbox_flush(struct outbox *outbox, struct connection *connection, size_t limit, FILE *log,
                 size_t *sent_bytes);

#endif
