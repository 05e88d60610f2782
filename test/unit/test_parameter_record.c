#include "bytes.h"
#include "sps_samples.h"

#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/mem.h>

#include <rtsprec/error.h>

#include "ingest/parameter_record.h"

/* The record that libavformat's mp4 muxer writes for these sets. */
static uint8_t *muxed(enum AVCodecID codec, const uint8_t *sets, size_t sets_size, size_t *size)
{
    AVFormatContext *format;
    AVDictionary *options = NULL;
    assert_int_equal(avformat_alloc_output_context2(&format, NULL, "mp4", NULL), 0);
    AVStream *stream = avformat_new_stream(format, NULL);
    stream->codecpar->codec_type = AVMEDIA_TYPE_VIDEO;
    stream->codecpar->codec_id = codec;
    stream->codecpar->codec_tag = codec == AV_CODEC_ID_HEVC ? MKTAG('h', 'v', 'c', '1') : 0;
    stream->codecpar->width = stream->codecpar->height = 64;
    stream->codecpar->extradata = av_mallocz(sets_size + AV_INPUT_BUFFER_PADDING_SIZE);
    stream->codecpar->extradata_size = (int)sets_size;
    memcpy(stream->codecpar->extradata, sets, sets_size);
    av_dict_set(&options, "movflags", "empty_moov+frag_custom", 0);
    assert_int_equal(avio_open_dyn_buf(&format->pb), 0);
    assert_true(avformat_write_header(format, &options) >= 0);
    av_write_trailer(format);
    uint8_t *file, *box;
    int file_size = avio_close_dyn_buf(format->pb, &file);
    box = memmem(file, (size_t)file_size, codec == AV_CODEC_ID_HEVC ? "hvcC" : "avcC", 4);
    assert_non_null(box);
    *size = AV_RB32(box - 4) - 8;
    uint8_t *record = malloc(*size);
    memcpy(record, box + 4, *size);
    av_free(file);
    av_dict_free(&options);
    avformat_free_context(format);
    return record;
}

/* Reading a record gives the sets that it was made of. */
static void assert_read(enum AVCodecID codec, const uint8_t *record, size_t record_size,
                        const uint8_t *stream, size_t size)
{
    struct parameter_sets sets, expected;
    int length_bytes;
    parameter_sets_init(&sets, codec);
    parameter_sets_init(&expected, codec);
    assert_true(parameter_record_is(codec, record, record_size));
    assert_false(parameter_record_is(codec, stream, size));
    assert_int_equal(parameter_record_read(&sets, &length_bytes, record, record_size), 0);
    assert_int_equal(parameter_sets_take_all(&expected, stream, size), 0);
    assert_int_equal(length_bytes, 4);
    assert_int_equal(sets.count, expected.count);
    for (int i = 0; i < sets.count; i++) {
        assert_int_equal(sets.sets[i].size, expected.sets[i].size);
        assert_memory_equal(sets.sets[i].data, expected.sets[i].data, sets.sets[i].size);
    }
    parameter_sets_uninit(&sets);
    parameter_sets_uninit(&expected);
}

static void compare(const char *name, enum AVCodecID codec, const uint8_t *sets, size_t size)
{
    uint8_t *record;
    size_t record_size, expected_size;
    uint8_t *expected = muxed(codec, sets, size, &expected_size);
    require(parameter_record_make(&record, &record_size, codec, sets, size) == 0, "%s", name);
    require(record_size == expected_size, "%s: %zu and %zu", name, record_size, expected_size);
    for (size_t i = 0; i < record_size; i++)
        require(record[i] == expected[i], "%s: byte %zu: %02x and %02x", name, i, record[i],
                expected[i]);
    av_free(record);
    assert_read(codec, expected, expected_size, sets, size);
    free(expected);
}

