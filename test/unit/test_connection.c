/* Against sockets on the loopback: each test waits for what happens. */
#include "scripted_server.h"

#include <fcntl.h>

#include <libavutil/log.h>

#include <rtsprec/error.h>

#include "ingest/connection.h"

#define TIMEOUT_US INT64_C(300000)

static const struct server_step silent[] = {{0}};

struct rig {
    struct server server;
    struct cancel cancel;
    struct connection *connection;
    struct rtsprec_error error;
};

static int open_at(struct rig *rig, const char *address, int port, bool is_tls)
{
    struct connection_options options = {
        .address = address,
        .host = "localhost",
        .port = port,
        .is_tls = is_tls,
        .is_verified = true,
        .ca_file = "/dev/null", /* the system's hundreds take a while to be read */
        .cancel = &rig->cancel,
    };
    return connection_open(&rig->connection, &options, &rig->error);
}

static void prepare(struct rig *rig)
{
    *rig = (struct rig){0};
    assert_int_equal(cancel_init(&rig->cancel), 0);
    cancel_set_timeout(&rig->cancel, 20 * SECOND);
}

static void begin(struct rig *rig, const struct server_step *steps)
{
    prepare(rig);
    server_start(&rig->server, steps, &rig->cancel);
    assert_int_equal(open_at(rig, "127.0.0.1", rig->server.port, false), 0);
}

static void end(struct rig *rig)
{
    connection_close(&rig->connection);
    assert_null(rig->connection);
    connection_close(&rig->connection);
    server_join(&rig->server);
    cancel_uninit(&rig->cancel);
}

/* Reads until something comes. */
static int read_some(struct rig *rig, uint8_t *data, size_t size)
{
    int got = 0;
    while (got == 0)
        got = connection_read(rig->connection, data, size, &rig->error);
    return got;
}

/* A port whose queue of new connections is full: the kernel answers no more of them. */
static int silent_port(int *listener, int fillers[8])
{
    int port;
    *listener = listen_anywhere(0, &port);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)port)};
    for (int i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        struct pollfd done = {.fd = fillers[i], .events = POLLOUT};
        (void)connect(fillers[i], (struct sockaddr *)&address, sizeof(address));
        if (poll(&done, 1, 100) == 0)
            return port;
    }
    fail_msg("a queue for no connection takes 8");
    return 0;
}

struct stopper {
    pthread_t thread;
    struct cancel *cancel;
    int listener; /* stops when a connection is there to be taken; -1: at once */
    int64_t stopped_us;
};

static void *stop_soon(void *argument)
{
    struct stopper *stopper = argument;
    struct pollfd ready = {.fd = stopper->listener, .events = POLLIN};
    take_precedence();
    poll(&ready, 1, stopper->listener < 0 ? 50 : 20000);
    stopper->stopped_us = clock_monotonic_us();
    cancel_request(stopper->cancel);
    return NULL;
}

static void start_stopper(struct stopper *stopper, struct cancel *cancel, int listener)
{
    *stopper = (struct stopper){.cancel = cancel, .listener = listener};
    assert_int_equal(pthread_create(&stopper->thread, NULL, stop_soon, stopper), 0);
}

/* Connecting to something that never answers: with TLS, something that takes the connection. */
static void test_connecting_ends_in_time(void **state)
{
    (void)state;
    for (int is_tls = 0; is_tls < 2; is_tls++) {
        struct rig rig;
        int listener, fillers[8] = {-1, -1, -1, -1, -1, -1, -1, -1}, port;
        prepare(&rig);
        if (is_tls)
            listener = listen_anywhere(8, &port);
        else
            port = silent_port(&listener, fillers);

        int64_t begin_us = clock_monotonic_us();
        cancel_set_timeout(&rig.cancel, TIMEOUT_US);
        require(open_at(&rig, "127.0.0.1", port, is_tls) == RTSPREC_ERROR_TIMEOUT, "%s",
                rig.error.text);
        int64_t late_us = clock_monotonic_us() - begin_us - TIMEOUT_US;
        require(late_us >= 0 && late_us <= LATE_US, "TLS %d: %d us late", is_tls, (int)late_us);
        assert_null(rig.connection);

        struct stopper stopper;
        cancel_set_timeout(&rig.cancel, 20 * SECOND);
        start_stopper(&stopper, &rig.cancel, is_tls ? listener : -1);
        require(open_at(&rig, "127.0.0.1", port, is_tls) == RTSPREC_ERROR_STOPPED, "%s",
                rig.error.text);
        int64_t end_us = clock_monotonic_us();
        pthread_join(stopper.thread, NULL);
        require(end_us - stopper.stopped_us <= LATE_US, "TLS %d: %d us", is_tls,
                (int)(end_us - stopper.stopped_us));
        for (int i = 0; i < 8 && fillers[i] >= 0; i++)
            close(fillers[i]);
        close(listener);
        cancel_uninit(&rig.cancel);
    }
}

