#include "unit.h"

#include <libavutil/md5.h>
#include <libavutil/sha.h>

#include <rtsprec/error.h>

#include "ingest/rtsp_auth.h"

/* Allocations until one fails; negative: none does. */
static int left_until_failure = -1;

void *__real_av_malloc(size_t size);
void *__wrap_av_malloc(size_t size);

void *__wrap_av_malloc(size_t size)
{
    return left_until_failure-- == 0 ? NULL : __real_av_malloc(size);
}

struct AVMD5 *__real_av_md5_alloc(void);
struct AVMD5 *__wrap_av_md5_alloc(void);

struct AVMD5 *__wrap_av_md5_alloc(void)
{
    return left_until_failure-- == 0 ? NULL : __real_av_md5_alloc();
}

struct AVSHA *__real_av_sha_alloc(void);
struct AVSHA *__wrap_av_sha_alloc(void);

struct AVSHA *__wrap_av_sha_alloc(void)
{
    return left_until_failure-- == 0 ? NULL : __real_av_sha_alloc();
}

/* A 401 with these header lines. */
static int challenge(struct rtsp_auth *auth, const char *headers)
{
    struct rtsp_message reply = {.status = 401, .headers = {headers, strlen(headers)}};
    return rtsp_auth_challenge(auth, &reply);
}

static struct rtsp_auth challenged(const char *headers)
{
    struct rtsp_auth auth = {0};
    require(challenge(&auth, headers) == 0, "%s", headers);
    return auth;
}

static void check_header(struct rtsp_auth *auth, const char *user, const char *password,
                         const char *method, const char *uri, const char *cnonce,
                         const char *expected)
{
    char header[1024];
    int err = rtsp_auth_header(header, sizeof(header), auth, user, password, method, uri, cnonce);
    assert_int_equal(err, 0);
    assert_string_equal(header, expected);
}

