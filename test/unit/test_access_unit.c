#include "bytes.h"

#include <errno.h>

#include <libavutil/avutil.h>

#include <rtsprec/error.h>

#include "ingest/access_unit.h"

static int fail_new_packet; /* calls of av_new_packet() in the library that fail */

int __real_av_new_packet(AVPacket *packet, int size);
int __wrap_av_new_packet(AVPacket *packet, int size);

int __wrap_av_new_packet(AVPacket *packet, int size)
{
    if (fail_new_packet > 0) {
        fail_new_packet--;
        return AVERROR(ENOMEM);
    }
    return __real_av_new_packet(packet, size);
}

/* One fragment; pts 0 stands for a missing one, as no row needs the time 0. */
struct piece {
    const char *hex;
    int64_t pts;
};

/* H.264 NAL units: sets, pictures, and what surrounds them. */
#define SPS   "00000001 6742"
#define PPS   "00000001 68ce"
#define IDR   "00000001 6588"
#define SLICE "00000001 4188"
#define AUD   "00000001 09f0"
#define SEI   "00000001 0605018080"
#define POINT "00000001 060601c480"

/* Pushes the pieces, then a picture of another time; writes "pts[k]:hex " of each whole frame, k
 * for a key frame. */
static void gather(enum AVCodecID codec, const struct piece *pieces, size_t count, char *out)
{
    struct access_unit unit;
    access_unit_init(&unit, codec);
    AVPacket *whole = av_packet_alloc();
    const struct piece last = {codec == AV_CODEC_ID_HEVC ? "00000001 0201ff" : SLICE, 999999};
    bool is_over = false;
    for (size_t i = 0; !is_over; i++) {
        is_over = i == count || !pieces[i].hex;
        const struct piece *piece = is_over ? &last : &pieces[i];
        AVPacket *packet = packet_of(piece->hex, piece->pts ? piece->pts : AV_NOPTS_VALUE);
        packet->stream_index = 3;
        struct frame frame;
        int result = access_unit_push(&unit, packet, (int64_t)i * 10, whole, &frame);
        require(result == 0 || result == 1, "piece %zu: %d", i, result);
        assert_null(packet->buf); /* taken */
        av_packet_free(&packet);
        if (result == 0)
            continue;
        assert_int_equal(whole->stream_index, 3);
        assert_int_equal(!!(whole->flags & AV_PKT_FLAG_KEY), frame.is_key);
        out += sprintf(out, "%d%s:", whole->pts == AV_NOPTS_VALUE ? 0 : (int)whole->pts,
                       frame.is_key ? "k" : "");
        for (int j = 0; j < whole->size; j++)
            out += sprintf(out, "%02x", whole->data[j]);
        out += sprintf(out, " ");
        av_packet_unref(whole);
    }
    access_unit_uninit(&unit);
    av_packet_free(&whole);
}

/* The same without the blanks and start codes that make a row hard to read. */
static void squeeze(char *text)
{
    char *to = text;
    for (const char *from = text; *from;) {
        if (!strncmp(from, "00000001", 8)) {
            *to++ = '|';
            from += 8;
        } else {
            *to++ = *from++;
        }
    }
    *to = '\0';
}

