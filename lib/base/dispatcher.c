#include "base/dispatcher.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"

/* A camera that fails gives some ten records; so this holds the trouble of hundreds at once. */
#define MAX_ENTRIES 4096

/* An event or a log record, with its strings behind it. */
struct entry {
    struct entry *next;
    bool is_log;
    union {
        struct rtsprec_event event;
        struct rtsprec_log_record log;
    } u;
    char strings[];
};

struct dispatcher {
    struct dispatcher_callbacks callbacks; /* constant */
    pthread_t thread;

    /* Guards all below: any thread posts, the dispatcher's takes. */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct entry *first, **last;
    int count;
    bool closing;
    int64_t lost_events, lost_logs; /* since the last OVERFLOW event */
};

static void deliver(struct dispatcher *dispatcher, const struct entry *entry)
{
    const struct dispatcher_callbacks *callbacks = &dispatcher->callbacks;
    if (entry->is_log)
        callbacks->log(callbacks->user, &entry->u.log);
    else
        callbacks->event(callbacks->user, &entry->u.event);
}

static void deliver_overflow(struct dispatcher *dispatcher, int64_t events, int64_t logs)
{
    if (!dispatcher->callbacks.event)
        return;
    struct rtsprec_event event = {
        .size = sizeof(event),
        .type = RTSPREC_EVENT_OVERFLOW,
        .time_us = clock_real_us(),
        .u.overflow = {.events = events, .log_records = logs},
    };
    dispatcher->callbacks.event(dispatcher->callbacks.user, &event);
}

static void *run(void *argument)
{
    struct dispatcher *dispatcher = argument;
    pthread_mutex_lock(&dispatcher->lock);
    while (dispatcher->first || !dispatcher->closing) {
        if (!dispatcher->first) {
            pthread_cond_wait(&dispatcher->wake, &dispatcher->lock);
            continue;
        }
        /* Takes all at once: one lock for a burst, and posters find the queue empty again. */
        struct entry *entry = dispatcher->first;
        int64_t lost_events = dispatcher->lost_events, lost_logs = dispatcher->lost_logs;
        dispatcher->first = NULL;
        dispatcher->last = &dispatcher->first;
        dispatcher->count = 0;
        dispatcher->lost_events = dispatcher->lost_logs = 0;
        pthread_mutex_unlock(&dispatcher->lock);

        while (entry) {
            struct entry *next = entry->next;
            deliver(dispatcher, entry);
            free(entry);
            entry = next;
        }
        if (lost_events || lost_logs)
            deliver_overflow(dispatcher, lost_events, lost_logs);
        pthread_mutex_lock(&dispatcher->lock);
    }
    pthread_mutex_unlock(&dispatcher->lock);
    return NULL;
}

int dispatcher_create(struct dispatcher **out, const struct dispatcher_callbacks *callbacks,
                      struct rtsprec_error *error)
{
    *out = NULL;
    struct dispatcher *dispatcher = calloc(1, sizeof(*dispatcher));
    if (!dispatcher)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    dispatcher->callbacks = *callbacks;
    dispatcher->last = &dispatcher->first;
    if (wait_init(&dispatcher->lock, &dispatcher->wake) < 0) {
        free(dispatcher);
        return error_set(error, RTSPREC_ERROR_SYSTEM, "no lock could be created");
    }
    if (thread_start(&dispatcher->thread, run, dispatcher, "rtsprec-events") < 0) {
        wait_uninit(&dispatcher->lock, &dispatcher->wake);
        free(dispatcher);
        return error_set(error, RTSPREC_ERROR_SYSTEM, "no thread could be created for the events");
    }
    *out = dispatcher;
    return 0;
}

void dispatcher_destroy(struct dispatcher **dispatcher_pointer)
{
    struct dispatcher *dispatcher = *dispatcher_pointer;
    *dispatcher_pointer = NULL;
    if (!dispatcher)
        return;
    pthread_mutex_lock(&dispatcher->lock);
    dispatcher->closing = true;
    pthread_cond_signal(&dispatcher->wake);
    pthread_mutex_unlock(&dispatcher->lock);
    pthread_join(dispatcher->thread, NULL);
    wait_uninit(&dispatcher->lock, &dispatcher->wake);
    free(dispatcher);
}

