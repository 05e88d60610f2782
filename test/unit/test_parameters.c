#include "bytes.h"

#include <libavformat/avformat.h>
#include <libavutil/mem.h>

#include "ingest/parameters.h"

/* Sets that x264 and x265 wrote, and pictures that nobody decodes. */
#define START "00000001"
#define SPS_A START "6742c01eda0280bfe5c044000003000400000300c83c58ba80" /* 640x360, no B */
#define SPS_B START "674d401ee981407b6022000003000200000300641e2c5a70"   /* 640x480, depth 1 */
#define PPS   START "68ce3c80"
#define PPS_2 START "68ce3c81"
#define IDR   START "6588840a"
#define VPS_5 START "40010c01ffff016000000300900000030000030096959809"
#define SPS_5                                                                                  \
    START "420101016000000300900000030000030096a001442007a1f2e5ba4a4c2f0168080000030008000003" \
          "00c840" /* 2592x1944 */
#define PPS_5 START "4401c172b46240"
#define IDR_5 START "2601af08"

static void announce_as(struct parameters *parameters, enum AVCodecID codec, const char *sets,
                        bool is_length_prefixed)
{
    AVCodecParameters *announced = avcodec_parameters_alloc();
    announced->codec_type = AVMEDIA_TYPE_VIDEO;
    announced->codec_id = codec;
    announced->width = 77; /* an SDP may say anything */
    size_t size;
    uint8_t *data = bytes_of(sets, &size);
    if (size) {
        announced->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
        announced->extradata_size = (int)size;
        memcpy(announced->extradata, data, size);
    }
    free(data);
    assert_int_equal(parameters_init(parameters, announced, is_length_prefixed), 0);
    avcodec_parameters_free(&announced);
}

static void announce(struct parameters *parameters, enum AVCodecID codec, const char *sets)
{
    announce_as(parameters, codec, sets, false);
}

static int update(struct parameters *parameters, const char *key_frame)
{
    AVPacket *packet = packet_of(key_frame, 0);
    int result = parameters_update(parameters, packet);
    av_packet_free(&packet);
    return result;
}

static void assert_are(const struct parameters *parameters, const char *sets, int width, int height,
                       int reorder_frames)
{
    size_t size;
    uint8_t *data = bytes_of(sets, &size);
    assert_int_equal(parameters->current->extradata_size, size);
    assert_memory_equal(parameters->current->extradata, data, size);
    free(data);
    assert_int_equal(parameters->current->width, width);
    assert_int_equal(parameters->current->height, height);
    assert_int_equal(parameters->reorder_frames, reorder_frames);
}

static void test_sets_of_the_sdp(void **state)
{
    (void)state;
    struct parameters parameters;
    announce(&parameters, AV_CODEC_ID_H264, SPS_B PPS);
    assert_int_equal(parameters.current->width, 0);
    assert_int_equal(update(&parameters, IDR), 1);
    assert_are(&parameters, SPS_B PPS, 640, 480, 1);
    assert_int_equal(update(&parameters, IDR), 0);
    parameters_uninit(&parameters);
    parameters_uninit(&parameters);
}

static void test_sets_in_band_win(void **state)
{
    (void)state;
    struct parameters parameters;
    announce(&parameters, AV_CODEC_ID_H264, SPS_B PPS);
    assert_int_equal(update(&parameters, SPS_A PPS IDR), 1);
    assert_are(&parameters, SPS_A PPS, 640, 360, 0);
    assert_int_equal(update(&parameters, IDR), 0);
    assert_are(&parameters, SPS_A PPS, 640, 360, 0);
    parameters_uninit(&parameters);
}

static void test_only_a_change_is_one(void **state)
{
    (void)state;
    struct parameters parameters;
    announce(&parameters, AV_CODEC_ID_H264, "");
    assert_int_equal(update(&parameters, IDR), 0); /* nothing is known */
    assert_int_equal(parameters.current->width, 0);
    assert_int_equal(update(&parameters, SPS_A PPS IDR), 1);
    for (int i = 0; i < 3; i++)
        assert_int_equal(update(&parameters, SPS_A PPS IDR), 0);
    /* Repeated within a frame, with start codes of three bytes, with zeros behind. */
    assert_int_equal(update(&parameters, SPS_A PPS SPS_A PPS IDR), 0);
    assert_int_equal(
        update(
            &parameters,
            "000001 6742c01eda0280bfe5c044000003000400000300c83c58ba80 0000 000001 68ce3c80" IDR),
        0);
    /* Sets behind the picture are the next frame's matter. */
    assert_int_equal(update(&parameters, IDR SPS_B PPS), 0);
    assert_int_equal(update(&parameters, SPS_A PPS_2 IDR), 1);
    assert_int_equal(update(&parameters, SPS_B PPS_2 IDR), 1);
    assert_are(&parameters, SPS_B PPS_2, 640, 480, 1);
    assert_int_equal(update(&parameters, SPS_B PPS PPS_2 IDR), 1);
    assert_are(&parameters, SPS_B PPS PPS_2, 640, 480, 1);
    parameters_uninit(&parameters);
}

