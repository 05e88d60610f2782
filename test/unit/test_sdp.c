#include "sdp_samples.h"
#include "unit.h"

#include <libavcodec/defs.h>
#include <libavutil/mem.h>

#include <rtsprec/error.h>

#include "ingest/sdp.h"

#define SPS_HEX "000000016742c01eda0280bfe5c044000003000400000300c83c58ba80"
#define PPS_HEX "0000000168ce0fc8"
#define VPS_HEX "0000000140010c01ffff016000000300900000030000030078959809"

/* Calls of av_malloc() until one fails; negative: none does. */
static int calls_until_failure = -1;

void *__real_av_malloc(size_t size);
void *__wrap_av_malloc(size_t size);

void *__wrap_av_malloc(size_t size)
{
    return calls_until_failure-- == 0 ? NULL : __real_av_malloc(size);
}

static struct sdp parse(const char *text)
{
    struct sdp sdp;
    require(sdp_parse(&sdp, (struct text){text, strlen(text)}) == 0, "%s", text);
    return sdp;
}

static void check_text(struct text text, const char *expected)
{
    if (!expected) {
        assert_null(text.data);
        return;
    }
    require(text.data && text.size == strlen(expected) && !memcmp(text.data, expected, text.size),
            "\"%.*s\", expected \"%s\"", (int)text.size, text.data ? text.data : "", expected);
}

struct media_row {
    enum AVMediaType type;
    int payload_type;
    const char *encoding;
    int clock_rate, channels;
    enum AVCodecID codec;
    const char *control;
};

#define VIDEO AVMEDIA_TYPE_VIDEO
#define AUDIO AVMEDIA_TYPE_AUDIO
#define OTHER AVMEDIA_TYPE_UNKNOWN
#define H264  AV_CODEC_ID_H264
#define HEVC  AV_CODEC_ID_HEVC
#define NONE  AV_CODEC_ID_NONE

static void check_media(const char *text, const struct media_row *rows, int count)
{
    struct sdp sdp = parse(text);
    assert_int_equal(sdp.media_count, count);
    size_t size = sdp.session.size;
    for (int i = 0; i < count; i++) {
        const struct sdp_media *media = &sdp.media[i];
        require(media->type == rows[i].type && media->payload_type == rows[i].payload_type &&
                    media->clock_rate == rows[i].clock_rate &&
                    media->channels == rows[i].channels && media->codec == rows[i].codec,
                "media %d of %s", i, text);
        check_text(media->encoding, rows[i].encoding);
        check_text(media->control, rows[i].control);
        assert_memory_equal(media->lines.data, "m=", 2);
        size += media->lines.size;
    }
    /* Session and media together are the whole. */
    assert_int_equal(size, strlen(text));
}

static void test_makers(void **state)
{
    (void)state;
    check_media(
        hikvision,
        (struct media_row[]){
            {VIDEO, 96, "H264", 90000, 1, H264,
             "rtsp://192.168.1.64:554/Streaming/Channels/101/trackID=1?transportmode=unicast"},
            {AUDIO, 8, "PCMA", 8000, 1, NONE,
             "rtsp://192.168.1.64:554/Streaming/Channels/101/trackID=2?transportmode=unicast"}},
        2);
    check_media(
        dahua,
        (struct media_row[]){{VIDEO, 98, "H265", 90000, 1, HEVC, "trackID=0"},
                             {AUDIO, 97, "MPEG4-GENERIC", 48000, 1, NONE, "trackID=1"},
                             {OTHER, 8, "PCMA", 8000, 1, NONE, "trackID=5"},
                             {OTHER, 107, "vnd.onvif.metadata", 90000, 1, NONE, "trackID=4"}},
        4);
    check_media(
        axis,
        (struct media_row[]){{VIDEO, 96, "H264", 90000, 1, H264,
                              "rtsp://192.168.0.90/axis-media/media.amp/stream=0?videocodec=h264"}},
        1);
    check_media(reolink,
                (struct media_row[]){{VIDEO, 96, "H264", 90000, 1, H264, "track1"},
                                     {AUDIO, 97, "MPEG4-GENERIC", 16000, 1, NONE, "track2"}},
                2);
    check_media(live555,
                (struct media_row[]){{VIDEO, 26, NULL, 90000, 1, NONE, "track1"},
                                     {AUDIO, 10, NULL, 44100, 2, NONE, "track2"},
                                     {AUDIO, 0, NULL, 8000, 1, NONE, NULL},
                                     {AUDIO, 14, NULL, 90000, 1, NONE, NULL},
                                     {AUDIO, 97, "opus", 48000, 2, NONE, NULL}},
                5);
    check_media(gst_rtsp_server,
                (struct media_row[]){{VIDEO, 96, "H264", 90000, 1, H264, "stream=0"},
                                     {AUDIO, 97, "OPUS", 48000, 2, NONE, "stream=1"}},
                2);
}

