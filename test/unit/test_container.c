#include "unit.h"

#include <libavcodec/avcodec.h>
#include <libavutil/log.h>

#include "segment/container.h"

static bool accepts(enum rtsprec_container container, enum AVCodecID codec, int sample_rate)
{
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    parameters->codec_type = avcodec_get_type(codec);
    parameters->codec_id = codec;
    if (parameters->codec_type == AVMEDIA_TYPE_AUDIO) {
        parameters->sample_rate = sample_rate;
        av_channel_layout_default(&parameters->ch_layout, 1);
    }
    bool result = container_accepts(container, parameters);
    avcodec_parameters_free(&parameters);
    return result;
}

static void test_containers(void **state)
{
    (void)state;
    const enum rtsprec_container mp4 = RTSPREC_CONTAINER_MP4, mkv = RTSPREC_CONTAINER_MKV;
    assert_string_equal(container_extension(mp4), "mp4");
    assert_string_equal(container_extension(mkv), "mkv");
    const enum AVCodecID both[] = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_MJPEG,
                                   AV_CODEC_ID_AAC};
    for (size_t i = 0; i < LENGTH(both); i++) {
        assert_true(accepts(mp4, both[i], 48000));
        assert_true(accepts(mkv, both[i], 48000));
    }
    const enum AVCodecID only_mkv[] = {AV_CODEC_ID_PCM_ALAW, AV_CODEC_ID_PCM_MULAW};
    for (size_t i = 0; i < LENGTH(only_mkv); i++) {
        assert_false(accepts(mp4, only_mkv[i], 8000));
        assert_true(accepts(mkv, only_mkv[i], 8000));
    }
    /* What the muxer would take by name, and then fail in its header: video must not suffer. */
    const enum AVCodecID neither[] = {AV_CODEC_ID_NONE, AV_CODEC_ID_ADPCM_G726LE, AV_CODEC_ID_GSM};
    for (size_t i = 0; i < LENGTH(neither); i++) {
        assert_false(accepts(mp4, neither[i], 8000));
        assert_false(accepts(mkv, neither[i], 8000));
    }
    assert_false(accepts(mp4, AV_CODEC_ID_RAWVIDEO, 0));
    assert_false(accepts(mkv, AV_CODEC_ID_RAWVIDEO, 0)); /* of pixels that have no tag */
    assert_true(accepts(mp4, AV_CODEC_ID_MP3, 44100));
    assert_false(accepts(mp4, AV_CODEC_ID_MP3, 8000));
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_containers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
