/*
 * The bounded hand-off between a camera's reader and its writer, so that the reader never waits for
 * a disk. Packets and what happens between them (a new stream, the end of a run) travel in one
 * order.
 *
 * When it is full, packets are refused from there up to the next video key frame that fits: what is
 * kept can be decoded, and what is lost is counted.
 *
 * Thread-safety: one thread pushes, one pops; snapshots from any thread.
 */
#ifndef INGEST_PACKET_QUEUE_H
#define INGEST_PACKET_QUEUE_H

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/packet.h>

#include <rtsprec/event.h>

#include "ingest/stream.h"

enum queue_kind {
    QUEUE_PACKET, /* packet, wall_us */
    QUEUE_STREAM, /* stream: the packets that follow belong to it */
    QUEUE_END,    /* the run or its recording is over: files are to be closed, with that reason */
};

struct queue_item {
    enum queue_kind kind;
    AVPacket
        *packet; /* owned; pts, dts, duration in ticks of its track; stream_index is the track */
    int64_t wall_us;       /* of a packet: wall-clock time of its pts */
    int64_t bytes;         /* kept here, for the account */
    int64_t media_us;      /* dts of a packet, µs; else that of the packet before or after */
    int64_t advance_us;    /* kept here, for the account */
    struct stream *stream; /* a reference */
    enum rtsprec_segment_reason reason;
};

/*
 * What a writer sleeps through: packets that only add to what it gathers anyway. A packet at or
 * after media_us wakes it, one before which more than bytes wait, one that fills half of what the
 * queue holds, a video key frame, and whatever is no packet. {0}: anything does.
 */
struct queue_patience {
    int64_t media_us, bytes;
};

struct queue_dropped {
    int64_t packets, frames, bytes;
    int64_t start_us, end_us; /* wall-clock time that they are missing in */
};

struct packet_queue {
    int64_t max_us, max_bytes; /* constant */

    /* The writer sleeps on it. No condition variable: that would take the lock again in the kernel,
     * one system call in three of all that a camera makes besides receiving and writing. */
    sem_t wake;

    /* Guards all below: the one lock between network and disk. */
    pthread_mutex_t lock;
    struct queue_item *items; /* a ring */
    int capacity, first, count;
    int64_t bytes;
    int64_t latest_us; /* the latest media time of the run; INT64_MIN before its first item */
    int64_t us; /* from the first item to the last: the sum of all advances but the first's */
    bool closed;
    bool is_asleep;                 /* the writer is, or is about to be, until wake is posted */
    struct queue_patience patience; /* its */
    bool refusing;                  /* until the next key frame that fits */
    struct queue_dropped dropped;   /* since packet_queue_take_dropped() */
};

int packet_queue_init(struct packet_queue *queue, int64_t max_us, int64_t max_bytes);

/* Frees what is still in it. */
void packet_queue_uninit(struct packet_queue *queue);

/*
 * Appends an item and takes over its packet or reference. Only packets can be refused.
 *
 * Returns 0; 1 when the packet was refused and counted, or RTSPREC_ERROR_NO_MEMORY: it then stays
 * the caller's.
 */
int packet_queue_push(struct packet_queue *queue, const struct queue_item *item);

/* Nothing is pushed any more: pop returns what is left, then false. */
void packet_queue_close(struct packet_queue *queue);

/* Makes a closed, empty queue usable again; no other thread may be using it. */
void packet_queue_reopen(struct packet_queue *queue);

/*
 * Takes an item, which is then the caller's; false when there will be no more. When there is none,
 * waits until something comes that ends its patience, or half of what the queue holds.
 */
bool packet_queue_pop(struct packet_queue *queue, const struct queue_patience *patience,
                      struct queue_item *item);

/* What was refused since the last call. While that goes on it ends with the last packet refused,
 * and the next begins there; then with the first that was taken again. */
struct queue_dropped packet_queue_take_dropped(struct packet_queue *queue);

/* What waits at this moment. */
void packet_queue_fill(struct packet_queue *queue, int64_t *bytes, int64_t *us);

/* Frees what an item owns. */
void queue_item_uninit(struct queue_item *item);

/* The same item for another queue: what it owns is shared. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
int queue_item_share(struct queue_item *out, const struct queue_item *item);

#endif
