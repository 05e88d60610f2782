#include "unit.h"

#include <rtsprec/error.h>

#include "ingest/rtsp_message.h"

/* Channels 0 to 3 are known. */
static const bool channels[256] = {true, true, true, true};

/* A stream of bytes as it is put together. */
struct stream {
    uint8_t data[256 * 1024];
    size_t size;
};

static void add(struct stream *stream, const void *data, size_t size)
{
    assert_true(size <= sizeof(stream->data) - stream->size);
    memcpy(stream->data + stream->size, data, size);
    stream->size += size;
}

static void add_text(struct stream *stream, const char *text)
{
    add(stream, text, strlen(text));
}

static void add_fill(struct stream *stream, char c, size_t size)
{
    assert_true(size <= sizeof(stream->data) - stream->size);
    memset(stream->data + stream->size, c, size);
    stream->size += size;
}

/* A frame of RTP, of which the header says one length and which has another. */
static void add_frame(struct stream *stream, int channel, size_t length, size_t said_length)
{
    const uint8_t header[] = {'$', (uint8_t)channel, (uint8_t)(said_length >> 8),
                              (uint8_t)said_length};
    add(stream, header, sizeof(header));
    if (length) {
        add_fill(stream, (char)0x80, 1);
        add_fill(stream, 0x55, length - 1);
    }
}

/*
 * Gives the stream to the parser in pieces and writes down what it finds: "F0:12" a frame of 12
 * bytes on channel 0, "R200:5" a reply with a body of 5, "PLAY", "G7" garbage of 7 bytes together,
 * "+3" what is left, "!" an error.
 */
static const char *trace(const struct stream *stream, size_t piece)
{
    static char text[4096];
    char *out = text;
    struct rtsp_scan scan = {0};
    struct rtsp_item item;
    const char *why;
    size_t begin = 0, end = 0, garbage = 0;
    text[0] = '\0';
    for (;;) {
        /* Exactly as large as it is, so that a sanitizer sees a byte too many. */
        size_t size = end - begin;
        uint8_t *copy = size && size < 1000 ? malloc(size) : NULL;
        if (copy)
            memcpy(copy, stream->data + begin, size);
        int err =
            rtsp_item_parse(&item, &scan, copy ? copy : stream->data + begin, size, channels, &why);
        if (err == 0 && item.kind == RTSP_INCOMPLETE) {
            assert_int_equal(item.size, 0);
            require(end - begin < RTSP_MAX_ITEM_BYTES, "%zu bytes decide nothing", end - begin);
            assert_true(scan.wanted <= RTSP_MAX_ITEM_BYTES);
        }
        assert_true(item.size <= end - begin);
        assert_true((err < 0) == (why != NULL));
        if (garbage && (err < 0 || item.kind != RTSP_GARBAGE) &&
            (err < 0 || item.kind != RTSP_INCOMPLETE || end == stream->size)) {
            out += sprintf(out, "G%zu ", garbage);
            garbage = 0;
        }
        if (err == 0 && item.kind == RTSP_GARBAGE)
            garbage += item.size;
        else if (err == 0 && item.kind == RTSP_FRAME)
            out += sprintf(out, "F%d:%zu ", item.channel, item.payload_size);
        else if (err == 0 && item.kind == RTSP_MESSAGE && item.message.status)
            out += sprintf(out, "R%d:%zu ", item.message.status, item.message.body.size);
        else if (err == 0 && item.kind == RTSP_MESSAGE)
            out += sprintf(out, "%.*s ", (int)item.message.method.size, item.message.method.data);
        free(copy);
        begin += item.size;
        if (err < 0) {
            assert_int_equal(err, RTSPREC_ERROR_PROTOCOL);
            out += sprintf(out, "! ");
            break;
        }
        if (item.kind != RTSP_INCOMPLETE)
            continue;
        if (end == stream->size)
            break;
        end = stream->size - end < piece ? stream->size : end + piece;
    }
    if (begin < stream->size && out == text + strlen(text) && !strchr(text, '!'))
        out += sprintf(out, "+%zu ", stream->size - begin);
    if (out > text)
        out[-1] = '\0';
    return text;
}