static void test_h264(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        struct piece pieces[8];
        const char *frames;
    } rows[] = {
        {"single NAL units", {{SLICE, 1}, {SLICE, 2}}, "1:|4188 2:|4188 "},
        {"several slices of one time",
         {{SLICE, 1}, {SLICE, 1}, {SLICE, 2}},
         "1:|4188|4188 2:|4188 "},
        {"all in one packet", {{SPS PPS IDR, 5}}, "5k:|6742|68ce|6588 "},
        {"aggregated sets, then the picture",
         {{SPS PPS, 5}, {IDR, 5}, {IDR, 5}},
         "5k:|6742|68ce|6588|6588 "},
        {"pieces of one NAL unit",
         {{IDR, 1}, {"1111", 1}, {"0000012265", 1}, {SLICE, 2}},
         "1k:|658811110000012265 2:|4188 "},
        {"sets alone wait for their picture",
         {{SPS, 1}, {PPS, 1}, {SPS, 2}, {IDR, 3}},
         "3k:|6742|68ce|6742|6588 "},
        {"sets with the time of the frame before",
         {{SLICE, 1}, {SPS, 1}, {PPS, 1}, {IDR, 2}, {"22", 2}, {IDR, 2}, {SLICE, 3}},
         "1:|4188 2k:|6742|68ce|658822|6588 3:|4188 "},
        {"the same in one packet",
         {{SLICE, 1}, {SPS PPS, 1}, {IDR, 2}, {"22", 2}},
         "1:|4188 2k:|6742|68ce|658822 "},
        {"a delimiter ends the frame, whatever its time",
         {{AUD SLICE, 1}, {AUD, 1}, {SLICE, 1}},
         "1:|09f0|4188 1:|09f0|4188 "},
        {"a delimiter with the time of the frame before",
         {{SLICE, 1}, {AUD, 1}, {SLICE, 2}, {"33", 2}},
         "1:|4188 2:|09f0|418833 "},
        {"missing times",
         {{SLICE, 0}, {"33", 0}, {SLICE, 2}, {SLICE, 0}, {SLICE, 3}},
         "0:|418833 2:|4188|4188 3:|4188 "},
        {"a time that goes back is another frame's",
         {{SLICE, 5}, {SLICE, 3}, {SLICE, 4}},
         "5:|4188 3:|4188 4:|4188 "},
        {"an intra refresh is a key frame",
         {{POINT, 1}, {SLICE, 1}, {SEI, 2}, {SLICE, 2}},
         "1k:|060601c480|4188 2:|0605018080|4188 "},
        {"bytes like a key frame within a piece",
         {{SLICE, 1}, {"65880000010965", 1}},
         "1:|418865880000010965 "},
        {"start codes of three bytes",
         {{"000001 6742 000001 68ce 000001 6588", 1}},
         "1k:000001674200000168ce0000016588 "},
        {"something before the first picture",
         {{"1234", 1}, {SEI, 1}, {SLICE, 2}},
         "2:1234|0605018080|4188 "},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char out[1024] = "";
        gather(AV_CODEC_ID_H264, rows[i].pieces, LENGTH(rows[i].pieces), out);
        squeeze(out);
        require(!strcmp(out, rows[i].frames), "%s: %s", rows[i].name, out);
    }
}

static void test_h265(void **state)
{
    (void)state;
    const struct piece pieces[] = {
        {"00000001 4001", 1},
        {"00000001 4201", 1},
        {"00000001 4401", 1},
        {"00000001 2601aa", 1},
        {"bb", 1},
        {"00000001 0201cc", 2},
        {"00000001 4001 00000001 4201 00000001 4401", 2},
        {"00000001 2a01dd", 3},
        {"00000001 4601", 3},
        {"00000001 0201ee", 3},
        /* A recovery point of H.264 is none here. */
        {"00000001 4e01060180", 4},
        {"00000001 0201ff", 4},
    };
    char out[1024] = "";
    gather(AV_CODEC_ID_HEVC, pieces, LENGTH(pieces), out);
    squeeze(out);
    assert_string_equal(out, "1k:|4001|4201|4401|2601aabb 2:|0201cc 3k:|4001|4201|4401|2a01dd "
                             "3:|4601|0201ee 4:|4e01060180|0201ff ");
}

static int push_new(struct access_unit *unit, int size, int64_t pts, int64_t arrival_us,
                    AVPacket *whole, struct frame *frame)
{
    AVPacket *packet = av_packet_alloc();
    static const uint8_t start[] = {0, 0, 0, 1, 0x41};
    assert_int_equal(__real_av_new_packet(packet, size), 0);
    memset(packet->data, 0x55, (size_t)size);
    memcpy(packet->data, start, sizeof(start));
    packet->pts = pts;
    int result = access_unit_push(unit, packet, arrival_us, whole, frame);
    av_packet_free(&packet);
    return result;
}

static void test_arrival_is_the_first_fragments(void **state)
{
    (void)state;
    struct access_unit unit;
    struct frame frame;
    AVPacket *whole = av_packet_alloc();
    access_unit_init(&unit, AV_CODEC_ID_H264);
    assert_int_equal(push_new(&unit, 10, 1, 100, whole, &frame), 0);
    assert_int_equal(push_new(&unit, 10, 1, 200, whole, &frame), 0);
    assert_int_equal(push_new(&unit, 10, 2, 300, whole, &frame), 1);
    assert_int_equal(frame.arrival_us, 100);
    av_packet_unref(whole);
    assert_int_equal(push_new(&unit, 10, 3, 400, whole, &frame), 1);
    assert_int_equal(frame.arrival_us, 300);
    av_packet_free(&whole);
    access_unit_uninit(&unit);
}

