#include "bytes.h"

#include <errno.h>

#include <libavcodec/avcodec.h>
#include <libavutil/common.h>
#include <libavutil/intreadwrite.h>

#include <rtsprec/error.h>

#include "ingest/access_unit.h"
#include "ingest/rtp_h26x.h"

static int fail_realloc;  /* calls of av_buffer_realloc() in the library that fail */
static int count_realloc; /* calls */

int __real_av_buffer_realloc(AVBufferRef **buffer, size_t size);
int __wrap_av_buffer_realloc(AVBufferRef **buffer, size_t size);

int __wrap_av_buffer_realloc(AVBufferRef **buffer, size_t size)
{
    count_realloc++;
    if (fail_realloc > 0) {
        fail_realloc--;
        return AVERROR(ENOMEM);
    }
    return __real_av_buffer_realloc(buffer, size);
}

/* Writes "time[k][c][p]:|NAL unit|NAL unit " of a frame: k key, c corrupt, p with parameter sets.
 */
static char *describe(char *out, const AVPacket *frame)
{
    size_t sets_size;
    const uint8_t *sets = av_packet_get_side_data(frame, AV_PKT_DATA_NEW_EXTRADATA, &sets_size);
    out += sprintf(out, "%d%s%s%s", (int)frame->pts, frame->flags & AV_PKT_FLAG_KEY ? "k" : "",
                   frame->flags & AV_PKT_FLAG_CORRUPT ? "c" : "", sets ? "p" : "");
    for (size_t i = 0; sets && i < sets_size; i++)
        out += sprintf(out, "%02x", sets[i]);
    out += sprintf(out, ":");
    const uint8_t *next = frame->data, *end = frame->data + frame->size;
    while (next < end) {
        uint32_t size = AV_RB32(next);
        assert_true(size > 0 && size <= (size_t)(end - next) - 4);
        out += sprintf(out, "|");
        for (next += 4; size > 0; size--)
            out += sprintf(out, "%02x", *next++);
    }
    out += sprintf(out, " ");
    static const uint8_t zeros[AV_INPUT_BUFFER_PADDING_SIZE];
    assert_memory_equal(end, zeros, sizeof(zeros));
    assert_true(frame->buf->size - (size_t)frame->size <=
                (size_t)frame->size / 4 + 2 * AV_INPUT_BUFFER_PADDING_SIZE);
    return out;
}

/* Pushes a packet "TIME[M][L]:PAYLOAD" and writes each frame that comes of it; M is its marker, L a
 * loss before it. */
static char *push(struct rtp_h26x *h26x, const char *text, int64_t arrival_us, char *out)
{
    size_t size;
    const char *hex = strchr(text, ':') + 1;
    char *marks;
    int64_t timestamp = strtoll(text, &marks, 10);
    bool has_marker = *marks == 'M', lost = hex[-2] == 'L';
    uint8_t *data = bytes_of(hex, &size);
    struct rtp_packet packet = {.payload = data, .size = size, .marker = has_marker};
    AVPacket *frame = av_packet_alloc();
    int64_t arrival;
    int result = rtp_h26x_push(h26x, &packet, timestamp, lost, arrival_us, frame, &arrival);
    free(data); /* the second call needs it no more */
    while (result == 1) {
        out = describe(out, frame);
        av_packet_unref(frame);
        result = rtp_h26x_push(h26x, NULL, 0, false, 0, frame, &arrival);
    }
    assert_int_equal(result, 0);
    av_packet_free(&frame);
    return out;
}

/* Pushes packets that commas part. */
static void push_all(struct rtp_h26x *h26x, const char *packets, char *out)
{
    char *copy = strdup(packets), *rest = copy, *text;
    for (int64_t i = 0; (text = strsep(&rest, ",")); i++)
        out = push(h26x, text, i, out);
    free(copy);
}

struct row {
    const char *name;
    const char *packets;
    const char *frames;
};