static void test_of_clips(void **state)
{
    (void)state;
    static const char *const clips[] = {"h264", "h264b", "h264tiny", "h265", "h265b", "h265tiny"};
    for (size_t i = 0; i < LENGTH(clips); i++) {
        char path[512];
        AVFormatContext *format = NULL;
        snprintf(path, sizeof(path), "%s/%s.mkv", CLIPS, clips[i]);
        require(avformat_open_input(&format, path, NULL, NULL) == 0, "%s", path);
        AVCodecParameters *parameters = format->streams[0]->codecpar;
        bool is_hevc = parameters->codec_id == AV_CODEC_ID_HEVC;
        AVBSFContext *filter;
        assert_int_equal(
            av_bsf_alloc(av_bsf_get_by_name(is_hevc ? "hevc_mp4toannexb" : "h264_mp4toannexb"),
                         &filter),
            0);
        assert_true(avcodec_parameters_copy(filter->par_in, parameters) >= 0);
        assert_int_equal(av_bsf_init(filter), 0);
        compare(clips[i], parameters->codec_id, filter->par_out->extradata,
                (size_t)filter->par_out->extradata_size);
        av_bsf_free(&filter);
        avformat_close_input(&format);
    }
}

/* A VPS of the profile and level of an SPS, with its emulation prevention. */
static void write_vps(char *hex, const char *sps)
{
    hex += sprintf(hex, "0000000140010c01ffff");
    sps += 6;
    for (int bytes = 0; bytes < 12; sps += 2) {
        bytes += strncmp(sps, "03", 2) != 0 || strncmp(sps - 4, "0000", 4) != 0;
        hex += sprintf(hex, "%.2s", sps);
    }
    sprintf(hex, "959809");
}

static void test_of_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(sps_samples); i++) {
        const struct sps_sample *sample = &sps_samples[i];
        bool is_hevc = sample->codec == AV_CODEC_ID_HEVC;
        char vps[256] = "", hex[2048];
        if (is_hevc)
            write_vps(vps, sample->hex);
        snprintf(hex, sizeof(hex), "%s00000001%s00000001%s", vps, sample->hex,
                 is_hevc ? "4401c172b46240" : "68ce3c80");
        size_t size;
        uint8_t *sets = bytes_of(hex, &size);
        compare(sample->name, sample->codec, sets, size);
        free(sets);
    }
}

#define SPS   "00000001 6742c01eda0280bfe5c044000003000400000300c83c58ba80"
#define PPS   "00000001 68ce3c80"
#define VPS_5 "00000001 40010c01ffff016000000300900000030000030096959809"
#define SPS_5                                                                                     \
    "00000001 420101016000000300900000030000030096a001442007a1f2e5ba4a4c2f0168080000030008000003" \
    "00c840"
#define PPS_5 "00000001 4401c172b46240"

static int make(enum AVCodecID codec, const char *hex)
{
    size_t size, record_size;
    uint8_t *sets = bytes_of(hex, &size), *record;
    int result = parameter_record_make(&record, &record_size, codec, sets, size);
    assert_true((result == 0) == (record != NULL));
    av_free(record);
    free(sets);
    return result;
}

static void test_missing_and_broken_sets(void **state)
{
    (void)state;
    static const struct {
        enum AVCodecID codec;
        const char *hex;
        bool is_good;
    } rows[] = {
        {AV_CODEC_ID_H264, SPS PPS, true},
        {AV_CODEC_ID_H264, PPS SPS, true},
        {AV_CODEC_ID_H264, SPS, false},
        {AV_CODEC_ID_H264, PPS, false},
        {AV_CODEC_ID_H264, "", false},
        {AV_CODEC_ID_H264, "00000001 6742c0" PPS, false},
        {AV_CODEC_ID_HEVC, VPS_5 SPS_5 PPS_5, true},
        {AV_CODEC_ID_HEVC, "00000001 4e01 0501 80" SPS_5 PPS_5 VPS_5, true},
        {AV_CODEC_ID_HEVC, SPS_5 PPS_5, false},
        {AV_CODEC_ID_HEVC, VPS_5 PPS_5, false},
        {AV_CODEC_ID_HEVC, VPS_5 SPS_5, false},
        {AV_CODEC_ID_HEVC, VPS_5 "00000001 420101" PPS_5, false},
    };
    for (size_t i = 0; i < LENGTH(rows); i++)
        require(make(rows[i].codec, rows[i].hex) == (rows[i].is_good ? 0 : RTSPREC_ERROR_PROTOCOL),
                "row %zu", i);
    uint8_t *record;
    size_t size;
    assert_int_equal(parameter_record_make(&record, &size, AV_CODEC_ID_H264, NULL, 0),
                     RTSPREC_ERROR_PROTOCOL);
}

