/* Against a server on the loopback that plays a script: each test waits for what happens. */
#include "scripted_server.h"

#include <rtsprec/error.h>

#include "ingest/rtsp_session.h"

#define TIMEOUT_US INT64_C(300000)
#define GOODBYE_US INT64_C(500000)

#define OK     "RTSP/1.0 200 OK\r\nCSeq: {n}\r\n"
#define PUBLIC OK "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n\r\n"
#define SDP                                                                    \
    OK "Content-Length: 119\r\n\r\n"                                           \
       "m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:video\r\n" \
       "m=audio 0 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=control:a\r\n"
#define CHANNELS(pair) \
    OK "Session: 4711;timeout=60\r\nTransport: RTP/AVP/TCP;unicast;interleaved=" pair "\r\n\r\n"

#define BEGINNING               \
    {"OPTIONS ", PUBLIC, 0, 0}, \
    {                           \
        "DESCRIBE ", SDP, 0, 0  \
    }
#define SET_UP                          \
    {"SETUP ", CHANNELS("4-5"), 0, 0},  \
    {                                   \
        "SETUP ", CHANNELS("0-1"), 0, 0 \
    }

struct rig {
    struct server server;
    struct cancel cancel;
    struct resolver resolver;
    struct url url;
    struct source_options options;
    struct rtsp_session *session;
    struct rtsprec_error error;
    bool is_in_turn, turns_wait;
    uint8_t lent[SOURCE_TURN_BYTES];
};

/* Whether sessions that take turns are read in them, as the common reader does. */
static bool reads_in_turns;

static void prepare(struct rig *rig, const struct server_step *steps,
                    enum rtsprec_transport transport)
{
    char text[64];
    *rig = (struct rig){0};
    assert_int_equal(cancel_init(&rig->cancel), 0);
    server_start(&rig->server, steps, &rig->cancel);
    snprintf(text, sizeof(text), "rtsp://127.0.0.1:%d/cam", rig->server.port);
    assert_int_equal(url_parse(&rig->url, text, &rig->error), 0);
    rig->options = (struct source_options){
        .url = &rig->url,
        .transport = transport,
        .resolver = &rig->resolver,
        .cancel = &rig->cancel,
    };
    cancel_set_timeout(&rig->cancel, 20 * SECOND);
}

static int open_session(struct rig *rig, const struct server_step *steps,
                        enum rtsprec_transport transport)
{
    prepare(rig, steps, transport);
    return rtsp_session_open(&rig->session, &rig->options, &rig->error);
}

static void begin(struct rig *rig, const struct server_step *steps,
                  enum rtsprec_transport transport)
{
    assert_int_equal(open_session(rig, steps, transport), 0);
    assert_int_equal(rtsp_session_sdp(rig->session)->media_count, 2);
}

static int set_up(struct rig *rig, int media)
{
    return rtsp_session_setup(rig->session, &rtsp_session_sdp(rig->session)->media[media],
                              &rig->error);
}

static void play(struct rig *rig)
{
    assert_int_equal(set_up(rig, 0), 0);
    assert_int_equal(set_up(rig, 1), 0);
    assert_int_equal(rtsp_session_play(rig->session, &rig->error), 0);
}

static void begin_turn(struct rig *rig)
{
    rtsp_session_begin_turn(rig->session, rig->lent, rig->turns_wait);
    rig->is_in_turn = true;
}

/* Nothing stays in the buffer that was lent. */
static bool end_turn(struct rig *rig)
{
    bool has_more = rtsp_session_end_turn(rig->session);
    memset(rig->lent, 0xee, sizeof(rig->lent));
    rig->is_in_turn = false;
    return has_more;
}

