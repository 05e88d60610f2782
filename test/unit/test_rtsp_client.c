/* Against a server on the loopback that plays a script: each test waits for what happens. */
#include "scripted_server.h"

#include <sys/ioctl.h>

#include <rtsprec/error.h>

#include "ingest/rtsp_client.h"

#define URL "rtsp://127.0.0.1/cam"

#define OK       "RTSP/1.0 200 OK\r\nCSeq: {n}\r\n\r\n"
#define REFUSED  "RTSP/1.0 401 Unauthorized\r\nCSeq: {n}\r\nWWW-Authenticate: "
#define NONCE(n) REFUSED "Digest realm=\"cam\", nonce=\"" n "\"\r\n\r\n"
#define STALE(n) REFUSED "Digest realm=\"cam\", nonce=\"" n "\", stale=true\r\n\r\n"

#define TIMEOUT_US INT64_C(300000)

struct rig {
    struct server server;
    struct cancel cancel;
    struct rtsp_client client;
    struct rtsprec_error error;
};

static void begin(struct rig *rig, const struct server_step *steps, const char *username,
                  const char *password)
{
    *rig = (struct rig){0};
    assert_int_equal(cancel_init(&rig->cancel), 0);
    cancel_set_timeout(&rig->cancel, 20 * SECOND);
    server_start(&rig->server, steps, &rig->cancel);
    struct connection_options options = {
        .address = "127.0.0.1",
        .host = "127.0.0.1",
        .port = rig->server.port,
        .cancel = &rig->cancel,
    };
    assert_int_equal(rtsp_client_open(&rig->client, &options, username, password, &rig->error), 0);
}

static void end(struct rig *rig)
{
    rtsp_client_close(&rig->client);
    server_join(&rig->server);
    cancel_uninit(&rig->cancel);
}

/* Returns the reply's status, or the error. */
static int call(struct rig *rig, const char *method)
{
    struct rtsp_message reply;
    int err = rtsp_client_call(&rig->client, method, URL, "", &reply, &rig->error);
    return err < 0 ? err : reply.status;
}

static bool has_login(const struct rig *rig, int request)
{
    return strstr(rig->server.requests[request], "\r\nAuthorization: ") != NULL;
}

static void test_a_request_says_what_it_must(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        {"OPTIONS " URL " RTSP/1.0\r\nCSeq: 1\r\nUser-Agent: rtsprec/", OK, 0, 0},
        {"SETUP " URL " RTSP/1.0\r\nCSeq: 2\r\n", OK, 0, 0},
        {0},
    };
    struct rig rig;
    struct rtsp_message reply;
    begin(&rig, steps, NULL, NULL);
    assert_int_equal(call(&rig, "OPTIONS"), 200);
    snprintf(rig.client.session_id, sizeof(rig.client.session_id), "4711");
    assert_int_equal(
        rtsp_client_call(&rig.client, "SETUP", URL, "Transport: RTP/AVP\r\n", &reply, &rig.error),
        0);
    end(&rig);
    assert_null(strstr(rig.server.requests[0], "Session"));
    assert_non_null(strstr(rig.server.requests[1], "\r\nSession: 4711\r\nTransport: RTP/AVP\r\n"));
    assert_false(has_login(&rig, 1));
}

static void test_what_is_too_long_is_not_sent(void **state)
{
    (void)state;
    static const struct server_step steps[] = {{"OPTIONS ", OK, 0, 0}, {0}};
    static char headers[16 * 1024];
    struct rig rig;
    struct rtsp_message reply;
    memset(headers, 'x', sizeof(headers) - 1);
    begin(&rig, steps, NULL, NULL);
    assert_int_equal(rtsp_client_call(&rig.client, "SETUP", URL, headers, &reply, &rig.error),
                     RTSPREC_ERROR_PROTOCOL);
    assert_int_equal(call(&rig, "OPTIONS"), 200);
    end(&rig);
    assert_int_equal(rig.server.request_count, 1);
}

