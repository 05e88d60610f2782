/*
 * A stop request that every blocking call hears: a flag, a deadline for the call in progress, and a
 * sleep that both end. It can also be held, which interrupts in the same way, but not for good:
 * until the one who is interrupted has come to wait for its end.
 *
 * Thread-safety: request(), hold() and the questions for them from any thread; the deadline and
 * the waits belong to the one thread that is to be stopped, or that works in its stead meanwhile.
 */
#ifndef BASE_CANCEL_H
#define BASE_CANCEL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct cancel {
    atomic_bool stopped;     /* for good */
    atomic_bool held;        /* for now */
    atomic_bool interrupted; /* held since the last wait, be it that it is not any more */
    int64_t deadline_us;     /* monotonic; INT64_MAX: none */

    pthread_mutex_t lock; /* wakes a sleeper without a lost wake-up */
    pthread_cond_t wake;
};

int cancel_init(struct cancel *cancel);
void cancel_uninit(struct cancel *cancel);

/* Makes it usable again after a request, held as it was; no thread may be using it. */
void cancel_reset(struct cancel *cancel);

void cancel_request(struct cancel *cancel);
void cancel_hold(struct cancel *cancel, bool held);

/* Whether what goes on is to end: for good, or because it is or was held. */
bool cancel_requested(struct cancel *cancel);
bool cancel_stopped(struct cancel *cancel); /* for good */
bool cancel_held(struct cancel *cancel);

/* From now on cancel_interrupted() says true after timeout_us; < 0: never. */
void cancel_set_timeout(struct cancel *cancel, int64_t timeout_us);
bool cancel_expired(const struct cancel *cancel);

/* Whether a blocking call has to return; of AVIOInterruptCB's type. */
int cancel_interrupted(void *cancel);

/* Sleeps until a request or for duration_us; true when there is a request. */
bool cancel_wait(struct cancel *cancel, int64_t duration_us);

/* Sleeps while it is held, which then interrupts no more; true when it is stopped. */
bool cancel_wait_held(struct cancel *cancel);

#endif