/* The next packet, in whatever turn it comes. */
static int read_next(struct rig *rig, struct rtp_datagram *out)
{
    if (!reads_in_turns || !rtsp_session_takes_turns(rig->session))
        return rtsp_session_read(rig->session, out, &rig->error);
    for (;;) {
        if (!rig->is_in_turn)
            begin_turn(rig);
        int result = rtsp_session_read(rig->session, out, &rig->error);
        if (result != 1)
            return result;
        end_turn(rig);
        poll(NULL, 0, 1);
    }
}

static void end(struct rig *rig)
{
    if (rig->is_in_turn)
        end_turn(rig);
    rtsp_session_close(&rig->session);
    assert_null(rig->session);
    server_join(&rig->server);
    resolver_uninit(&rig->resolver);
    url_uninit(&rig->url);
    cancel_uninit(&rig->cancel);
}

static bool asked(const struct rig *rig, int request, const char *text)
{
    return strstr(rig->server.requests[request], text) != NULL;
}

static void test_a_session(void **state)
{
    (void)state;
    static const char media[] = "$\5\0\2rc$\4\0\3vid$\0\0\1s$\1\0\1c";
    static const struct server_step steps[] = {
        BEGINNING,
        SET_UP,
        {"PLAY ", OK "\r\n", 0, 0},
        {NULL, media, sizeof(media) - 1, 0},
        {"$\1\0\6report", NULL, 0, 0},
        {0},
    };
    static const struct {
        int track;
        bool is_rtcp;
        const char *data;
    } expected[] = {{0, true, "rc"}, {0, false, "vid"}, {1, false, "s"}, {1, true, "c"}};
    struct rig rig;
    begin(&rig, steps, RTSPREC_TRANSPORT_AUTO);
    play(&rig);
    for (size_t i = 0; i < LENGTH(expected); i++) {
        struct rtp_datagram got;
        assert_int_equal(read_next(&rig, &got), 0);
        assert_int_equal(got.track, expected[i].track);
        assert_int_equal(got.is_rtcp, expected[i].is_rtcp);
        assert_int_equal(got.size, strlen(expected[i].data));
        assert_memory_equal(got.data, expected[i].data, got.size);
    }
    rtsp_session_send_rtcp(rig.session, 1, (const uint8_t *)"report", 6);
    end(&rig);
    assert_true(asked(&rig, 2, "/cam/video RTSP/1.0\r\n"));
    assert_true(asked(&rig, 2, "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"));
    assert_false(asked(&rig, 2, "Session: "));
    assert_true(asked(&rig, 3, "/cam/a RTSP/1.0\r\n"));
    assert_true(asked(&rig, 3, "interleaved=2-3\r\n"));
    assert_true(asked(&rig, 3, "Session: 4711\r\n"));
    assert_true(asked(&rig, 4, "Session: 4711\r\n"));
    /* Behind the report, which has no empty line of its own. */
    const char *last = rig.server.requests[5];
    assert_memory_equal(last, "$\1\0\6report", 10);
    assert_non_null(strstr(last + 10, "TEARDOWN rtsp://127.0.0.1:"));
    assert_non_null(strstr(last + 10, "\r\nSession: 4711\r\n"));
}

/* Nobody waits for a camera to answer a good-bye that has not answered before. */
static void test_a_set_up_that_is_not_answered(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        BEGINNING, {"SETUP ", CHANNELS("0-1"), 0, 0}, {"SETUP ", NULL, 0, 0}, {0}};
    struct rig rig;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    assert_int_equal(set_up(&rig, 0), 0);
    int64_t begin_us = clock_monotonic_us();
    cancel_set_timeout(&rig.cancel, TIMEOUT_US);
    assert_int_equal(set_up(&rig, 1), RTSPREC_ERROR_TIMEOUT);
    rtsp_session_close(&rig.session);
    int64_t late_us = clock_monotonic_us() - begin_us - TIMEOUT_US;
    require(late_us >= 0 && late_us <= LATE_US, "%d us late", (int)late_us);
    end(&rig);
}