/* Takes the entry; NULL, for lack of memory, counts as lost. */
static void append(struct dispatcher *dispatcher, struct entry *entry, bool is_log)
{
    pthread_mutex_lock(&dispatcher->lock);
    if (entry && dispatcher->count < MAX_ENTRIES) {
        entry->next = NULL;
        *dispatcher->last = entry;
        dispatcher->last = &entry->next;
        dispatcher->count++;
        entry = NULL;
        pthread_cond_signal(&dispatcher->wake);
    } else if (is_log) {
        dispatcher->lost_logs++;
    } else {
        dispatcher->lost_events++;
    }
    pthread_mutex_unlock(&dispatcher->lock);
    free(entry);
}

/* Copies *text to *end, moves *end behind it and lets *text point to the copy; NULL stays NULL. */
static void take_string(const char **text, char **end)
{
    if (!*text)
        return;
    size_t size = strlen(*text) + 1;
    memcpy(*end, *text, size);
    *text = *end;
    *end += size;
}

/* An event's strings. */
#define MAX_STRINGS 3

static void find_strings(struct rtsprec_event *event, const char **strings[MAX_STRINGS])
{
    strings[0] = &event->camera;
    strings[1] = strings[2] = NULL;
    switch (event->type) {
    case RTSPREC_EVENT_STATE_CHANGED:
        strings[1] = &event->u.state.text;
        break;
    case RTSPREC_EVENT_SEGMENT_OPENED:
    case RTSPREC_EVENT_SEGMENT_CLOSED:
        strings[1] = &event->u.segment.path;
        break;
    case RTSPREC_EVENT_SEGMENT_DELETED:
        strings[1] = &event->u.deleted.path;
        strings[2] = &event->u.deleted.why;
        break;
    case RTSPREC_EVENT_DISCONTINUITY:
        strings[1] = &event->u.discontinuity.text;
        break;
    case RTSPREC_EVENT_STORAGE_CHANGED:
        strings[1] = &event->u.storage.text;
        strings[2] = &event->u.storage.directory;
        break;
    case RTSPREC_EVENT_PACKETS_DROPPED:
        strings[1] = &event->u.dropped.directory;
        break;
    case RTSPREC_EVENT_FRAMES_SKIPPED:
    case RTSPREC_EVENT_RECORDING_CHANGED:
    case RTSPREC_EVENT_OVERFLOW:
        break;
    }
}

static size_t string_size(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

void dispatcher_post(struct dispatcher *dispatcher, const struct rtsprec_event *event)
{
    if (!dispatcher->callbacks.event)
        return;
    struct rtsprec_event copy = *event;
    const char **strings[MAX_STRINGS];
    find_strings(&copy, strings);
    size_t size = 0;
    for (int i = 0; i < MAX_STRINGS; i++)
        size += strings[i] ? string_size(*strings[i]) : 0;
    struct entry *entry = malloc(sizeof(*entry) + size);
    if (entry) {
        char *end = entry->strings;
        for (int i = 0; i < MAX_STRINGS; i++) {
            if (strings[i])
                take_string(strings[i], &end);
        }
        copy.size = sizeof(copy);
        copy.time_us = clock_real_us();
        entry->is_log = false;
        entry->u.event = copy;
    }
    append(dispatcher, entry, false);
}

void dispatcher_log(struct dispatcher *dispatcher, enum rtsprec_log_level level, const char *camera,
                    const char *format, ...)
{
    if (!dispatcher->callbacks.log || level > dispatcher->callbacks.log_level)
        return;
    /* Masked whole, then cut: half of a URL does not show that it holds a password. */
    char raw[4000], text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(raw, sizeof(raw), format, args);
    va_end(args);
    rtsprec_log_redact(text, sizeof(text), raw);

    struct rtsprec_log_record record = {
        .level = level,
        .time_us = clock_real_us(),
        .camera = camera,
        .text = text,
    };
    struct entry *entry = malloc(sizeof(*entry) + string_size(camera) + string_size(text));
    if (entry) {
        char *end = entry->strings;
        take_string(&record.camera, &end);
        take_string(&record.text, &end);
        entry->is_log = true;
        entry->u.log = record;
    }
    append(dispatcher, entry, true);
}
