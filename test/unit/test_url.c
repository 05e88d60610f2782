#include "unit.h"

#include "base/url.h"

static const struct good {
    const char *text;
    const char *scheme, *username, *password, *host;
    int port;
    const char *path;
    const char *formatted; /* NULL: as text */
} good[] = {
    {"rtsp://cam/s", "rtsp", NULL, NULL, "cam", 0, "/s", NULL},
    {"rtsp://cam", "rtsp", NULL, NULL, "cam", 0, "", NULL},
    {"rtsp://cam/", "rtsp", NULL, NULL, "cam", 0, "/", NULL},
    {"rtsps://cam:322/s", "rtsps", NULL, NULL, "cam", 322, "/s", NULL},
    {"RTSP://Cam/S", "rtsp", NULL, NULL, "Cam", 0, "/S", "rtsp://Cam/S"},
    {"RtSpS://cam", "rtsps", NULL, NULL, "cam", 0, "", "rtsps://cam"},
    {"rtsp://cam?a=b", "rtsp", NULL, NULL, "cam", 0, "?a=b", NULL},
    {"rtsp://cam:1/s?a=b&c=d#e", "rtsp", NULL, NULL, "cam", 1, "/s?a=b&c=d#e", NULL},
    {"rtsp://cam:65535", "rtsp", NULL, NULL, "cam", 65535, "", NULL},
    {"rtsp://cam:00554/s", "rtsp", NULL, NULL, "cam", 554, "/s", "rtsp://cam:554/s"},
    {"rtsp://10.0.0.1:8554/a/b/c", "rtsp", NULL, NULL, "10.0.0.1", 8554, "/a/b/c", NULL},
    {"rtsp://[::1]/s", "rtsp", NULL, NULL, "::1", 0, "/s", NULL},
    {"rtsp://[2001:db8::7]:554/s", "rtsp", NULL, NULL, "2001:db8::7", 554, "/s", NULL},
    {"rtsp://[fe80::1%25eth0]/s", "rtsp", NULL, NULL, "fe80::1%25eth0", 0, "/s", NULL},
    {"HTTPS://cam:8443/live.m3u8?a", "https", NULL, NULL, "cam", 8443, "/live.m3u8?a",
     "https://cam:8443/live.m3u8?a"},
    {"http://u:p@cam/s", "http", "u", "p", "cam", 0, "/s", NULL},
    {"srt://cam:9000?mode=caller", "srt", NULL, NULL, "cam", 9000, "?mode=caller", NULL},
    {"rtmp://cam/live/key", "rtmp", NULL, NULL, "cam", 0, "/live/key", NULL},
    {"rtmps://cam/live", "rtmps", NULL, NULL, "cam", 0, "/live", NULL},
    /* On this machine. */
    {"/srv/a clip.mp4", "file", NULL, NULL, NULL, 0, "/srv/a clip.mp4", "file:/srv/a clip.mp4"},
    {"file:/srv/u:p@x", "file", NULL, NULL, NULL, 0, "/srv/u:p@x", NULL},
    {"File:///srv/c", "file", NULL, NULL, NULL, 0, "/srv/c", "file:/srv/c"},
    {"v4l2:/dev/video0?a=b", "v4l2", NULL, NULL, NULL, 0, "/dev/video0?a=b", NULL},
    {"lavfi:testsrc2=rate=10", "lavfi", NULL, NULL, NULL, 0, "testsrc2=rate=10", NULL},
    /* Credentials. */
    {"rtsp://u@cam/s", "rtsp", "u", NULL, "cam", 0, "/s", NULL},
    {"rtsp://u:@cam/s", "rtsp", "u", "", "cam", 0, "/s", NULL},
    {"rtsp://:p@cam/s", "rtsp", "", "p", "cam", 0, "/s", NULL},
    {"rtsp://@cam/s", "rtsp", "", NULL, "cam", 0, "/s", "rtsp://cam/s"},
    {"rtsp://:@cam/s", "rtsp", "", "", "cam", 0, "/s", "rtsp://cam/s"},
    {"rtsp://u:p@cam:554/s", "rtsp", "u", "p", "cam", 554, "/s", NULL},
    {"rtsp://u:p@[::1]:554/s", "rtsp", "u", "p", "::1", 554, "/s", NULL},
    {"rtsp://u:p@ss@cam/s", "rtsp", "u", "p@ss", "cam", 0, "/s", "rtsp://u:p%40ss@cam/s"},
    {"rtsp://u:@@cam", "rtsp", "u", "@", "cam", 0, "", "rtsp://u:%40@cam"},
    {"rtsp://u:a:b:c@cam/s", "rtsp", "u", "a:b:c", "cam", 0, "/s", "rtsp://u:a%3Ab%3Ac@cam/s"},
    {"rtsp://u%3Av:p%2Fq%3F%23@cam/s", "rtsp", "u:v", "p/q?#", "cam", 0, "/s", NULL},
    {"rtsp://u:%c3%A4@cam/s", "rtsp", "u", "\xc3\xa4", "cam", 0, "/s", "rtsp://u:%C3%A4@cam/s"},
    {"rtsp://u:\xc3\xa4@cam/s", "rtsp", "u", "\xc3\xa4", "cam", 0, "/s", "rtsp://u:%C3%A4@cam/s"},
    {"rtsp://u:a-b.c_d~e@cam", "rtsp", "u", "a-b.c_d~e", "cam", 0, "", NULL},
    {"rtsp://u:'\"<>@cam", "rtsp", "u", "'\"<>", "cam", 0, "", "rtsp://u:%27%22%3C%3E@cam"},
    /* A "%" that is no code stands for itself; a NUL would cut the password. */
    {"rtsp://u:100%@cam", "rtsp", "u", "100%", "cam", 0, "", "rtsp://u:100%25@cam"},
    {"rtsp://u:%4@cam", "rtsp", "u", "%4", "cam", 0, "", "rtsp://u:%254@cam"},
    {"rtsp://u:%zz%4x%x4@cam", "rtsp", "u", "%zz%4x%x4", "cam", 0, "",
     "rtsp://u:%25zz%254x%25x4@cam"},
    {"rtsp://u:%00@cam", "rtsp", "u", "%00", "cam", 0, "", "rtsp://u:%2500@cam"},
    {"rtsp://u:%2525@cam", "rtsp", "u", "%25", "cam", 0, "", NULL},
    {"rtsp://%41%4a:%7e@cam", "rtsp", "AJ", "~", "cam", 0, "", "rtsp://AJ:~@cam"},
    /* The path stays as it is, also an "@" in it. */
    {"rtsp://cam/a%20b/@c", "rtsp", NULL, NULL, "cam", 0, "/a%20b/@c", NULL},
    {"rtsp://cam/s?user=a&password=b@c", "rtsp", NULL, NULL, "cam", 0, "/s?user=a&password=b@c",
     NULL},
};

