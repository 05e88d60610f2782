/* What the keeper's files share: keeper.c, its life and its thread; told.c, what cameras tell it.
 */
#ifndef KEEPER_PARTS_H
#define KEEPER_PARTS_H

#include "keeper/keeper.h"

#include <pthread.h>

#include "keeper/guard.h"
#include "keeper/ledger.h"
#include "keeper/notes.h"
#include "keeper/rate.h"
#include "keeper/turns.h"

/* A camera's place with the keeper. */
struct keeper_camera {
    /* constant */
    struct keeper *keeper;
    char *name;
    size_t directory_length; /* of what its paths begin with */

    _Atomic int64_t written_bytes; /* a total */
    _Atomic int64_t open_bytes;    /* in open files */

    /* guarded by the keeper's lock */
    struct keeper_camera *next;
    struct rate rate; /* of written_bytes */
    bool has_condition;
    struct condition_change condition; /* the last that was told */
};

struct keeper {
    /* constant */
    struct dispatcher *dispatcher;
    char *directory;

    /* Between cameras and the thread; never held over a call that can wait for a disk. */
    pthread_mutex_t lock;
    pthread_cond_t wake; /* the thread */
    pthread_cond_t made; /* a pass of the guard has ended */
    struct keeper_camera *cameras;
    int64_t gone_bytes; /* written by those that were removed */
    struct guard guard;
    struct notes notes;
    bool is_closing, has_ended;
    int64_t notes_us; /* monotonic: when notes are to be written; INT64_MAX: there are none */

    struct turn turn; /* locks by itself */

    /* the thread's */
    struct ledger ledger;
    int64_t beat_us;              /* monotonic: the next sign of life */
    struct rtsprec_error trouble; /* why the catalog cannot be written; no code: it can */
    bool has_told_archive;        /* what it holds */
    pthread_t thread;
};

/* What all cameras write at this moment; called with the lock. */
struct guard_load keeper_load(struct keeper *keeper, int64_t now_us);

#endif
