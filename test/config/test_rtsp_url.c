#include "rtsp_url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void accepts(void **state)
{
    static const char *const good[] = {
        "rtsp://cam",
        "rtsp://cam/",
        "RTSP://cam:554",
        "rtsps://cam:322/a",
        "rtsp://192.168.1.100:554/cam/realmonitor?channel=1&subtype=0",
        "rtsp://admin:password@192.168.1.100:554/stream1",
        "rtsp://admin:@cam/",
        "rtsp://admin@cam/user=x_password=y@z",
        "rtsp://admin:p@ss:word@cam:1/",
        "rtsp://[fe80::1%25eth0]:65535/a",
        "rtsp://u:p@[::1]",
        "rtsp://cam?x",
        "rtsp://cam/a:b@c",
        "http://admin:password@cam/video.ts",
        "HTTPS://cam:8443/live.m3u8",
        "srt://cam:9000?passphrase=0123456789",
        "rtmp://cam/live/key",
        "rtmps://cam/live/key",
        "/srv/clip.mp4",
        "file:/srv/a clip.mp4",
        "file:///srv/clip.mp4",
        "v4l2:/dev/video0?framerate=10",
        "lavfi:testsrc2=size=640x360:rate=10",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_null(rtsp_url_problem(good[i]));
}

static void refuses(void **state)
{
    static const char *const bad[] = {
        "",
        "rtsp:",
        "rtsp:/cam",
        "ftp://cam/",
        "http://",
        "srt://:9000?mode=listener",
        "http://c am/",
        "camera",
        "./clip.mp4",
        "file:",
        "file:clip.mp4",
        "file://host/clip.mp4",
        "file:/a\nb",
        "v4l2:video0",
        "lavfi:",
        "lavfi:testsrc2\n",
        "rtsp://",
        "rtsp:///a",
        "rtsp://:554/",
        "rtsp://u:p@/",
        "rtsp://cam:/",
        "rtsp://cam:0/",
        "rtsp://cam:65536/",
        "rtsp://cam:5a4/",
        "rtsp://cam:-1/",
        "rtsp://cam:+1/",
        "rtsp://cam:000554/",
        "rtsp://[::1/",
        "rtsp://[]/",
        "rtsp://[::1]x/",
        "rtsp://::1/",
        "rtsp://c am/",
        "rtsp://cam/\n",
        "rtsp://cam/\x7f",
        "rtsp://u:p/w@cam/",
        "rtsp://ca<m/",
        "rtsp://u:p@\"cam\"/",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_non_null(rtsp_url_problem(bad[i]));
}

static void finds_userinfo(void **state)
{
    size_t begin, end;

    (void)state;
    assert_true(rtsp_url_find_userinfo("rtsp://u:p@ss@cam/x@y", &begin, &end));
    assert_int_equal(begin, 7);
    assert_int_equal(end, 13);
    assert_true(rtsp_url_find_userinfo("rtsp://@cam", &begin, &end));
    assert_int_equal(begin, end);
    assert_false(rtsp_url_find_userinfo("rtsp://cam/x@y", &begin, &end));
    assert_int_equal(begin, end);
    assert_false(rtsp_url_find_userinfo("lavfi:movie=a://b@c", &begin, &end));
    assert_false(rtsp_url_find_userinfo("/srv/a://b@c", &begin, &end));
    assert_false(rtsp_url_find_userinfo("u:p@cam", &begin, &end));
    assert_int_equal(begin, end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(accepts),
        cmocka_unit_test(refuses),
        cmocka_unit_test(finds_userinfo),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
