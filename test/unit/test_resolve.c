#include "unit.h"

#include <netdb.h>

#include "base/resolve.h"

/*
 * glibc's asynchronous look-up, which the test can keep busy. A request that cannot be cancelled is
 * kept here, as glibc would, and freed at the end.
 */
static bool is_busy, is_cancelable;
static int look_ups, waits, start_fails_with;
static void (*while_waiting)(void);
static struct gaicb *kept;

int __real_getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *event);
int __real_gai_error(struct gaicb *request);
int __real_gai_suspend(const struct gaicb *const list[], int count, const struct timespec *timeout);
int __real_gai_cancel(struct gaicb *request);
int __wrap_getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *event);
int __wrap_gai_error(struct gaicb *request);
int __wrap_gai_suspend(const struct gaicb *const list[], int count, const struct timespec *timeout);
int __wrap_gai_cancel(struct gaicb *request);

int __wrap_getaddrinfo_a(int mode, struct gaicb *list[], int count, struct sigevent *event)
{
    look_ups++;
    if (start_fails_with)
        return start_fails_with;
    return is_busy ? 0 : __real_getaddrinfo_a(mode, list, count, event);
}

int __wrap_gai_error(struct gaicb *request)
{
    return is_busy ? EAI_INPROGRESS : __real_gai_error(request);
}

int __wrap_gai_suspend(const struct gaicb *const list[], int count, const struct timespec *timeout)
{
    waits++;
    if (while_waiting)
        while_waiting();
    return is_busy ? EAI_AGAIN : __real_gai_suspend(list, count, timeout);
}

int __wrap_gai_cancel(struct gaicb *request)
{
    if (!is_busy)
        return __real_gai_cancel(request);
    if (is_cancelable)
        return EAI_CANCELED;
    kept = request;
    return EAI_NOTCANCELED;
}

/* glibc starts its threads behind ThreadSanitizer's back, which then fails in their first malloc().
 */
static void need_real_look_ups(void)
{
#ifdef __SANITIZE_THREAD__
    skip();
#endif
}

static struct cancel cancel;
static struct resolver resolver;
static char address[RESOLVER_ADDRESS_BYTES];

static int create(void **state)
{
    (void)state;
    is_busy = is_cancelable = false;
    look_ups = waits = start_fails_with = 0;
    while_waiting = NULL;
    resolver = (struct resolver){0};
    return cancel_init(&cancel);
}

static int destroy(void **state)
{
    (void)state;
    resolver_uninit(&resolver);
    free(kept);
    kept = NULL;
    cancel_uninit(&cancel);
    return 0;
}

static void test_numbers_need_no_look_up(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1", "0.0.0.0", "::1", "fe80::1%eth0",
                                        "2001:db8::ffff:10.0.0.1"};
    cancel_request(&cancel); /* nothing to wait for */
    for (size_t i = 0; i < LENGTH(hosts); i++) {
        require(resolver_lookup(&resolver, hosts[i], &cancel, address, NULL) == 0, "%s", hosts[i]);
        assert_string_equal(address, hosts[i]);
    }
    assert_int_equal(look_ups, 0);
}

static void test_localhost(void **state)
{
    (void)state;
    need_real_look_ups();
    struct rtsprec_error error = {0};
    assert_int_equal(resolver_lookup(&resolver, "localhost", &cancel, address, &error), 0);
    assert_int_equal(look_ups, 1);
    assert_int_equal(error.code, 0);
    assert_true(!strcmp(address, "127.0.0.1") || !strcmp(address, "::1"));
    assert_null(resolver.pending);
}

/* A name that no server need be asked for: a label may have 63 bytes. */
static void test_a_name_that_cannot_be(void **state)
{
    (void)state;
    need_real_look_ups();
    char host[80];
    memset(host, 'a', sizeof(host));
    host[70] = '\0';
    struct rtsprec_error error;
    assert_int_equal(resolver_lookup(&resolver, host, &cancel, address, &error),
                     RTSPREC_ERROR_RESOLVE);
    assert_int_equal(error.code, RTSPREC_ERROR_RESOLVE);
    assert_non_null(strstr(error.text, host));
}

static void request_stop(void)
{
    if (waits == 3)
        cancel_request(&cancel);
}

static void test_a_stop_ends_the_wait(void **state)
{
    (void)state;
    struct rtsprec_error error;
    while_waiting = request_stop;
    for (int i = 0; i < 2; i++) {
        is_busy = true;
        is_cancelable = i == 1;
        waits = 0;
        cancel_reset(&cancel);
        assert_int_equal(resolver_lookup(&resolver, "camera.example", &cancel, address, &error),
                         RTSPREC_ERROR_STOPPED);
        assert_int_equal(waits, 3);
        assert_non_null(resolver.pending);
        resolver_uninit(&resolver);
        assert_null(resolver.pending);
    }
}

static void expire(void)
{
    if (waits == 2)
        cancel_set_timeout(&cancel, 0);
}

static void test_a_deadline_ends_the_wait(void **state)
{
    (void)state;
    struct rtsprec_error error;
    is_busy = true;
    while_waiting = expire;
    assert_int_equal(resolver_lookup(&resolver, "camera.example", &cancel, address, &error),
                     RTSPREC_ERROR_TIMEOUT);
    assert_int_equal(waits, 2);
    assert_non_null(strstr(error.text, "camera.example"));
}

/* However often a camera tries while a name server is silent, one look-up is under way. */
static void test_a_look_up_that_was_given_up_is_taken_up_again(void **state)
{
    (void)state;
    struct rtsprec_error error;
    is_busy = true;
    while_waiting = expire;
    for (int i = 0; i < 10; i++) {
        waits = 0;
        cancel_reset(&cancel);
        assert_int_equal(resolver_lookup(&resolver, "camera.example", &cancel, address, &error),
                         RTSPREC_ERROR_TIMEOUT);
    }
    assert_int_equal(look_ups, 1);
}

static void test_no_look_up_could_begin(void **state)
{
    (void)state;
    struct rtsprec_error error;
    start_fails_with = EAI_AGAIN;
    assert_int_equal(resolver_lookup(&resolver, "camera.example", &cancel, address, &error),
                     RTSPREC_ERROR_SYSTEM);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, create, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_numbers_need_no_look_up),
        CASE(test_localhost),
        CASE(test_a_name_that_cannot_be),
        CASE(test_a_stop_ends_the_wait),
        CASE(test_a_deadline_ends_the_wait),
        CASE(test_no_look_up_could_begin),
        CASE(test_a_look_up_that_was_given_up_is_taken_up_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
