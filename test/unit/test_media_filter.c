#include "unit.h"

#include <libavformat/avformat.h>
#include <libavutil/mem.h>

#include "ingest/media_filter.h"
#include "ingest/nal.h"

static AVFormatContext *open_clip(const char *path)
{
    AVFormatContext *format = NULL;
    require(avformat_open_input(&format, path, NULL, NULL) == 0, "%s", path);
    return format;
}

/* A track of a clip. */
static void open_track(struct media_filter *filter, AVCodecParameters **parameters,
                       AVFormatContext *format, int track)
{
    const AVStream *stream = format->streams[track];
    *parameters = avcodec_parameters_alloc();
    assert_true(avcodec_parameters_copy(*parameters, stream->codecpar) >= 0);
    assert_int_equal(media_filter_open(filter, *parameters, stream->time_base), 0);
}

static void test_frames_and_sets_of_clips(void **state)
{
    (void)state;
    static const char *const clips[] = {CLIPS "/h264b.mkv", CLIPS "/h265b.mkv"};
    for (size_t i = 0; i < LENGTH(clips); i++) {
        AVFormatContext *format = open_clip(clips[i]);
        AVCodecParameters *parameters;
        struct media_filter filter;
        open_track(&filter, &parameters, format, 0);
        assert_true(nal_starts(parameters->extradata, (size_t)parameters->extradata_size));
        AVPacket *packet = av_packet_alloc(), *original = av_packet_alloc();
        int frames = 0;
        while (av_read_frame(format, packet) >= 0) {
            assert_int_equal(av_packet_ref(original, packet), 0);
            assert_int_equal(media_filter_run(&filter, packet), 1);
            assert_ptr_equal(packet->data, original->data); /* lengths of four bytes, no sets */
            assert_int_equal(packet->size, original->size);
            assert_int_equal(packet->pts, original->pts);
            assert_int_equal(packet->flags, original->flags);
            assert_int_equal(packet->side_data_elems, 0);
            av_packet_unref(packet);
            av_packet_unref(original);
            frames++;
        }
        assert_true(frames > 1);
        av_packet_free(&packet);
        av_packet_free(&original);
        avcodec_parameters_free(&parameters);
        media_filter_close(&filter);
        avformat_close_input(&format);
    }
}

/* As FLV does: the demuxer's parameters stay, new ones come with a packet. */
static void test_new_parameters(void **state)
{
    (void)state;
    AVFormatContext *before = open_clip(CLIPS "/h264v.mkv");
    AVFormatContext *after = open_clip(CLIPS "/h264small.mkv");
    const AVCodecParameters *new_ones = after->streams[0]->codecpar;
    AVCodecParameters *parameters, *expected;
    AVPacket *packet = av_packet_alloc();
    struct media_filter filter, other;
    size_t size;
    open_track(&filter, &parameters, before, 0);
    open_track(&other, &expected, after, 0);
    assert_int_equal(av_read_frame(before, packet), 0);
    assert_int_equal(media_filter_run(&filter, packet), 1);
    assert_int_equal(packet->side_data_elems, 0);
    av_packet_unref(packet);

    assert_int_equal(av_read_frame(after, packet), 0);
    uint8_t *side = av_packet_new_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA,
                                            (size_t)new_ones->extradata_size);
    memcpy(side, new_ones->extradata, (size_t)new_ones->extradata_size);
    assert_non_null(av_packet_new_side_data(packet, AV_PKT_DATA_SKIP_SAMPLES, 10));
    assert_int_equal(media_filter_run(&filter, packet), 1);
    assert_int_equal(packet->side_data_elems, 1);
    const uint8_t *sets = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
    assert_int_equal(size, expected->extradata_size);
    assert_memory_equal(sets, expected->extradata, size);
    av_packet_free(&packet);
    avcodec_parameters_free(&parameters);
    avcodec_parameters_free(&expected);
    media_filter_close(&filter);
    media_filter_close(&other);
    avformat_close_input(&before);
    avformat_close_input(&after);
}

