#include "unit.h"

#include "transform/encoder.h"

#define WIDTH  320
#define HEIGHT 240

/* What encoders said of themselves. */
struct said {
    int count, asked_for;
    char first[256], last[256];
};

static void hear(void *user, bool is_asked_for, const char *text)
{
    struct said *said = user;
    said->asked_for += is_asked_for;
    if (said->count++ == 0)
        snprintf(said->first, sizeof(said->first), "%s", text);
    snprintf(said->last, sizeof(said->last), "%s", text);
}

static struct encoder_wish wish(enum AVCodecID codec, const char *name)
{
    return (struct encoder_wish){.codec = codec,
                                 .width = WIDTH,
                                 .height = HEIGHT,
                                 .sample_aspect_ratio = {1, 1},
                                 .frame_rate = {25, 1},
                                 .bitrate = 500000,
                                 .threads = 1,
                                 .name = name};
}

/* Moving noise on a ramp: nothing repeats. */
static AVFrame *picture(const struct encoder *encoder, int number, uint64_t *seed)
{
    AVFrame *frame = av_frame_alloc();
    frame->format = encoder->format;
    frame->width = WIDTH;
    frame->height = HEIGHT;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++)
            frame->data[0][y * frame->linesize[0] + x] =
                (uint8_t)(x + 3 * y + 5 * number + (int)(next_random(seed) % 4));
    }
    for (int i = 1; i < 3; i++)
        memset(frame->data[i], 100 + i * number % 50, (size_t)frame->linesize[i] * HEIGHT / 2);
    frame->pts = number;
    return frame;
}

struct encoded {
    int packets, most_behind;
    int64_t bytes;
    bool is_key[200];
};

static void take(struct encoder *encoder, struct encoded *encoded, int sent)
{
    AVPacket *packet = av_packet_alloc();
    while (encoder_receive(encoder, packet) == 0) {
        assert_int_equal(packet->pts, encoded->packets);
        assert_int_equal(packet->dts, packet->pts);
        encoded->is_key[packet->pts] = packet->flags & AV_PKT_FLAG_KEY;
        encoded->packets++;
        encoded->bytes += packet->size;
        av_packet_unref(packet);
    }
    if (sent - encoded->packets > encoded->most_behind)
        encoded->most_behind = sent - encoded->packets;
    av_packet_free(&packet);
}

static struct encoded encode(struct encoder *encoder, int frames, int key)
{
    struct encoded encoded = {0};
    uint64_t seed = 7;
    for (int i = 0; i < frames; i++) {
        AVFrame *frame = picture(encoder, i, &seed);
        frame->pict_type = i == key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
        assert_int_equal(encoder_send(encoder, frame), 0);
        av_frame_free(&frame);
        take(encoder, &encoded, i + 1);
    }
    assert_int_equal(encoder_send(encoder, NULL), 0);
    take(encoder, &encoded, 0);
    return encoded;
}

/* Every codec: in order, no frame lost, a key frame where it was asked for, the bitrate kept. */
static void software_encodes_every_codec(void **state)
{
    const struct {
        enum AVCodecID codec;
        const char *name;
        int most_behind;
    } rows[] = {
        {AV_CODEC_ID_HEVC, "libx265", 0},
        {AV_CODEC_ID_H264, "libx264", 0},
        {AV_CODEC_ID_MPEG4, "mpeg4", 0},
        {AV_CODEC_ID_AV1, "libsvtav1", 4},
    };
    enum { FRAMES = 150, KEY = 33 };
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct encoder_wish wanted = wish(rows[i].codec, "software");
        struct encoder encoder;
        struct said said = {0};
        struct rtsprec_error error = {0};
        require(encoder_open(&encoder, &wanted, hear, &said, &error) == 0, "%s", error.text);
        assert_string_equal(encoder.name, rows[i].name);
        assert_int_equal(said.count, 0);
        struct encoded encoded = encode(&encoder, FRAMES, KEY);
        require(encoded.packets == FRAMES, "%s: %d", rows[i].name, encoded.packets);
        require(encoded.is_key[0] && encoded.is_key[KEY] == !encoder.forces_no_keys, "%s",
                rows[i].name);
        require(!encoded.is_key[KEY + 1], "%s", rows[i].name);
        require(encoded.most_behind <= rows[i].most_behind, "%s: %d frames behind", rows[i].name,
                encoded.most_behind);
        int64_t bitrate = encoded.bytes * 8 * 25 / FRAMES;
        require(bitrate > 425000 && bitrate < 575000, "%s: %d bit/s", rows[i].name, (int)bitrate);
        encoder_close(&encoder);
    }
}