/* The example of RFC 2617, 3.5. */
static void test_rfc2617(void **state)
{
    (void)state;
    struct rtsp_auth auth = challenged("WWW-Authenticate: Digest\r\n"
                                       "WWW-Authenticate: Digest realm=\"testrealm@host.com\", "
                                       "qop=\"auth,auth-int\", "
                                       "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
                                       "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"\r\n");
    assert_int_equal(auth.scheme, RTSP_AUTH_MD5);
    assert_true(auth.has_qop && auth.has_opaque);
    assert_false(auth.has_algorithm);
    check_header(&auth, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b",
                 "Authorization: Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
                 "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
                 "response=\"6629fae49393a05397450978507c4ef1\", "
                 "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", "
                 "qop=auth, nc=00000001, cnonce=\"0a4f113b\"\r\n");
    assert_int_equal(auth.nonce_count, 1);
}

/* The example of RFC 2069, with the response of its erratum: what most cameras ask for. */
static void test_without_qop(void **state)
{
    (void)state;
    struct rtsp_auth auth = challenged("WWW-Authenticate: Digest realm=\"testrealm@host.com\",\t"
                                       "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\",stale=FALSE");
    assert_false(auth.has_qop || auth.has_opaque);
    static const char expected[] =
        "Authorization: Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
        "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
        "response=\"1949323746fe6a43ef61f9606e7febea\"\r\n";
    for (int i = 0; i < 3; i++)
        check_header(&auth, "Mufasa", "CircleOfLife", "GET", "/dir/index.html", "x", expected);
}

#define RFC7616_REST                                            \
    "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", " \
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "  \
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
#define RFC7616_ANSWER                                                             \
    "Authorization: Digest username=\"Mufasa\", realm=\"http-auth@example.org\", " \
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", uri=\"/dir/index.html\", "

/* The example of RFC 7616, 3.9.1: two challenges, of which the second is only as strong as MD5. */
static void test_rfc7616(void **state)
{
    (void)state;
    static const char md5[] = "Digest algorithm=MD5, " RFC7616_REST;
    static const char sha256[] = "Digest algorithm=SHA-256, " RFC7616_REST;
    static const char answer_of_sha256[] = RFC7616_ANSWER
        "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", "
        "algorithm=SHA-256, opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", "
        "qop=auth, nc=00000001, "
        "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\"\r\n";
    static const char answer_of_md5[] =
        RFC7616_ANSWER "response=\"8ca523f5e9506fed4657c9700eebdbec\", "
                       "algorithm=MD5, opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", "
                       "qop=auth, nc=00000001, "
                       "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\"\r\n";
    const struct {
        const char *first, *between, *second, *answer;
        enum rtsp_auth_scheme scheme;
    } rows[] = {
        {md5, "\r\nWWW-Authenticate: ", sha256, answer_of_sha256, RTSP_AUTH_SHA256},
        {sha256, "\r\nwww-authenticate: ", md5, answer_of_sha256, RTSP_AUTH_SHA256},
        {sha256, ", ", md5, answer_of_sha256, RTSP_AUTH_SHA256},
        {md5, ",", sha256, answer_of_sha256, RTSP_AUTH_SHA256},
        {"Basic realm=\"x, nonce=\\\"y\\\"\"", ", ", md5, answer_of_md5, RTSP_AUTH_MD5},
        {md5, "\r\nWWW-Authenticate: ", "Negotiate dG9r==, Basic", answer_of_md5, RTSP_AUTH_MD5},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char headers[1024];
        snprintf(headers, sizeof(headers), "WWW-Authenticate: %s%s%s\r\n", rows[i].first,
                 rows[i].between, rows[i].second);
        struct rtsp_auth auth = challenged(headers);
        require(auth.scheme == rows[i].scheme, "%s", headers);
        check_header(&auth, "Mufasa", "Circle of Life", "GET", "/dir/index.html",
                     "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", rows[i].answer);
    }
}

static void test_basic(void **state)
{
    (void)state;
    /* RFC 7617, 2. */
    struct rtsp_auth auth = challenged("WWW-Authenticate: Basic realm=\"WallyWorld\"\r\n");
    assert_int_equal(auth.scheme, RTSP_AUTH_BASIC);
    check_header(&auth, "Aladdin", "open sesame", "DESCRIBE", "rtsp://cam/s", "x",
                 "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n");
    /* What belongs to digests means nothing here. */
    auth =
        challenged("WWW-Authenticate: Basic realm=\"r\", algorithm=SHA-256, qop=auth, nonce=\"n\"");
    assert_int_equal(auth.scheme, RTSP_AUTH_BASIC);
    assert_string_equal(auth.nonce, "");
    auth = challenged("WWW-Authenticate:basic");
    check_header(&auth, "", "", "DESCRIBE", "rtsp://cam/s", "x", "Authorization: Basic Og==\r\n");

    struct rtsp_auth nothing = {0};
    check_header(&nothing, "u", "p", "DESCRIBE", "rtsp://cam/s", "x", "");
}

static void test_values(void **state)
{
    (void)state;
    static const struct {
        const char *headers, *realm, *nonce, *opaque; /* opaque NULL: there is none */
        bool has_qop, has_algorithm;
    } rows[] = {
        {"Digest realm=\"a, b=\\\"c\\\\\", nonce=\"n\"", "a, b=\"c\\", "n", NULL, 0, 0},
        {"DIGEST REALM=\"r\",NONCE=\"n\",STALE=\"TRUE\",QOP=\"AUTH\",ALGORITHM=\"md5\"", "r", "n",
         NULL, 1, 1},
        {"Digest realm=IP Camera(12), nonce=dGVzdA==, stale=true, opaque=", "IP Camera(12)",
         "dGVzdA==", "", 0, 0},
        {"Digest realm = \"r\" , nonce = \"n\" , qop = auth , stale = false", "r", "n", NULL, 1, 0},
        {"Digest realm=\"r\" nonce=\"n\" opaque=\"o\"", "r", "n", "o", 0, 0},
        {"Digest realm=\"\", nonce=\"n\", opaque=\"\", qop=\"\"", "", "n", "", 0, 0},
        {"Digest nonce=\"n\", userhash=true, charset=UTF-8, domain=\"/ /a\", x=\"y,\\\"z\"", "",
         "n", NULL, 0, 0},
        {"Digest realm=\"r\", nonce=\"n", "r", "n", NULL, 0, 0},
        {"Digest realm=\"r\", nonce=\"n\\", "r", "n\\", NULL, 0, 0},
        {"Digest realm=\"r\", nonce=\"n\\\"", "r", "n\\", NULL, 0, 0},
        {"Digest qop=\"auth-int,auth\", realm=\"r\", nonce=\"n\"", "r", "n", NULL, 1, 0},
        {",, Digest realm=\"r\",, nonce=\"n\",,", "r", "n", NULL, 0, 0},
        {"\"x\", =, (), ;;, Digest realm=\"r\", nonce=\"n\"", "r", "n", NULL, 0, 0},
        {"Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512, Digest realm=\"s\", nonce=\"m\"", "s",
         "m", NULL, 0, 0},
        {"Digest realm=\"r\", nonce=\"n\", Digest realm=\"s\", nonce=\"m\"", "r", "n", NULL, 0, 0},
        {"Digest realm=\"r\xc3\xa4\", nonce=\"n\"", "r\xc3\xa4", "n", NULL, 0, 0},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char headers[512];
        snprintf(headers, sizeof(headers), "A: b\r\nWWW-Authenticate: %s\r\n", rows[i].headers);
        struct rtsp_auth auth = challenged(headers);
        require(auth.scheme == RTSP_AUTH_MD5, "%s", headers);
        require(!strcmp(auth.realm, rows[i].realm), "%s: realm %s", headers, auth.realm);
        require(!strcmp(auth.nonce, rows[i].nonce), "%s: nonce %s", headers, auth.nonce);
        require(auth.has_opaque == (rows[i].opaque != NULL) &&
                    (!rows[i].opaque || !strcmp(auth.opaque, rows[i].opaque)),
                "%s: opaque %s", headers, auth.opaque);
        require(auth.has_qop == rows[i].has_qop && auth.has_algorithm == rows[i].has_algorithm,
                "%s", headers);
    }
}

static void test_unsupported(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "",
        "CSeq: 1\r\n",
        "WWW-Authenticate:\r\n",
        "WWW-Authenticate: Digest\r\n",
        "WWW-Authenticate: Digest realm=\"r\"\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"\"\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=MD5-sess\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256-sess\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=\"\"\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"\r\n",
        "WWW-Authenticate: Negotiate\r\n",
        "WWW-Authenticate: Bearer realm=\"Basic realm=x\"\r\n",
        "Proxy-Authenticate: Basic realm=\"r\"\r\n",
        "WWW-Authenticate: \"Basic\"\r\n",
    };
    for (size_t i = 0; i < LENGTH(headers); i++) {
        struct rtsp_auth auth = {.scheme = RTSP_AUTH_BASIC, .realm = "before"};
        require(challenge(&auth, headers[i]) == RTSPREC_ERROR_UNSUPPORTED, "%s", headers[i]);
        assert_int_equal(auth.scheme, RTSP_AUTH_BASIC);
        assert_string_equal(auth.realm, "before");
    }
}