/* Every stop says good-bye, but waits no longer than half a second for the answer. */
static void test_a_good_bye_that_is_not_answered(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        BEGINNING, SET_UP, {"PLAY ", NULL, 0, SEND_AND_STOP}, {"TEARDOWN ", NULL, 0, 0}, {0}};
    struct rig rig;
    struct rtp_datagram got;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    play(&rig);
    assert_int_equal(read_next(&rig, &got), RTSPREC_ERROR_STOPPED);
    int64_t begin_us = clock_monotonic_us();
    if (rig.is_in_turn)
        end_turn(&rig);
    rtsp_session_close(&rig.session);
    int64_t passed_us = clock_monotonic_us() - begin_us;
    require(passed_us <= GOODBYE_US + LATE_US, "%d us", (int)passed_us);
    end(&rig);
    assert_int_equal(rig.server.request_count, 6);
}

/* Media may come before the reply to PLAY, whatever that then is. */
static void test_a_play_that_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *reply;
        int error;
    } rows[] = {
        {"RTSP/1.0 401 No\r\nCSeq: {n}\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n",
         RTSPREC_ERROR_UNAUTHORIZED},
        {"RTSP/1.0 404 No\r\nCSeq: {n}\r\n\r\n", RTSPREC_ERROR_NOT_FOUND},
        {"RTSP/1.0 454 No\r\n\r\n", RTSPREC_ERROR_CLOSED},
        {"RTSP/1.0 500 No\r\n\r\n", RTSPREC_ERROR_PROTOCOL},
        {"TEARDOWN * RTSP/1.0\r\nCSeq: 1\r\n\r\n", RTSPREC_ERROR_CLOSED},
    };
    static const char media[] = "$\4\0\3vid";
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const struct server_step steps[] = {
            BEGINNING, SET_UP, {"PLAY ", media, sizeof(media) - 1, 0}, {NULL, rows[i].reply, 0, 0},
            {0},
        };
        struct rig rig;
        struct rtp_datagram got;
        begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
        play(&rig);
        assert_int_equal(read_next(&rig, &got), 0);
        assert_int_equal(got.size, 3);
        require(read_next(&rig, &got) == rows[i].error, "row %zu: %s", i, rig.error.text);
        end(&rig);
        require(rig.server.request_count == 5, "row %zu: %d", i, rig.server.request_count);
    }
}

static void test_requests_amid_media(void **state)
{
    (void)state;
    static const char media[] = "$\4\0\3vid";
    static const struct server_step steps[] = {
        BEGINNING,
        SET_UP,
        {"PLAY ", OK "\r\nGET_PARAMETER * RTSP/1.0\r\nCSeq: 8\r\n\r\n", 0, 0},
        {"RTSP/1.0 200 OK\r\nCSeq: 8\r\n\r\n", "DESCRIBE * RTSP/1.0\r\nCSeq: 9\r\n\r\n", 0, 0},
        {"RTSP/1.0 501 Not Implemented\r\nCSeq: 9\r\n\r\n", media, sizeof(media) - 1, 0},
        {0},
    };
    struct rig rig;
    struct rtp_datagram got;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    play(&rig);
    assert_int_equal(read_next(&rig, &got), 0);
    assert_int_equal(got.size, 3);
    end(&rig);
}

static void test_transports(void **state)
{
    (void)state;
    static const char refused[] = "RTSP/1.0 461 Unsupported Transport\r\nCSeq: {n}\r\n\r\n";
    static const char udp[] =
        OK "Session: 1\r\nTransport: RTP/AVP;unicast;server_port=9-10\r\n\r\n";
    static const struct server_step steps[] = {
        BEGINNING, {"SETUP ", refused, 0, 0}, {"SETUP ", udp, 0, 0}, {"SETUP ", udp, 0, 0}, {0}};
    struct rig rig;
    begin(&rig, steps, RTSPREC_TRANSPORT_AUTO);
    assert_int_equal(set_up(&rig, 0), 0);
    assert_int_equal(set_up(&rig, 1), 0);
    end(&rig);
    assert_true(asked(&rig, 2, "RTP/AVP/TCP;"));
    assert_true(asked(&rig, 3, "Transport: RTP/AVP;unicast;client_port="));
    assert_true(asked(&rig, 4, "Transport: RTP/AVP;unicast;client_port="));

    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    assert_int_equal(set_up(&rig, 0), 1);
    assert_int_equal(rig.error.code, RTSPREC_ERROR_UNSUPPORTED);
    end(&rig);
    assert_int_equal(rig.server.request_count, 3);
}

