/*
 * Archives of a recorder on one file system share its free space: their keepers take turns with
 * the passes of retention, so that each finds what the one before has freed, and know what the
 * others write. A disk that hangs keeps only those waiting whose archive is on it. (Subvolumes of
 * btrfs count as file systems of their own.)
 *
 * Thread-safety: any thread, a turn's begin and end by one.
 */
#ifndef KEEPER_TURNS_H
#define KEEPER_TURNS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Of a recorder. */
struct turns {
    pthread_mutex_t lock; /* never held over a call that can wait for a disk */
    pthread_cond_t changed;
    struct turn *first;
    uint64_t tickets; /* that were given out */
};

/* Of a keeper. */
struct turn {
    struct turns *turns; /* constant */

    /* guarded by the lock */
    struct turn *next;
    dev_t device;       /* 0: not known, and shared with nobody */
    int64_t lead_bytes; /* what the archive's cameras write until the next pass */
    uint64_t ticket;    /* the lowest of a device has the turn; 0: none is wanted */
    bool is_stopped;
};

/* Returns 0 or RTSPREC_ERROR_SYSTEM. */
int turns_init(struct turns *turns);
void turns_uninit(struct turns *turns);

void turn_join(struct turn *turn, struct turns *turns);
void turn_leave(struct turn *turn);

/* Where the archive is at this time, and what it writes. Not between begin and end. */
void turn_tell(struct turn *turn, dev_t device, int64_t lead_bytes);

/* Waits for the turn, first come, first served. others_bytes: what all others on the device write
 * until the next pass. Returns false, without the turn, when it was stopped. */
bool turn_begin(struct turn *turn, int64_t *others_bytes);
void turn_end(struct turn *turn);

/* No turn begins any more; who waits for one goes on without. */
void turn_stop(struct turn *turn);

#endif