static void test_too_large(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        int size; /* of the largest value that fits */
    } rows[] = {
        {"Digest nonce=\"n\", realm=\"", 255},
        {"Digest nonce=\"", 511},
        {"Digest nonce=\"n\", opaque=\"", 511},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char value[600], headers[700];
        memset(value, 'x', sizeof(value));
        value[rows[i].size] = '\0';
        snprintf(headers, sizeof(headers), "WWW-Authenticate: %s%s\"\r\n", rows[i].before, value);
        struct rtsp_auth auth = challenged(headers);
        value[rows[i].size] = 'x';
        value[rows[i].size + 1] = '\0';
        snprintf(headers, sizeof(headers), "WWW-Authenticate: %s%s\"\r\n", rows[i].before, value);
        struct rtsp_auth before = auth;
        assert_int_equal(challenge(&auth, headers), RTSPREC_ERROR_PROTOCOL);
        assert_memory_equal(&auth, &before, sizeof(auth));
    }
    struct rtsp_auth auth = {0};
    assert_int_equal(challenge(&auth, "WWW-Authenticate: Basic realm=\"a\rb\"\r\n"),
                     RTSPREC_ERROR_PROTOCOL);
    assert_int_equal(challenge(&auth, "WWW-Authenticate: Digest nonce=\"a\tb\"\r\n"),
                     RTSPREC_ERROR_PROTOCOL);
}

