#include "bytes.h"

#include <libavcodec/defs.h>

#include <rtsprec/error.h>

#include "ingest/access_unit.h"
#include "ingest/nal_lengths.h"

/* Sets that x264 and x265 wrote, and pictures that nobody decodes. */
#define START "00000001"
#define SPS   "6742c01eda0280bfe5c044000003000400000300c83c58ba80"
#define SPS_B "674d401ee981407b6022000003000200000300641e2c5a70"
#define PPS   "68ce3c80"
#define PPS_B "68ce3c81"
#define SETS  START SPS START PPS
#define IDR   "6588840a"
#define SLICE "4188840a"
#define AVCC  "0142c01effe10019" SPS "010004" PPS

#define VPS_5 "40010c01ffff016000000300900000030000030096959809"
#define SPS_5                                                                            \
    "420101016000000300900000030000030096a001442007a1f2e5ba4a4c2f0168080000030008000003" \
    "00c840"
#define PPS_5 "4401c172b46240"

static bool fails;

AVBufferRef *__real_av_buffer_alloc(size_t size);
AVBufferRef *__wrap_av_buffer_alloc(size_t size);

AVBufferRef *__wrap_av_buffer_alloc(size_t size)
{
    return fails ? NULL : __real_av_buffer_alloc(size);
}

static void begin(struct nal_lengths *lengths, enum AVCodecID codec, const char *extradata)
{
    size_t size;
    uint8_t *data = bytes_of(extradata, &size);
    assert_int_equal(nal_lengths_init(lengths, codec, data, size), 0);
    free(data);
}

static void assert_bytes(const char *name, const uint8_t *data, size_t size, const char *hex)
{
    size_t expected_size;
    uint8_t *expected = bytes_of(hex, &expected_size);
    require(size == expected_size && (size == 0 || !memcmp(data, expected, size)), "%s", name);
    free(expected);
}

/* What becomes of a frame: these bytes, with these sets beside it. Empty: nothing. */
static void check(struct nal_lengths *lengths, const char *name, const char *frame,
                  const char *expected, const char *sets)
{
    AVPacket *packet = packet_of(frame, 7);
    packet->flags = AV_PKT_FLAG_KEY;
    int result = nal_lengths_apply(lengths, packet);
    require(result == (*expected != '\0'), "%s: %d", name, result);
    assert_bytes(name, packet->data, (size_t)packet->size, expected);
    size_t size = 0;
    const uint8_t *data = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
    assert_bytes(name, data, data ? size : 0, sets);
    if (result == 1) {
        static const uint8_t padding[AV_INPUT_BUFFER_PADDING_SIZE];
        assert_int_equal(packet->pts, 7);
        assert_int_equal(packet->flags, AV_PKT_FLAG_KEY);
        assert_memory_equal(packet->data + packet->size, padding, sizeof(padding));
    }
    av_packet_free(&packet);
}

static void test_start_codes(void **state)
{
    (void)state;
    static const struct {
        const char *name, *frame, *expected, *sets;
    } rows[] = {
        {"a picture", START IDR, "00000004" IDR, ""},
        {"short start codes, zeros behind", "000001" IDR "0000 000001" SLICE "00",
         "00000004" IDR "00000004" SLICE, ""},
        {"something before the first start code", "1234" START IDR, "00000004" IDR, ""},
        {"known sets", SETS START IDR, "00000004" IDR, ""},
        {"a new set: all are told", START "09f0" START PPS_B START IDR, "00000004" IDR,
         START SPS START PPS_B},
        {"once", START PPS_B START IDR, "00000004" IDR, ""},
        {"what says nothing, and an SEI",
         START "09f0" START "0605018080" START IDR START "0cffff80" START "0a" START "0b",
         "00000005 0605018080 00000004" IDR, ""},
        {"sets alone wait for a frame", START SPS_B START PPS, "", ""},
        {"nothing at all", START "09f0", "", ""},
        {"no start code", "6588840a", "", ""},
        {"empty NAL units", START START START, "", ""},
        {"the frame that they waited for", START SLICE, "00000004" SLICE, START SPS_B START PPS},
        {"a broken set leaves no trace", START "6742" START IDR, "00000004" IDR, ""},
    };
    struct nal_lengths lengths;
    begin(&lengths, AV_CODEC_ID_H264, SETS);
    for (size_t i = 0; i < LENGTH(rows); i++)
        check(&lengths, rows[i].name, rows[i].frame, rows[i].expected, rows[i].sets);
    nal_lengths_uninit(&lengths);

    begin(&lengths, AV_CODEC_ID_HEVC, "");
    check(&lengths, "H.265",
          START "460110" START VPS_5 START SPS_5 START PPS_5 START "2601af08" START "4801" START
                "4a01" START "4c01ff80",
          "00000004 2601af08", START VPS_5 START SPS_5 START PPS_5);
    nal_lengths_uninit(&lengths);
}

