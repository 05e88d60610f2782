#include "unit.h"

#include "camera/transcoder.h"
#include "transform/policy.h"

static AVCodecParameters camera(enum AVCodecID codec, int width, int height)
{
    return (AVCodecParameters){
        .codec_type = AVMEDIA_TYPE_VIDEO, .codec_id = codec, .width = width, .height = height};
}

static struct policy_wish wish(enum rtsprec_video_codec codec, enum rtsprec_transcode transcode)
{
    return (struct policy_wish){.codec = codec,
                                .transcode = transcode,
                                .width = 1280,
                                .height = 720,
                                .frame_rate = {15, 1},
                                .bitrate = 2000000};
}

static void what_fits_is_copied_and_the_rest_encoded(void **state)
{
    const struct {
        enum AVCodecID sent;
        enum rtsprec_video_codec wanted;
        enum rtsprec_transcode transcode;
        enum AVCodecID written; /* NONE: copied */
        const char *text;
    } rows[] = {
        {AV_CODEC_ID_HEVC, RTSPREC_VIDEO_COPY, RTSPREC_TRANSCODE_AUTO, AV_CODEC_ID_NONE,
         "Copying H.265 2592x1944@25"},
        /* Size, rate and bitrate are no reason. */
        {AV_CODEC_ID_HEVC, RTSPREC_VIDEO_HEVC, RTSPREC_TRANSCODE_AUTO, AV_CODEC_ID_NONE,
         "Copying H.265 2592x1944@12.5"},
        {AV_CODEC_ID_H264, RTSPREC_VIDEO_HEVC, RTSPREC_TRANSCODE_AUTO, AV_CODEC_ID_HEVC,
         "Transcoding H.264 2592x1944@25 -> H.265 960x720@15, 2000 kbit/s, because H.265 was asked "
         "for"},
        {AV_CODEC_ID_HEVC, RTSPREC_VIDEO_H264, RTSPREC_TRANSCODE_AUTO, AV_CODEC_ID_H264, NULL},
        {AV_CODEC_ID_MJPEG, RTSPREC_VIDEO_MPEG4, RTSPREC_TRANSCODE_AUTO, AV_CODEC_ID_MPEG4, NULL},
        {AV_CODEC_ID_HEVC, RTSPREC_VIDEO_AV1, RTSPREC_TRANSCODE_AUTO, AV_CODEC_ID_AV1, NULL},
        {AV_CODEC_ID_H264, RTSPREC_VIDEO_HEVC, RTSPREC_TRANSCODE_NEVER, AV_CODEC_ID_NONE,
         "Copying H.264 2592x1944@25: H.265 was asked for, and never to transcode"},
        {AV_CODEC_ID_HEVC, RTSPREC_VIDEO_HEVC, RTSPREC_TRANSCODE_ALWAYS, AV_CODEC_ID_HEVC,
         "Transcoding H.265 2592x1944@12.5 -> H.265 960x720@15, 2000 kbit/s, because it was asked "
         "for "
         "always"},
        /* What nobody encodes becomes what everybody plays. */
        {AV_CODEC_ID_MJPEG, RTSPREC_VIDEO_COPY, RTSPREC_TRANSCODE_ALWAYS, AV_CODEC_ID_H264, NULL},
        {AV_CODEC_ID_H264, RTSPREC_VIDEO_COPY, RTSPREC_TRANSCODE_NEVER, AV_CODEC_ID_NONE,
         "Copying H.264 2592x1944@12.5"},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        AVCodecParameters sent = camera(rows[i].sent, 2592, 1944);
        struct policy_wish asked = wish(rows[i].wanted, rows[i].transcode);
        struct policy_video video;
        char text[200];
        policy_decide(&video, &asked, &sent);
        policy_describe(text, sizeof(text), &video, &sent, i % 2 ? 12.5 : 25);
        bool is_encoded = rows[i].written != AV_CODEC_ID_NONE;
        require(video.is_encoded == is_encoded, "row %zu: %s", i, text);
        require(policy_encodes(&asked, rows[i].sent) == is_encoded, "row %zu", i);
        require(video.codec == (is_encoded ? rows[i].written : rows[i].sent), "row %zu", i);
        require(video.is_refused == (!is_encoded && rows[i].wanted == RTSPREC_VIDEO_HEVC &&
                                     rows[i].sent != AV_CODEC_ID_HEVC),
                "row %zu", i);
        require(video.width == (is_encoded ? 960 : 2592), "row %zu: %d", i, video.width);
        require(!rows[i].text || strcmp(text, rows[i].text) == 0, "row %zu: %s", i, text);
    }
}

static void a_rate_is_left_out_when_nobody_knows_it(void **state)
{
    AVCodecParameters sent = camera(AV_CODEC_ID_H264, 640, 360);
    struct policy_wish asked = wish(RTSPREC_VIDEO_COPY, RTSPREC_TRANSCODE_AUTO);
    struct policy_video video;
    char text[200];
    (void)state;
    policy_decide(&video, &asked, &sent);
    policy_describe(text, sizeof(text), &video, &sent, 0);
    assert_string_equal(text, "Copying H.264 640x360");
}

static void a_short_buffer_gets_the_beginning(void **state)
{
    AVCodecParameters sent = camera(AV_CODEC_ID_H264, 640, 360);
    struct policy_wish asked = wish(RTSPREC_VIDEO_HEVC, RTSPREC_TRANSCODE_NEVER);
    struct policy_video video;
    char text[8];
    (void)state;
    policy_decide(&video, &asked, &sent);
    policy_describe(text, sizeof(text), &video, &sent, 0);
    assert_string_equal(text, "Copying");
}

static void pictures_keep_their_aspect_and_become_even(void **state)
{
    const struct {
        int width, height, most_width, most_height, fit_width, fit_height;
    } rows[] = {
        {1280, 720, 0, 0, 1280, 720},     {1280, 720, 2592, 1944, 1280, 720},
        {1280, 720, 640, 640, 640, 360},  {2592, 1944, 1280, 720, 960, 720},
        {720, 1280, 640, 360, 202, 360},  {641, 361, 0, 0, 640, 360},
        {1920, 1080, 0, 480, 852, 480},   {1920, 1080, 480, 0, 480, 270},
        {4000, 20, 1000, 1000, 1000, 16},
    };
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        int width = rows[i].width, height = rows[i].height;
        policy_fit(&width, &height, rows[i].most_width, rows[i].most_height);
        require(width == rows[i].fit_width && height == rows[i].fit_height, "row %zu: %dx%d", i,
                width, height);
    }
}

/* As encoders can say it, MPEG-4's with 16 bits for each part. */
static void a_rate_has_room_in_every_codec(void **state)
{
    const int64_t rates[] = {100, 15000, 29970, 59940, 66001, 239999};
    (void)state;
    for (size_t i = 0; i < LENGTH(rates); i++) {
        struct camera_options options = {.video_millifps = rates[i]};
        AVRational rate = transcoder_wish(&options).frame_rate;
        assert_true(rate.num <= UINT16_MAX && rate.den <= UINT16_MAX);
        double off = av_q2d(rate) * 1000 / (double)rates[i] - 1;
        require(off > -1e-5 && off < 1e-5, "%d/%d of %d", rate.num, rate.den, (int)rates[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_copied_and_the_rest_encoded),
        cmocka_unit_test(a_rate_is_left_out_when_nobody_knows_it),
        cmocka_unit_test(a_short_buffer_gets_the_beginning),
        cmocka_unit_test(pictures_keep_their_aspect_and_become_even),
        cmocka_unit_test(a_rate_has_room_in_every_codec),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