/* More than a record can count, and longer than it can say. */
static void test_limits(void **state)
{
    (void)state;
    char *hex = calloc(1, 400000);
    strcpy(hex, SPS);
    for (int i = 0; i < 255; i++)
        strcat(hex, "00000168ce3c80");
    assert_int_equal(make(AV_CODEC_ID_H264, hex), 0);
    strcat(hex, PPS);
    assert_int_equal(make(AV_CODEC_ID_H264, hex), RTSPREC_ERROR_PROTOCOL);
    strcpy(hex, PPS);
    for (int i = 0; i < 32; i++)
        strcat(hex, SPS);
    assert_int_equal(make(AV_CODEC_ID_H264, hex), RTSPREC_ERROR_PROTOCOL);
    strcpy(hex, SPS PPS);
    memset(hex + strlen(hex), '5', 140000);
    assert_int_equal(make(AV_CODEC_ID_H264, hex), RTSPREC_ERROR_PROTOCOL);
    free(hex);
}

/* Reads a record, and every beginning of it. */
static void check_read(enum AVCodecID codec, const char *hex, int length_bytes, int count)
{
    size_t size;
    uint8_t *data = bytes_of(hex, &size);
    for (size_t i = 0; i <= size; i++) {
        uint8_t *part = malloc(i ? i : 1);
        struct parameter_sets sets;
        int bytes = length_bytes;
        memcpy(part, data, i);
        parameter_sets_init(&sets, codec);
        if (parameter_record_is(codec, part, i))
            assert_int_equal(parameter_record_read(&sets, &bytes, part, i), 0);
        assert_int_equal(bytes, length_bytes);
        assert_true(i < size ? sets.count <= count : sets.count == count);
        parameter_sets_uninit(&sets);
        free(part);
    }
    free(data);
}

static void test_reading(void **state)
{
    (void)state;
    check_read(AV_CODEC_ID_H264,
               "0142c01efde10019 6742c01eda0280bfe5c044000003000400000300c83c58ba80"
               "02 0004 68ce3c80 0003 6848f2",
               2, 3);
    check_read(AV_CODEC_ID_H264, "0142c01efce000", 1, 0);
    check_read(AV_CODEC_ID_H264, "0142c01effff 0000 ffff", 4, 0);
    /* The version 0 of old writers, and an SEI among the sets. */
    check_read(AV_CODEC_ID_HEVC,
               "00 01600000009000000000005df000fcfdf8f80000 0f 04"
               "a0 0001 0018 40010c01ffff016000000300900000030000030096959809"
               "a1 0001 002c 420101016000000300900000030000030096a001442007a1f2e5ba4a4c2f016808"
               "0000030008000003 00c840"
               "a7 0001 0004 4e010480"
               "a2 0001 0007 4401c172b46240",
               4, 3);
    assert_false(parameter_record_is(AV_CODEC_ID_H264, NULL, 0));
    assert_false(parameter_record_is(AV_CODEC_ID_HEVC, NULL, 0));
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reading),    cmocka_unit_test(test_of_clips),
        cmocka_unit_test(test_of_samples), cmocka_unit_test(test_missing_and_broken_sets),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