static void check_trace(const struct stream *stream, const char *expected)
{
    static const size_t pieces[] = {SIZE_MAX, 1, 2, 3, 5, 1000};
    for (size_t i = 0; i < LENGTH(pieces); i++) {
        const char *actual = trace(stream, pieces[i]);
        require(!strcmp(actual, expected), "pieces of %zu: \"%s\", expected \"%s\"", pieces[i],
                actual, expected);
    }
}

static void check_bytes(const char *text, const char *expected)
{
    struct stream stream = {.size = 0};
    add_text(&stream, text);
    check_trace(&stream, expected);
}

/* The first item of a text, which stays alive as long as the text. */
static struct rtsp_message parse(const char *text)
{
    struct rtsp_scan scan = {0};
    struct rtsp_item item;
    const char *why;
    int err = rtsp_item_parse(&item, &scan, (const uint8_t *)text, strlen(text), channels, &why);
    require(err == 0 && item.kind == RTSP_MESSAGE, "%s: %s", text, why ? why : "no message");
    return item.message;
}

static void check_text(struct text text, const char *expected)
{
    if (!expected) {
        assert_null(text.data);
        assert_int_equal(text.size, 0);
        return;
    }
    require(text.data && text.size == strlen(expected) && !memcmp(text.data, expected, text.size),
            "\"%.*s\", expected \"%s\"", (int)text.size, text.data ? text.data : "", expected);
}

static void test_reply(void **state)
{
    (void)state;
    struct rtsp_message message = parse("RTSP/1.0 200 OK\r\nCSeq: 7\r\nContent-length : 3\r\n"
                                        "Public:OPTIONS, PLAY \r\nEmpty:\r\nno header\r\n\r\nabcd");
    assert_int_equal(message.status, 200);
    assert_int_equal(message.cseq, 7);
    check_text(message.method, NULL);
    check_text(message.url, NULL);
    check_text(message.body, "abc");
    check_text(rtsp_header(&message, "PUBLIC", 0), "OPTIONS, PLAY");
    check_text(rtsp_header(&message, "Public", 1), NULL);
    check_text(rtsp_header(&message, "empty", 0), "");
    check_text(rtsp_header(&message, "no header", 0), NULL);
    check_text(rtsp_header(&message, "RTSP/1.0 200 OK", 0), NULL);

    message = parse("RTSP/1.0 401 Unauthorized\nA:\t1\na: 2\nB: x:y\nCSeq: 4 \n\n");
    assert_int_equal(message.status, 401);
    assert_int_equal(message.cseq, 4);
    check_text(rtsp_header(&message, "A", 0), "1");
    check_text(rtsp_header(&message, "A", 1), "2");
    check_text(rtsp_header(&message, "A", 2), NULL);
    check_text(rtsp_header(&message, "B", 0), "x:y");
    assert_int_equal(message.body.size, 0);

    static const char *const without_cseq[] = {
        "RTSP/1.0 200\r\n\r\n",
        "RTSP/2.0 404 \r\nCSeq: x\r\n\r\n",
        "RTSP/1.0 454 Session Not Found\r\nCSeq: -8\r\n\r\n",
        "RTSP/1.0 302 Moved\r\nCSeq: 99999999999999999999\r\n\r\n",
        "\r\n\r\nRTSP/1.0 302 Moved\r\nCSeq: \r\n\r\n",
    };
    for (size_t i = 0; i < LENGTH(without_cseq); i++)
        assert_int_equal(parse(without_cseq[i]).cseq, -1);
}

