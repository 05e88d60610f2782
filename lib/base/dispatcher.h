/*
 * The one thread that calls user code: events and log records wait here in one bounded queue, so
 * that a slow callback never holds up a camera.
 *
 * Thread-safety: post and log functions from any thread.
 */
#ifndef BASE_DISPATCHER_H
#define BASE_DISPATCHER_H

#include <rtsprec/error.h>
#include <rtsprec/event.h>
#include <rtsprec/log.h>

struct dispatcher;

struct dispatcher_callbacks {
    rtsprec_event_fn *event;
    rtsprec_log_fn *log;
    enum rtsprec_log_level log_level;
    void *user;
};

int dispatcher_create(struct dispatcher **out, const struct dispatcher_callbacks *callbacks,
                      struct rtsprec_error *error);

/* Delivers what is left, ends the thread, sets *dispatcher to NULL. */
void dispatcher_destroy(struct dispatcher **dispatcher);

/* Queues a copy of the event with its strings; size and time_us are filled in. When the queue is
 * full it is counted and discarded. */
void dispatcher_post(struct dispatcher *dispatcher, const struct rtsprec_event *event);

/* Queues a log record, credentials masked; camera may be NULL. */
void dispatcher_log(struct dispatcher *dispatcher, enum rtsprec_log_level level, const char *camera,
                    const char *format, ...) RTSPREC_PRINTF(4, 5);

#endif