/* A length-prefixed key frame, with sets beside it unless they are empty. */
static int update_with(struct parameters *parameters, const char *sets)
{
    AVPacket *packet = packet_of("00000004 6588840a", 0);
    size_t size;
    uint8_t *data = bytes_of(sets, &size);
    if (size)
        memcpy(av_packet_new_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, size), data, size);
    int result = parameters_update(parameters, packet);
    av_packet_free(&packet);
    free(data);
    return result;
}

#define AVCC_A                                           \
    "0142c01effe10019"                                   \
    "6742c01eda0280bfe5c044000003000400000300c83c58ba80" \
    "01000468ce3c80"
#define AVCC_B                                         \
    "014d401effe10018"                                 \
    "674d401ee981407b6022000003000200000300641e2c5a70" \
    "01000468ce3c80"

static void test_length_prefixed_frames(void **state)
{
    (void)state;
    struct parameters parameters;
    announce_as(&parameters, AV_CODEC_ID_H264, SPS_B PPS, true);
    assert_are(&parameters, AVCC_B, 640, 480, 1); /* from the start, but still news */
    assert_int_equal(update_with(&parameters, ""), 1);
    assert_int_equal(update_with(&parameters, ""), 0);
    assert_int_equal(update_with(&parameters, SPS_B PPS), 0);
    assert_int_equal(update_with(&parameters, SPS_A PPS), 1);
    assert_are(&parameters, AVCC_A, 640, 360, 0);
    assert_int_equal(update_with(&parameters, SPS_A), 0); /* incomplete */
    assert_int_equal(update_with(&parameters, "ffff"), 0);
    size_t size;
    uint8_t *sets = bytes_of(SPS_B PPS, &size);
    assert_int_equal(parameters_take_sets(&parameters, sets, size), 1);
    assert_int_equal(parameters_take_sets(&parameters, sets, size), 0);
    free(sets);
    assert_are(&parameters, AVCC_B, 640, 480, 1);
    parameters_uninit(&parameters);

    announce_as(&parameters, AV_CODEC_ID_H264, "", true);
    assert_int_equal(parameters.current->extradata_size, 0);
    assert_int_equal(update_with(&parameters, ""), 0);
    assert_int_equal(update_with(&parameters, SPS_A PPS), 1);
    assert_int_equal(update_with(&parameters, ""), 0);
    parameters_uninit(&parameters);

    /* Incomplete ones never tell a muxer that there are start codes. */
    announce_as(&parameters, AV_CODEC_ID_H264, SPS_A, true);
    assert_int_equal(parameters.current->extradata_size, 0);
    assert_int_equal(parameters.current->width, 0);
    parameters_uninit(&parameters);
}

static void test_incomplete_and_broken_sets(void **state)
{
    (void)state;
    static const char *const frames[] = {
        SPS_A IDR, PPS IDR, START "67" PPS IDR, START "674200" PPS IDR, "", "0000",
        START,     "112233"};
    for (int known = 0; known < 2; known++) {
        struct parameters parameters;
        announce(&parameters, AV_CODEC_ID_H264, known ? SPS_B PPS : "");
        assert_int_equal(update(&parameters, IDR), known);
        for (size_t i = 0; i < LENGTH(frames); i++)
            require(update(&parameters, frames[i]) == 0, "%s", frames[i]);
        if (known)
            assert_are(&parameters, SPS_B PPS, 640, 480, 1);
        else
            assert_int_equal(parameters.current->width, 0);
        parameters_uninit(&parameters);
    }
}

static void test_h265_needs_three_sets(void **state)
{
    (void)state;
    struct parameters parameters;
    announce(&parameters, AV_CODEC_ID_HEVC, VPS_5 SPS_5);
    assert_int_equal(update(&parameters, SPS_5 PPS_5 IDR_5), 0);
    assert_int_equal(update(&parameters, VPS_5 PPS_5 IDR_5), 0);
    assert_int_equal(update(&parameters, VPS_5 SPS_5 PPS_5 IDR_5), 1);
    assert_are(&parameters, VPS_5 SPS_5 PPS_5, 2592, 1944, 0);
    assert_int_equal(update(&parameters, VPS_5 SPS_5 PPS_5 IDR_5), 0);
    parameters_uninit(&parameters);
}

