/* No form in which a camera's credentials occur leaves rtsprec_log_redact(), and the rest does. */
#include <stdlib.h>
#include <string.h>

#include <rtsprec/log.h>

#include "cmocka_api.h"

/* Neither secret may be in the result; all of `kept` must be. NULL: none. */
static const struct redaction {
    const char *text;
    const char *secrets[2];
    const char *kept[2];
} redactions[] = {
    {"rtsp://admin:s3cret@cam/stream", {"s3cret"}, {"rtsp://", "@cam/stream"}},
    {"rtsps://admin:s3cret@cam:322/stream", {"s3cret"}, {"rtsps://", "@cam:322/stream"}},
    {"http://admin:s3cret@cam/onvif", {"s3cret"}, {"@cam/onvif"}},
    {"rtsp://admin:s3c%40r%3Aet@cam/", {"s3c%40r%3Aet", "r%3Aet"}, {"@cam/"}},
    {"rtsp://admin:s3c@ret@cam/stream", {"s3c", "ret"}, {"@cam/stream"}},
    {"rtsp://admin:s3:c:ret@cam/stream", {"s3:", "ret"}, {"@cam/stream"}},
    {"rtsp://admin:s3c/ret@cam/stream", {"s3c", "ret"}, {"cam/stream"}},
    {"rtsp://:s3cret@cam/", {"s3cret"}, {"@cam/"}},
    {"rtsp://t0ken@cam/", {"t0ken"}, {"@cam/"}},
    {"rtsp://admin:s3cret@[fe80::1]:554/s", {"s3cret"}, {"@[fe80::1]:554/s"}},
    {"RTSP://admin:s3cret@cam/s", {"s3cret"}, {"@cam/s"}},
    {"'rtsp://a:s3cret@one/' and \"rtsp://b:other@two/\"", {"s3cret", "other"}, {"@one/", "@two/"}},
    {"rtsp://a:s3cret@one/,rtsp://b:other@two/", {"s3cret", "other"}, {NULL}},
    {"rtsp://cam/s?user=admin&password=s3cret&x=1", {"s3cret"}, {"rtsp://cam/s?", "x=1"}},
    {"rtsp://cam/s?pwd=s3cret", {"s3cret"}, {"rtsp://cam/s?"}},
    {"rtsp://cam/s?PASSWORD=s3cret#top", {"s3cret"}, {"#top"}},
    {"rtsp://cam/s?token=s3cret&channel=7", {"s3cret"}, {"channel=7"}},
    {"rtsp://cam/user=admin&password=s3cret&channel=1&stream=0.sdp",
     {"s3cret"},
     {"rtsp://cam/user=", "channel=1&stream=0.sdp"}},
    {"rtsp://cam/user=admin_password=s3cret_channel=1", {"s3cret"}, {"rtsp://cam/user="}},
    {"Authorization: Basic YWRtaW46czNjcmV0", {"YWRtaW46czNjcmV0"}, {"Authorization:"}},
    {"Authorization: Digest username=\"admin\", nonce=\"n0nce\", response=\"0a1b\"",
     {"0a1b", "n0nce"},
     {"Authorization:"}},
    {"authorization: digest response=\"0a1b\"\r\nCSeq: 3", {"0a1b"}, {"CSeq: 3"}},
    {"DESCRIBE rtsp://cam/s RTSP/1.0\r\nAuthorization: Basic YWRtaW4=", {"YWRtaW4="}, {"DESCRIBE"}},
    /* nothing to hide */
    {"", {NULL}, {NULL}},
    {"no URL at all, 3 @ 4", {NULL}, {"no URL at all, 3 @ 4"}},
    {"rtsp://cam:554/stream", {NULL}, {"rtsp://cam:554/stream"}},
    {"rtsp://cam/a@b", {NULL}, {"rtsp://cam/a@b"}},
    {"rtsp://cam:554/a@b", {NULL}, {"rtsp://cam:554/a@b"}},
    {"rtsp://one/ wrote to admin@cam", {NULL}, {"rtsp://one/ wrote to admin@cam"}},
};

static void credentials_are_masked(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(redactions) / sizeof(redactions[0]); i++) {
        const struct redaction *row = &redactions[i];
        char out[300];

        rtsprec_log_redact(out, sizeof(out), row->text);
        for (int j = 0; j < 2; j++) {
            if (row->secrets[j] && strstr(out, row->secrets[j]))
                fail_msg("\"%s\" stands in \"%s\"", row->secrets[j], out);
            if (row->kept[j] && !strstr(out, row->kept[j]))
                fail_msg("\"%s\" is missing from \"%s\"", row->kept[j], out);
        }
    }
}

/* On the heap, with nothing behind the last byte, for AddressSanitizer. */
static char *redact_into(size_t size, const char *text)
{
    char *out = malloc(size ? size : 1);
    assert_non_null(out);
    out[0] = 'u';
    rtsprec_log_redact(out, size, text);
    return out;
}

static void every_size_is_respected(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(redactions) / sizeof(redactions[0]); i++) {
        const struct redaction *row = &redactions[i];
        char whole[300];

        rtsprec_log_redact(whole, sizeof(whole), row->text);
        for (size_t size = 1; size <= strlen(whole) + 2; size++) {
            char *out = redact_into(size, row->text);
            assert_true(strlen(out) < size);
            assert_int_equal(strncmp(out, whole, strlen(out)), 0);
            if (strlen(whole) < size)
                assert_string_equal(out, whole);
            free(out);
        }
    }
}

static void nothing_is_written_into_no_room(void **state)
{
    (void)state;
    char *out = redact_into(0, "rtsp://admin:s3cret@cam/");
    assert_int_equal(out[0], 'u');
    free(out);
    rtsprec_log_redact(NULL, 0, "rtsp://admin:s3cret@cam/");
}

/* Masking what was masked changes nothing: messages pass through several hands. */
static void masking_twice_is_masking_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(redactions) / sizeof(redactions[0]); i++) {
        char once[300], twice[300];
        rtsprec_log_redact(once, sizeof(once), redactions[i].text);
        rtsprec_log_redact(twice, sizeof(twice), once);
        assert_string_equal(twice, once);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_masked),
        cmocka_unit_test(every_size_is_respected),
        cmocka_unit_test(nothing_is_written_into_no_room),
        cmocka_unit_test(masking_twice_is_masking_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
