#include "unit.h"

#include <rtsprec/log.h>

static void test_patterns(void **state)
{
    (void)state;
    static const struct {
        const char *text, *masked;
    } rows[] = {
        /* Nothing to mask. */
        {"", ""},
        {"plain text", "plain text"},
        {"rtsp://camera/stream", "rtsp://camera/stream"},
        {"rtsp://camera:554/stream", "rtsp://camera:554/stream"},
        {"rtsp://[fe80::1%25eth0]:554/a", "rtsp://[fe80::1%25eth0]:554/a"},
        {"write to me@example.org", "write to me@example.org"},
        {"http://host/p@th", "http://host/p@th"},
        {"rtsp://host:554/path@2", "rtsp://host:554/path@2"},
        {"rtsp://host:554?a=b@c", "rtsp://host:554?a=b@c"},
        {"monkey=banana turkey=1", "monkey=banana turkey=1"},
        {"://", "://"},
        {":// x@y", ":// x@y"},
        {"rtsp://", "rtsp://"},
        /* User information. */
        {"rtsp://admin:secret@camera/1", "rtsp://***@camera/1"},
        {"rtsps://admin:secret@camera:322/1", "rtsps://***@camera:322/1"},
        {"http://admin@camera", "http://***@camera"},
        {"rtsp://:secret@camera", "rtsp://***@camera"},
        {"RTSP://Admin:Secret@CAMERA", "RTSP://***@CAMERA"},
        {"rtsp://us%40er:p%3Aw%2Fd@camera/", "rtsp://***@camera/"},
        {"rtsp://admin:p@ss@word@camera/1", "rtsp://***@camera/1"},
        {"rtsp://admin:pa:ss:@camera/1", "rtsp://***@camera/1"},
        {"rtsp://admin:pa/ss@camera/1", "rtsp://***@camera/1"},
        {"rtsp://admin:pa?ss@camera/1", "rtsp://***@camera/1"},
        {"rtsp://admin:pa#ss@camera/1", "rtsp://***@camera/1"},
        {"rtsp://admin:it's@camera/1", "rtsp://***@camera/1"},
        {"rtsp://admin:a\"b@camera/1", "rtsp://***@camera/1"},
        {"rtsp://admin:a<b>c@camera/1", "rtsp://***@camera/1"},
        {"rtsp://admin:1234@camera/1", "rtsp://***@camera/1"},
        {"rtsp://admin:secret@[::1]:554/1", "rtsp://***@[::1]:554/1"},
        {"open \"rtsp://a:b@c/d\" failed", "open \"rtsp://***@c/d\" failed"},
        {"<rtsp://a:b@c/d>", "<rtsp://***@c/d>"},
        {"rtsp://a:b@c rtsp://d:e@f", "rtsp://***@c rtsp://***@f"},
        {"tcp://a:b@c,udp://d:e@f", "tcp://***@c,udp://***@f"},
        {"no rtsp://a:b@c\nnext x@y", "no rtsp://***@c\nnext x@y"},
        /* Values of a query, and the like elsewhere. */
        {"rtsp://c/s?user=a&password=b&x=1", "rtsp://c/s?user=a&password=***&x=1"},
        {"rtsp://c/s?PASSWORD=b", "rtsp://c/s?PASSWORD=***"},
        {"srt://cam:9000?mode=caller&passphrase=a", "srt://cam:9000?mode=caller&passphrase=***"},
        {"?pwd=a&passwd=b;pass=c psw=d", "?pwd=***&passwd=***;pass=*** psw=***"},
        {"?token=abc#top", "?token=***#top"},
        {"?access_token=abc&user_pwd=x", "?access_token=***&user_pwd=***"},
        {"?api_key=abc&apikey=x&key=y", "?api_key=***&apikey=***&key=***"},
        {"password=\"a b,c\", realm=\"x\"", "password=***, realm=\"x\""},
        {"password=", "password=***"},
        {"password=\"unfinished", "password=***"},
        {"rtsp://u:p@c/?auth=x", "rtsp://***@c/?auth=***"},
        /* Headers. */
        {"Authorization: Basic YTpi", "Authorization: ***"},
        {"authorization:Basic YTpi\r\nCSeq: 1", "authorization: ***\r\nCSeq: 1"},
        {"Proxy-Authorization: Digest username=\"a\", response=\"b\"", "Proxy-Authorization: ***"},
        {"Digest username=\"a\", nonce=\"n\", response=\"0123\"",
         "Digest username=\"a\", nonce=***, response=***"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char out[256];
        rtsprec_log_redact(out, sizeof(out), rows[i].text);
        require(strcmp(out, rows[i].masked) == 0, "\"%s\" became \"%s\"", rows[i].text, out);
    }
}

/* A URL that is itself a value in another URL, as RTSP proxies take it. */
static void test_url_within_a_url(void **state)
{
    (void)state;
    char out[256];
    rtsprec_log_redact(out, sizeof(out), "http://proxy/?url=rtsp%3A%2F%2Fadmin%3ASECRET%40cam%2F1");
    require(!strstr(out, "SECRET"), "%s", out);
    rtsprec_log_redact(out, sizeof(out), "rtsp%3a%2f%2fadmin%3aSECRET%40cam%2f1 and more");
    require(!strstr(out, "SECRET") && strstr(out, "and more"), "%s", out);
}

static void test_every_size(void **state)
{
    (void)state;
    static const char text[] = "x rtsp://SECRET:SECRET@host/?token=SECRET authorization: SECRET";
    char whole[128];
    rtsprec_log_redact(whole, sizeof(whole), text);
    for (size_t size = 1; size <= sizeof(whole); size++) {
        char *out = malloc(size); /* exactly as large: a sanitizer sees a byte too many */
        rtsprec_log_redact(out, size, text);
        size_t length = strlen(whole) < size - 1 ? strlen(whole) : size - 1;
        require(strlen(out) == length && !memcmp(out, whole, length), "size %zu: %s", size, out);
        free(out);
    }
    char untouched = 'x';
    rtsprec_log_redact(&untouched, 0, text);
    assert_int_equal(untouched, 'x');
}

/* What stands between "://" and the last "@" of an authority never comes out, whatever it is. */
static void test_random_credentials(void **state)
{
    (void)state;
    static const char alphabet[] = "SECRTx:@%41'\"<>!$&()*+,;=-._~[]|";
    uint64_t random = 11;
    for (int i = 0; i < 50000; i++) {
        char text[128], out[256];
        int length = (int)random_between(&random, 0, 30);
        int end = snprintf(text, sizeof(text), "rtsp://user:SECRET");
        for (int j = 0; j < length; j++)
            text[end++] = alphabet[next_random(&random) % (sizeof(alphabet) - 1)];
        snprintf(text + end, sizeof(text) - (size_t)end, "SECRET@camera/path");
        rtsprec_log_redact(out, sizeof(out), text);
        require(!strcmp(out, "rtsp://***@camera/path"), "%s -> %s", text, out);
    }
}

static void test_random_bytes(void **state)
{
    (void)state;
    static const char *const pieces[] = {"://",       "@", ":", "password=", "\"", "authorization:",
                                         "key=",      "a", "/", " ",         "\n", "%40",
                                         "%3A%2F%2F", "1"};
    uint64_t random = 3;
    for (int i = 0; i < 20000; i++) {
        char text[256] = "", out[64];
        for (int64_t j = random_between(&random, 0, 12); j > 0; j--)
            strcat(text, pieces[next_random(&random) % LENGTH(pieces)]);
        rtsprec_log_redact(out, sizeof(out), text);
        assert_true(strlen(out) < sizeof(out));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patterns),     cmocka_unit_test(test_url_within_a_url),
        cmocka_unit_test(test_every_size),   cmocka_unit_test(test_random_credentials),
        cmocka_unit_test(test_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