static void check_string(const char *actual, const char *expected, const char *text,
                         const char *part)
{
    require(!actual == !expected && (!actual || !strcmp(actual, expected)), "%s of %s: %s", part,
            text, actual ? actual : "NULL");
}

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(good); i++) {
        const struct good *row = &good[i];
        struct url url;
        struct rtsprec_error error = {0};
        require(url_parse(&url, row->text, &error) == 0, "%s: %s", row->text, error.text);
        check_string(url.scheme, row->scheme, row->text, "scheme");
        check_string(url.username, row->username, row->text, "user name");
        check_string(url.password, row->password, row->text, "password");
        check_string(url.host, row->host, row->text, "host");
        check_string(url.path, row->path, row->text, "path");
        require(url.port == row->port, "%s: %d", row->text, url.port);
        assert_int_equal(error.code, 0);

        char *formatted = url_format(&url);
        check_string(formatted, row->formatted ? row->formatted : row->text, row->text, "format");
        url_uninit(&url);

        /* Once more through the mill nothing changes. */
        assert_int_equal(url_parse(&url, formatted, NULL), 0);
        char *again = url_format(&url);
        check_string(again, formatted, row->text, "second format");
        free(again);
        free(formatted);
        url_uninit(&url);
    }
}

static void test_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "qzx",
        "qzx://cam/s",
        "rtsp",
        "rtsp:",
        "rtsp:/cam",
        "rtsp//cam",
        " rtsp://cam",
        "rtspx://cam",
        "ftp://cam/s",
        "httpx://cam",
        "./clip",
        "file:",
        "file:qz",
        "file:qz/clip",
        "file://qz/clip",
        "file:////qz",
        "//qz/clip",
        "v4l2:",
        "v4l2:video0",
        "lavfi:",
        "lavfi:qz\n",
        "/srv/\x01",
        /* No host. */
        "http://",
        "srt://:9000",
        "rtsp://",
        "rtsp:///s",
        "rtsp://?q",
        "rtsp://#q",
        "rtsp://:554/s",
        "rtsp://qzu:qzp@",
        "rtsp://qzu:qzp@/s",
        "rtsp://qzu:qzp@:554/s",
        "rtsp://[]/s",
        /* A bad host. */
        "rtsp://qz<x/s",
        "rtsp://qz\"x",
        "rtsp://qz|x",
        "rtsp://qz\\x/s",
        "rtsp://qz{x}",
        "rtsp://^",
        "rtsp://[::qz",
        "rtsp://[::1]qz/s",
        "rtsp://[::1]5/s",
        /* A bad port. */
        "rtsp://cam:/s",
        "rtsp://cam:0/s",
        "rtsp://cam:65536/s",
        "rtsp://cam:99999999999999999999",
        "rtsp://cam:-1",
        "rtsp://cam:+1",
        "rtsp://cam:qz/s",
        "rtsp://cam:5 54",
        "rtsp://cam:0x50",
        "rtsp://[::1]:/s",
        "rtsp://[::1]:qz",
        /* A raw "/", "?" or "#" in a password: host and port are wrong then. */
        "rtsp://qzu:qz/p@cam/s",
        "rtsp://qzu:qz?p@cam/s",
        "rtsp://qzu:qz#p@cam/s",
        /* Control characters and spaces, wherever they are. */
        "rtsp://cam/qz s",
        "rtsp://cam/qz\ns",
        "rtsp://cam/qz\r\nX: y",
        "rtsp://ca\tm",
        "rtsp://cam/\x01",
        "rtsp://cam/\x7f",
        "rtsp://qzu:q p@cam/s",
        "rtsp://cam/s ",
    };
    for (size_t i = 0; i < LENGTH(bad); i++) {
        struct url url;
        struct rtsprec_error error = {0};
        require(url_parse(&url, bad[i], &error) == RTSPREC_ERROR_INVALID, "\"%s\"", bad[i]);
        require(error.code == RTSPREC_ERROR_INVALID && !strncmp(error.text, "url: ", 5), "%s: %s",
                bad[i], error.text);
        require(strstr(error.text, "expected"), "%s: %s", bad[i], error.text);
        /* "qz" marks what could be of a password: no message repeats it. */
        require(!strstr(error.text, "qz"), "%s: %s", bad[i], error.text);
        url_uninit(&url);
        assert_null(url.host);
        assert_int_equal(url_parse(&url, bad[i], NULL), RTSPREC_ERROR_INVALID);
        url_uninit(&url);
    }
}