static void test_multicast(void **state)
{
    (void)state;
    struct sdp sdp = parse(live555);
    check_text(sdp.media[0].connection, "232.1.2.3");
    assert_int_equal(sdp.media[0].port, 18888);
    check_text(sdp.media[1].connection, "ff15::7");
    assert_int_equal(sdp.media[1].port, 6666);
    check_text(parse(reolink).media[0].connection, "0.0.0.0");
    check_text(parse("m=video 0 RTP/AVP 96\n").media[0].connection, NULL);
}

static void test_odd_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct media_row row;
    } rows[] = {
        {"m=video", {OTHER, -1, NULL, 90000, 1, NONE, NULL}},
        {"m=", {OTHER, -1, NULL, 90000, 1, NONE, NULL}},
        {"m=video 0 RTP/AVP", {OTHER, -1, NULL, 90000, 1, NONE, NULL}},
        {"m=video 0 RTP/AVP 128", {OTHER, -1, NULL, 90000, 1, NONE, NULL}},
        {"m=video 0 RTP/AVP -1", {OTHER, -1, NULL, 90000, 1, NONE, NULL}},
        {"m=video 0 RAW/RAW/UDP 33", {OTHER, 33, NULL, 90000, 1, NONE, NULL}},
        {"m=Video 0 rtp/SAVPF  96 ", {VIDEO, 96, NULL, 90000, 1, NONE, NULL}},
        {"m=image 0 RTP/AVP 96", {OTHER, 96, NULL, 90000, 1, NONE, NULL}},
        {"m=video 0 RTP/AVP 96\r\na=rtpmap:97 H264/90000", {VIDEO, 96, NULL, 90000, 1, NONE, NULL}},
        {"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264", {VIDEO, 96, "H264", 90000, 1, H264, NULL}},
        {"m=video 0 RTP/AVP 96\ra=rtpmap: 96  h264/0\ra=control: x ",
         {VIDEO, 96, "h264", 90000, 1, H264, "x"}},
        {"m=video 0 RTP/AVP 96\n\n a=rtpmap:96 HEVC/90000/1\n",
         {VIDEO, 96, "HEVC", 90000, 1, HEVC, NULL}},
        {"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=rtpmap:96 JPEG/8000",
         {VIDEO, 96, "H264", 90000, 1, H264, NULL}},
        {"m=audio 0 RTP/AVP 96\na=rtpmap:96 H264/90000", {AUDIO, 96, "H264", 90000, 1, NONE, NULL}},
        {"m=audio 0 RTP/AVP 96\na=rtpmap:96 L16/99999999999/0",
         {AUDIO, 96, "L16", 8000, 1, NONE, NULL}},
        {"m=audio 0 RTP/AVP 96\na=rtpmap:96 L16/44100/65",
         {AUDIO, 96, "L16", 44100, 1, NONE, NULL}},
        {"m=audio 0 RTP/AVP 96\na=rtpmap:\na=control\na=\na\n=",
         {AUDIO, 96, NULL, 8000, 1, NONE, NULL}},
        {"m=audio 0 RTP/AVP 96\na=control:x\na=control:y", {AUDIO, 96, NULL, 8000, 1, NONE, "x"}},
        {"m=audio 0 RTP/AVP 96\na=control:", {AUDIO, 96, NULL, 8000, 1, NONE, ""}},
        {"m=audio 0 RTP/AVP 0\na=sendonly", {OTHER, 0, NULL, 8000, 1, NONE, NULL}},
        {"a=sendonly\nm=audio 0 RTP/AVP 0", {AUDIO, 0, NULL, 8000, 1, NONE, NULL}},
        {"garbage\n\n\n\xff\xfe\nm=audio 0 RTP/AVP 0", {AUDIO, 0, NULL, 8000, 1, NONE, NULL}},
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        check_media(rows[i].text, &rows[i].row, 1);

    /* Some cameras count a NUL at the end, and what lies behind it. */
    static const char with_nul[] = "m=audio 0 RTP/AVP 0\r\n\0\r\nm=video 0 RTP/AVP 96\r\n";
    struct sdp sdp;
    assert_int_equal(sdp_parse(&sdp, (struct text){with_nul, sizeof(with_nul)}), 0);
    assert_int_equal(sdp.media_count, 1);
}