static void test_lengths(void **state)
{
    (void)state;
    struct nal_lengths lengths;
    begin(&lengths, AV_CODEC_ID_H264, AVCC);
    static const struct {
        const char *name, *frame, *expected, *sets;
    } rows[] = {
        {"right already", "00000004" IDR "00000006 418884000000", /* its zeros stay */
         "00000004" IDR "00000006 418884000000", ""},
        {"with known sets", "00000004" PPS "00000004" IDR, "00000004" IDR, ""},
        {"with a new one", "00000004" PPS_B "00000004" IDR, "00000004" IDR, START SPS START PPS_B},
        {"with a delimiter", "00000002 09f0 00000004" IDR, "00000004" IDR, ""},
        {"an empty unit", "00000000 00000004" IDR, "00000004" IDR, ""},
        {"a length beyond the end", "00000004" IDR "00000005" SLICE, "", ""},
        {"the largest length", "ffffffff" IDR, "", ""},
        {"half a length", "00000004" IDR "0000", "", ""},
        {"unharmed by it", "00000004" IDR, "00000004" IDR, ""},
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        check(&lengths, rows[i].name, rows[i].frame, rows[i].expected, rows[i].sets);

    AVPacket *packet = packet_of("00000004" IDR, 0);
    const uint8_t *data = packet->data;
    assert_int_equal(nal_lengths_apply(&lengths, packet), 1);
    assert_ptr_equal(packet->data, data); /* not copied */
    av_packet_free(&packet);
    nal_lengths_uninit(&lengths);

    begin(&lengths, AV_CODEC_ID_H264, "0142c01efde10019" SPS "010004" PPS);
    check(&lengths, "lengths of two bytes", "0004" IDR "0002 09f0 0004" SLICE,
          "00000004" IDR "00000004" SLICE, "");
    nal_lengths_uninit(&lengths);
}

static void renew(struct nal_lengths *lengths, const char *extradata)
{
    size_t size;
    uint8_t *data = bytes_of(extradata, &size);
    assert_int_equal(nal_lengths_renew(lengths, data, size), 0);
    free(data);
}

static void test_a_sender_that_begins_anew(void **state)
{
    (void)state;
    struct nal_lengths lengths;
    begin(&lengths, AV_CODEC_ID_H264, START SPS START "6848f2" START PPS);
    renew(&lengths, "014d401efde10018" SPS_B "010004" PPS);
    /* What was before and is not repeated is gone. */
    check(&lengths, "first", "0004" IDR, "00000004" IDR, START SPS_B START PPS);
    check(&lengths, "second", "0004" IDR, "00000004" IDR, "");
    renew(&lengths, SETS);
    check(&lengths, "third", START IDR, "00000004" IDR, SETS);
    nal_lengths_uninit(&lengths);
}

static void test_the_largest_frame(void **state)
{
    (void)state;
    struct nal_lengths lengths;
    begin(&lengths, AV_CODEC_ID_H264, "");
    for (int more = 0; more < 2; more++) {
        AVPacket *packet = av_packet_alloc();
        assert_int_equal(av_new_packet(packet, ACCESS_UNIT_MAX_BYTES + more), 0);
        memset(packet->data, 0x55, (size_t)packet->size);
        memcpy(packet->data, (uint8_t[]){0, 0, 0, 1, 0x41}, 5);
        assert_int_equal(nal_lengths_apply(&lengths, packet), more ? RTSPREC_ERROR_PROTOCOL : 1);
        assert_int_equal(packet->size, more ? 0 : ACCESS_UNIT_MAX_BYTES);
        av_packet_free(&packet);
    }
    nal_lengths_uninit(&lengths);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    struct nal_lengths lengths;
    begin(&lengths, AV_CODEC_ID_H264, "");
    AVPacket *packet = packet_of(SETS START IDR, 0);
    fails = true;
    assert_int_equal(nal_lengths_apply(&lengths, packet), RTSPREC_ERROR_NO_MEMORY);
    fails = false;
    assert_null(packet->data);
    check(&lengths, "afterwards", START IDR, "00000004" IDR, SETS);
    av_packet_free(&packet);
    nal_lengths_uninit(&lengths);
}

/* The same NAL units with start codes and with lengths of any size become the same frame; and
 * lengths of which a byte is wrong do no harm. */
static void test_random_frames(void **state)
{
    (void)state;
    static const char *const units[] = {SPS, SPS_B, PPS, PPS_B, IDR, SLICE, "09f0", "0605018080"};
    uint64_t random = 5;
    for (int round = 0; round < 3000; round++) {
        int bytes = (int)(next_random(&random) % 4) + 1;
        char record[16], codes[1024] = "", prefixed[1024] = "", *at = prefixed;
        for (int64_t n = random_between(&random, 0, 6); n > 0; n--) {
            const char *unit = units[next_random(&random) % LENGTH(units)];
            strcat(strcat(codes, next_random(&random) % 2 ? START : "000001"), unit);
            at += sprintf(at, "%0*x%s", 2 * bytes, (unsigned)strlen(unit) / 2, unit);
        }
        sprintf(record, "0142c01e%02xe000", 0xfc | (bytes - 1));
        struct nal_lengths from_codes, from_lengths;
        begin(&from_codes, AV_CODEC_ID_H264, "");
        begin(&from_lengths, AV_CODEC_ID_H264, record);
        AVPacket *a = packet_of(codes, 0), *b = packet_of(prefixed, 0);
        AVPacket *broken = packet_of(prefixed, 0);
        int result = nal_lengths_apply(&from_codes, a);
        assert_int_equal(result, nal_lengths_apply(&from_lengths, b));
        assert_int_equal(a->size, b->size);
        assert_int_equal(a->side_data_elems, b->side_data_elems);
        if (result == 1)
            assert_memory_equal(a->data, b->data, (size_t)a->size);
        if (broken->size > 0)
            broken->data[next_random(&random) % (uint64_t)broken->size] ^= 0xff;
        result = nal_lengths_apply(&from_lengths, broken);
        assert_true(result == 1 ? broken->size > 4 : result == 0 && !broken->data);
        av_packet_free(&a);
        av_packet_free(&b);
        av_packet_free(&broken);
        nal_lengths_uninit(&from_codes);
        nal_lengths_uninit(&from_lengths);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start_codes),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_a_sender_that_begins_anew),
        cmocka_unit_test(test_the_largest_frame),
        cmocka_unit_test(test_out_of_memory),
        cmocka_unit_test(test_random_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
