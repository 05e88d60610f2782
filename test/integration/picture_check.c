/*
 * picture_check SOURCE FILE: what FILE, which was made of the clip SOURCE, shows and plays.
 *
 *     v PTS_US NUMBER ERROR    of each frame: the number that its bar code shows (clips.cmake), and
 *                              the mean square error of all its samples against that frame of
 *                              SOURCE, scaled to its size as libswscale does bilinearly
 *     a TIME_US                of each burst of sound: when it begins
 *
 * When a number falls, the clip is taken to have begun anew.
 */
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/imgutils.h>
#include <libavutil/mathematics.h>
#include <libswscale/swscale.h>

#define CELLS      20
#define DARK       125 /* a brighter cell is a 1 */
#define LOUD       0.1 /* of full scale; the bursts have 0.5 */
#define QUIET_US   100000
#define HALF_BURST 2000 /* a burst begins where the mean of so many µs is loud */

struct reader {
    AVFormatContext *format;
    AVCodecContext *decoder[2]; /* video, sound */
    int stream[2];
    AVPacket *packet;
    AVFrame *frame;
    bool is_at_end;
};

static void fail(const char *what, int err)
{
    fprintf(stderr, "picture_check: %s%s%s\n", what, err < 0 ? ": " : "",
            err < 0 ? av_err2str(err) : "");
    exit(1);
}

static int must(const char *what, int result)
{
    if (result < 0)
        fail(what, result);
    return result;
}

static void reader_open(struct reader *reader, const char *path)
{
    *reader = (struct reader){.packet = av_packet_alloc(), .frame = av_frame_alloc()};
    if (!reader->packet || !reader->frame)
        fail("memory", AVERROR(ENOMEM));
    must(path, avformat_open_input(&reader->format, path, NULL, NULL));
    must(path, avformat_find_stream_info(reader->format, NULL));
    for (int i = 0; i < 2; i++) {
        enum AVMediaType type = i ? AVMEDIA_TYPE_AUDIO : AVMEDIA_TYPE_VIDEO;
        reader->stream[i] = av_find_best_stream(reader->format, type, -1, -1, NULL, 0);
        if (reader->stream[i] < 0)
            continue;
        AVStream *stream = reader->format->streams[reader->stream[i]];
        const AVCodec *codec = avcodec_find_decoder(stream->codecpar->codec_id);
        AVCodecContext *decoder = codec ? avcodec_alloc_context3(codec) : NULL;
        if (!decoder)
            fail("no decoder", 0);
        must(path, avcodec_parameters_to_context(decoder, stream->codecpar));
        decoder->pkt_timebase = stream->time_base;
        decoder->thread_count = 1;
        must(path, avcodec_open2(decoder, NULL, NULL));
        reader->decoder[i] = decoder;
    }
}

static void reader_close(struct reader *reader)
{
    for (int i = 0; i < 2; i++)
        avcodec_free_context(&reader->decoder[i]);
    avformat_close_input(&reader->format);
    av_packet_free(&reader->packet);
    av_frame_free(&reader->frame);
}

/* The next frame, of video (0) or sound (1), which stays the reader's; -1 at the end. */
static int reader_next(struct reader *reader)
{
    for (;;) {
        for (int i = 0; i < 2; i++) {
            if (reader->decoder[i] && avcodec_receive_frame(reader->decoder[i], reader->frame) >= 0)
                return i;
        }
        if (reader->is_at_end)
            return -1;
        reader->is_at_end = av_read_frame(reader->format, reader->packet) < 0;
        for (int i = 0; i < 2; i++) {
            if (reader->decoder[i] &&
                (reader->is_at_end || reader->packet->stream_index == reader->stream[i]))
                must("decoding", avcodec_send_packet(reader->decoder[i],
                                                     reader->is_at_end ? NULL : reader->packet));
        }
        av_packet_unref(reader->packet);
    }
}

static int64_t time_us(const struct reader *reader, int kind)
{
    AVRational base = reader->format->streams[reader->stream[kind]]->time_base;
    return av_rescale_q(reader->frame->best_effort_timestamp, base, AV_TIME_BASE_Q);
}

/* Pictures. */

/* The middle of each cell, which is 16x16 pixels of 640x360. */
static int read_number(const AVFrame *frame)
{
    int number = 0, size = 16 * frame->width / 640;
    for (int i = 0; i < CELLS; i++) {
        int sum = 0, count = 0;
        for (int y = size / 4; y < size * 3 / 4; y++) {
            for (int x = size / 4; x < size * 3 / 4; x++, count++)
                sum += frame->data[0][y * frame->linesize[0] + i * size + x];
        }
        number |= (sum > DARK * count) << i;
    }
    return number;
}

/* Of the clip, the frame that is compared with, scaled. */
struct original {
    const char *path;
    struct reader reader;
    struct SwsContext *scaler;
    AVFrame *frame;
    int number; /* of the frame; -1 before the first */
};