static void an_encoder_closes_without_a_frame(void **state)
{
    const enum AVCodecID codecs[] = {AV_CODEC_ID_HEVC, AV_CODEC_ID_H264, AV_CODEC_ID_MPEG4,
                                     AV_CODEC_ID_AV1};
    (void)state;
    for (size_t i = 0; i < LENGTH(codecs); i++) {
        struct encoder_wish wanted = wish(codecs[i], "software");
        struct encoder encoder;
        struct said said = {0};
        struct rtsprec_error error = {0};
        require(encoder_open(&encoder, &wanted, hear, &said, &error) == 0, "%s", error.text);
        encoder_close(&encoder);
        assert_null(encoder.context);
    }
}

/* No device of this name can be there. */
static void what_does_not_work_is_said_and_the_next_one_tried(void **state)
{
    struct encoder_wish wanted = wish(AV_CODEC_ID_H264, "h264_vaapi");
    struct encoder encoder;
    struct said said = {0};
    struct rtsprec_error error = {0};
    (void)state;
    wanted.device = "/nonexistent/render";
    assert_int_equal(encoder_open(&encoder, &wanted, hear, &said, &error), 0);
    assert_true(said.count >= 1);
    require(strstr(said.first, "The encoder h264_vaapi is no use: "), "%s", said.first);
    assert_string_not_equal(encoder.name, "h264_vaapi");
    encoder_close(&encoder);
}

static void an_unknown_name_is_said(void **state)
{
    struct encoder_wish wanted = wish(AV_CODEC_ID_H264, "libx265");
    struct encoder encoder;
    struct said said = {0};
    struct rtsprec_error error = {0};
    (void)state;
    assert_int_equal(encoder_open(&encoder, &wanted, hear, &said, &error), 0);
    assert_string_equal(said.first, "The encoder \"libx265\" is not one of h264");
    encoder_close(&encoder);
}

static void a_preset_that_is_none_is_said_and_left_out(void **state)
{
    static const struct {
        enum AVCodecID codec;
        const char *name;
    } rows[] = {
        {AV_CODEC_ID_MPEG4, "mpeg4"},
        {AV_CODEC_ID_H264, "libx264"},
        {AV_CODEC_ID_HEVC, "libx265"},
        {AV_CODEC_ID_AV1, "libsvtav1"},
    };
    struct rtsprec_error error = {0};
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct encoder_wish wanted = wish(rows[i].codec, rows[i].name);
        struct encoder encoder;
        struct said said = {0};
        char text[128];
        wanted.preset = "finest";
        require(encoder_open(&encoder, &wanted, hear, &said, &error) == 0, "%s", error.text);
        assert_string_equal(encoder.name, rows[i].name);
        assert_true(encoder.refuses_preset);
        snprintf(text, sizeof(text),
                 "The encoder %s has no preset \"finest\": going on with its usual one",
                 rows[i].name);
        assert_string_equal(said.first, text);
        assert_int_equal(said.count, 1);
        assert_int_equal(said.asked_for, 1);
        encoder_close(&encoder);
    }
}

static void what_nobody_encodes_does_not_open(void **state)
{
    struct encoder_wish wanted = wish(AV_CODEC_ID_NONE, NULL);
    struct encoder encoder;
    struct said said = {0};
    struct rtsprec_error error = {0};
    (void)state;
    assert_int_equal(encoder_open(&encoder, &wanted, hear, &said, &error),
                     RTSPREC_ERROR_UNSUPPORTED);
    assert_string_equal(error.text, "no encoder of none works here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(software_encodes_every_codec),
        cmocka_unit_test(an_encoder_closes_without_a_frame),
        cmocka_unit_test(what_does_not_work_is_said_and_the_next_one_tried),
        cmocka_unit_test(an_unknown_name_is_said),
        cmocka_unit_test(a_preset_that_is_none_is_said_and_left_out),
        cmocka_unit_test(what_nobody_encodes_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
