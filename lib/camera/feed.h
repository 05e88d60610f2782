/*
 * From a camera's reader to one of its writers: a queue, and what is told while that refuses
 * packets because the writer does not keep up. A camera has one for what is recorded, and one for
 * the original that is kept beside it: neither waits for the disk, or the encoder, of the other.
 *
 * Thread-safety: the reader pushes; the writer takes from the queue.
 */
#ifndef CAMERA_FEED_H
#define CAMERA_FEED_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/error.h>

#include "camera/backlog.h"
#include "ingest/packet_queue.h"

struct place;

struct feed {
    struct place *place; /* what is refused is missing there; NULL: there is no feed */
    struct packet_queue queue;

    /* the reader's */
    struct backlog backlog; /* why the queue refuses packets */
    bool has_refusals;      /* it refused packets that are not reported yet */
    int64_t last_report_us; /* monotonic: when refusals were last reported */
};

/* The place stays the caller's. Returns 0 or RTSPREC_ERROR_SYSTEM. */
int feed_init(struct feed *feed, struct place *place);

/* Of one that is zeroed, too. */
void feed_uninit(struct feed *feed);

/* Before its writer is started, and after it has ended. */
void feed_open(struct feed *feed);

/* Hands an item over, or counts and reports it as dropped; takes it in any case. Returns 0 or
 * RTSPREC_ERROR_NO_MEMORY. */
int feed_push(struct feed *feed, struct queue_item *item);

/* Nothing is pushed any more: the writer ends when it has taken what is left. */
void feed_close(struct feed *feed);

#endif