/* With UDP the connection is only looked at when it has something: what came in one piece with a
 * reply is not left lying. */
/* Asked for an interleaved transport, the camera says yes and means datagrams. */
static void test_tcp_that_is_answered_with_udp(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        BEGINNING,
        {"SETUP ", OK "Session: 1\r\nTransport: RTP/AVP;unicast;server_port=6000-6001\r\n\r\n", 0,
         0},
        {"TEARDOWN ", OK "\r\n", 0, 0},
        {0},
    };
    struct rig rig;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    assert_int_equal(set_up(&rig, 0), 1);
    assert_non_null(strstr(rig.error.text, "461"));
    end(&rig);
}

static void test_credentials_that_are_not_there(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        {"OPTIONS ", "RTSP/1.0 401 No\r\nCSeq: {n}\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n",
         0, 0},
        {0},
    };
    struct rig rig;
    assert_int_equal(open_session(&rig, steps, RTSPREC_TRANSPORT_TCP), RTSPREC_ERROR_UNAUTHORIZED);
    assert_non_null(strstr(rig.error.text, "was given"));
    end(&rig);
    assert_int_equal(rig.server.request_count, 1);
}

static void test_a_camera_that_closes_with_its_401(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        {"OPTIONS ", "RTSP/1.0 401 No\r\nCSeq: {n}\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n",
         0, SEND_AND_CLOSE},
        BEGINNING,
        {0},
    };
    struct rig rig;
    prepare(&rig, steps, RTSPREC_TRANSPORT_TCP);
    rig.url.username = strdup("u");
    rig.url.password = strdup("p");
    assert_int_equal(rtsp_session_open(&rig.session, &rig.options, &rig.error), 0);
    end(&rig);
    assert_int_equal(rig.server.request_count, 3);
    assert_false(asked(&rig, 0, "Authorization:"));
    assert_true(asked(&rig, 1, "Authorization: Basic dTpw"));
}

static void test_requests_behind_a_reply(void **state)
{
    (void)state;
    static const char udp[] =
        OK "Session: 1\r\nTransport: RTP/AVP;unicast;server_port=9-10\r\n\r\n";
    static const struct server_step steps[] = {
        BEGINNING,
        {"SETUP ", udp, 0, 0},
        {"SETUP ", udp, 0, 0},
        {"PLAY ",
         OK "\r\nOPTIONS * RTSP/1.0\r\nCSeq: 8\r\n\r\nOPTIONS * RTSP/1.0\r\nCSeq: 9\r\n\r\n", 0, 0},
        {"RTSP/1.0 200 OK\r\nCSeq: 8\r\n\r\n", NULL, 0, 0},
        {"RTSP/1.0 200 OK\r\nCSeq: 9\r\n\r\n", "REDIRECT * RTSP/1.0\r\nCSeq: 10\r\n\r\n", 0, 0},
        {0},
    };
    struct rig rig;
    struct rtp_datagram got;
    begin(&rig, steps, RTSPREC_TRANSPORT_UDP);
    play(&rig);
    cancel_set_timeout(&rig.cancel, 2 * SECOND);
    assert_int_equal(read_next(&rig, &got), RTSPREC_ERROR_CLOSED);
    end(&rig);
    assert_int_equal(rig.server.request_count, 7);
}