static void check(enum AVCodecID codec, bool has_donl, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char out[2048] = "";
        struct rtp_h26x *h26x;
        assert_int_equal(rtp_h26x_create(&h26x, codec, NULL, 0, has_donl), 0);
        push_all(h26x, rows[i].packets, out);
        require(!strcmp(out, rows[i].frames), "%s: %s", rows[i].name, out);
        rtp_h26x_destroy(&h26x);
        assert_null(h26x);
    }
}

/* H.264. Slices whose second byte has the first bit set are the first of their picture. */
#define SPS_A "6742c01eda0280bfe5c044000003000400000300c83c58ba80"
#define SPS_B "674d401ee981407b6022000003000200000300641e2c5a70"
#define PPS   "68ce3c80"
#define OUT_A "00000001" SPS_A "00000001" PPS
#define OUT_B "00000001" SPS_B "00000001" PPS

static void test_h264(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"markers, believed from the second frame on", "1M:4188, 2M:4189, 3M:418a",
         "1:|4188 2:|4189 3:|418a "},
        {"the first frame waits for the second", "1M:4188", ""},
        {"no markers", "1:4188, 2:4189, 3:418a", "1:|4188 2:|4189 "},
        {"a marker at every slice is not believed", "1M:4188, 1M:4108, 2M:4189, 2M:4109, 3M:418a",
         "1:|4188|4108 2:|4189|4109 "},
        {"one that is believed too soon splits one frame",
         "1M:4188, 2M:4189, 2M:4109, 3M:418a, 3M:410a, 4:418b",
         "1:|4188 2:|4189 2:|4109 3:|418a|410a "},
        {"markers of sets are no ends", "1M:" SPS_A ", 1M:" PPS ", 1M:6588, 2M:4188",
         "1kp" OUT_A ":|6588 2:|4188 "},
        {"pieces", "1:7c858811, 1:7c0522, 1M:7c4533, 2M:4188", "1k:|6588112233 2:|4188 "},
        {"a piece that is the whole", "1:7cc58811, 2:4188", "1k:|658811 "},
        {"a last piece that does not say so", "1:5c8188, 1:5c0199, 1:4108, 2:4188",
         "1:|418899|4108 "},
        {"the same before a new time", "1:5c8188, 1M:5c0199, 2M:4188, 3:5c8188, 3M:5c0199",
         "1:|418899 2:|4188 3:|418899 "},
        {"FU-B has a number in its first piece", "1:7dc5123488, 2:4188", "1k:|6588 "},
        {"an aggregate", "1:78 0019" SPS_A "0004" PPS "0002 6588, 2:78 0002 4188 0002 4108, 3:4188",
         "1kp" OUT_A ":|6588 2:|4188|4108 "},
        {"an aggregate cut off", "1:78 0002 4188 0004 4108, 2:4188", "1:|4188 "},
        {"an aggregate with empty units", "1:78 0000 0002 4188 0000, 2:4188", "1:|4188 "},
        {"sets once only",
         "1:" SPS_A ", 1:" PPS ", 1:6588, 2:" SPS_A ", 2:" PPS ", 2:6589, 3:" SPS_B
         ", 3:658a, 4:4188",
         "1kp" OUT_A ":|6588 2k:|6589 3kp" OUT_B ":|658a "},
        {"sets with zeros behind are the same",
         "1:" SPS_A ", 1:" PPS ", 1:6588, 2:" SPS_A "0000, 2:" PPS "00, 2:6589, 4:4188",
         "1kp" OUT_A ":|6588 2k:|6589 "},
        {"sets in pieces",
         "1:7c87"
         "42c01eda0280bfe5c044, 1:7c47"
         "000003000400000300c83c58ba80, 1:" PPS ", 1:6588, 2:4188",
         "1kp" OUT_A ":|6588 "},
        {"sets with the time of the frame before",
         "1M:4188, 1:" SPS_A ", 1:" PPS ", 2M:6588, 2M:" SPS_B ", 2M:" PPS ", 3M:6589",
         "1:|4188 2kp" OUT_A ":|6588 3kp" OUT_B ":|6589 "},
        {"sets of a frame that never comes are the next one's",
         "1:" SPS_A ", 1:" PPS ", 1:7c0588, 2:4188, 3:4189", "2p" OUT_A ":|4188 "},
        {"what a container says otherwise is left out",
         "1:09f0, 1:0605018080, 1:4188, 1:0cff80, 1:0a, 1:0b, 1:1c8c, 1:1c4cff, 2:4188",
         "1:|0605018080|4188 "},
        {"a delimiter ends the frame, whatever its time", "1:09f0, 1:4188, 1:09f0, 1:4189, 2:418a",
         "1:|4188 1:|4189 "},
        {"an intra refresh is a key frame",
         "1:060601c480, 1:4188, 2:06060150, 2:4189, 3:1c8606 01c4, 3:1c4680, 3:418a, 4:4188",
         "1k:|060601c480|4188 2:|06060150|4189 3k:|060601c480|418a "},
        {"start codes within a packet",
         "1:00000001" SPS_A "00000001" PPS
         "000001 6588, 2M:00000001 4188, 3M:78 0006 00000001 4189",
         "1kp" OUT_A ":|6588 2:|4188 3:|4189 "},
        {"a time that goes back is another frame's", "5:4188, 3:4189, 4:418a", "5:|4188 3:|4189 "},
        {"what nobody understands",
         "1:, 1:00, 1:1a123412, 1:7c, 1:1d81, 1:78, 1:7800, 1:4188, 2:4189", "1:|4188 "},
    };
    check(AV_CODEC_ID_H264, false, rows, LENGTH(rows));
}