static void test_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "\r\n", "v=0\r\ns=x\r\n", "<html>m=video</html>",
                                        "am=video 0 RTP/AVP 96"};
    struct sdp sdp;
    for (size_t i = 0; i < LENGTH(texts); i++)
        assert_int_equal(sdp_parse(&sdp, (struct text){texts[i], strlen(texts[i])}),
                         RTSPREC_ERROR_PROTOCOL);
    assert_int_equal(sdp_parse(&sdp, (struct text){0}), RTSPREC_ERROR_PROTOCOL);
    assert_int_equal(sdp_parse(&sdp, (struct text){"\0\nm=video 0 RTP/AVP 96", 23}),
                     RTSPREC_ERROR_PROTOCOL);
}

static void test_many_media(void **state)
{
    (void)state;
    static char text[64 * 1024];
    char *end = text;
    for (int i = 0; i < 100; i++)
        end += sprintf(end, "m=video %d RTP/AVP 96\r\na=control:%d\r\n", i, i);
    struct sdp sdp = parse(text);
    assert_int_equal(sdp.media_count, SDP_MAX_MEDIA);
    check_text(sdp.media[SDP_MAX_MEDIA - 1].control, "15");
    check_text(sdp.media[SDP_MAX_MEDIA - 1].lines, "m=video 15 RTP/AVP 96\r\na=control:15\r\n");
}

static void check_sets(const struct sdp_media *media, const char *hex)
{
    uint8_t *sets;
    size_t size;
    assert_int_equal(sdp_parameter_sets(&sets, &size, media), 0);
    char actual[1024] = "";
    require(2 * size < sizeof(actual), "%zu bytes", size);
    for (size_t i = 0; i < size; i++)
        sprintf(actual + 2 * i, "%02x", sets[i]);
    require(!strcmp(actual, hex), "%.*s: %s, expected %s", (int)media->fmtp.size, media->fmtp.data,
            actual, hex);
    assert_true((size == 0) == (sets == NULL));
    for (int i = 0; sets && i < AV_INPUT_BUFFER_PADDING_SIZE; i++)
        assert_int_equal(sets[size + (size_t)i], 0);
    av_free(sets);
}