static void test_login(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        {"OPTIONS ", NONCE("a"), 0, 0},
        {"OPTIONS ", OK, 0, 0},
        {"DESCRIBE ", OK, 0, 0},
        {0},
    };
    struct rig rig;
    begin(&rig, steps, "user", "secret");
    assert_int_equal(call(&rig, "OPTIONS"), 200);
    assert_true(rig.client.is_accepted);
    assert_int_equal(call(&rig, "DESCRIBE"), 200);
    end(&rig);
    assert_int_equal(rig.server.request_count, 3);
    assert_false(has_login(&rig, 0));
    assert_true(has_login(&rig, 1));
    assert_true(has_login(&rig, 2));
    assert_null(strstr(rig.server.requests[1], "secret"));
}

/* Some cameras say stale=true, others just ask again: both have taken the password before. */
static void test_a_nonce_that_is_too_old(void **state)
{
    (void)state;
    static const char *const challenges[] = {STALE("b"), NONCE("b")};
    for (size_t i = 0; i < LENGTH(challenges); i++) {
        const struct server_step steps[] = {
            {"OPTIONS ", NONCE("a"), 0, 0},
            {"OPTIONS ", OK, 0, 0},
            {"DESCRIBE ", challenges[i], 0, 0},
            {"DESCRIBE ", OK, 0, 0},
            {0},
        };
        struct rig rig;
        begin(&rig, steps, "user", "secret");
        assert_int_equal(call(&rig, "OPTIONS"), 200);
        assert_int_equal(call(&rig, "DESCRIBE"), 200);
        end(&rig);
        assert_int_equal(rig.server.request_count, 4);
        assert_non_null(strstr(rig.server.requests[2], "nonce=\"a\""));
        assert_non_null(strstr(rig.server.requests[3], "nonce=\"b\""));
    }
}

/* Cameras lock an address after a few wrong passwords. */
static void test_a_refused_login_is_not_tried_again(void **state)
{
    (void)state;
    static const struct server_step digest[] = {
        {"OPTIONS ", NONCE("a"), 0, 0}, {"OPTIONS ", NONCE("b"), 0, 0}, {0}};
    static const struct server_step basic[] = {
        {"OPTIONS ", REFUSED "Basic realm=\"x\"\r\n\r\n", 0, 0},
        {"OPTIONS ", REFUSED "Basic realm=\"x\"\r\n\r\n", 0, 0},
        {0}};
    static const struct server_step stale[] = {
        {"OPTIONS ", STALE("a"), 0, 0}, {"OPTIONS ", STALE("b"), 0, 0}, {0}};
    const struct {
        const struct server_step *steps;
        const char *username;
        int requests;
    } rows[] = {{digest, "user", 2}, {basic, "user", 2}, {stale, "user", 2}, {digest, NULL, 1}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct rig rig;
        begin(&rig, rows[i].steps, rows[i].username, rows[i].username ? "wrong" : NULL);
        require(call(&rig, "OPTIONS") == 401, "row %zu", i);
        assert_false(rig.client.is_accepted);
        end(&rig);
        require(rig.server.request_count == rows[i].requests, "row %zu: %d", i,
                rig.server.request_count);
        assert_false(has_login(&rig, 0));
    }
}

static void test_a_challenge_that_is_not_known(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        {"OPTIONS ", REFUSED "Digest realm=\"x\", nonce=\"n\", algorithm=SHA-512\r\n\r\n", 0, 0},
        {0},
    };
    struct rig rig;
    begin(&rig, steps, "user", "secret");
    assert_int_equal(call(&rig, "OPTIONS"), RTSPREC_ERROR_UNAUTHORIZED);
    assert_non_null(strstr(rig.error.text, "expected Basic"));
    end(&rig);
    assert_int_equal(rig.server.request_count, 1);
}