/* What the camera refuses it tells, and the session goes on without it: the next one is track 1. */
static void test_a_media_that_is_refused(void **state)
{
    (void)state;
    static const char media[] = "$\2\0\1s";
    static const char *const replies[] = {
        "RTSP/1.0 401 No\r\nCSeq: {n}\r\nWWW-Authenticate: Basic realm=\"x\"\r\n\r\n",
        "RTSP/1.0 404 No\r\nCSeq: {n}\r\n\r\n",
        "RTSP/1.0 500 No\r\nCSeq: {n}\r\n\r\n",
    };
    for (size_t i = 0; i < LENGTH(replies); i++) {
        const struct server_step steps[] = {
            BEGINNING,
            {"SETUP ", CHANNELS("0-1"), 0, 0},
            {"SETUP ", replies[i], 0, 0},
            {"SETUP ", CHANNELS("2-3"), 0, 0},
            {"PLAY ", media, sizeof(media) - 1, 0},
            {"TEARDOWN ", OK "\r\n", 0, 0},
            {0},
        };
        struct rig rig;
        struct rtp_datagram got;
        begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
        assert_int_equal(set_up(&rig, 0), 0);
        require(set_up(&rig, 1) == 1, "row %zu", i);
        assert_true(rig.error.code < 0);
        assert_int_equal(set_up(&rig, 1), 0);
        assert_int_equal(rtsp_session_play(rig.session, &rig.error), 0);
        assert_int_equal(read_next(&rig, &got), 0);
        assert_int_equal(got.track, 1);
        end(&rig);
    }
}

/* Channels that are none, or another track's, are not believed: those that were asked for hold. */
static void test_channels_of_no_use(void **state)
{
    (void)state;
    static const char media[] = "$\4\0\3vid$\2\0\1s";
    static const char *const pairs[] = {CHANNELS("4-5"), CHANNELS("5-6"), CHANNELS("6-4"),
                                        CHANNELS("256-257")};
    for (size_t i = 0; i < LENGTH(pairs); i++) {
        const struct server_step steps[] = {
            BEGINNING,
            {"SETUP ", CHANNELS("4-5"), 0, 0},
            {"SETUP ", pairs[i], 0, 0},
            {"PLAY ", media, sizeof(media) - 1, 0},
            {"TEARDOWN ", OK "\r\n", 0, 0},
            {0},
        };
        struct rig rig;
        begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
        play(&rig);
        for (int track = 0; track < 2; track++) {
            struct rtp_datagram got;
            assert_int_equal(read_next(&rig, &got), 0);
            require(got.track == track && !got.is_rtcp, "row %zu: %d", i, got.track);
        }
        end(&rig);
    }
}

/* A camera that gives a track other channels is not asked for the same again. */
static void test_channels_that_are_taken(void **state)
{
    (void)state;
    static const struct server_step steps[] = {BEGINNING,
                                               {"SETUP ", CHANNELS("2-3"), 0, 0},
                                               {"SETUP ", CHANNELS("4-5"), 0, 0},
                                               {"TEARDOWN ", OK "\r\n", 0, 0},
                                               {0}};
    struct rig rig;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    assert_int_equal(set_up(&rig, 0), 0);
    assert_int_equal(set_up(&rig, 1), 0);
    end(&rig);
    assert_true(asked(&rig, 3, "interleaved=4-5\r\n"));
}

/* The timeout is told once, and holds when a later reply repeats the session without it. */
static void test_a_timeout_that_is_told_once(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        BEGINNING,
        {"SETUP ", OK "Session: 1;timeout=2\r\n\r\n", 0, 0},
        {"SETUP ", OK "Session: 1\r\n\r\n", 0, 0},
        {"PLAY ", OK "\r\n", 0, 0},
        {"OPTIONS ", OK "\r\n", 0, SEND_AND_STOP},
        {"TEARDOWN ", OK "\r\n", 0, 0},
        {0},
    };
    struct rig rig;
    struct rtp_datagram got;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    play(&rig);
    cancel_set_timeout(&rig.cancel, 5 * SECOND);
    assert_int_equal(read_next(&rig, &got), RTSPREC_ERROR_STOPPED);
    end(&rig);
}

