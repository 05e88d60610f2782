/* Keepers of several archives on one disk, each on a thread of its own. */
#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "keeper/turns.h"

#define MB INT64_C(1000000)

enum { ONE_DISK = 7, OTHER_DISK = 8 };

static struct turns turns;
static struct turn yard, door, attic;

static int begin(void **state)
{
    (void)state;
    if (turns_init(&turns) < 0)
        return -1;
    turn_join(&yard, &turns);
    turn_join(&door, &turns);
    turn_join(&attic, &turns);
    turn_tell(&yard, ONE_DISK, 5 * MB);
    turn_tell(&door, ONE_DISK, 7 * MB);
    turn_tell(&attic, OTHER_DISK, 100 * MB);
    return 0;
}

static int end(void **state)
{
    (void)state;
    turn_leave(&yard);
    turn_leave(&door);
    turn_leave(&attic);
    turns_uninit(&turns);
    return 0;
}

struct waiter {
    pthread_t thread;
    struct turn *turn;
    atomic_int outcome; /* 1: it got its turn; -1: it was stopped */
};

static void *wait_turn(void *argument)
{
    struct waiter *waiter = argument;
    int64_t others;
    waiter->outcome = turn_begin(waiter->turn, &others) ? 1 : -1;
    return NULL;
}

/* Returns once it stands in the queue. */
static void start(struct waiter *waiter, struct turn *turn)
{
    *waiter = (struct waiter){.turn = turn};
    assert_int_equal(pthread_create(&waiter->thread, NULL, wait_turn, waiter), 0);
    for (bool is_waiting = false; !is_waiting; usleep(1000)) {
        pthread_mutex_lock(&turns.lock);
        is_waiting = turn->ticket != 0;
        pthread_mutex_unlock(&turns.lock);
    }
}

static void test_one_after_the_other(void **state)
{
    (void)state;
    struct waiter first, second;
    int64_t others;
    turn_tell(&attic, ONE_DISK, MB);
    assert_true(turn_begin(&yard, &others));
    start(&first, &attic);
    start(&second, &door);
    usleep(20000);
    assert_int_equal(first.outcome, 0);
    turn_end(&yard);
    pthread_join(first.thread, NULL);
    assert_int_equal(first.outcome, 1);
    usleep(20000);
    assert_int_equal(second.outcome, 0);
    turn_end(&attic);
    pthread_join(second.thread, NULL);
    assert_int_equal(second.outcome, 1);
    turn_end(&door);
}

static void test_another_disk_waits_for_nobody(void **state)
{
    (void)state;
    int64_t others;
    assert_true(turn_begin(&yard, &others));
    assert_true(turn_begin(&attic, &others));
    turn_end(&attic);
    turn_tell(&attic, 0, 0); /* nobody knows where that is */
    assert_true(turn_begin(&attic, &others));
    turn_tell(&door, 0, 0);
    assert_true(turn_begin(&door, &others));
}

static void test_a_stop_is_heard(void **state)
{
    (void)state;
    struct waiter first, second;
    int64_t others;
    turn_tell(&attic, ONE_DISK, MB);
    assert_true(turn_begin(&yard, &others));
    start(&first, &door);
    start(&second, &attic);
    turn_stop(&door);
    pthread_join(first.thread, NULL);
    assert_int_equal(first.outcome, -1);
    turn_end(&yard);
    pthread_join(second.thread, NULL); /* it is not kept by who has gone */
    assert_int_equal(second.outcome, 1);
    assert_false(turn_begin(&door, &others));
}

static void test_what_the_others_write(void **state)
{
    (void)state;
    int64_t others;
    assert_true(turn_begin(&yard, &others));
    assert_int_equal(others, 7 * MB);
    turn_end(&yard);
    assert_true(turn_begin(&attic, &others));
    assert_int_equal(others, 0);
    turn_end(&attic);
    turn_tell(&attic, ONE_DISK, 100 * MB);
    assert_true(turn_begin(&yard, &others));
    assert_int_equal(others, 107 * MB);
    turn_end(&yard);
    turn_leave(&attic);
    assert_true(turn_begin(&yard, &others));
    assert_int_equal(others, 7 * MB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_after_the_other, begin, end),
        cmocka_unit_test_setup_teardown(test_another_disk_waits_for_nobody, begin, end),
        cmocka_unit_test_setup_teardown(test_a_stop_is_heard, begin, end),
        cmocka_unit_test_setup_teardown(test_what_the_others_write, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