/* Late replies to older requests are not taken for this one's; some cameras do not number. */
static void test_numbers_of_replies(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        {"OPTIONS ", "RTSP/1.0 500 No\r\nCSeq: 99\r\n\r\n", 0, 0},
        {NULL, "RTSP/1.0 404 No\r\nCSeq: 0\r\n\r\nRTSP/1.0 100 Soon\r\nCSeq: 1\r\n\r\n", 0, 0},
        {NULL, OK, 0, 0},
        {"DESCRIBE ", "RTSP/1.0 100 Soon\r\n\r\nRTSP/1.0 302 Moved\r\n\r\n", 0, 0},
        {0},
    };
    struct rig rig;
    begin(&rig, steps, NULL, NULL);
    assert_int_equal(call(&rig, "OPTIONS"), 200);
    assert_int_equal(call(&rig, "DESCRIBE"), 302);
    end(&rig);
}

static void test_frames_before_a_reply(void **state)
{
    (void)state;
    static const char frames[] = "$\0\0\x0c\x80\0\0\0\0\0\0\0\0\0\0\0$\1\0\x08\x80\xc8\0\1\0\0\0\0"
                                 "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
                                 "$\0\0\x0d\x80\1\0\0\0\0\0\0\0\0\0\0x";
    static const struct server_step steps[] = {{"PLAY ", frames, sizeof(frames) - 1, 0}, {0}};
    struct rig rig;
    struct rtsp_item item;
    begin(&rig, steps, NULL, NULL);
    rig.client.is_channel[0] = rig.client.is_channel[1] = true;
    int64_t before_us = clock_monotonic_us();
    assert_int_equal(call(&rig, "PLAY"), 200);
    int got = 0;
    while (got == 0)
        got = rtsp_client_next(&rig.client, &item, &rig.error);
    assert_int_equal(got, 1);
    assert_int_equal(item.kind, RTSP_FRAME);
    assert_int_equal(item.payload_size, 13);
    assert_int_equal(item.payload[12], 'x');
    assert_in_range(rig.client.arrival_us, before_us, clock_monotonic_us());
    end(&rig);
}

/* Off the buffer, one by one, up to what is no frame or not whole. */
static void test_frames_that_have_come(void **state)
{
    (void)state;
    static const char frames[] = "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
                                 "$\0\0\2ab$\1\0\0$\0\0\1cRTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n"
                                 "$\0\0\1d$\2\0\1e$\0\0\2f";
    static const struct server_step steps[] = {{"PLAY ", frames, sizeof(frames) - 1, 0}, {0}};
    static const struct {
        int channel, size;
        uint8_t first;
    } rows[] = {{0, 2, 'a'}, {1, 0, '$'}, {0, 1, 'c'}};
    struct rig rig;
    struct rtsp_item item;
    begin(&rig, steps, NULL, NULL);
    rig.client.is_channel[0] = rig.client.is_channel[1] = true;
    assert_int_equal(call(&rig, "PLAY"), 200);
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const uint8_t *frame = rtsp_client_take_frame(&rig.client);
        require(frame && frame[1] == rows[i].channel, "row %zu", i);
        require(frame[2] == 0 && frame[3] == rows[i].size && frame[4] == rows[i].first, "row %zu",
                i);
        assert_true(rig.client.has_more);
    }
    assert_null(rtsp_client_take_frame(&rig.client)); /* a reply */
    assert_int_equal(rtsp_client_next(&rig.client, &item, &rig.error), 1);
    assert_int_equal(item.message.cseq, 2);
    assert_non_null(rtsp_client_take_frame(&rig.client));
    assert_null(rtsp_client_take_frame(&rig.client)); /* a channel that was not set up */
    assert_int_equal(rtsp_client_next(&rig.client, &item, &rig.error), 1);
    assert_int_equal(item.channel, 2);
    assert_null(rtsp_client_take_frame(&rig.client)); /* half of one */
    end(&rig);
}

static void test_requests_of_the_server(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        {"OPTIONS ", "GET_PARAMETER * RTSP/1.0\r\nCSeq: 77\r\n\r\n", 0, 0},
        {"RTSP/1.0 200 OK\r\nCSeq: 77\r\n\r\n", "OPTIONS * RTSP/1.0\r\n\r\n", 0, 0},
        {"RTSP/1.0 200 OK\r\n\r\n", "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", 0, 0},
        {0},
    };
    struct rig rig;
    begin(&rig, steps, NULL, NULL);
    assert_int_equal(call(&rig, "OPTIONS"), 200);
    end(&rig);
    assert_int_equal(rig.server.request_count, 3);
}