static void test_an_oversized_frame_is_dropped_and_the_next_kept(void **state)
{
    (void)state;
    struct access_unit unit;
    struct frame frame;
    AVPacket *whole = av_packet_alloc();
    access_unit_init(&unit, AV_CODEC_ID_H264);
    const int mebibyte = 1024 * 1024;
    for (int i = 0; i < 40; i++)
        assert_int_equal(push_new(&unit, mebibyte, 1, 100, whole, &frame), 0);
    assert_true(unit.bytes <= ACCESS_UNIT_MAX_BYTES);
    assert_int_equal(push_new(&unit, 20, 2, 200, whole, &frame), RTSPREC_ERROR_PROTOCOL);
    assert_null(whole->data);
    assert_int_equal(push_new(&unit, 10, 2, 300, whole, &frame), 0);
    assert_int_equal(push_new(&unit, 10, 3, 400, whole, &frame), 1);
    assert_int_equal(whole->size, 30);
    assert_int_equal(whole->pts, 2);
    assert_int_equal(frame.arrival_us, 200);
    av_packet_unref(whole);
    /* The largest frame there may be. */
    for (int i = 0; i < 16; i++) {
        assert_int_equal(push_new(&unit, mebibyte, 4, 500, whole, &frame), i == 0);
        av_packet_unref(whole);
    }
    assert_int_equal(push_new(&unit, 10, 5, 600, whole, &frame), 1);
    assert_int_equal(whole->size, ACCESS_UNIT_MAX_BYTES);
    av_packet_free(&whole);
    access_unit_uninit(&unit);
}

/* A frame of a byte per packet costs far more than its bytes. */
static void test_the_number_of_pieces_is_bounded(void **state)
{
    (void)state;
    struct access_unit unit;
    struct frame frame;
    AVPacket *whole = av_packet_alloc();
    access_unit_init(&unit, AV_CODEC_ID_H264);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(push_new(&unit, 6, 1, 100, whole, &frame), 0);
    assert_true(unit.capacity <= ACCESS_UNIT_MAX_FRAGMENTS);
    assert_int_equal(push_new(&unit, 10, 2, 200, whole, &frame), RTSPREC_ERROR_PROTOCOL);
    assert_int_equal(push_new(&unit, 10, 3, 200, whole, &frame), 1);
    av_packet_free(&whole);
    access_unit_uninit(&unit);
}

static void test_without_memory_the_fragment_stays_the_callers(void **state)
{
    (void)state;
    struct access_unit unit;
    struct frame frame;
    AVPacket *whole = av_packet_alloc(), *packet = packet_of(SLICE, 2);
    access_unit_init(&unit, AV_CODEC_ID_H264);
    assert_int_equal(push_new(&unit, 10, 1, 100, whole, &frame), 0);
    fail_new_packet = 1;
    assert_int_equal(access_unit_push(&unit, packet, 200, whole, &frame), RTSPREC_ERROR_NO_MEMORY);
    assert_int_equal(packet->size, 6);
    assert_null(whole->data);
    av_packet_free(&packet);
    av_packet_free(&whole);
    access_unit_uninit(&unit);
}

static void test_an_empty_fragment_does_no_harm(void **state)
{
    (void)state;
    const struct piece pieces[] = {{SLICE, 1}, {"", 1}, {"", 0}, {SLICE, 2}, {"", 3}};
    char out[256] = "";
    gather(AV_CODEC_ID_H264, pieces, LENGTH(pieces), out);
    squeeze(out);
    require(!strncmp(out, "1:|4188 2:|4188 ", 16), "%s", out);
}

/* Whatever comes, each byte leaves once and in order. */
static void test_fuzz(void **state)
{
    (void)state;
    static const char *const pieces[] = {SPS, PPS,   IDR,    SLICE,   AUD,
                                         SEI, POINT, "aabb", SPS PPS, AUD SPS PPS IDR};
    uint64_t random = 13;
    for (int round = 0; round < 3000; round++) {
        struct access_unit unit;
        struct frame frame;
        AVPacket *whole = av_packet_alloc();
        access_unit_init(&unit, AV_CODEC_ID_H264);
        int64_t in = 0, out = 0, pts = 100;
        for (int i = 0; i < 60; i++) {
            pts += random_between(&random, 0, 2) == 0;
            AVPacket *packet = packet_of(pieces[next_random(&random) % LENGTH(pieces)],
                                         random_between(&random, 0, 9) ? pts : AV_NOPTS_VALUE);
            in += packet->size;
            if (access_unit_push(&unit, packet, i, whole, &frame) == 1) {
                assert_true(whole->size > 0);
                out += whole->size;
                av_packet_unref(whole);
            }
            av_packet_free(&packet);
            assert_int_equal(in - out, unit.bytes);
        }
        av_packet_free(&whole);
        access_unit_uninit(&unit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h264),
        cmocka_unit_test(test_h265),
        cmocka_unit_test(test_arrival_is_the_first_fragments),
        cmocka_unit_test(test_an_oversized_frame_is_dropped_and_the_next_kept),
        cmocka_unit_test(test_the_number_of_pieces_is_bounded),
        cmocka_unit_test(test_without_memory_the_fragment_stays_the_callers),
        cmocka_unit_test(test_an_empty_fragment_does_no_harm),
        cmocka_unit_test(test_fuzz),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