static void test_request(void **state)
{
    (void)state;
    struct rtsp_message message =
        parse("ANNOUNCE rtsp://cam/s?a=b RTSP/1.0\r\nCSeq: 3\r\nContent-Length: 2\r\n\r\nv=");
    assert_int_equal(message.status, 0);
    assert_int_equal(message.cseq, 3);
    check_text(message.method, "ANNOUNCE");
    check_text(message.url, "rtsp://cam/s?a=b");
    check_text(message.body, "v=");

    message = parse("OPTIONS * RTSP/1.0\n\n");
    check_text(message.method, "OPTIONS");
    check_text(message.url, "*");
    check_text(parse("GET_PARAMETER rtsp://cam/ RTSP/2.0\r\n\r\n").method, "GET_PARAMETER");
    /* A method that is not known is still one: it wants the answer 501. */
    check_text(parse("QUERY_X rtsp://cam/ RTSP/1.0\r\n\r\n").method, "QUERY_X");
    check_bytes("ABCDEFGHIJKLMNOPQRSTUVWX * RTSP/1.0\r\n\r\n", "ABCDEFGHIJKLMNOPQRSTUVWX");
    check_bytes("ABCDEFGHIJKLMNOPQRSTUVWXY * RTSP/1.0\r\n\r\n", "G40");
}

static void test_mixed_stream(void **state)
{
    (void)state;
    struct stream stream = {.size = 0};
    add_frame(&stream, 0, 20, 20);
    add_text(&stream, "RTSP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n$$$$");
    add_frame(&stream, 1, 0, 0);
    add_frame(&stream, 3, 65535, 65535);
    add_text(&stream, "SET_PARAMETER rtsp://cam RTSP/1.0\r\nCSeq: 1\r\n\r\n");
    /* An empty line that Content-Length did not count. */
    add_text(&stream, "\r\n");
    add_frame(&stream, 0, 1, 1);
    add_frame(&stream, 0, 100, 102);
    stream.data[stream.size - 1] = '$';
    check_trace(&stream, "F0:20 R200:4 F1:0 F3:65535 SET_PARAMETER F0:1 +104");
}

static void test_other_channel(void **state)
{
    (void)state;
    struct stream stream = {.size = 0};
    add_frame(&stream, 9, 10, 10);
    add_frame(&stream, 200, 0, 0);
    add_frame(&stream, 9, 10, 10);
    add_text(&stream, "RTSP/1.0 200 OK\r\n\r\n");
    add_frame(&stream, 9, 10, 10);
    add_text(&stream, "OPTIONS * RTSP/1.0\r\n\r\n");
    check_trace(&stream, "F9:10 F200:0 F9:10 R200:0 F9:10 OPTIONS");

    /* As long as nothing comes behind it, it is not known what it was. */
    stream.size = 0;
    add_frame(&stream, 9, 10, 10);
    check_trace(&stream, "+14");

    /* Two more bytes than it says: it is none, but what comes then is. */
    add_fill(&stream, 0, 2);
    add_frame(&stream, 1, 30, 30);
    add_frame(&stream, 1, 31, 31);
    add_frame(&stream, 1, 32, 32);
    check_trace(&stream, "G16 F1:30 F1:31 F1:32");
}

static void test_wrong_length(void **state)
{
    (void)state;
    /* Too short a length: the rest of the packet is garbage. */
    struct stream stream = {.size = 0};
    add_frame(&stream, 0, 500, 400);
    add_frame(&stream, 0, 501, 501);
    add_frame(&stream, 1, 60, 60);
    check_trace(&stream, "F0:400 G100 F0:501 F1:60");

    /* Too long a one: it takes the beginning of the next with it. */
    stream.size = 0;
    add_frame(&stream, 0, 500, 550);
    add_frame(&stream, 0, 501, 501);
    add_frame(&stream, 0, 502, 502);
    add_frame(&stream, 0, 503, 503);
    check_trace(&stream, "F0:550 G455 F0:502 F0:503");
}