static void test_where_nothing_listens(void **state)
{
    (void)state;
    struct rig rig;
    int port, listener = listen_anywhere(1, &port);
    close(listener);
    prepare(&rig);
    assert_int_equal(open_at(&rig, "127.0.0.1", port, false), RTSPREC_ERROR_REFUSED);
    assert_int_equal(open_at(&rig, "not-an-address", port, false), RTSPREC_ERROR_RESOLVE);
    assert_null(rig.connection);
    cancel_uninit(&rig.cancel);
}

static void test_tls_with_a_server_that_has_none(void **state)
{
    (void)state;
    static const struct server_step steps[] = {{NULL, "RTSP/1.0 200 OK\r\n\r\n", 0, 0}, {0}};
    struct rig rig;
    prepare(&rig);
    server_start(&rig.server, steps, &rig.cancel);
    assert_int_equal(open_at(&rig, "127.0.0.1", rig.server.port, true), RTSPREC_ERROR_PROTOCOL);
    assert_non_null(strstr(rig.error.text, "no TLS connection"));
    assert_null(rig.connection);
    server_join(&rig.server);
    cancel_uninit(&rig.cancel);
}

/* The environment's proxy is for the web: nothing listens at this one. */
static void test_tls_goes_to_no_proxy(void **state)
{
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    test_tls_with_a_server_that_has_none(state);
    unsetenv("http_proxy");
}

static void test_bytes_go_both_ways(void **state)
{
    (void)state;
    static const struct server_step steps[] = {{"GET x\r\n\r\n", "answer", 0, 0}, {0}};
    struct rig rig;
    uint8_t data[16];
    begin(&rig, steps);
    assert_true(connection_descriptor(rig.connection) >= 0);
    assert_int_equal(fcntl(connection_descriptor(rig.connection), F_GETFD), FD_CLOEXEC);
    assert_int_equal(connection_write(rig.connection, "GET x\r\n\r\n", 9, &rig.error), 0);
    int size = 0, got = 1;
    while (size < 6 && got > 0) {
        got = read_some(&rig, data + size, sizeof(data) - (size_t)size);
        size += got;
    }
    assert_int_equal(size, 6);
    assert_memory_equal(data, "answer", 6);
    end(&rig);
}

/* A read that finds nothing returns, so that its caller can do what is due. */
static void test_a_read_does_not_wait_long(void **state)
{
    (void)state;
    struct rig rig;
    uint8_t byte;
    begin(&rig, silent);
    int64_t begin_us = clock_monotonic_us();
    assert_int_equal(connection_read(rig.connection, &byte, 1, &rig.error), 0);
    assert_true(clock_monotonic_us() - begin_us <= LATE_US);
    end(&rig);
}

