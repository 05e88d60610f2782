#include "bytes.h"

#include <libavcodec/defs.h>
#include <libavutil/mem.h>

#include <rtsprec/error.h>

#include "ingest/in_band.h"

#define START "00000001"
#define SPS   "6742c01eda0280bfe5c044000003000400000300c83c58ba80"
#define PPS   "68ce3c80"
#define SETS  START SPS START PPS
#define IDR   "6588840a"

/* av_grow_packet() of the code under test. */
int __wrap_av_grow_packet(AVPacket *packet, int by);
int __real_av_grow_packet(AVPacket *packet, int by);
static bool fails;

int __wrap_av_grow_packet(AVPacket *packet, int by)
{
    return fails ? AVERROR(ENOMEM) : __real_av_grow_packet(packet, by);
}

static void announce(struct parameters *parameters, const char *sets)
{
    AVCodecParameters *announced = avcodec_parameters_alloc();
    announced->codec_type = AVMEDIA_TYPE_VIDEO;
    announced->codec_id = AV_CODEC_ID_H264;
    size_t size;
    uint8_t *data = bytes_of(sets, &size);
    announced->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    announced->extradata_size = (int)size;
    memcpy(announced->extradata, data, size);
    free(data);
    assert_int_equal(parameters_init(parameters, announced), 0);
    avcodec_parameters_free(&announced);
}

static void check(const char *sets, const char *frame, const char *expected)
{
    struct parameters parameters;
    announce(&parameters, sets);
    AVPacket *packet = packet_of(frame, 0), *shared = av_packet_clone(packet);
    packet->flags = AV_PKT_FLAG_KEY;
    assert_int_equal(in_band_insert(packet, &parameters), 0);
    size_t size;
    uint8_t *data = bytes_of(expected, &size);
    assert_int_equal(packet->size, size);
    assert_memory_equal(packet->data, data, size);
    assert_int_equal(packet->flags, AV_PKT_FLAG_KEY);
    free(data);
    /* Who else holds the frame keeps it as it was. */
    data = bytes_of(frame, &size);
    assert_int_equal(shared->size, size);
    assert_memory_equal(shared->data, data, size);
    free(data);
    av_packet_free(&packet);
    av_packet_free(&shared);
    parameters_uninit(&parameters);
}

#define FRAME "00000004" IDR

static void test_sets_come_first(void **state)
{
    (void)state;
    check(SETS, FRAME, "00000019" SPS "00000004" PPS FRAME);
}

static void test_without_sets(void **state)
{
    (void)state;
    check("", FRAME, FRAME);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct parameters parameters;
    announce(&parameters, SETS);
    AVPacket *packet = packet_of(FRAME, 0);
    fails = true;
    assert_int_equal(in_band_insert(packet, &parameters), RTSPREC_ERROR_NO_MEMORY);
    fails = false;
    assert_int_equal(packet->size, 8);
    assert_int_equal(packet->data[4], 0x65);
    av_packet_free(&packet);
    parameters_uninit(&parameters);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sets_come_first),
        cmocka_unit_test(test_without_sets),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