static void test_losses(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"the middle of a slice", "1:4188, 1:5c8108, 1L:5c4122, 2:4189, 3:418a",
         "1c:|4188 2:|4189 "},
        {"all whole slices are kept", "1:4188, 1L:4108, 2:4189, 3:418a", "1c:|4188|4108 2:|4189 "},
        {"the end of a frame, when no marker is known", "1:4188, 2L:4189, 3:418a",
         "1c:|4188 2:|4189 "},
        {"between frames with markers", "1M:4188, 2M:4189, 4ML:418a, 5M:418b",
         "1:|4188 2:|4189 4:|418a 5:|418b "},
        {"the beginning of a frame", "1M:4188, 2M:4189, 3ML:410a, 4M:418b",
         "1:|4188 2:|4189 3c:|410a 4:|418b "},
        {"the beginning of a slice", "1M:4188, 2M:4189, 3L:5c01aa, 3M:410a, 4M:418b",
         "1:|4188 2:|4189 3c:|410a 4:|418b "},
        {"a marker of a frame that has nothing whole", "1M:4188, 2M:4189, 3ML:5c41aa, 4M:418b",
         "1:|4188 2:|4189 4:|418b "},
        {"sets before a first slice do not hide a loss", "1:" SPS_A ", 1:" PPS ", 1L:6508, 4M:418b",
         "1kcp" OUT_A ":|6508 "},
        {"other sets lose their ends alone",
         "1:7c87"
         "42c01eda0280bfe5c044, 1L:6588, 4M:418b",
         "1k:|6588 "},
        {"the first packet is within a frame", "1:4108, 2:4188, 3:4188", "1c:|4108 2:|4188 "},
    };
    check(AV_CODEC_ID_H264, false, rows, LENGTH(rows));
}

#define VPS_5 "40010c01ffff016000000300900000030000030096959809"
#define SPS_5                                                                            \
    "420101016000000300900000030000030096a001442007a1f2e5ba4a4c2f0168080000030008000003" \
    "00c840"
#define PPS_5 "4401c172b46240"
#define OUT_5 "00000001" VPS_5 "00000001" SPS_5 "00000001" PPS_5