static void test_resynchronise(void **state)
{
    (void)state;
    struct stream stream = {.size = 0};
    add_text(&stream, "noise");
    add_text(&stream, "RTSP/1.0 200 OK\r\n\r\n");
    add_frame(&stream, 9, 20, 20);
    add_text(&stream, "noise$");
    add_text(&stream, "OPTIONS * RTSP/1.0\r\n\r\n");
    check_trace(&stream, "G5 R200:0 G30 OPTIONS");

    /* What only looks like the beginning of something. */
    static const char *const noises[] = {
        "\x01",
        "RTSP\r\n",
        "\xffRTSP/1.",
        "\xffRTSP/1.0 abc\r\n",
        "\xffRTSP/RTSP/",
        "O",
        "\xffOPTIONS",
        "\xffOPTIONS * HTTP/1.0\r\n",
        "\xffOPTIONS *\r\n",
        "\xffOPTIONS OPTIONS ",
        "OPTIONS RTSP/1.0\r\n",
        "OPTIONS \x01 RTSP/1.0\r\n",
        "\xffQUERY * RTSP/1.0\r\n",
        "\xffPLAY",
        "\xffPLAY_NOTIF",
        "FO * RTSP/1.0\r\n",
        "lower * RTSP/1.0\r\n",
        "\xff$\x09",
        "\xff$$",
        "\xff$$$$$$$$$$$$",
        "\xff$\x01\x01",                          /* a long frame that turns out to be none */
        "\xff$\x01\x01\x01\x80",                  /* and one that looks like RTP */
        "\xff$\x01\x01\x01\x80$\x01\x01\x01\x80", /* and another one in it */
        "\xff$\x01$\x02$\x03",
        "\r\n\r\n\r\n\r\n",
    };
    for (size_t i = 0; i < LENGTH(noises); i++) {
        stream.size = 0;
        add_text(&stream, noises[i]);
        add_frame(&stream, 0, 600, 600);
        add_frame(&stream, 1, 601, 601);
        add_text(&stream, "RTSP/1.0 200 OK\r\n\r\n");
        char expected[100];
        snprintf(expected, sizeof(expected), "G%zu F0:600 F1:601 R200:0", strlen(noises[i]));
        check_trace(&stream, expected);
    }
}

/* After garbage a frame that is too short for RTCP is none, even with a whole one behind it. */
static void test_short_frame_in_garbage(void **state)
{
    (void)state;
    struct stream stream = {.size = 0};
    add_text(&stream, "noise");
    add_frame(&stream, 1, 7, 7);
    add_frame(&stream, 1, 8, 8);
    add_frame(&stream, 1, 9, 9);
    add_frame(&stream, 1, 7, 7);
    check_trace(&stream, "G16 F1:8 F1:9 F1:7");
}

static void test_garbage_only(void **state)
{
    (void)state;
    struct stream stream = {.size = 0};
    add_fill(&stream, 'x', 200000);
    check_trace(&stream, "G200000");

    /* A cheap test of what hostile streams cost: each of these bytes may begin something. */
    static const char *const patterns[] = {
        "$", "PLAY ", "RTSP/1.0 20", "OPTIONS * ", "$\x01\x01\x01\x80", "\n", "\r", "O"};
    for (size_t i = 0; i < LENGTH(patterns); i++) {
        stream.size = 0;
        add_text(&stream, "x");
        while (stream.size < 150000)
            add_text(&stream, patterns[i]);
        trace(&stream, SIZE_MAX);
    }
}

