#include "unit.h"

#include <pthread.h>
#include <semaphore.h>

#include "base/cancel.h"
#include "base/clock.h"

static int create(void **state)
{
    static struct cancel cancel;
    *state = &cancel;
    return cancel_init(&cancel);
}

static int destroy(void **state)
{
    cancel_uninit(*state);
    return 0;
}

static void test_nothing_interrupts_at_first(void **state)
{
    struct cancel *cancel = *state;
    assert_false(cancel_requested(cancel));
    assert_false(cancel_expired(cancel));
    assert_false(cancel_interrupted(cancel));
    assert_false(cancel_wait(cancel, 0));
}

static void test_a_request_is_heard_everywhere(void **state)
{
    struct cancel *cancel = *state;
    cancel_request(cancel);
    assert_true(cancel_requested(cancel));
    assert_true(cancel_interrupted(cancel));
    assert_false(cancel_expired(cancel));
    assert_true(cancel_wait(cancel, HOUR));
}

static void test_a_deadline_interrupts_and_can_be_taken_back(void **state)
{
    struct cancel *cancel = *state;
    cancel_set_timeout(cancel, HOUR);
    assert_false(cancel_interrupted(cancel));
    cancel_set_timeout(cancel, 0);
    assert_true(cancel_expired(cancel));
    assert_true(cancel_interrupted(cancel));
    assert_false(cancel_requested(cancel));
    cancel_set_timeout(cancel, -1);
    assert_false(cancel_expired(cancel));
    assert_false(cancel_interrupted(cancel));
}

static void test_a_reset_forgets_request_and_deadline(void **state)
{
    struct cancel *cancel = *state;
    cancel_request(cancel);
    cancel_set_timeout(cancel, 0);
    cancel_reset(cancel);
    assert_false(cancel_interrupted(cancel));
    assert_false(cancel_wait(cancel, 0));
}

static void test_a_wait_lasts_as_long_as_asked(void **state)
{
    int64_t before = clock_monotonic_us();
    assert_false(cancel_wait(*state, 20000));
    assert_true(clock_monotonic_us() - before >= 20000);
}

/* A deadline is of the call in progress; a pause between two calls does not end with it. */
static void test_a_deadline_does_not_end_a_wait(void **state)
{
    cancel_set_timeout(*state, 0);
    int64_t before = clock_monotonic_us();
    assert_false(cancel_wait(*state, 5000));
    assert_true(clock_monotonic_us() - before >= 5000);
}

struct sleeper {
    struct cancel *cancel;
    sem_t begins;
    bool result;
    int64_t slept_us;
};

static void *sleep_long(void *argument)
{
    struct sleeper *sleeper = argument;
    int64_t before = clock_monotonic_us();
    sem_post(&sleeper->begins);
    sleeper->result = cancel_wait(sleeper->cancel, HOUR);
    sleeper->slept_us = clock_monotonic_us() - before;
    return NULL;
}

/* Often, so that the request meets the sleeper before, in and after falling asleep. */
static void test_a_request_wakes_a_sleeper(void **state)
{
    struct cancel *cancel = *state;
    for (int i = 0; i < 200; i++) {
        struct sleeper sleeper = {.cancel = cancel};
        pthread_t thread;
        sem_init(&sleeper.begins, 0, 0);
        assert_int_equal(pthread_create(&thread, NULL, sleep_long, &sleeper), 0);
        sem_wait(&sleeper.begins);
        for (volatile int spin = 0; spin < i * 200; spin++) {
        }
        cancel_request(cancel);
        pthread_join(thread, NULL);
        sem_destroy(&sleeper.begins);
        assert_true(sleeper.result);
        assert_true(sleeper.slept_us < 30 * SECOND);
        cancel_reset(cancel);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, create, destroy)

static void test_while_held_it_is_interrupted_but_not_stopped(void **state)
{
    struct cancel *cancel = *state;
    assert_false(cancel_wait_held(cancel));
    cancel_hold(cancel, true);
    assert_true(cancel_held(cancel));
    assert_true(cancel_requested(cancel));
    assert_true(cancel_interrupted(cancel));
    assert_false(cancel_stopped(cancel));
    assert_true(cancel_wait(cancel, HOUR));
    cancel_reset(cancel);
    assert_true(cancel_requested(cancel));
    /* Let go at once: who is interrupted learns of it nevertheless. */
    cancel_hold(cancel, false);
    assert_false(cancel_held(cancel));
    assert_true(cancel_requested(cancel));
    assert_false(cancel_wait_held(cancel));
    assert_false(cancel_requested(cancel));
}

static void test_a_request_ends_being_held(void **state)
{
    struct cancel *cancel = *state;
    cancel_hold(cancel, true);
    cancel_request(cancel);
    assert_true(cancel_stopped(cancel));
    assert_true(cancel_wait_held(cancel));
    assert_true(cancel_held(cancel));
}

static void *wait_held(void *cancel)
{
    return cancel_wait_held(cancel) ? cancel : NULL;
}

static void test_who_waits_held_is_woken(void **state)
{
    struct cancel *cancel = *state;
    pthread_t thread;
    void *stopped;
    for (int i = 0; i < 20; i++) {
        cancel_hold(cancel, true);
        assert_int_equal(pthread_create(&thread, NULL, wait_held, cancel), 0);
        cancel_hold(cancel, false);
        pthread_join(thread, &stopped);
        assert_null(stopped);
        cancel_hold(cancel, true);
        assert_int_equal(pthread_create(&thread, NULL, wait_held, cancel), 0);
        cancel_request(cancel);
        pthread_join(thread, &stopped);
        assert_non_null(stopped);
        cancel_reset(cancel);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_nothing_interrupts_at_first),
        CASE(test_a_request_is_heard_everywhere),
        CASE(test_a_deadline_interrupts_and_can_be_taken_back),
        CASE(test_a_reset_forgets_request_and_deadline),
        CASE(test_a_wait_lasts_as_long_as_asked),
        CASE(test_a_deadline_does_not_end_a_wait),
        CASE(test_a_request_wakes_a_sleeper),
        CASE(test_while_held_it_is_interrupted_but_not_stopped),
        CASE(test_a_request_ends_being_held),
        CASE(test_who_waits_held_is_woken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