static void test_parameter_sets(void **state)
{
    (void)state;
    struct sdp sdp = parse(hikvision);
    check_sets(&sdp.media[0], SPS_HEX PPS_HEX);
    check_sets(&sdp.media[1], "");
    sdp = parse(dahua);
    check_sets(&sdp.media[0],
               VPS_HEX "00000001420101016000000300900000030000030078a003c08010e59665ac"
                       "000000014401c173d089");
    check_sets(&sdp.media[1], "");
    sdp = parse(axis);
    check_sets(&sdp.media[0], SPS_HEX PPS_HEX);
    sdp = parse(reolink);
    check_sets(&sdp.media[0], "");
    sdp = parse(gst_rtsp_server);
    check_sets(&sdp.media[0], SPS_HEX PPS_HEX);

    static const struct {
        const char *sets, *hex;
    } rows[] = {
        {SPS, SPS_HEX},
        {SPS ",," PPS ",", SPS_HEX PPS_HEX},
        {" " SPS " , " PPS " ", SPS_HEX PPS_HEX},
        {"Z0LAHtoCgL/lwEQAAAMABAAAAwDIPFi6gA,aM4PyA", SPS_HEX PPS_HEX},
        /* With start codes, one by one and together; with zeros behind. */
        {SPS ",AAAAAWjOD8g=", SPS_HEX PPS_HEX},
        {"AAAAAWdCwB7aAoAAAAABaM4PyA==", "000000016742c01eda0280" PPS_HEX},
        {"aM4PyAAA", PPS_HEX},
        {"Z0I,Z0I,Z0I,Z0I", "000000016742000000016742000000016742000000016742"},
        /* An SEI is no parameter set. */
        {"BgUA," PPS, PPS_HEX},
        {"", ""},
        {",", ""},
        {"====", ""},
        {"AAAA", ""},
        {"AAAAAQ==", ""},
        {"Z0=LA," PPS, ""},
        {"Z", ""},
        {SPS ",not base64!", ""},
        {SPS ",\xff\xfe\x80", ""},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char fmtp[512];
        snprintf(fmtp, sizeof(fmtp), "packetization-mode=1;sprop-parameter-sets=%s;x=y",
                 rows[i].sets);
        struct sdp_media media = {.codec = H264, .fmtp = {fmtp, strlen(fmtp)}};
        check_sets(&media, rows[i].hex);
        media.codec = HEVC;
        check_sets(&media, "");
    }
    check_sets(&(struct sdp_media){.codec = H264}, "");
}

static void test_no_memory(void **state)
{
    (void)state;
    struct sdp sdp = parse(hikvision);
    for (int i = 0; i < 2; i++) {
        uint8_t *sets;
        size_t size;
        calls_until_failure = i;
        assert_int_equal(sdp_parameter_sets(&sets, &size, &sdp.media[0]), RTSPREC_ERROR_NO_MEMORY);
        assert_null(sets);
        assert_int_equal(size, 0);
    }
    calls_until_failure = -1;
}