/* A camera that sends its media is not left because it refuses to be kept alive: only no more is
 * asked of it, for each refused login counts. */
static void test_a_keep_alive_that_is_refused(void **state)
{
    (void)state;
    static const char refused[] = "RTSP/1.0 401 No\r\nCSeq: {n}\r\nWWW-Authenticate: Basic\r\n\r\n";
    static const char media[] = "$\0\0\3vid";
    static const struct server_step steps[] = {
        {"OPTIONS ", OK "Public: GET_PARAMETER\r\n\r\n", 0, 0},
        {"DESCRIBE ", SDP, 0, 0},
        {"SETUP ", OK "Session: 1;timeout=1\r\n\r\n", 0, 0},
        {"PLAY ", OK "\r\n", 0, 0},
        {"GET_PARAMETER ", refused, 0, 0},
        {"OPTIONS ", refused, 0, 0},
        {NULL, media, sizeof(media) - 1, 0},
        {0},
    };
    struct rig rig;
    struct rtp_datagram got;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    assert_int_equal(set_up(&rig, 0), 0);
    assert_int_equal(rtsp_session_play(rig.session, &rig.error), 0);
    assert_int_equal(read_next(&rig, &got), 0);
    assert_int_equal(got.size, 3);
    cancel_set_timeout(&rig.cancel, SECOND + SECOND / 2);
    assert_int_equal(read_next(&rig, &got), RTSPREC_ERROR_TIMEOUT);
    end(&rig);
    assert_int_equal(rig.server.request_count, 6);
}

static const char numbered[] = "$\4\0\1"
                               "a"
                               "$\4\0\1"
                               "b"
                               "$\4\0\1"
                               "c"
                               "$\4\0\1"
                               "d";

/* Begins a turn and takes all that it gives, so many packets having come before. */
static int64_t take_numbered(struct rig *rig, int64_t before)
{
    struct rtp_datagram got;
    int64_t taken = 0;
    int result;
    begin_turn(rig);
    while ((result = rtsp_session_read(rig->session, &got, &rig->error)) == 0)
        assert_int_equal(got.data[0], "abcd"[(before + taken++) % 4]);
    assert_int_equal(result, 1);
    return taken;
}

/* Takes four packets that come byte by byte. Returns in how many turns. */
static int take_drips(bool turns_wait, int64_t *passed_us)
{
    static const struct server_step steps[] = {
        BEGINNING, SET_UP, {"PLAY ", numbered, sizeof(numbered) - 1, SEND_IN_DRIPS}, {0}};
    struct rig rig;
    int turns = 0;
    int64_t packets = 0;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    play(&rig);
    rig.turns_wait = turns_wait;
    int64_t begin_us = clock_monotonic_us();
    for (; packets < 4; turns++) {
        packets += take_numbered(&rig, packets);
        assert_false(end_turn(&rig));
        if (!turns_wait)
            poll(NULL, 0, 1);
    }
    *passed_us = clock_monotonic_us() - begin_us;
    end(&rig);
    return turns;
}

/* They are put together over many turns, none of which waits for the next byte. */
static void test_turns_of_drips(void **state)
{
    (void)state;
    int64_t passed_us;
    int turns = take_drips(false, &passed_us);
    require(passed_us >= 19 * DRIP_MS * 1000, "%d us", (int)passed_us);
    require(turns > 40, "%d turns in %d us", turns, (int)passed_us);
}

/* Who is alone waits in the turn itself: for a moment, or for as much as is worth a read. */
static void test_turns_that_wait(void **state)
{
    (void)state;
    int64_t passed_us;
    int turns = take_drips(true, &passed_us);
    require(turns <= passed_us / 45000 + 1, "%d turns in %d us", turns, (int)passed_us);
}

