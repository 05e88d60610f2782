/* RTP packets as libavformat's muxer cuts them, and the SDP that goes with them. */
#ifndef RTP_PACKETS_H
#define RTP_PACKETS_H

#include "clip.h"

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavutil/intreadwrite.h>

#include "base/av_glue.h"
#include "ingest/rtp.h"

#define RTP_PACKET_BYTES 1400

struct rtp_bytes {
    uint8_t *data;
    size_t size;
};

struct rtp_packets {
    struct rtp_bytes *packets;
    int count;
    char sdp[8192];
    int frames; /* that went in */
    AVCodecParameters *parameters;
};

static inline int take_rtp_packet(void *opaque, AV_GLUE_WRITE_DATA *data, int size)
{
    struct rtp_packets *all = opaque;
    if (rtp_is_rtcp(data, (size_t)size))
        return size;
    if (all->count % 1024 == 0)
        all->packets = realloc(all->packets, sizeof(*all->packets) * (size_t)(all->count + 1024));
    struct rtp_bytes *packet = &all->packets[all->count++];
    packet->data = malloc((size_t)size);
    packet->size = (size_t)size;
    memcpy(packet->data, data, (size_t)size);
    return size;
}

/* Parameter sets into the stream, as cameras send them; NULL for other codecs. */
static inline AVBSFContext *open_annexb(const AVCodecParameters *parameters)
{
    const char *name = parameters->codec_id == AV_CODEC_ID_H264   ? "h264_mp4toannexb"
                       : parameters->codec_id == AV_CODEC_ID_HEVC ? "hevc_mp4toannexb"
                                                                  : "null";
    AVBSFContext *filter;
    assert_int_equal(av_bsf_alloc(av_bsf_get_by_name(name), &filter), 0);
    assert_true(avcodec_parameters_copy(filter->par_in, parameters) >= 0);
    assert_int_equal(av_bsf_init(filter), 0);
    return filter;
}

static inline AVFormatContext *open_rtp_muxer(struct rtp_packets *all,
                                              const AVCodecParameters *parameters)
{
    AVFormatContext *muxer;
    assert_int_equal(avformat_alloc_output_context2(&muxer, NULL, "rtp", NULL), 0);
    AVStream *stream = avformat_new_stream(muxer, NULL);
    assert_true(avcodec_parameters_copy(stream->codecpar, parameters) >= 0);
    muxer->pb = avio_alloc_context(av_malloc(RTP_PACKET_BYTES), RTP_PACKET_BYTES, 1, all, NULL,
                                   take_rtp_packet, NULL);
    muxer->pb->max_packet_size = RTP_PACKET_BYTES;
    muxer->avoid_negative_ts = 0;
    muxer->max_delay = 200000; /* several units of sound in a packet */
    stream->time_base = (AVRational){1, 90000};
    assert_int_equal(av_sdp_create(&muxer, 1, all->sdp, sizeof(all->sdp)), 0);
    /* The muxer by itself may number its payload otherwise than the SDP does. */
    AVDictionary *options = NULL;
    av_dict_set_int(&options, "payload_type", atoi(strstr(all->sdp, "RTP/AVP") + 8), 0);
    assert_true(avformat_write_header(muxer, &options) >= 0);
    av_dict_free(&options);
    return muxer;
}

static inline void close_rtp_muxer(AVFormatContext *muxer)
{
    av_write_trailer(muxer);
    av_freep(&muxer->pb->buffer);
    avio_context_free(&muxer->pb);
    avformat_free_context(muxer);
}

/* The first seconds of a clip's video (track 0) or sound (1). The muxer adds a base of its own to
 * all times. */
