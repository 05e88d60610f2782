/*
 * Keeps an archive within its limits: the passes of retention that a keeper's thread makes, at
 * least every minute, sooner where little room is left, and at once when a writer finds that space
 * is short.
 *
 * Functions of the first group are called with the keeper's lock, by any thread; guard_pass() by
 * the keeper's thread without it.
 */
#ifndef KEEPER_GUARD_H
#define KEEPER_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/error.h>
#include <rtsprec/retention.h>

#include "archive/catalog.h"
#include "archive/retain.h"
#include "base/dispatcher.h"

struct guard {
    /* constant */
    struct dispatcher *dispatcher;
    const char *directory;

    /* guarded by the keeper's lock; times are monotonic */
    struct rtsprec_archive_limits *next_limits; /* owned; to be taken over by the thread */
    bool has_next;
    bool is_active; /* there are limits */
    bool is_wanted; /* somebody waits for a pass */
    int64_t keep_free_bytes;
    int64_t due_us;     /* of the next pass */
    int passes;         /* made so far */
    int64_t vain_us;    /* when the last pass found nothing more to delete; 0: it did not */
    int64_t room_bytes; /* that could be written after the last pass; INT64_MAX: no limit */
    int64_t room_total; /* what had been written in total then */

    /* the thread's */
    struct rtsprec_archive_limits *limits; /* owned; NULL: none */
    int64_t pass_us;                       /* when the present pass began; monotonic */
    int64_t held_us;  /* since when the clock has not been set; monotonic, 0: not known */
    int64_t ahead_us; /* what it was ahead of the monotonic one then */
    bool is_told_short, is_told_stuck;
    int trouble; /* why no pass can be made, an error code; 0: it can */
};

void guard_init(struct guard *guard, struct dispatcher *dispatcher, const char *directory);
void guard_uninit(struct guard *guard);

/* --- with the lock --- */

/* Takes limits over, NULL: none. Returns those that are to be freed. */
struct rtsprec_archive_limits *guard_set_limits(struct guard *guard,
                                                struct rtsprec_archive_limits *limits,
                                                int64_t now_us);

/* When the next pass is to be made; INT64_MAX: never. */
int64_t guard_due_us(const struct guard *guard);

/* What all cameras of the archive write. */
struct guard_load {
    int64_t total_bytes;      /* so far */
    int64_t bytes_per_second; /* at most */
};

/* Whether what will be written until then does not fit. free_bytes: of the file system. */
bool guard_is_short(const struct guard *guard, int64_t free_bytes, const struct guard_load *load,
                    int64_t now_us);

/* A pass begins: the limits that hold are the thread's now. Returns those that are to be freed. */
struct rtsprec_archive_limits *guard_begin(struct guard *guard);

struct guard_result {
    bool is_failed;             /* no pass could be made */
    bool is_in_vain;            /* nothing more could be deleted */
    bool is_cut;                /* it took long: the next one goes on at once */
    int64_t room_bytes;         /* that can be written now */
    struct rtsprec_error error; /* is_failed: why; no code: there is no catalog */
};

/* A pass has ended; the load is that at its begin. */
void guard_end(struct guard *guard, const struct guard_result *result,
               const struct guard_load *load, int64_t now_us);

/* --- without it --- */

/* That a pass could not be made is told once. */
void guard_tell_failure(struct guard *guard, const struct guard_result *result);

/*
 * Whether what the clock says may be far off: a machine can start years ahead and hear of the time
 * minutes later. So it does not count for the age of files before it has held for ten minutes,
 * since the first pass and since it was set by more than an hour.
 */
bool guard_is_clock_new(struct guard *guard, int64_t real_us, int64_t monotonic_us);

/* Makes a pass, tells of each file that goes, and once when the limits cannot be kept. catalog
 * NULL: there is none at this time. What is said of the clock is the guard's. */
void guard_pass(struct guard *guard, struct catalog *catalog, struct retention_need *need,
                struct guard_result *result);

#endif