static void test_control_url(void **state)
{
    (void)state;
    static const struct {
        const char *base, *session, *media, *expected;
    } rows[] = {
        {"rtsp://cam/s", NULL, "track1", "rtsp://cam/s/track1"},
        {"rtsp://cam/s/", NULL, "track1", "rtsp://cam/s/track1"},
        {"rtsp://cam/s", "*", "/track1", "rtsp://cam/s/track1"},
        {"rtsp://cam/s/", "*", "/track1", "rtsp://cam/s/track1"},
        {"rtsp://cam/s/", "*", "*", "rtsp://cam/s/"},
        {"rtsp://cam/s/", "*", "", "rtsp://cam/s/"},
        {"rtsp://cam/s", "*", NULL, "rtsp://cam/s"},
        {"rtsp://cam/s", NULL, "RTSP://cam:554/s/t=1?a=b", "RTSP://cam:554/s/t=1?a=b"},
        {"rtsp://cam/s", NULL, "rtsps://cam/x", "rtsps://cam/x"},
        {"rtsp://cam/s", NULL, "t?u=rtsp://x", "rtsp://cam/s/t?u=rtsp://x"},
        {"rtsp://cam/s", NULL, "://x", "rtsp://cam/s/://x"},
        /* Behind the query, as Dahua's and others want it. */
        {"rtsp://cam/m?channel=1&subtype=0", "*", "trackID=0",
         "rtsp://cam/m?channel=1&subtype=0/trackID=0"},
        {"rtsp://cam/m?channel=1&subtype=0/", "*", "trackID=0",
         "rtsp://cam/m?channel=1&subtype=0/trackID=0"},
        {"rtsp://cam/s", NULL, "?ctype=video", "rtsp://cam/s/?ctype=video"},
        /* The session's own control. */
        {"rtsp://10.0.0.1/s", "rtsp://cam/s/", "t1", "rtsp://cam/s/t1"},
        {"rtsp://10.0.0.1/s", "rtsp://cam/s", "*", "rtsp://cam/s"},
        {"rtsp://10.0.0.1/s", "rtsp://cam/s", "rtsp://cam/t", "rtsp://cam/t"},
        {"rtsp://cam/s", "all", "t1", "rtsp://cam/s/t1"},
        {"", NULL, "t1", "t1"},
        {"", NULL, "", ""},
        {"rtsp://cam/s", NULL, "t 1", NULL},
        {"rtsp://cam/s", NULL, "t\r1", NULL},
        {"rtsp://cam/s", NULL, "t\x7f", NULL},
        {"rtsp://cam/ s", NULL, "t", NULL},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct sdp sdp = {0};
        struct sdp_media media = {0};
        if (rows[i].session)
            sdp.control = (struct text){rows[i].session, strlen(rows[i].session)};
        if (rows[i].media)
            media.control = (struct text){rows[i].media, strlen(rows[i].media)};
        const char *expected = rows[i].expected ? rows[i].expected : "";
        char url[128];
        int err = sdp_control_url(url, sizeof(url), rows[i].base, &sdp, &media);
        require(err == (rows[i].expected ? 0 : RTSPREC_ERROR_PROTOCOL) && !strcmp(url, expected),
                "%s with %s: %s", rows[i].base, rows[i].media, url);

        /* What fits exactly fits, and nothing is ever written behind it. */
        for (size_t size = 0; rows[i].expected && size <= strlen(expected) + 1; size++) {
            char *exact = malloc(size ? size : 1);
            err = sdp_control_url(exact, size, rows[i].base, &sdp, &media);
            require(err == (size > strlen(expected) ? 0 : RTSPREC_ERROR_PROTOCOL), "%s", expected);
            assert_true(size == 0 || !strcmp(exact, err == 0 ? expected : ""));
            free(exact);
        }
    }
}

static void test_session_url(void **state)
{
    (void)state;
    static const struct {
        const char *base, *sdp, *expected;
    } rows[] = {
        {"rtsp://cam/s/", hikvision, "rtsp://192.168.1.64:554/Streaming/Channels/101/"},
        {"rtsp://cam/s?a=b/", dahua, "rtsp://cam/s?a=b/"},
        {"rtsp://cam/s", live555, "rtsp://cam/s"},
        {"rtsp://cam/s", "a=control:all\nm=video 0 RTP/AVP 96", "rtsp://cam/s/all"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct sdp sdp = parse(rows[i].sdp);
        char url[128];
        assert_int_equal(sdp_control_url(url, sizeof(url), rows[i].base, &sdp, NULL), 0);
        assert_string_equal(url, rows[i].expected);
    }
    struct sdp sdp = parse(axis);
    char url[128];
    assert_int_equal(sdp_control_url(url, sizeof(url), "rtsp://cam/", &sdp, &sdp.media[0]), 0);
    assert_string_equal(url, "rtsp://192.168.0.90/axis-media/media.amp/stream=0?videocodec=h264");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_makers),      cmocka_unit_test(test_multicast),
        cmocka_unit_test(test_odd_lines),   cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_many_media),  cmocka_unit_test(test_parameter_sets),
        cmocka_unit_test(test_no_memory),   cmocka_unit_test(test_control_url),
        cmocka_unit_test(test_session_url),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