/* The count belongs to a nonce: it begins anew with another one only. */
static void test_nonce_count(void **state)
{
    (void)state;
    static const char first[] =
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"1\", qop=\"auth\"\r\n";
    static const char second[] =
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"2\", qop=\"auth\", stale=true\r\n";
    struct rtsp_auth auth = challenged(first);
    char header[512], previous[512] = "";
    for (int i = 1; i <= 17; i++) {
        char count[16];
        snprintf(count, sizeof(count), "nc=%08x,", i);
        assert_int_equal(
            rtsp_auth_header(header, sizeof(header), &auth, "u", "p", "PLAY", "rtsp://c", "c"), 0);
        require(strstr(header, count), "%s", header);
        assert_string_not_equal(header, previous);
        strcpy(previous, header);
        assert_int_equal(challenge(&auth, first), 0);
        assert_int_equal(auth.nonce_count, i);
    }
    assert_int_equal(challenge(&auth, second), 0);
    assert_int_equal(auth.nonce_count, 0);
}

/* The digest is of the values themselves, whatever they need on the wire. */
static void test_escapes(void **state)
{
    (void)state;
    struct rtsp_auth auth =
        challenged("WWW-Authenticate: Digest realm=\"q\\\"r\\\\s\", nonce=\"n\"\r\n");
    check_header(&auth, "a\"b\\c", "p", "DESCRIBE", "rtsp://cam/s", "x",
                 "Authorization: Digest username=\"a\\\"b\\\\c\", realm=\"q\\\"r\\\\s\", "
                 "nonce=\"n\", uri=\"rtsp://cam/s\", "
                 "response=\"1ca9649bfab60e1219299576fe1e7e92\"\r\n");
}

static void test_no_room(void **state)
{
    (void)state;
    static const char *const challenges[] = {
        "WWW-Authenticate: Basic realm=\"r\"\r\n",
        "WWW-Authenticate: Digest realm=\"r\\\"\", nonce=\"n\", opaque=\"o\", qop=\"auth\"\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256\r\n",
    };
    for (size_t i = 0; i < LENGTH(challenges); i++) {
        struct rtsp_auth auth = challenged(challenges[i]);
        char whole[512];
        assert_int_equal(rtsp_auth_header(whole, sizeof(whole), &auth, "user", "password", "PLAY",
                                          "rtsp://cam/s", "0123"),
                         0);
        for (size_t size = 0; size <= strlen(whole) + 1; size++) {
            char *exact = malloc(size ? size : 1);
            int err = rtsp_auth_header(exact, size, &auth, "user", "password", "PLAY",
                                       "rtsp://cam/s", "0123");
            assert_int_equal(err, size > strlen(whole) ? 0 : RTSPREC_ERROR_INVALID);
            /* Nothing of a secret is left behind. */
            for (size_t j = 0; err < 0 && j < size; j++)
                assert_int_equal(exact[j], 0);
            free(exact);
        }
    }
}

static void test_control_characters(void **state)
{
    (void)state;
    struct rtsp_auth auth = challenged("WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n");
    char header[512];
    assert_int_equal(
        rtsp_auth_header(header, sizeof(header), &auth, "u\r\nX: y", "p", "PLAY", "rtsp://c", "c"),
        RTSPREC_ERROR_INVALID);
    assert_int_equal(
        rtsp_auth_header(header, sizeof(header), &auth, "u", "p", "PLAY", "rtsp://c\n", "c"),
        RTSPREC_ERROR_INVALID);
    /* A password is never sent as it is. */
    assert_int_equal(
        rtsp_auth_header(header, sizeof(header), &auth, "u", "p\n", "PLAY", "rtsp://c", "c"), 0);
}

static void test_no_memory(void **state)
{
    (void)state;
    static const char *const challenges[] = {
        "WWW-Authenticate: Basic realm=\"r\"\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\"\r\n",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256\r\n",
    };
    static const int calls[] = {2, 3, 3};
    for (size_t i = 0; i < LENGTH(challenges); i++) {
        struct rtsp_auth auth = challenged(challenges[i]);
        char header[512];
        for (int j = 0; j < calls[i]; j++) {
            left_until_failure = j;
            assert_int_equal(
                rtsp_auth_header(header, sizeof(header), &auth, "u", "p", "PLAY", "rtsp://c", "c"),
                RTSPREC_ERROR_NO_MEMORY);
            assert_string_equal(header, "");
        }
        left_until_failure = -1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc2617),
        cmocka_unit_test(test_without_qop),
        cmocka_unit_test(test_rfc7616),
        cmocka_unit_test(test_basic),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_unsupported),
        cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_nonce_count),
        cmocka_unit_test(test_escapes),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_control_characters),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