static void test_h265(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"units of their own", "1:" VPS_5 ", 1:" SPS_5 ", 1:" PPS_5 ", 1M:2601af, 2M:0201d0",
         "1kp" OUT_5 ":|2601af 2:|0201d0 "},
        {"pieces and an aggregate",
         "1:6001 0018" VPS_5 "002c" SPS_5 "0007" PPS_5
         ", 1:6201 93af, 1:6201 13b0, 1M:6201 53b1, 2:6201 81d0, 2M:6201 41d1",
         "1kp" OUT_5 ":|2601afb0b1 2:|0201d0d1 "},
        {"CRA is a key frame, a recovery point of H.264 is none",
         "1:2a01af, 2:4e0106018000, 2:0201d0, 3:0201d1", "1k:|2a01af 2:|4e0106018000|0201d0 "},
        {"left out", "1:460150, 1:0201d0, 1:4c01ff80, 1:4801, 1:4a01, 2:0201d1", "1:|0201d0 "},
        {"start codes", "1:00000001 2601af 00000001 260120, 2:0201d0", "1k:|2601af|260120 "},
        {"a loss within a frame of slices", "1:0201d0, 2L:020120, 3:0201d0",
         "1c:|0201d0 2c:|020120 "},
        {"what nobody understands",
         "1:02, 1:6401123456, 1:6201, 1:60, 1:600100, 1:0201d0, 2:0201d1", "1:|0201d0 "},
    };
    check(AV_CODEC_ID_HEVC, false, rows, LENGTH(rows));
}

static void test_h265_with_decoding_order_numbers(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"each kind of packet",
         "1:6001 0001 0018" VPS_5 "00 002c" SPS_5 "00 0007" PPS_5
         ", 1:2601 0002 af, 2:6201 81 0003 d0, 2:6201 41 d1, 3:0201 0004 d2, 4:0201 0005 d3",
         "1kp" OUT_5 ":|2601af 2:|0201d0d1 3:|0201d2 "},
        {"cut off",
         "1:0201, 1:020100, 1:6001, 1:600100, 1:6201 81 00, 1:0201 0004 d2, 2:0201 0005 d3",
         "1:|0201d2 "},
    };
    check(AV_CODEC_ID_HEVC, true, rows, LENGTH(rows));
}

static void test_sets_of_the_sdp_are_known(void **state)
{
    (void)state;
    size_t size;
    uint8_t *sets = bytes_of("00000001" SPS_A "00000001" PPS, &size);
    struct rtp_h26x *h26x;
    assert_int_equal(rtp_h26x_create(&h26x, AV_CODEC_ID_H264, sets, size, false), 0);
    free(sets);
    char out[512] = "";
    push_all(h26x, "1:" SPS_A ", 1:" PPS ", 1M:6588, 2:" SPS_B ", 2M:6589", out);
    assert_string_equal(out, "1k:|6588 2kp" OUT_B ":|6589 ");
    rtp_h26x_destroy(&h26x);
    rtp_h26x_destroy(&h26x);
}

static int push_bytes(struct rtp_h26x *h26x, size_t size, int64_t timestamp, int64_t arrival_us,
                      AVPacket *frame, int64_t *arrival)
{
    uint8_t *data = malloc(size);
    memset(data, 0x55, size);
    data[0] = 0x41;
    data[1] = 0x88;
    struct rtp_packet packet = {.payload = data, .size = size, .marker = true};
    int result = rtp_h26x_push(h26x, &packet, timestamp, false, arrival_us, frame, arrival);
    free(data);
    return result;
}