static inline void rtp_packets_make(struct rtp_packets *all, const char *name, int track,
                                    int64_t begin_us, int64_t length_us)
{
    struct clip clip;
    clip_open(&clip, name);
    *all = (struct rtp_packets){.parameters = avcodec_parameters_alloc()};
    AVBSFContext *filter = open_annexb(clip.stream->tracks[track].parameters);
    avcodec_parameters_copy(all->parameters, filter->par_out);
    AVFormatContext *muxer = open_rtp_muxer(all, filter->par_out);
    AVPacket *packet;
    while ((packet = clip_read(&clip, begin_us, length_us))) {
        AVRational base = clip.stream->tracks[packet->stream_index].time_base;
        bool is_wanted = packet->stream_index == track;
        packet->stream_index = 0;
        if (is_wanted && av_bsf_send_packet(filter, packet) == 0) {
            while (av_bsf_receive_packet(filter, packet) == 0) {
                av_packet_rescale_ts(packet, base, muxer->streams[0]->time_base);
                assert_true(av_write_frame(muxer, packet) >= 0);
                all->frames++;
            }
        }
        av_packet_free(&packet);
    }
    close_rtp_muxer(muxer);
    av_bsf_free(&filter);
    clip_close(&clip);
}

/* A moving pattern with enough noise to fill several packets. */
static inline void paint(AVFrame *picture, int number, uint64_t *random)
{
    assert_true(av_frame_make_writable(picture) >= 0);
    for (int plane = 0; plane < 3; plane++) {
        int shift = plane > 0;
        for (int y = 0; y < picture->height >> shift; y++) {
            uint8_t *row = picture->data[plane] + (ptrdiff_t)y * picture->linesize[plane];
            for (int x = 0; x < picture->width >> shift; x++)
                row[x] = (uint8_t)(x * 2 + y + number * 4 + (int)(next_random(random) % 24));
        }
    }
    picture->pts = number;
}

/*
 * Frames of 320x240 as an encoder makes them, 25 a second; options as "name=value:name=value".
 * units, if not NULL, gets them as they are.
 */
static inline void rtp_packets_encode(struct rtp_packets *all, const char *encoder, int count,
                                      const char *options, AVPacket **units)
{
    const AVCodec *codec = avcodec_find_encoder_by_name(encoder);
    require(codec != NULL, "%s", encoder);
    AVCodecContext *context = avcodec_alloc_context3(codec);
    AVFrame *picture = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    AVDictionary *dictionary = NULL;
    uint64_t random = 41;
    context->width = picture->width = 320;
    context->height = picture->height = 240;
    context->pix_fmt = !strcmp(encoder, "mjpeg") ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
    picture->format = context->pix_fmt;
    context->time_base = (AVRational){1, 25};
    context->gop_size = 10;
    context->thread_count = 1;
    assert_int_equal(av_dict_parse_string(&dictionary, options, "=", " ", 0), 0);
    require(avcodec_open2(context, codec, &dictionary) == 0, "%s", encoder);
    require(av_dict_count(dictionary) == 0, "%s", options);
    av_dict_free(&dictionary);
    assert_int_equal(av_frame_get_buffer(picture, 0), 0);
    *all = (struct rtp_packets){.parameters = avcodec_parameters_alloc()};
    assert_true(avcodec_parameters_from_context(all->parameters, context) >= 0);
    AVFormatContext *muxer = open_rtp_muxer(all, all->parameters);
    for (int i = 0; i <= count; i++) {
        if (i < count)
            paint(picture, i, &random);
        assert_int_equal(avcodec_send_frame(context, i < count ? picture : NULL), 0);
        while (avcodec_receive_packet(context, packet) == 0) {
            av_packet_rescale_ts(packet, context->time_base, muxer->streams[0]->time_base);
            packet->pts += 90000;
            packet->dts += 90000;
            if (units)
                units[all->frames] = av_packet_clone(packet);
            all->frames++;
            assert_true(av_write_frame(muxer, packet) >= 0);
        }
    }
    close_rtp_muxer(muxer);
    avcodec_free_context(&context);
    av_frame_free(&picture);
    av_packet_free(&packet);
}

static inline void rtp_packets_free(struct rtp_packets *all)
{
    for (int i = 0; i < all->count; i++)
        free(all->packets[i].data);
    free(all->packets);
    avcodec_parameters_free(&all->parameters);
}

#endif