static void test_bounds(void **state)
{
    (void)state;
    static const char start[] = "RTSP/1.0 200 OK\r\n";
    static const struct server_step headers[] = {
        {"OPTIONS ", start, 0, 0}, {NULL, "X-Header: 1234567890\r\n", 0, SEND_FOR_EVER}, {0}};
    static const struct server_step line[] = {
        {"OPTIONS ", start, 0, 0}, {NULL, "X-Header 1234567890", 0, SEND_FOR_EVER}, {0}};
    static const struct server_step body[] = {
        {"OPTIONS ", "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: 65537\r\n\r\n", 0, 0}, {0}};
    static const struct server_step junk[] = {{"OPTIONS ", "?/junk\\", 0, SEND_FOR_EVER}, {0}};
    static const struct {
        const struct server_step *steps;
        const char *text;
    } rows[] = {
        {headers, "16 KiB"}, {line, "16 KiB"}, {body, "64 KiB"}, {junk, "neither RTSP nor"}};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct rig rig;
        begin(&rig, rows[i].steps, NULL, NULL);
        require(call(&rig, "OPTIONS") == RTSPREC_ERROR_PROTOCOL, "row %zu", i);
        require(strstr(rig.error.text, rows[i].text), "row %zu: %s", i, rig.error.text);
        end(&rig);
    }
}

/* The largest body that is allowed comes whole. */
static void test_a_body_of_64_kib(void **state)
{
    (void)state;
    enum { HEADERS = 50, BODY = 64 * 1024 };
    static char text[HEADERS + BODY + 32];
    static struct server_step steps[] = {{"DESCRIBE ", text, 0, 0}, {0}};
    struct rig rig;
    struct rtsp_message reply;
    int size = snprintf(text, sizeof(text),
                        "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: %d\r\n\r\n", BODY);
    memset(text + size, 'v', BODY);
    steps[0].bytes = (size_t)size + BODY;
    begin(&rig, steps, NULL, NULL);
    assert_int_equal(rtsp_client_call(&rig.client, "DESCRIBE", URL, "", &reply, &rig.error), 0);
    assert_int_equal(reply.body.size, BODY);
    assert_int_equal(reply.body.data[BODY - 1], 'v');
    end(&rig);
}

/* Whatever comes meanwhile. */
static void test_deadline(void **state)
{
    (void)state;
    static const char long_line[] =
        "RTSP/1.0 200 OK\r\nX-Header: 1234567890123456789012345678901234567890\r\n";
    static const struct server_step drip[] = {{"OPTIONS ", long_line, 0, SEND_IN_DRIPS}, {0}};
    static const struct server_step nothing[] = {{"OPTIONS ", NULL, 0, 0}, {0}};
    static const struct server_step soon[] = {
        {"OPTIONS ", "RTSP/1.0 100 Continue\r\n\r\n", 0, SEND_FOR_EVER}, {0}};
    static const char frame[] = "$\0\0\x0c\x80\0\0\0\0\0\0\0\0\0\0\0";
    static const struct server_step frames[] = {
        {"OPTIONS ", frame, sizeof(frame) - 1, SEND_FOR_EVER}, {0}};
    static const struct server_step *const rows[] = {drip, nothing, soon, frames};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct rig rig;
        begin(&rig, rows[i], NULL, NULL);
        rig.client.is_channel[0] = true;
        int64_t begin_us = clock_monotonic_us();
        cancel_set_timeout(&rig.cancel, TIMEOUT_US);
        require(call(&rig, "OPTIONS") == RTSPREC_ERROR_TIMEOUT, "row %zu: %s", i, rig.error.text);
        int64_t late_us = clock_monotonic_us() - begin_us - TIMEOUT_US;
        require(late_us >= 0 && late_us <= LATE_US, "row %zu: %d us late", i, (int)late_us);
        end(&rig);
    }
}