/* A turn takes so much and no more, says so, and the next goes on where it ended. */
static void test_turns_of_a_flood(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        BEGINNING, SET_UP, {"PLAY ", numbered, sizeof(numbered) - 1, SEND_FOR_EVER}, {0}};
    struct rig rig;
    int full_turns = 0;
    int64_t packets = 0;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    play(&rig);
    while (full_turns < 8) {
        int64_t taken = take_numbered(&rig, packets);
        require(taken * 5 <= 256 * 1024 + 5, "%d packets", (int)taken);
        full_turns += end_turn(&rig);
        packets += taken;
    }
    end(&rig);
}

/* Sends more than the two sockets hold, without waiting. */
static void fill_socket(struct rig *rig)
{
    static const uint8_t report[250];
    for (int i = 0; i < 100000; i++)
        rtsp_session_send_rtcp(rig->session, 0, report, sizeof(report));
}

#define REQUEST "GET_PARAMETER * RTSP/1.0\r\nCSeq: 8\r\n\r\n"

/* A camera that does not read goes on sending: what it would not take is not sent. */
static void test_turns_of_a_camera_that_does_not_read(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        BEGINNING, SET_UP, {"PLAY ", REQUEST, 0, SEND_FOR_EVER}, {0}};
    struct rig rig;
    struct rtp_datagram got;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    play(&rig);
    fill_socket(&rig);
    for (int i = 0; i < 8;) {
        begin_turn(&rig);
        assert_int_equal(rtsp_session_read(rig.session, &got, &rig.error), 1);
        i += end_turn(&rig);
    }
    end(&rig);
}

/* They are not worth the time of other cameras. */
static void test_turns_of_requests(void **state)
{
    (void)state;
    static const struct server_step steps[] = {
        BEGINNING,
        SET_UP,
        {"PLAY ",
         OK "\r\n" REQUEST REQUEST REQUEST REQUEST REQUEST REQUEST REQUEST REQUEST REQUEST REQUEST
             REQUEST REQUEST REQUEST REQUEST REQUEST REQUEST,
         0, 0},
        {0}};
    enum { BEFORE = 5, ANSWERS = 8, TEARDOWN = 1 };
    struct rig rig;
    struct rtp_datagram got;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    play(&rig);
    poll(NULL, 0, 100); /* all of it comes in one turn */
    for (int i = 0; i < 3; i++) {
        begin_turn(&rig);
        assert_int_equal(rtsp_session_read(rig.session, &got, &rig.error), 1);
        end_turn(&rig);
    }
    end(&rig);
    assert_int_equal(rig.server.request_count, BEFORE + ANSWERS + TEARDOWN);
}

/* A keep-alive that the camera does not take when it is due is sent as soon as it does. */
static void test_a_keep_alive_without_room(void **state)
{
    (void)state;
    static const char media[] = "$\0\0\3vid";
    static const struct server_step steps[] = {
        BEGINNING,
        {"SETUP ", OK "Session: 1;timeout=4\r\n\r\n", 0, 0},
        {"PLAY ", OK "\r\n", 0, SEND_LATE},
        {"OPTIONS ", media, sizeof(media) - 1, 0},
        {0},
    };
    struct rig rig;
    struct rtp_datagram got;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    assert_int_equal(set_up(&rig, 0), 0);
    int64_t begin_us = clock_monotonic_us();
    assert_int_equal(rtsp_session_play(rig.session, &rig.error), 0);
    fill_socket(&rig);
    assert_int_equal(read_next(&rig, &got), 0);
    int64_t passed_us = clock_monotonic_us() - begin_us;
    require(passed_us >= LATE_MS * 1000, "after %d us", (int)passed_us);
    require(passed_us < 4 * SECOND - SECOND / 2, "after %d us", (int)passed_us);
    end(&rig);
}