/* A frame of nothing but different sets: what is kept and the time it takes are bounded. */
static void test_sets_without_end(void **state)
{
    (void)state;
    struct parameters parameters;
    announce(&parameters, AV_CODEC_ID_H264, "");
    enum { COUNT = 300000 };
    AVPacket *packet = av_packet_alloc();
    assert_int_equal(av_new_packet(packet, COUNT * 8), 0);
    for (int i = 0; i < COUNT; i++) {
        const uint8_t set[8] = {0,
                                0,
                                1,
                                0x68,
                                (uint8_t)(i >> 14 | 0x80),
                                (uint8_t)(i >> 7 | 0x80),
                                (uint8_t)(i | 0x80),
                                0x80};
        memcpy(packet->data + (size_t)i * 8, set, 8);
    }
    parameters_update(&parameters, packet);
    assert_true(parameters.current->extradata_size <= 65536);
    av_packet_free(&packet);
    parameters_uninit(&parameters);
}

static void test_raw_video_as_announced(void **state)
{
    (void)state;
    AVCodecParameters *announced = avcodec_parameters_alloc();
    announced->codec_type = AVMEDIA_TYPE_VIDEO;
    announced->codec_id = AV_CODEC_ID_RAWVIDEO;
    struct parameters parameters;
    assert_int_equal(parameters_init(&parameters, announced, false), 0);
    assert_int_equal(update(&parameters, "00010203"), 0);
    parameters_uninit(&parameters);

    announced->width = 320;
    announced->height = 240;
    assert_int_equal(parameters_init(&parameters, announced, false), 0);
    assert_int_equal(update(&parameters, "00010203"), 1);
    assert_int_equal(parameters.current->width, 320);
    assert_int_equal(parameters.current->height, 240);
    assert_int_equal(update(&parameters, "00010203"), 0);
    parameters_uninit(&parameters);
    avcodec_parameters_free(&announced);
}

static void test_mjpeg_by_decoding(void **state)
{
    (void)state;
    AVFormatContext *format = NULL;
    AVPacket *packet = av_packet_alloc();
    assert_int_equal(avformat_open_input(&format, CLIPS "/mjpeg.mkv", NULL, NULL), 0);
    assert_int_equal(av_read_frame(format, packet), 0);
    struct parameters parameters;
    announce(&parameters, AV_CODEC_ID_MJPEG, "");
    AVPacket *broken = packet_of("ffd8ffd9", 0);
    assert_int_equal(parameters_update(&parameters, broken), 0);
    assert_int_equal(parameters.current->width, 0);
    assert_int_equal(parameters_update(&parameters, packet), 1);
    assert_int_equal(parameters.current->width, 640);
    assert_int_equal(parameters.current->height, 360);
    assert_int_equal(parameters_update(&parameters, packet), 0);
    parameters_uninit(&parameters);
    av_packet_free(&broken);
    av_packet_free(&packet);
    avformat_close_input(&format);
}

static void test_a_codec_that_nobody_decodes(void **state)
{
    (void)state;
    struct parameters parameters;
    announce(&parameters, AV_CODEC_ID_NONE, "");
    assert_int_equal(update(&parameters, IDR), 0);
    parameters_uninit(&parameters);
}

static void test_random_frames(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        SPS_A, SPS_B, PPS, PPS_2, "000001", "0000", "67", "68ff", START "67ffffffffffffff", IDR};
    uint64_t random = 9;
    struct parameters parameters;
    announce(&parameters, AV_CODEC_ID_H264, "");
    for (int round = 0; round < 20000; round++) {
        char hex[1024] = "";
        for (int64_t n = random_between(&random, 0, 8); n > 0; n--)
            strcat(hex, pieces[next_random(&random) % LENGTH(pieces)]);
        update(&parameters, hex);
        const AVCodecParameters *current = parameters.current;
        assert_true(current->width == 0 || current->extradata_size > 0);
        assert_true(current->width >= 0 && current->width <= 16384);
    }
    parameters_uninit(&parameters);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_of_the_sdp),
        cmocka_unit_test(test_sets_in_band_win),
        cmocka_unit_test(test_only_a_change_is_one),
        cmocka_unit_test(test_length_prefixed_frames),
        cmocka_unit_test(test_incomplete_and_broken_sets),
        cmocka_unit_test(test_h265_needs_three_sets),
        cmocka_unit_test(test_sets_without_end),
        cmocka_unit_test(test_mjpeg_by_decoding),
        cmocka_unit_test(test_raw_video_as_announced),
        cmocka_unit_test(test_a_codec_that_nobody_decodes),
        cmocka_unit_test(test_random_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