static void test_arrival_is_the_first_packets(void **state)
{
    (void)state;
    struct rtp_h26x *h26x;
    AVPacket *frame = av_packet_alloc();
    int64_t arrival;
    assert_int_equal(rtp_h26x_create(&h26x, AV_CODEC_ID_H264, NULL, 0, false), 0);
    assert_int_equal(push_bytes(h26x, 9, 1, 100, frame, &arrival), 0);
    assert_int_equal(push_bytes(h26x, 9, 1, 200, frame, &arrival), 0);
    assert_int_equal(push_bytes(h26x, 9, 2, 300, frame, &arrival), 1);
    assert_int_equal(arrival, 100);
    av_packet_unref(frame);
    assert_int_equal(push_bytes(h26x, 9, 3, 400, frame, &arrival), 1);
    assert_int_equal(arrival, 300);
    av_packet_free(&frame);
    rtp_h26x_destroy(&h26x);
}

static void test_an_oversized_frame_is_dropped_and_the_next_kept(void **state)
{
    (void)state;
    struct rtp_h26x *h26x;
    AVPacket *frame = av_packet_alloc();
    int64_t arrival;
    assert_int_equal(rtp_h26x_create(&h26x, AV_CODEC_ID_H264, NULL, 0, false), 0);
    for (int i = 0; i < 300; i++)
        assert_int_equal(push_bytes(h26x, 65000, 1, 100, frame, &arrival), 0);
    assert_int_equal(push_bytes(h26x, 9, 2, 200, frame, &arrival), RTSPREC_ERROR_PROTOCOL);
    assert_null(frame->data);
    assert_int_equal(push_bytes(h26x, 9, 3, 300, frame, &arrival), 1);
    assert_int_equal(frame->size, 13);
    assert_int_equal(frame->pts, 2);
    assert_int_equal(arrival, 200);
    av_packet_unref(frame);
    /* As many units as a frame may have, and twice as many. */
    for (int i = 0; i < 65536; i++) {
        push_bytes(h26x, 5, 4, 400, frame, &arrival);
        av_packet_unref(frame);
    }
    assert_int_equal(push_bytes(h26x, 9, 5, 500, frame, &arrival), RTSPREC_ERROR_PROTOCOL);
    assert_int_equal(push_bytes(h26x, 9, 6, 600, frame, &arrival), 1);
    assert_int_equal(frame->pts, 5);
    av_packet_free(&frame);
    rtp_h26x_destroy(&h26x);
}

/* Pushes a frame of a camera: the first and each 30th is a key frame of ten times the size. Returns
 * how many frames came out, or the error that kept the rest of it from being pushed. */
static int push_frame(struct rtp_h26x *h26x, int number, int64_t size, AVPacket *frame)
{
    bool is_key = number % 30 == 0;
    int frames = 0, result = 0;
    size = is_key ? 10 * size : size;
    for (int64_t left = size; left > 0 && result == 0; left -= 1400) {
        uint8_t data[1402] = {0x7c, is_key ? 0x05 : 0x01, 0x88};
        int64_t arrival;
        data[1] |= (left == size ? 0x80 : 0) | (left <= 1400 ? 0x40 : 0);
        struct rtp_packet packet = {
            .payload = data, .size = 2 + (size_t)FFMIN(left, 1400), .marker = left <= 1400};
        result = rtp_h26x_push(h26x, &packet, number, false, 0, frame, &arrival);
        while (result == 1) {
            assert_true(frame->buf->size < (size_t)frame->size * 5 / 4 + 100);
            frames++;
            av_packet_unref(frame);
            result = rtp_h26x_push(h26x, NULL, 0, false, 0, frame, &arrival);
        }
    }
    return result < 0 ? result : frames;
}

/* One allocation a frame, and seldom more than one to give back what was too much; none where
 * frames are nearly alike. */