/* A camera's MJPEG has the full range, which what is made of it does not. */
static void scale(struct original *original)
{
    const AVFrame *from = original->reader.frame;
    AVFrame *to = original->frame;
    bool is_full = from->format == AV_PIX_FMT_YUVJ420P || from->color_range == AVCOL_RANGE_JPEG;
    enum AVPixelFormat format =
        from->format == AV_PIX_FMT_YUVJ420P ? AV_PIX_FMT_YUV420P : from->format;
    original->scaler =
        sws_getCachedContext(original->scaler, from->width, from->height, format, to->width,
                             to->height, AV_PIX_FMT_YUV420P, SWS_BILINEAR, NULL, NULL, NULL);
    if (!original->scaler)
        fail("scaling", 0);
    const int *coefficients = sws_getCoefficients(SWS_CS_DEFAULT);
    sws_setColorspaceDetails(original->scaler, coefficients, is_full, coefficients, 0, 0, 1 << 16,
                             1 << 16);
    sws_scale(original->scaler, (const uint8_t *const *)from->data, from->linesize, 0, from->height,
              to->data, to->linesize);
}

static void go_to(struct original *original, int number)
{
    bool is_new = original->number != number;
    if (number < original->number) {
        reader_close(&original->reader);
        reader_open(&original->reader, original->path);
        original->number = -1;
    }
    while (original->number < number) {
        int kind = reader_next(&original->reader);
        if (kind < 0)
            fail("a number beyond the clip's", 0);
        original->number += kind == 0;
    }
    if (is_new)
        scale(original);
}

static double square_error(const AVFrame *a, const AVFrame *b)
{
    int64_t sum = 0, count = 0;
    for (int plane = 0; plane < 3; plane++) {
        int width = plane ? a->width / 2 : a->width, height = plane ? a->height / 2 : a->height;
        for (int y = 0; y < height; y++) {
            const uint8_t *left = a->data[plane] + (ptrdiff_t)y * a->linesize[plane];
            const uint8_t *right = b->data[plane] + (ptrdiff_t)y * b->linesize[plane];
            int row = 0;
            for (int x = 0; x < width; x++)
                row += (left[x] - right[x]) * (left[x] - right[x]);
            sum += row;
        }
        count += (int64_t)width * height;
    }
    return (double)sum / (double)count;
}

static void look(struct original *original, const struct reader *reader)
{
    const AVFrame *frame = reader->frame;
    if (frame->format != AV_PIX_FMT_YUV420P && frame->format != AV_PIX_FMT_YUVJ420P)
        fail("not 4:2:0", 0);
    if (original->frame->width == 0) {
        original->frame->format = AV_PIX_FMT_YUV420P;
        original->frame->width = frame->width;
        original->frame->height = frame->height;
        must("memory", av_frame_get_buffer(original->frame, 0));
    }
    int number = read_number(frame);
    go_to(original, number);
    printf("v\t%" PRId64 "\t%d\t%.4f\n", time_us(reader, 0), number,
           square_error(frame, original->frame));
}

/* Sound. */

struct ear {
    double level; /* the mean of the last HALF_BURST */
    int64_t loud_us;
};

static double sample_of(const AVFrame *frame, int i)
{
    switch (frame->format) {
    case AV_SAMPLE_FMT_FLTP:
        return ((const float *)frame->data[0])[i];
    case AV_SAMPLE_FMT_S16:
        return ((const int16_t *)frame->data[0])[i * frame->ch_layout.nb_channels] / 32768.;
    default:
        fail("samples of an unknown form", 0);
        return 0;
    }
}

static void listen(struct ear *ear, const struct reader *reader)
{
    const AVFrame *frame = reader->frame;
    double decay = exp(-1e6 / HALF_BURST / frame->sample_rate);
    for (int i = 0; i < frame->nb_samples; i++) {
        int64_t now_us = time_us(reader, 1) + av_rescale(i, INT64_C(1000000), frame->sample_rate);
        ear->level = ear->level * decay + fabs(sample_of(frame, i)) * (1 - decay);
        if (ear->level < LOUD)
            continue;
        if (now_us - ear->loud_us > QUIET_US)
            printf("a\t%" PRId64 "\n", now_us);
        ear->loud_us = now_us;
    }
}

int main(int argc, char **argv)
{
    struct original original = {.number = -1, .frame = av_frame_alloc()};
    struct reader reader;
    struct ear ear = {.loud_us = INT64_MIN / 2};
    int kind;
    if (argc != 3) {
        fprintf(stderr, "usage: picture_check SOURCE FILE\n");
        return 64;
    }
    av_log_set_level(AV_LOG_ERROR);
    original.path = argv[1];
    reader_open(&original.reader, argv[1]);
    reader_open(&reader, argv[2]);
    while ((kind = reader_next(&reader)) >= 0) {
        if (kind == 0)
            look(&original, &reader);
        else
            listen(&ear, &reader);
    }
    reader_close(&reader);
    reader_close(&original.reader);
    sws_freeContext(original.scaler);
    av_frame_free(&original.frame);
    return fflush(stdout) == 0 ? 0 : 1;
}
