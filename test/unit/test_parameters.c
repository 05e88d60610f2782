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

static void announce(struct parameters *parameters, enum AVCodecID codec, const char *sets)
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
    assert_int_equal(parameters_init(parameters, announced), 0);
    avcodec_parameters_free(&announced);
}

/* A frame, with sets beside it unless they are empty. */
static int update(struct parameters *parameters, const char *sets)
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

#define AVCC_A                                           \
    "0142c01effe10019"                                   \
    "6742c01eda0280bfe5c044000003000400000300c83c58ba80" \
    "01000468ce3c80"
#define AVCC_B                                         \
    "014d401effe10018"                                 \
    "674d401ee981407b6022000003000200000300641e2c5a70" \
    "01000468ce3c80"
#define AVCC_A_2                                         \
    "0142c01effe10019"                                   \
    "6742c01eda0280bfe5c044000003000400000300c83c58ba80" \
    "01000468ce3c81"

static void test_sets_of_the_sdp(void **state)
{
    (void)state;
    struct parameters parameters;
    announce(&parameters, AV_CODEC_ID_H264, SPS_B PPS);
    assert_are(&parameters, AVCC_B, 640, 480, 1);
    assert_int_equal(update(&parameters, ""), 0);
    assert_int_equal(update(&parameters, SPS_B PPS), 0);
    assert_int_equal(update(&parameters, SPS_A PPS), 1);
    assert_are(&parameters, AVCC_A, 640, 360, 0);
    assert_int_equal(update(&parameters, ""), 0);
    assert_are(&parameters, AVCC_A, 640, 360, 0);
    parameters_uninit(&parameters);
    parameters_uninit(&parameters);

    /* Incomplete ones never tell a muxer that there are start codes. */
    announce(&parameters, AV_CODEC_ID_H264, SPS_A);
    assert_int_equal(parameters.current->extradata_size, 0);
    assert_int_equal(parameters.current->width, 0);
    parameters_uninit(&parameters);
}

static void test_only_a_change_is_one(void **state)
{
    (void)state;
    struct parameters parameters;
    announce(&parameters, AV_CODEC_ID_H264, "");
    assert_int_equal(update(&parameters, ""), 0); /* nothing is known */
    assert_int_equal(parameters.current->width, 0);
    assert_int_equal(update(&parameters, SPS_A PPS), 1);
    assert_are(&parameters, AVCC_A, 640, 360, 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(update(&parameters, SPS_A PPS), 0);
    /* Repeated, in another order, with start codes of three bytes, with zeros behind. */
    assert_int_equal(update(&parameters, SPS_A PPS SPS_A PPS), 0);
    assert_int_equal(update(&parameters, PPS SPS_A), 0);
    assert_int_equal(
        update(&parameters,
               "000001 6742c01eda0280bfe5c044000003000400000300c83c58ba80 0000 000001 68ce3c80"),
        0);
    assert_int_equal(update(&parameters, SPS_A PPS_2), 1);
    assert_are(&parameters, AVCC_A_2, 640, 360, 0);
    assert_int_equal(update(&parameters, SPS_B PPS), 1);
    assert_are(&parameters, AVCC_B, 640, 480, 1);
    parameters_uninit(&parameters);
}

static void test_incomplete_and_broken_sets(void **state)
{
    (void)state;
    static const char *const all[] = {
        SPS_A, PPS, START "67" PPS, START "674200" PPS, "", "0000", START, "112233", "ffff", IDR};
    for (int known = 0; known < 2; known++) {
        struct parameters parameters;
        announce(&parameters, AV_CODEC_ID_H264, known ? SPS_B PPS : "");
        for (size_t i = 0; i < LENGTH(all); i++)
            require(update(&parameters, all[i]) == 0, "%s", all[i]);
        if (known)
            assert_are(&parameters, AVCC_B, 640, 480, 1);
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
    assert_int_equal(update(&parameters, SPS_5 PPS_5), 0);
    assert_int_equal(update(&parameters, VPS_5 PPS_5), 0);
    assert_int_equal(update(&parameters, VPS_5 SPS_5 PPS_5), 1);
    assert_int_equal(parameters.current->width, 2592);
    assert_int_equal(parameters.current->height, 1944);
    assert_int_equal(parameters.current->extradata[0], 1);
    assert_int_equal(update(&parameters, VPS_5 SPS_5 PPS_5), 0);
    parameters_uninit(&parameters);
}

/* A frame of raw video. */
static int update_raw(struct parameters *parameters, int flags)
{
    AVPacket *packet = packet_of("00010203", 0);
    packet->flags = flags;
    int result = parameters_update(parameters, packet);
    av_packet_free(&packet);
    return result;
}

static void test_raw_video_as_announced(void **state)
{
    (void)state;
    AVCodecParameters *announced = avcodec_parameters_alloc();
    announced->codec_type = AVMEDIA_TYPE_VIDEO;
    announced->codec_id = AV_CODEC_ID_RAWVIDEO;
    struct parameters parameters;
    assert_int_equal(parameters_init(&parameters, announced), 0);
    assert_int_equal(update_raw(&parameters, AV_PKT_FLAG_KEY), 0);
    parameters_uninit(&parameters);

    announced->width = 320;
    announced->height = 240;
    assert_int_equal(parameters_init(&parameters, announced), 0);
    assert_int_equal(update_raw(&parameters, 0), 0);
    assert_int_equal(update_raw(&parameters, AV_PKT_FLAG_KEY), 1);
    assert_int_equal(parameters.current->width, 320);
    assert_int_equal(parameters.current->height, 240);
    assert_int_equal(update_raw(&parameters, AV_PKT_FLAG_KEY), 0);
    assert_false(parameters_want_decoding(&parameters));
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
    broken->flags = AV_PKT_FLAG_KEY;
    assert_int_equal(parameters_update(&parameters, broken), 0);
    assert_int_equal(parameters.current->width, 0);
    assert_true(parameters_want_decoding(&parameters));
    assert_int_equal(parameters_update(&parameters, packet), 1);
    assert_false(parameters_want_decoding(&parameters));
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
    assert_int_equal(update_raw(&parameters, AV_PKT_FLAG_KEY), 0);
    parameters_uninit(&parameters);
}

static void test_random_sets(void **state)
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
        cmocka_unit_test(test_only_a_change_is_one),
        cmocka_unit_test(test_incomplete_and_broken_sets),
        cmocka_unit_test(test_h265_needs_three_sets),
        cmocka_unit_test(test_mjpeg_by_decoding),
        cmocka_unit_test(test_raw_video_as_announced),
        cmocka_unit_test(test_a_codec_that_nobody_decodes),
        cmocka_unit_test(test_random_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
