#include "base/cancel.h"

#include "base/clock.h"
#include "base/thread.h"

int cancel_init(struct cancel *cancel)
{
    atomic_init(&cancel->stopped, false);
    atomic_init(&cancel->held, false);
    atomic_init(&cancel->interrupted, false);
    cancel->deadline_us = INT64_MAX;
    return wait_init(&cancel->lock, &cancel->wake);
}

void cancel_uninit(struct cancel *cancel)
{
    wait_uninit(&cancel->lock, &cancel->wake);
}

void cancel_reset(struct cancel *cancel)
{
    atomic_store(&cancel->stopped, false);
    cancel->deadline_us = INT64_MAX;
}

void cancel_request(struct cancel *cancel)
{
    pthread_mutex_lock(&cancel->lock);
    atomic_store(&cancel->stopped, true);
    pthread_cond_broadcast(&cancel->wake);
    pthread_mutex_unlock(&cancel->lock);
}

void cancel_hold(struct cancel *cancel, bool held)
{
    pthread_mutex_lock(&cancel->lock);
    atomic_store(&cancel->held, held);
    if (held)
        atomic_store(&cancel->interrupted, true);
    pthread_cond_broadcast(&cancel->wake);
    pthread_mutex_unlock(&cancel->lock);
}

bool cancel_stopped(struct cancel *cancel)
{
    return atomic_load_explicit(&cancel->stopped, memory_order_relaxed);
}

bool cancel_held(struct cancel *cancel)
{
    return atomic_load_explicit(&cancel->held, memory_order_relaxed);
}

bool cancel_requested(struct cancel *cancel)
{
    return cancel_stopped(cancel) ||
           atomic_load_explicit(&cancel->interrupted, memory_order_relaxed);
}

void cancel_set_timeout(struct cancel *cancel, int64_t timeout_us)
{
    cancel->deadline_us = timeout_us < 0 ? INT64_MAX : clock_monotonic_us() + timeout_us;
}

bool cancel_expired(const struct cancel *cancel)
{
    return cancel->deadline_us != INT64_MAX && clock_monotonic_us() >= cancel->deadline_us;
}

int cancel_interrupted(void *opaque)
{
    struct cancel *cancel = opaque;
    return cancel_requested(cancel) || cancel_expired(cancel);
}

bool cancel_wait(struct cancel *cancel, int64_t duration_us)
{
    int64_t until_us = clock_monotonic_us() + duration_us;
    pthread_mutex_lock(&cancel->lock);
    while (!cancel_requested(cancel) && wait_until(&cancel->wake, &cancel->lock, until_us)) {
    }
    pthread_mutex_unlock(&cancel->lock);
    return cancel_requested(cancel);
}

bool cancel_wait_held(struct cancel *cancel)
{
    pthread_mutex_lock(&cancel->lock);
    while (cancel_held(cancel) && !cancel_stopped(cancel))
        pthread_cond_wait(&cancel->wake, &cancel->lock);
    atomic_store(&cancel->interrupted, cancel_held(cancel));
    pthread_mutex_unlock(&cancel->lock);
    return cancel_stopped(cancel);
}
