#include "load_stream.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/intreadwrite.h>
#include <libavutil/mathematics.h>

#include "../camera/clip.h"
#include "../camera/rtp_track.h"
#include "../camera/sdp.h"

enum { INTERLEAVED_HEADER = 4, RTP_CLOCK = 90000 };

static uint32_t rtp_time(int64_t time_us)
{
    return (uint32_t)av_rescale(time_us, RTP_CLOCK, 1000000);
}

static int reserve(struct load_stream *stream, size_t bytes)
{
    if (stream->size + bytes > stream->capacity) {
        size_t capacity = 2 * stream->capacity + bytes;
        void *block = realloc(stream->block, capacity);
        if (block == NULL)
            return AVERROR(ENOMEM);
        stream->block = block;
        stream->capacity = capacity;
    }
    if (stream->packet_count == stream->packet_capacity) {
        int capacity = 2 * stream->packet_capacity + 1024;
        void *packets = realloc(stream->packets, (size_t)capacity * sizeof(*stream->packets));
        if (packets == NULL)
            return AVERROR(ENOMEM);
        stream->packets = packets;
        stream->packet_capacity = capacity;
    }
    return 0;
}

static int take_packet(void *user, int is_rtcp, const uint8_t *packet, size_t size)
{
    struct load_stream *stream = user;
    uint8_t *to;
    int err;

    if (is_rtcp)
        return 0;
    if ((err = reserve(stream, INTERLEAVED_HEADER + size)) < 0)
        return err;
    to = stream->block + stream->size;
    to[0] = '$';
    to[1] = 0;
    AV_WB16(to + 2, size);
    memcpy(to + INTERLEAVED_HEADER, packet, size);
    stream->packets[stream->packet_count++] = stream->size;
    stream->size += INTERLEAVED_HEADER + size;
    return 0;
}

static void ignore_served(void *user, const struct served_unit *unit)
{
    (void)user;
    (void)unit;
}

static int add_frame(struct load_stream *stream, struct rtp_track *track,
                     const struct clip_unit *unit)
{
    struct load_frame *frame = &stream->frames[stream->frame_count];
    struct served_unit served = {.path = "", .session = "", .pts_us = unit->pts_us};
    struct rtp_warp truth = {0};
    int err;

    *frame = (struct load_frame){
        .offset = stream->size,
        .first_packet = stream->packet_count,
        .video_bytes = unit->size,
        .key = unit->key,
        .send_us = unit->send_us,
        .time = rtp_time(unit->pts_us),
    };
    if ((err = rtp_track_write(track, unit, &served, unit->send_us, &truth)) < 0)
        return err;
    frame->size = stream->size - frame->offset;
    frame->packet_count = stream->packet_count - frame->first_packet;
    if (frame->packet_count == 0)
        return AVERROR_BUG;
    if (frame->key && stream->frame_count > 0 && stream->key_interval_us == stream->duration_us)
        stream->key_interval_us = frame->send_us;
    stream->frame_count++;
    return 0;
}

static int add_clip(struct load_stream *stream, const struct clip *clip)
{
    const struct clip_track *video = &clip->tracks[CLIP_VIDEO];
    struct rtp_sink sink = {.send = take_packet, .served = ignore_served, .user = stream};
    struct rtp_start start = {.ssrc = 0x52545350};
    struct rtp_track *track = NULL;
    int err;

    stream->duration_us = stream->key_interval_us = clip->duration_us;
    if ((stream->frames = calloc((size_t)video->count, sizeof(*stream->frames))) == NULL)
        return AVERROR(ENOMEM);
    if ((err = sdp_write(clip, stream->sdp, sizeof(stream->sdp))) < 0)
        return err;
    start.payload_type = sdp_payload_type(stream->sdp, 0);
    err = rtp_track_open(&track, video->par, &start, &sink);
    for (int i = 0; i < video->count && err >= 0; i++)
        err = add_frame(stream, track, &video->units[i]);
    rtp_track_close(&track);
    return err;
}

int load_stream_open(struct load_stream **out, const char *file)
{
    struct load_stream *stream = calloc(1, sizeof(*stream));
    struct clip *clip = NULL;
    int err = stream != NULL ? clip_load(&clip, "load", file) : AVERROR(ENOMEM);

    if (err < 0)
        goto done;
    if (clip->tracks[CLIP_VIDEO].count == 0 || clip->tracks[CLIP_AUDIO].count > 0) {
        fprintf(stderr, "rtspload: %s: expected video only\n", file);
        err = AVERROR(EINVAL);
        goto done;
    }
    if ((err = add_clip(stream, clip)) < 0)
        fprintf(stderr, "rtspload: %s: %s\n", file, av_err2str(err));

done:
    clip_free(&clip);
    if (err < 0)
        load_stream_close(&stream);
    *out = stream;
    return err;
}

void load_stream_close(struct load_stream **stream)
{
    if (*stream == NULL)
        return;
    free((*stream)->block);
    free((*stream)->packets);
    free((*stream)->frames);
    free(*stream);
    *stream = NULL;
}

void load_stream_patch(struct load_stream *stream, const struct load_frame *frame,
                       const struct load_start *start, int64_t round, int first, size_t end)
{
    uint32_t time = start->time + frame->time + rtp_time(round * stream->duration_us);

    for (int i = frame->first_packet + first; i < frame->first_packet + frame->packet_count; i++) {
        if (stream->packets[i] >= frame->offset + end)
            return;
        uint8_t *packet = stream->block + stream->packets[i] + INTERLEAVED_HEADER;
        AV_WB16(packet + 2, (start->sequence + round * stream->packet_count + i) & 0xffff);
        AV_WB32(packet + 4, time);
    }
}

int load_stream_packet_at(const struct load_stream *stream, const struct load_frame *frame,
                          int first, size_t at)
{
    while (first + 1 < frame->packet_count &&
           stream->packets[frame->first_packet + first + 1] <= frame->offset + at)
        first++;
    return first;
}
