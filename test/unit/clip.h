/* The clips that the build makes, as what a camera sends. */
#ifndef CLIP_H
#define CLIP_H

#include "unit.h"

#include <libavformat/avformat.h>
#include <libavutil/mathematics.h>

#include "ingest/stream.h"

static const AVRational us = {1, 1000000};

/* A clip's packets and its stream. Not all clips have sound. */
struct clip {
    AVFormatContext *format;
    struct stream *stream;
    int frames; /* read so far */
};

static inline void clip_open(struct clip *clip, const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s.mkv", CLIPS, name);
    *clip = (struct clip){.frames = 0};
    require(avformat_open_input(&clip->format, path, NULL, NULL) == 0, "%s", path);
    assert_true(avformat_find_stream_info(clip->format, NULL) >= 0);
    clip->stream = stream_create();
    for (unsigned i = 0; i < clip->format->nb_streams; i++) {
        /* The video in RTP's time base, the sound in its sample rate's. */
        AVCodecParameters *parameters = clip->format->streams[i]->codecpar;
        AVRational base = {1, parameters->sample_rate ? parameters->sample_rate : 90000};
        assert_int_equal(stream_add_track(clip->stream, parameters, base, -1), 0);
    }
}

static inline void clip_close(struct clip *clip)
{
    stream_unref(&clip->stream);
    avformat_close_input(&clip->format);
}

/* The next packet, its times moved so that the video begins at at_us; NULL at the end or when
 * end_us of the clip have been read. */
static inline AVPacket *clip_read(struct clip *clip, int64_t at_us, int64_t end_us)
{
    AVPacket *packet = av_packet_alloc();
    if (av_read_frame(clip->format, packet) < 0 ||
        av_rescale_q(packet->pts, clip->format->streams[packet->stream_index]->time_base, us) >=
            end_us) {
        av_packet_free(&packet);
        return NULL;
    }
    AVRational base = clip->stream->tracks[packet->stream_index].time_base;
    av_packet_rescale_ts(packet, clip->format->streams[packet->stream_index]->time_base, base);
    const AVStream *video = clip->format->streams[0];
    /* mkv holds no dts: a frame each 40 ms, as many early as are reordered. */
    if (packet->stream_index == 0)
        packet->dts = (clip->frames++ - video->codecpar->video_delay) * INT64_C(3600);
    at_us -= av_rescale_q(video->start_time, video->time_base, us);
    packet->pts += av_rescale_q(at_us, us, base);
    packet->dts += av_rescale_q(at_us, us, base);
    return packet;
}

#endif
