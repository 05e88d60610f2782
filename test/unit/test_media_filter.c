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

/* The first SPS that stands before a picture; size 0: none. */
static struct nal first_sps(enum AVCodecID codec, const AVPacket *packet)
{
    struct nal nal;
    const uint8_t *next = packet->data;
    static const uint8_t none;
    while (nal_next(&nal, &next, packet->data + packet->size)) {
        enum nal_kind kind = nal_kind(codec, &nal);
        if (kind == NAL_SPS)
            return nal;
        if (kind == NAL_SLICE || kind == NAL_KEY_SLICE)
            break;
    }
    return (struct nal){.data = &none, .size = 0};
}

static void test_lengths_become_start_codes(void **state)
{
    (void)state;
    static const char *const clips[] = {CLIPS "/h264b.mkv", CLIPS "/h265b.mkv"};
    for (size_t i = 0; i < LENGTH(clips); i++) {
        AVFormatContext *format = open_clip(clips[i]);
        const AVStream *stream = format->streams[0];
        enum AVCodecID codec = stream->codecpar->codec_id;
        AVBSFContext *filter;
        assert_int_equal(media_filter_open(&filter, stream->codecpar, stream->time_base), 0);
        assert_non_null(filter);
        assert_int_equal(filter->par_out->extradata[0], 0);

        AVPacket *packet = av_packet_alloc();
        int keys = 0;
        while (av_read_frame(format, packet) >= 0) {
            int64_t pts = packet->pts, dts = packet->dts;
            assert_int_equal(media_filter_run(&filter, packet), 1);
            assert_memory_equal(packet->data, "\0\0", 2);
            assert_int_equal(packet->pts, pts);
            assert_int_equal(packet->dts, dts);
            bool is_key = packet->flags & AV_PKT_FLAG_KEY;
            require(is_key == (first_sps(codec, packet).size > 0), "%s: sets", clips[i]);
            keys += is_key;
            av_packet_unref(packet);
        }
        assert_true(keys > 1);
        av_packet_free(&packet);
        av_bsf_free(&filter);
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
    AVPacket *packet = av_packet_alloc();
    AVBSFContext *filter;
    assert_int_equal(
        media_filter_open(&filter, before->streams[0]->codecpar, before->streams[0]->time_base), 0);
    assert_int_equal(av_read_frame(before, packet), 0);
    assert_int_equal(media_filter_run(&filter, packet), 1);
    struct nal sps = first_sps(AV_CODEC_ID_H264, packet);
    uint8_t old_sps[256];
    size_t old_size = sps.size;
    assert_in_range(old_size, 1, sizeof(old_sps));
    memcpy(old_sps, sps.data, old_size);
    av_packet_unref(packet);

    assert_int_equal(av_read_frame(after, packet), 0);
    uint8_t *side = av_packet_new_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA,
                                            (size_t)new_ones->extradata_size);
    memcpy(side, new_ones->extradata, (size_t)new_ones->extradata_size);
    assert_int_equal(media_filter_run(&filter, packet), 1);
    sps = first_sps(AV_CODEC_ID_H264, packet);
    assert_true(sps.size > 0);
    assert_false(sps.size == old_size && !memcmp(sps.data, old_sps, old_size));
    /* They are those of the new extradata. */
    assert_non_null(
        memmem(new_ones->extradata, (size_t)new_ones->extradata_size, sps.data, sps.size));
    av_packet_free(&packet);
    av_bsf_free(&filter);
    avformat_close_input(&before);
    avformat_close_input(&after);
}

static void test_what_is_damaged_is_left_out(void **state)
{
    (void)state;
    AVFormatContext *format = open_clip(CLIPS "/h264v.mkv");
    const AVStream *stream = format->streams[0];
    AVPacket *packet = av_packet_alloc();
    AVBSFContext *filter;
    assert_int_equal(media_filter_open(&filter, stream->codecpar, stream->time_base), 0);
    assert_int_equal(av_new_packet(packet, 16), 0);
    memset(packet->data, 0x7f, 16); /* a length beyond its end */
    assert_int_equal(media_filter_run(&filter, packet), 0);
    assert_null(packet->data);
    assert_int_equal(av_read_frame(format, packet), 0);
    assert_int_equal(media_filter_run(&filter, packet), 1);
    av_packet_free(&packet);
    av_bsf_free(&filter);
    avformat_close_input(&format);
}

static void test_what_is_right_stays(void **state)
{
    (void)state;
    AVFormatContext *format = open_clip(CLIPS "/h264.mkv"); /* its sound has a configuration */
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVStream *stream = format->streams[i];
        AVBSFContext *filter;
        assert_int_equal(media_filter_open(&filter, stream->codecpar, stream->time_base), 0);
        assert_int_equal(filter != NULL, stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO);
        av_bsf_free(&filter);
    }
    AVBSFContext *none = NULL;
    AVPacket *packet = av_packet_alloc();
    assert_int_equal(av_read_frame(format, packet), 0);
    int size = packet->size;
    assert_int_equal(media_filter_run(&none, packet), 1);
    assert_int_equal(packet->size, size);
    av_packet_free(&packet);
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
    AVBSFContext *filter;
    assert_int_equal(media_filter_open(&filter, parameters, (AVRational){1, 90000}), 0);
    assert_non_null(filter);
    assert_int_equal(filter->par_out->extradata_size, 2);
    assert_memory_equal(filter->par_out->extradata, "\x11\x90", 2);
    av_bsf_free(&filter);
    avcodec_parameters_free(&parameters);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lengths_become_start_codes),
        cmocka_unit_test(test_new_parameters),
        cmocka_unit_test(test_what_is_damaged_is_left_out),
        cmocka_unit_test(test_what_is_right_stays),
        cmocka_unit_test(test_sound_without_a_configuration_gets_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