/* A turn is too short to be interrupted; the next one hears it. */
static void test_turns_that_are_over(void **state)
{
    (void)state;
    static const struct server_step steps[] = {BEGINNING, SET_UP, {"PLAY ", OK "\r\n", 0, 0}, {0}};
    struct rig rig;
    struct rtp_datagram got;
    begin(&rig, steps, RTSPREC_TRANSPORT_TCP);
    play(&rig);
    begin_turn(&rig);
    assert_int_equal(rtsp_session_read(rig.session, &got, &rig.error), 1);
    end_turn(&rig);
    cancel_set_timeout(&rig.cancel, 0);
    begin_turn(&rig);
    assert_int_equal(rtsp_session_read(rig.session, &got, &rig.error), RTSPREC_ERROR_TIMEOUT);
    end_turn(&rig);
    cancel_request(&rig.cancel);
    begin_turn(&rig);
    assert_int_equal(rtsp_session_read(rig.session, &got, &rig.error), RTSPREC_ERROR_STOPPED);
    end(&rig);
}

/* Only to where RTSP is spoken. */
static void test_redirects_to_no_rtsp(void **state)
{
    (void)state;
    static const char *const replies[] = {
        "RTSP/1.0 302 Found\r\nCSeq: {n}\r\nLocation: http://127.0.0.1:1/cam\r\n\r\n",
        "RTSP/1.0 302 Found\r\nCSeq: {n}\r\nLocation: file:/etc/passwd\r\n\r\n",
        "RTSP/1.0 302 Found\r\nCSeq: {n}\r\nLocation: /cam\r\n\r\n",
        "RTSP/1.0 302 Found\r\nCSeq: {n}\r\n\r\n",
    };
    for (size_t i = 0; i < LENGTH(replies); i++) {
        const struct server_step steps[] = {
            {"OPTIONS ", PUBLIC, 0, 0}, {"DESCRIBE ", replies[i], 0, 0}, {0}};
        struct rig rig;
        require(open_session(&rig, steps, RTSPREC_TRANSPORT_TCP) == RTSPREC_ERROR_PROTOCOL,
                "row %zu: %s", i, rig.error.text);
        assert_null(rig.session);
        end(&rig);
    }
}

int main(void)
{
    take_precedence();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_session),
        cmocka_unit_test(test_a_set_up_that_is_not_answered),
        cmocka_unit_test(test_a_good_bye_that_is_not_answered),
        cmocka_unit_test(test_a_play_that_is_refused),
        cmocka_unit_test(test_requests_amid_media),
        cmocka_unit_test(test_transports),
        cmocka_unit_test(test_tcp_that_is_answered_with_udp),
        cmocka_unit_test(test_credentials_that_are_not_there),
        cmocka_unit_test(test_a_camera_that_closes_with_its_401),
        cmocka_unit_test(test_requests_behind_a_reply),
        cmocka_unit_test(test_a_media_that_is_refused),
        cmocka_unit_test(test_channels_of_no_use),
        cmocka_unit_test(test_channels_that_are_taken),
        cmocka_unit_test(test_a_timeout_that_is_told_once),
        cmocka_unit_test(test_a_keep_alive_that_is_refused),
        cmocka_unit_test(test_a_keep_alive_without_room),
        cmocka_unit_test(test_redirects_to_no_rtsp),
    };
    const struct CMUnitTest tests_of_turns[] = {
        cmocka_unit_test(test_turns_of_drips),
        cmocka_unit_test(test_turns_of_a_flood),
        cmocka_unit_test(test_turns_of_a_camera_that_does_not_read),
        cmocka_unit_test(test_turns_of_requests),
        cmocka_unit_test(test_turns_that_wait),
        cmocka_unit_test(test_turns_that_are_over),
    };
    int failures = cmocka_run_group_tests_name("waiting", tests, NULL, NULL);
    reads_in_turns = true;
    failures += cmocka_run_group_tests_name("in turns", tests, NULL, NULL);
    return failures + cmocka_run_group_tests(tests_of_turns, NULL, NULL);
}