static void test_what_is_damaged_is_left_out(void **state)
{
    (void)state;
    AVFormatContext *format = open_clip(CLIPS "/h264v.mkv");
    AVPacket *packet = av_packet_alloc();
    AVCodecParameters *parameters;
    struct media_filter filter;
    open_track(&filter, &parameters, format, 0);
    assert_int_equal(av_new_packet(packet, 16), 0);
    memset(packet->data, 0x7f, 16); /* a length beyond its end */
    assert_int_equal(media_filter_run(&filter, packet), 0);
    assert_null(packet->data);
    assert_int_equal(av_read_frame(format, packet), 0);
    assert_int_equal(media_filter_run(&filter, packet), 1);
    av_packet_free(&packet);
    avcodec_parameters_free(&parameters);
    media_filter_close(&filter);
    avformat_close_input(&format);
}

static void test_sound_with_a_configuration_stays(void **state)
{
    (void)state;
    AVFormatContext *format = open_clip(CLIPS "/h264.mkv");
    AVPacket *packet = av_packet_alloc();
    AVCodecParameters *parameters;
    struct media_filter filter;
    assert_int_equal(format->streams[1]->codecpar->codec_id, AV_CODEC_ID_AAC);
    open_track(&filter, &parameters, format, 1);
    assert_null(filter.aac);
    assert_null(filter.lengths);
    do {
        av_packet_unref(packet);
        assert_int_equal(av_read_frame(format, packet), 0);
    } while (packet->stream_index != 1);
    const uint8_t *data = packet->data;
    assert_non_null(av_packet_new_side_data(packet, AV_PKT_DATA_SKIP_SAMPLES, 10));
    assert_int_equal(media_filter_run(&filter, packet), 1);
    assert_ptr_equal(packet->data, data);
    assert_int_equal(packet->side_data_elems, 0);
    av_packet_free(&packet);
    avcodec_parameters_free(&parameters);
    media_filter_close(&filter);
    avformat_close_input(&format);
}

static void test_sound_without_a_configuration_gets_one(void **state)
{
    (void)state;
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    parameters->codec_type = AVMEDIA_TYPE_AUDIO;
    parameters->codec_id = AV_CODEC_ID_AAC;
    parameters->sample_rate = 48000;
    parameters->profile = 1; /* LC */
    av_channel_layout_default(&parameters->ch_layout, 2);
    struct media_filter filter;
    assert_int_equal(media_filter_open(&filter, parameters, (AVRational){1, 90000}), 0);
    assert_non_null(filter.aac);
    assert_int_equal(parameters->extradata_size, 2);
    assert_memory_equal(parameters->extradata, "\x11\x90", 2);

    /* A frame of two channels behind its header of 7 bytes. */
    static const uint8_t adts[] = {0xff, 0xf1, 0x4c, 0x80, 0x01, 0x7f,
                                   0xfc, 0x21, 0x10, 0x04, 0x60};
    AVPacket *packet = av_packet_alloc();
    assert_int_equal(av_new_packet(packet, sizeof(adts)), 0);
    memcpy(packet->data, adts, sizeof(adts));
    assert_int_equal(media_filter_run(&filter, packet), 1);
    assert_int_equal(packet->size, sizeof(adts) - 7);
    assert_memory_equal(packet->data, adts + 7, sizeof(adts) - 7);
    assert_int_equal(packet->side_data_elems, 0);
    av_packet_free(&packet);
    media_filter_close(&filter);
    avcodec_parameters_free(&parameters);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_and_sets_of_clips),
        cmocka_unit_test(test_new_parameters),
        cmocka_unit_test(test_what_is_damaged_is_left_out),
        cmocka_unit_test(test_sound_with_a_configuration_stays),
        cmocka_unit_test(test_sound_without_a_configuration_gets_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