/* Neither for bytes nor for room. */
static void test_without_waiting(void **state)
{
    (void)state;
    static char much[64 * 1024];
    struct rig rig;
    uint8_t byte;
    int port, listener = listen_anywhere(1, &port), err;
    prepare(&rig);
    assert_int_equal(open_at(&rig, "127.0.0.1", port, false), 0);
    connection_set_waiting(rig.connection, false, false);
    int64_t begin_us = clock_monotonic_us();
    for (int i = 0; i < 20; i++)
        assert_int_equal(connection_read(rig.connection, &byte, 1, &rig.error), 0);
    /* One that waits takes 80 ms. */
    assert_true(clock_monotonic_us() - begin_us < 20 * 40000);
    assert_true(connection_has_room(rig.connection));
    do { /* what is acknowledged meanwhile makes room again, as long as the peer's buffer has it */
        for (err = 0; err == 0;)
            err = connection_write(rig.connection, much, sizeof(much), &rig.error);
        assert_int_equal(err, RTSPREC_ERROR_CLOSED);
        assert_non_null(strstr(rig.error.text, "takes nothing any more"));
    } while (connection_has_room(rig.connection));
    connection_close(&rig.connection);
    close(listener);
    cancel_uninit(&rig.cancel);
}

static void test_a_peer_that_goes(void **state)
{
    (void)state;
    for (int is_reset = 0; is_reset < 2; is_reset++) {
        struct rig rig;
        uint8_t byte;
        int port, listener = listen_anywhere(1, &port);
        prepare(&rig);
        assert_int_equal(open_at(&rig, "127.0.0.1", port, false), 0);
        int fd = accept(listener, NULL, NULL);
        struct linger at_once = {.l_onoff = is_reset};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        close(fd);
        assert_int_equal(read_some(&rig, &byte, 1), RTSPREC_ERROR_CLOSED);
        assert_non_null(strstr(rig.error.text, "the camera closed the connection"));
        /* The first write after a FIN may succeed; it brings the reset. */
        int err = 0;
        while (err == 0)
            err = connection_write(rig.connection, "x", 1, &rig.error);
        assert_int_equal(err, RTSPREC_ERROR_CLOSED);
        connection_close(&rig.connection);
        close(listener);
        cancel_uninit(&rig.cancel);
    }
}

/* A camera that takes nothing blocks a write no longer than its deadline. */
static void test_a_peer_that_does_not_read(void **state)
{
    (void)state;
    static char much[64 * 1024];
    struct rig rig;
    int port, listener = listen_anywhere(1, &port), err = 0;
    prepare(&rig);
    assert_int_equal(open_at(&rig, "127.0.0.1", port, false), 0);
    int64_t begin_us = clock_monotonic_us();
    cancel_set_timeout(&rig.cancel, TIMEOUT_US);
    while (err == 0)
        err = connection_write(rig.connection, much, sizeof(much), &rig.error);
    assert_int_equal(err, RTSPREC_ERROR_TIMEOUT);
    int64_t late_us = clock_monotonic_us() - begin_us - TIMEOUT_US;
    require(late_us >= 0 && late_us <= LATE_US, "%d us late", (int)late_us);
    connection_close(&rig.connection);
    close(listener);
    cancel_uninit(&rig.cancel);
}

/* A stop ends calls, but not the good-bye, which the deadline ends. */
static void test_a_stop(void **state)
{
    (void)state;
    static const struct server_step steps[] = {{"BYE\r\n\r\n", "answer", 0, 0}, {0}};
    struct rig rig;
    uint8_t data[16];
    begin(&rig, steps);
    cancel_request(&rig.cancel);
    assert_int_equal(connection_read(rig.connection, data, sizeof(data), &rig.error),
                     RTSPREC_ERROR_STOPPED);
    connection_set_closing(rig.connection);
    assert_int_equal(connection_write(rig.connection, "BYE\r\n\r\n", 7, &rig.error), 0);
    assert_true(read_some(&rig, data, sizeof(data)) > 0);
    cancel_set_timeout(&rig.cancel, 0);
    assert_true(read_some(&rig, data, sizeof(data)) < 0);
    end(&rig);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    take_precedence();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connecting_ends_in_time),
        cmocka_unit_test(test_where_nothing_listens),
        cmocka_unit_test(test_tls_with_a_server_that_has_none),
        cmocka_unit_test(test_tls_goes_to_no_proxy),
        cmocka_unit_test(test_bytes_go_both_ways),
        cmocka_unit_test(test_a_read_does_not_wait_long),
        cmocka_unit_test(test_without_waiting),
        cmocka_unit_test(test_a_peer_that_goes),
        cmocka_unit_test(test_a_peer_that_does_not_read),
        cmocka_unit_test(test_a_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