/* Credentials of any bytes survive the way to libavformat and back. */
static void test_random_credentials(void **state)
{
    (void)state;
    uint64_t random = 17;
    for (int i = 0; i < 20000; i++) {
        char user[24], password[24];
        for (size_t j = 0; j < sizeof(user); j++) {
            user[j] = (char)random_between(&random, 1, 255);
            password[j] = (char)random_between(&random, 1, 255);
        }
        user[random_between(&random, 0, 23)] = '\0';
        user[23] = '\0';
        password[random_between(&random, 1, 23)] = '\0';
        password[23] = '\0';
        char scheme[] = "rtsp", host[] = "fe80::1", path[] = "/s?x";
        struct url url = {scheme, user, password, host, 554, path}, back;
        char *text = url_format(&url);
        assert_int_equal(url_parse(&back, text, NULL), 0);
        require(!strcmp(back.username, user) && !strcmp(back.password, password), "%s", text);
        assert_string_equal(back.host, host);
        free(text);
        url_uninit(&back);
    }
}

static void test_random_texts(void **state)
{
    (void)state;
    static const char alphabet[] = "/:@[]?#%a1 \xff\x01.";
    uint64_t random = 23;
    for (int i = 0; i < 50000; i++) {
        char text[48] = "rtsp://";
        size_t length = 7 + (size_t)random_between(&random, 0, 30);
        for (size_t j = 7; j < length; j++)
            text[j] = alphabet[next_random(&random) % (sizeof(alphabet) - 1)];
        char *exact = strdup(text); /* a sanitizer sees a byte too many */
        struct url url;
        if (url_parse(&url, exact, NULL) == 0) {
            assert_true(*url.host && url.port >= 0 && url.port <= 65535);
            assert_true(!*url.path || strchr("/?#", *url.path));
        }
        url_uninit(&url);
        free(exact);
    }
}

static void test_nothing_to_free(void **state)
{
    (void)state;
    struct url url = {0};
    url_uninit(&url);
    secret_free(NULL);
    secret_free(strdup("secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_random_credentials),
        cmocka_unit_test(test_random_texts),
        cmocka_unit_test(test_nothing_to_free),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
