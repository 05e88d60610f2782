#include "unit.h"

#include <pthread.h>
#include <signal.h>

#include <rtsprec/error.h>

#include "base/clock.h"
#include "base/thread.h"

struct seen {
    sigset_t blocked;
    char name[16];
    size_t stack_bytes;
};

static void *look_around(void *argument)
{
    struct seen *seen = argument;
    pthread_sigmask(SIG_SETMASK, NULL, &seen->blocked);
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstacksize(&attributes, &seen->stack_bytes);
    pthread_attr_destroy(&attributes);
    return seen;
}

static void test_all_signals_are_blocked_in_it_and_none_outside(void **state)
{
    (void)state;
    sigset_t before, after;
    sigemptyset(&before);
    sigaddset(&before, SIGUSR2);
    pthread_sigmask(SIG_SETMASK, &before, NULL);

    struct seen seen;
    pthread_t thread;
    void *result;
    assert_int_equal(thread_start(&thread, look_around, &seen, "unit"), 0);
    pthread_join(thread, &result);
    assert_ptr_equal(result, &seen);
    const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE, SIGALRM, SIGCHLD};
    for (size_t i = 0; i < LENGTH(signals); i++)
        assert_true(sigismember(&seen.blocked, signals[i]));

    pthread_sigmask(SIG_SETMASK, NULL, &after);
    assert_true(sigismember(&after, SIGUSR2));
    assert_false(sigismember(&after, SIGINT));
    assert_true(seen.stack_bytes >= 512 * 1024);
}

static pthread_mutex_t named = PTHREAD_MUTEX_INITIALIZER;

static void *tell_name(void *argument)
{
    pthread_mutex_lock(&named);
    pthread_mutex_unlock(&named);
    pthread_getname_np(pthread_self(), argument, 16);
    return NULL;
}

static void check_name(const char *given, const char *kept)
{
    char name[16] = "";
    pthread_t thread;
    pthread_mutex_lock(&named); /* the name is given from outside, after the start */
    assert_int_equal(thread_start(&thread, tell_name, name, given), 0);
    pthread_mutex_unlock(&named);
    pthread_join(thread, NULL);
    assert_string_equal(name, kept);
}

static void test_names_are_cut(void **state)
{
    (void)state;
    check_name("short", "short");
    check_name("exactly 15 char", "exactly 15 char");
    check_name("much longer than Linux allows", "much longer tha");
}

static void test_wait_until_ends_at_its_time(void **state)
{
    (void)state;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    assert_int_equal(wait_init(&lock, &wake), 0);
    pthread_mutex_lock(&lock);
    int64_t now = clock_monotonic_us();
    assert_false(wait_until(&wake, &lock, now - SECOND));
    assert_false(wait_until(&wake, &lock, now));
    while (wait_until(&wake, &lock, now + 10000)) {
    }
    assert_true(clock_monotonic_us() >= now + 10000);
    pthread_mutex_unlock(&lock);
    wait_uninit(&lock, &wake);
}

struct signalled {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ready;
};

static void *signal_it(void *argument)
{
    struct signalled *signalled = argument;
    pthread_mutex_lock(&signalled->lock);
    signalled->ready = true;
    pthread_cond_signal(&signalled->wake);
    pthread_mutex_unlock(&signalled->lock);
    return NULL;
}

static void test_wait_until_hears_a_signal(void **state)
{
    (void)state;
    struct signalled signalled = {.ready = false};
    pthread_t thread;
    assert_int_equal(wait_init(&signalled.lock, &signalled.wake), 0);
    pthread_mutex_lock(&signalled.lock);
    assert_int_equal(thread_start(&thread, signal_it, &signalled, "unit"), 0);
    int64_t until = clock_monotonic_us() + HOUR;
    while (!signalled.ready)
        assert_true(wait_until(&signalled.wake, &signalled.lock, until));
    pthread_mutex_unlock(&signalled.lock);
    pthread_join(thread, NULL);
    wait_uninit(&signalled.lock, &signalled.wake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_signals_are_blocked_in_it_and_none_outside),
        cmocka_unit_test(test_names_are_cut),
        cmocka_unit_test(test_wait_until_ends_at_its_time),
        cmocka_unit_test(test_wait_until_hears_a_signal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