static void test_stop(void **state)
{
    (void)state;
    static const struct server_step silent[] = {{"OPTIONS ", NULL, 0, SEND_AND_STOP}, {0}};
    static const struct server_step amid[] = {
        {"OPTIONS ", "RTSP/1.0 200 OK\r\nCS", 0, SEND_AND_STOP},
        {NULL, "eq: 123456789", 0, SEND_IN_DRIPS},
        {0}};
    static const struct server_step *const rows[] = {silent, amid};
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct rig rig;
        begin(&rig, rows[i], NULL, NULL);
        require(call(&rig, "OPTIONS") == RTSPREC_ERROR_STOPPED, "row %zu: %s", i, rig.error.text);
        int64_t end_us = clock_monotonic_us();
        end(&rig);
        int64_t passed_us = end_us - rig.server.stopped_us;
        require(passed_us <= LATE_US, "row %zu: %d us", i, (int)passed_us);
    }
}

/* Its first read waits until there is something; the turn is over when it has that, even if the
 * read was a full one.
 */
static void test_a_turn_waits_once(void **state)
{
    (void)state;
    enum { FRAME = RTSP_CLIENT_BUFFER_BYTES / 2 };
    static const char header[] = {'$', 0, (char)((FRAME - 4) >> 8), (char)(FRAME - 4)};
    static char frames[2 * FRAME];
    static uint8_t lent[RTSP_CLIENT_BUFFER_BYTES];
    static const struct server_step steps[] = {{NULL, frames, sizeof(frames), 0}, {0}};
    memcpy(frames, header, 4);
    memcpy(frames + FRAME, header, 4);
    struct rig rig;
    struct rtsp_item item;
    begin(&rig, steps, NULL, NULL);
    rig.client.is_channel[0] = true;
    int fd = connection_descriptor(rig.client.connection);
    int room = 8 * (int)sizeof(frames), there = 0;
    struct timeval long_time = {.tv_sec = 60}; /* a read that waits takes it */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &long_time, sizeof(long_time));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    while (there < (int)sizeof(frames))
        assert_int_equal(ioctl(fd, FIONREAD, &there), 0);
    int64_t begin_us = clock_monotonic_us();
    rtsp_client_begin_turn(&rig.client, lent, true);
    assert_int_equal(rtsp_client_next(&rig.client, &item, &rig.error), 1);
    assert_non_null(rtsp_client_take_frame(&rig.client));
    assert_int_equal(rtsp_client_next(&rig.client, &item, &rig.error), 0);
    rtsp_client_end_turn(&rig.client);
    assert_true(clock_monotonic_us() - begin_us < 20 * SECOND);
    end(&rig);
}

/* A turn that waits for what comes does not wait for a camera that takes nothing. */
static void test_a_turn_does_not_wait_to_send(void **state)
{
    (void)state;
    static const struct server_step steps[] = {{NULL, "?", 0, SEND_FOR_EVER}, {0}};
    static uint8_t lent[RTSP_CLIENT_BUFFER_BYTES];
    struct rig rig;
    int err = 0;
    begin(&rig, steps, NULL, NULL);
    rtsp_client_begin_turn(&rig.client, lent, true);
    while (err == 0)
        err = rtsp_client_send(&rig.client, "OPTIONS", URL, "", &rig.error);
    rtsp_client_end_turn(&rig.client);
    assert_int_equal(err, RTSPREC_ERROR_CLOSED); /* at the deadline: RTSPREC_ERROR_TIMEOUT */
    end(&rig);
}

int main(void)
{
    take_precedence();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_says_what_it_must),
        cmocka_unit_test(test_what_is_too_long_is_not_sent),
        cmocka_unit_test(test_login),
        cmocka_unit_test(test_a_nonce_that_is_too_old),
        cmocka_unit_test(test_a_refused_login_is_not_tried_again),
        cmocka_unit_test(test_a_challenge_that_is_not_known),
        cmocka_unit_test(test_numbers_of_replies),
        cmocka_unit_test(test_frames_before_a_reply),
        cmocka_unit_test(test_frames_that_have_come),
        cmocka_unit_test(test_requests_of_the_server),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_a_body_of_64_kib),
        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_a_turn_waits_once),
        cmocka_unit_test(test_a_turn_does_not_wait_to_send),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