static void test_bounds(void **state)
{
    (void)state;
    struct stream stream = {.size = 0};
    add_text(&stream, "RTSP/1.0 200 OK\r\nA: ");
    add_fill(&stream, 'a', RTSP_MAX_HEADER_BYTES - stream.size - 4);
    add_text(&stream, "\r\n\r\n");
    assert_int_equal(stream.size, RTSP_MAX_HEADER_BYTES);
    check_trace(&stream, "R200:0");

    stream.size -= 4;
    add_text(&stream, "a\r\n\r\n");
    check_trace(&stream, "!");

    /* Headers without end, of many lines. */
    stream.size = 0;
    add_text(&stream, "RTSP/1.0 200 OK\r\n");
    while (stream.size < 20000)
        add_text(&stream, "A: b\r\n");
    check_trace(&stream, "!");

    stream.size = 0;
    add_text(&stream, "RTSP/1.0 200 OK\r\nContent-Length: 65536\r\n\r\n");
    add_fill(&stream, 'v', 65536);
    add_text(&stream, "PLAY * RTSP/1.0\r\n\r\n");
    check_trace(&stream, "R200:65536 PLAY");

    check_bytes("RTSP/1.0 200 OK\r\nContent-Length: 65537\r\n\r\n", "!");
    check_bytes("RTSP/1.0 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "!");
    check_bytes("RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n", "!");
    check_bytes("RTSP/1.0 200 OK\r\nContent-Length: 12a\r\n\r\n", "!");
    check_bytes("RTSP/1.0 200 OK\r\nContent-Length:\r\n\r\n", "!");
    check_bytes("RTSP/1.0 200 OK\r\nA: \x01\r\n\r\n", "!");
    check_bytes("RTSP/1.0 200 OK\r\nA: \x7f\r\n\r\n", "!");
    check_bytes("RTSP/1.0 abc\r\n\r\n", "!");
    check_bytes("RTSP/1.0 000 OK\r\n\r\n", "!");
    check_bytes("RTSP/1 200 OK\r\n\r\n", "!");
    check_bytes("HTTP/1.1 400 Bad Request\r\n\r\n", "!");
    check_bytes("RTSP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nab", "+40");

    /* The line of a request is bounded too; what is too long is none. */
    stream.size = 0;
    add_text(&stream, "PLAY ");
    add_fill(&stream, '*', 2000);
    add_text(&stream, " RTSP/1.0\r\n\r\n");
    char expected[32];
    snprintf(expected, sizeof(expected), "G%zu", stream.size);
    check_trace(&stream, expected);
}

/* What a hostile server sends byte by byte is looked at once. */
static void test_linear(void **state)
{
    (void)state;
    static struct stream stream;
    add_text(&stream, "\r\nRTSP/1.0 200 OK\r\nContent-Length: 65000\r\n");
    while (stream.size < 16000)
        add_text(&stream, "A:\r\n");
    add_text(&stream, "\r\n");
    size_t header_size = stream.size;
    add_fill(&stream, 'v', 65000);

    struct rtsp_scan scan = {0};
    struct rtsp_item item;
    const char *why;
    for (size_t size = 1; size < stream.size; size++) {
        assert_int_equal(rtsp_item_parse(&item, &scan, stream.data, size, channels, &why), 0);
        assert_int_equal(item.kind, RTSP_INCOMPLETE);
        if (size > 20 && size < header_size)
            assert_int_equal(scan.searched, size - 2);
        if (size >= header_size)
            assert_int_equal(scan.wanted, stream.size);
    }
    assert_int_equal(rtsp_item_parse(&item, &scan, stream.data, stream.size, channels, &why), 0);
    assert_int_equal(item.kind, RTSP_MESSAGE);
    assert_int_equal(item.message.body.size, 65000);
    assert_int_equal(scan.wanted, 0);
    assert_int_equal(scan.searched, 0);
}

/* A line is looked at once, however many methods it holds. */
static void test_linear_line(void **state)
{
    (void)state;
    static struct stream stream;
    add_text(&stream, "x");
    for (int i = 0; i < 1000; i++)
        add_text(&stream, "PLAY ");
    struct rtsp_scan scan = {0};
    struct rtsp_item item;
    const char *why;
    size_t seen = 0;
    for (size_t begin = 0; begin < 3000; begin += item.size) {
        assert_int_equal(
            rtsp_item_parse(&item, &scan, stream.data + begin, stream.size - begin, channels, &why),
            0);
        assert_int_equal(item.kind, RTSP_GARBAGE);
        assert_int_equal(item.size, begin ? 5 : 1);
        assert_true(begin + item.size + scan.one_line >= seen);
        seen = begin + item.size + scan.one_line;
    }
    assert_true(seen > 3900);
}

static void test_parameter(void **state)
{
    (void)state;
    static const struct {
        const char *value, *name, *expected;
    } rows[] = {
        {"12345678;timeout=60", "timeout", "60"},
        {"12345678 ; Timeout = 60 ", "timeout", "60"},
        {"12345678;timeout=60", "12345678", ""},
        {"12345678;timeout=60", "out", NULL},
        {"12345678;timeout=60", "time", NULL},
        {"RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1A2B", "interleaved", "0-1"},
        {"RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1A2B", "UNICAST", ""},
        {"RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1A2B", "ssrc", "1A2B"},
        {"RTP/AVP/TCP;unicast;interleaved=0-1;ssrc=1A2B", "mode", NULL},
        {"RTP/AVP;mode=\"PLAY\";ttl=1", "mode", "PLAY"},
        {"RTP/AVP;mode=\"a;ttl=2;b\" x;ttl=1", "ttl", "1"},
        {"a=\"x\\\";b=1\";b=2", "b", "2"},
        {"a=\"x\\\";b=1\";b=2", "a", "x\\\";b=1"},
        {"a=\"x;b=2", "b", "2"},
        {"a=\"x;b=2", "a", "\"x"},
        {"a=\"x\\", "a", "\"x\\"},
        {"a=\"", "a", "\""},
        {"a=\"\"", "a", ""},
        {"a=", "a", ""},
        {"a=;b=c", "b", "c"},
        {"sprop=Z0IA==,aM4=;b=c", "sprop", "Z0IA==,aM4="},
        {"a=1;a=2", "a", "1"},
        {";;;a=1;", "a", "1"},
        {"=", "a", NULL},
        {"", "a", NULL},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct text value = {rows[i].value, strlen(rows[i].value)};
        check_text(rtsp_parameter(value, rows[i].name), rows[i].expected);
    }
    check_text(rtsp_parameter((struct text){0}, "a"), NULL);
}

/* Frames, messages and noise in any order are the same however they are cut. */
static void test_random(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "RTSP/1.0 200 OK\r\n\r\n",
        "PLAY * RTSP/1.0\r\nCSeq: 1\r\n\r\n",
        "$",
        "\r\n",
        "OPTIONS ",
        "RTSP/1.0 ",
        "noise",
        "\n",
        "RTSP/1.0 401 x\nContent-Length: 9\n\n$\1$\1$\1$\1$",
    };
    static struct stream stream;
    uint64_t random = 31;
    for (int i = 0; i < 3000; i++) {
        stream.size = 0;
        for (int64_t left = random_between(&random, 1, 12); left > 0; left--) {
            size_t length = (size_t)random_between(&random, 0, 40);
            int64_t what = random_between(&random, 0, LENGTH(parts) + 5);
            if (what < (int64_t)LENGTH(parts))
                add_text(&stream, parts[what]);
            else
                add_frame(&stream, (int)random_between(&random, 0, 5), length,
                          what % 4 == 0 ? length + 3 : length);
        }
        char expected[4096];
        strcpy(expected, trace(&stream, SIZE_MAX));
        for (size_t piece = 1; piece < 8; piece += 3) {
            const char *actual = trace(&stream, piece);
            require(!strcmp(actual, expected), "%s, not %s", actual, expected);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reply),
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_mixed_stream),
        cmocka_unit_test(test_other_channel),
        cmocka_unit_test(test_wrong_length),
        cmocka_unit_test(test_resynchronise),
        cmocka_unit_test(test_short_frame_in_garbage),
        cmocka_unit_test(test_garbage_only),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_linear),
        cmocka_unit_test(test_linear_line),
        cmocka_unit_test(test_parameter),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
