#include "bytes.h"

#include "ingest/parameter_sets.h"

/* What x264 and x265 wrote. */
#define SPS_A       "6742c01eda0280bfe5c044000003000400000300c83c58ba80"
#define SPS_B       "674d401ee981407b6022000003000200000300641e2c5a70"
#define PPS_0       "68ce3c80"
#define PPS_0_OTHER "68ce3c81"
#define PPS_1       "6848f2" /* ue(v) 010: id 1 */
#define VPS_5       "40010c01ffff016000000300900000030000030096959809"
#define SPS_5                                                                            \
    "420101016000000300900000030000030096a001442007a1f2e5ba4a4c2f0168080000030008000003" \
    "00c840"
#define PPS_5   "4401c172b46240"
#define PPS_5_1 "44015172b46240"

static int take(struct parameter_sets *sets, const char *hex)
{
    size_t size;
    uint8_t *data = bytes_of(hex, &size);
    int result = parameter_sets_take(sets, &(struct nal){data, size});
    free(data);
    return result;
}

static void assert_are(const struct parameter_sets *sets, const char *hex)
{
    size_t size;
    uint8_t *expected = bytes_of(hex, &size), *written = malloc(sets->bytes + 1);
    assert_int_equal(sets->bytes, size);
    parameter_sets_write(sets, written);
    assert_memory_equal(written, expected, size);
    free(written);
    free(expected);
}

#define START "00000001"

static void test_h264(void **state)
{
    (void)state;
    struct parameter_sets sets;
    parameter_sets_init(&sets, AV_CODEC_ID_H264);
    assert_are(&sets, "");
    assert_int_equal(take(&sets, PPS_1), 1);
    assert_int_equal(take(&sets, PPS_0), 1);
    assert_int_equal(take(&sets, SPS_A), 1);
    assert_are(&sets, START SPS_A START PPS_0 START PPS_1);
    assert_int_equal(take(&sets, SPS_A), 0);
    assert_int_equal(take(&sets, PPS_1), 0);
    assert_int_equal(take(&sets, PPS_0_OTHER), 1);
    assert_int_equal(take(&sets, SPS_B), 1);
    assert_are(&sets, START SPS_B START PPS_0_OTHER START PPS_1);
    /* Broken, or no sets at all. */
    static const char *const others[] = {"67", "6742c0", "68", "6588", "4188", "09f0", ""};
    for (size_t i = 0; i < LENGTH(others); i++)
        require(take(&sets, others[i]) == 0, "%s", others[i]);
    assert_are(&sets, START SPS_B START PPS_0_OTHER START PPS_1);
    parameter_sets_uninit(&sets);
    assert_are(&sets, "");
}

static void test_h265(void **state)
{
    (void)state;
    struct parameter_sets sets;
    parameter_sets_init(&sets, AV_CODEC_ID_HEVC);
    assert_int_equal(take(&sets, PPS_5_1), 1);
    assert_int_equal(take(&sets, PPS_5), 1);
    assert_int_equal(take(&sets, VPS_5), 1);
    assert_int_equal(take(&sets, SPS_5), 1);
    assert_int_equal(take(&sets, "4001"), 0);
    assert_int_equal(take(&sets, "44"), 0);
    assert_are(&sets, START VPS_5 START SPS_5 START PPS_5 START PPS_5_1);
    parameter_sets_uninit(&sets);
}

static void assert_announced(struct parameter_sets *sets, const char *hex)
{
    AVPacket *packet = av_packet_alloc();
    size_t size, expected_size;
    uint8_t *expected = bytes_of(hex, &expected_size);
    assert_int_equal(parameter_sets_announce(sets, packet), 0);
    const uint8_t *data = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
    assert_int_equal(data != NULL, expected_size > 0);
    if (data) {
        assert_int_equal(size, expected_size);
        assert_memory_equal(data, expected, size);
    }
    free(expected);
    av_packet_free(&packet);
}

static void test_changes_are_announced_once(void **state)
{
    (void)state;
    struct parameter_sets sets;
    size_t size;
    uint8_t *stream = bytes_of(START SPS_A "0000" START "6588" START PPS_0, &size);
    parameter_sets_init(&sets, AV_CODEC_ID_H264);
    assert_announced(&sets, "");
    assert_int_equal(parameter_sets_take_all(&sets, stream, size), 0);
    assert_announced(&sets, START SPS_A START PPS_0);
    assert_announced(&sets, "");
    /* Zeros behind a set are none of it. */
    assert_int_equal(take(&sets, SPS_A "000000"), 0);
    assert_int_equal(parameter_sets_take_all(&sets, stream, size), 0);
    assert_int_equal(parameter_sets_take_all(&sets, NULL, 0), 0);
    assert_announced(&sets, "");
    assert_int_equal(take(&sets, PPS_0_OTHER "0000"), 1);
    assert_announced(&sets, START SPS_A START PPS_0_OTHER);
    free(stream);
    parameter_sets_uninit(&sets);
}

/* More sets than any camera has, and larger ones: what is kept stays bounded, and first ones stay.
 */
static void test_limits(void **state)
{
    (void)state;
    struct parameter_sets sets;
    parameter_sets_init(&sets, AV_CODEC_ID_H264);
    assert_int_equal(take(&sets, SPS_A), 1);
    assert_int_equal(take(&sets, PPS_0), 1);
    for (uint32_t id = 1; id < 1000; id++) { /* ue(v) of 21 bits */
        uint32_t code = (id + 1024) << 11;
        const uint8_t set[] = {0x68, (uint8_t)(code >> 24), (uint8_t)(code >> 16),
                               (uint8_t)(code >> 8), 0x80};
        parameter_sets_take(&sets, &(struct nal){set, sizeof(set)});
    }
    assert_int_equal(sets.count, PARAMETER_SETS_MAX_COUNT);
    assert_int_equal(take(&sets, PPS_0_OTHER), 1); /* replacing is no growth */

    static uint8_t large[PARAMETER_SETS_MAX_BYTES];
    memset(large, 0x55, sizeof(large));
    memcpy(large, (uint8_t[]){0x68, 0xce}, 2);
    assert_int_equal(parameter_sets_take(&sets, &(struct nal){large, sizeof(large)}), 0);
    assert_int_equal(parameter_sets_take(&sets, &(struct nal){large, sizeof(large) / 2}), 1);
    memcpy(large, (uint8_t[]){0x68, 0x48}, 2);
    assert_int_equal(parameter_sets_take(&sets, &(struct nal){large, sizeof(large) / 2}), 0);
    assert_true(sets.bytes <= PARAMETER_SETS_MAX_BYTES);
    parameter_sets_uninit(&sets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h264),
        cmocka_unit_test(test_h265),
        cmocka_unit_test(test_changes_are_announced_once),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