static void test_allocations(void **state)
{
    (void)state;
    enum { FRAMES = 3000, LEARNING = 60 };
    static const struct {
        int64_t least;
        int allocations;
    } rows[] = {{8000, FRAMES * 3 / 2}, {11300, FRAMES - LEARNING}};
    for (size_t row = 0; row < LENGTH(rows); row++) {
        struct rtp_h26x *h26x;
        AVPacket *frame = av_packet_alloc();
        uint64_t random = 37;
        int frames = 0;
        assert_int_equal(rtp_h26x_create(&h26x, AV_CODEC_ID_H264, NULL, 0, false), 0);
        for (int i = 0; i < FRAMES; i++) {
            if (i == LEARNING)
                count_realloc = 0;
            frames += push_frame(h26x, i, random_between(&random, rows[row].least, 12000), frame);
        }
        assert_int_equal(frames, FRAMES);
        require(count_realloc <= rows[row].allocations, "row %zu: %d", row, count_realloc);
        rtp_h26x_destroy(&h26x);
        av_packet_free(&frame);
    }
}

static void test_without_memory(void **state)
{
    (void)state;
    struct rtp_h26x *h26x;
    AVPacket *frame = av_packet_alloc();
    int failures = 0, frames = 0;
    assert_int_equal(rtp_h26x_create(&h26x, AV_CODEC_ID_H264, NULL, 0, false), 0);
    for (int i = 0; i < 300; i++) {
        fail_realloc = i % 3 == 0;
        int result = push_frame(h26x, i, 9000, frame);
        assert_true(result >= 0 || result == RTSPREC_ERROR_NO_MEMORY);
        assert_null(frame->data);
        failures += result < 0;
        frames += result < 0 ? 0 : result;
    }
    assert_int_equal(failures, 100);
    assert_int_equal(frames, 200);
    rtp_h26x_destroy(&h26x);
    av_packet_free(&frame);
}

/* Whatever comes: what goes out is well formed and of sane size. */
static void test_random_packets(void **state)
{
    (void)state;
    uint64_t random = 17;
    for (int round = 0; round < 4000; round++) {
        struct rtp_h26x *h26x;
        AVPacket *frame = av_packet_alloc();
        int64_t arrival, timestamp = 0;
        enum AVCodecID codec = round % 2 ? AV_CODEC_ID_H264 : AV_CODEC_ID_HEVC;
        assert_int_equal(rtp_h26x_create(&h26x, codec, NULL, 0, round % 4 == 0), 0);
        for (int i = 0; i < 60; i++) {
            size_t size = (size_t)random_between(&random, 0, 30);
            uint8_t *data = malloc(size ? size : 1);
            for (size_t j = 0; j < size; j++)
                data[j] = (uint8_t)(next_random(&random) % (j % 3 == 1 ? 3 : 256));
            if (size > 3 && random_between(&random, 0, 2) == 0)
                memcpy(data, (uint8_t[]){0x7c, (uint8_t)next_random(&random), 0x88, 0}, 3);
            if (size > 3 && random_between(&random, 0, 2) == 0)
                memcpy(data, (uint8_t[]){0x62, 1, (uint8_t)next_random(&random)}, 3);
            timestamp += random_between(&random, 0, 2) == 0;
            struct rtp_packet packet = {
                .payload = data, .size = size, .marker = next_random(&random) % 4 == 0};
            int result = rtp_h26x_push(h26x, &packet, timestamp, next_random(&random) % 8 == 0, i,
                                       frame, &arrival);
            free(data);
            while (result == 1) {
                char out[16384];
                describe(out, frame);
                assert_true(frame->size > 4 && frame->pts <= timestamp);
                av_packet_unref(frame);
                result = rtp_h26x_push(h26x, NULL, 0, false, 0, frame, &arrival);
            }
            assert_int_equal(result, 0);
        }
        av_packet_free(&frame);
        rtp_h26x_destroy(&h26x);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h264),
        cmocka_unit_test(test_losses),
        cmocka_unit_test(test_h265),
        cmocka_unit_test(test_h265_with_decoding_order_numbers),
        cmocka_unit_test(test_sets_of_the_sdp_are_known),
        cmocka_unit_test(test_arrival_is_the_first_packets),
        cmocka_unit_test(test_an_oversized_frame_is_dropped_and_the_next_kept),
        cmocka_unit_test(test_allocations),
        cmocka_unit_test(test_without_memory),
        cmocka_unit_test(test_random_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
