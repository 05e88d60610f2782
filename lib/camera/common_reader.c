#include "camera/common_reader.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/thread.h"
#include "ingest/source.h"

/* Who has joined: on the stack of the thread that waits. */
struct member {
    struct member *next;
    common_reader_turn *turn;
    void *user;
    int result;          /* of its last turn; < 0: it gets no more */
    pthread_cond_t left; /* the thread that waits; belongs to the reader's lock */
    bool has_left;
};

struct common_reader {
    pthread_t thread;

    pthread_mutex_t lock;
    pthread_cond_t wake;   /* the thread, when it has no members */
    struct member *joined; /* they take part in the next round */
    bool is_closing;

    /* the thread's */
    struct member *members;
    uint8_t buffer[SOURCE_TURN_BYTES];
};

/* A turn for each, or before the next round is due for each that has more to take. Returns whether
 * one still has. */
static bool make_round(struct common_reader *reader, bool is_due, bool waits)
{
    bool has_more = false;
    for (struct member *member = reader->members; member; member = member->next) {
        if (is_due || member->result > 0)
            member->result = member->turn(member->user, reader->buffer, waits);
        has_more |= member->result > 0;
    }
    return has_more;
}

/* The following are called with the lock. */

static void let_in(struct common_reader *reader)
{
    struct member **end = &reader->members;
    while (*end)
        end = &(*end)->next;
    *end = reader->joined;
    reader->joined = NULL;
}

static void let_out(struct common_reader *reader)
{
    struct member **at = &reader->members;
    while (*at) {
        struct member *member = *at;
        if (member->result >= 0) {
            at = &member->next;
            continue;
        }
        *at = member->next; /* before it is told: it may be gone then */
        member->has_left = true;
        pthread_cond_signal(&member->left);
    }
}

static void *run(void *argument)
{
    struct common_reader *reader = argument;
    int64_t due_us = 0;
    pthread_mutex_lock(&reader->lock);
    while (!reader->is_closing) {
        if (!reader->members)
            due_us = clock_monotonic_us();
        let_in(reader);
        if (!reader->members) {
            pthread_cond_wait(&reader->wake, &reader->lock);
            continue;
        }
        bool is_alone = !reader->members->next;
        pthread_mutex_unlock(&reader->lock);
        bool is_due = is_alone || clock_monotonic_us() >= due_us;
        bool has_more = make_round(reader, is_due, is_alone);
        int64_t now_us = clock_monotonic_us();
        if (is_due)
            due_us += COMMON_READER_ROUND_US;
        if (is_alone || due_us < now_us)
            due_us = now_us;
        pthread_mutex_lock(&reader->lock);
        let_out(reader);
        if (has_more || is_alone)
            continue;
        /* No condition variable: that would wake the kernel once more to take the lock. */
        pthread_mutex_unlock(&reader->lock);
        clock_sleep_until(due_us);
        pthread_mutex_lock(&reader->lock);
    }
    assert(!reader->members && !reader->joined);
    pthread_mutex_unlock(&reader->lock);
    return NULL;
}

int common_reader_create(struct common_reader **out, struct rtsprec_error *error)
{
    *out = NULL;
    struct common_reader *reader = calloc(1, sizeof(*reader));
    if (!reader)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    if (wait_init(&reader->lock, &reader->wake) < 0) {
        free(reader);
        return error_set(error, RTSPREC_ERROR_SYSTEM, "no lock could be created");
    }
    if (thread_start(&reader->thread, run, reader, "rtsprec-reader") < 0) {
        wait_uninit(&reader->lock, &reader->wake);
        free(reader);
        return error_set(error, RTSPREC_ERROR_SYSTEM, "no thread could be created");
    }
    *out = reader;
    return 0;
}

void common_reader_destroy(struct common_reader **reader_pointer)
{
    struct common_reader *reader = *reader_pointer;
    *reader_pointer = NULL;
    if (!reader)
        return;
    pthread_mutex_lock(&reader->lock);
    reader->is_closing = true;
    pthread_cond_signal(&reader->wake);
    pthread_mutex_unlock(&reader->lock);
    pthread_join(reader->thread, NULL);
    wait_uninit(&reader->lock, &reader->wake);
    free(reader);
}

int common_reader_join(struct common_reader *reader, common_reader_turn *turn, void *user,
                       struct rtsprec_error *error)
{
    struct member member = {.turn = turn, .user = user};
    if (wake_init(&member.left) < 0)
        return error_set(error, RTSPREC_ERROR_SYSTEM, "no lock could be created");
    pthread_mutex_lock(&reader->lock);
    member.next = reader->joined;
    // cppcheck-suppress autoVariables ; it has left before this returns
    reader->joined = &member;
    pthread_cond_signal(&reader->wake);
    while (!member.has_left)
        pthread_cond_wait(&member.left, &reader->lock);
    pthread_mutex_unlock(&reader->lock);
    pthread_cond_destroy(&member.left);
    return member.result;
}
