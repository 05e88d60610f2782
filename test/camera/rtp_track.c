#include "rtp_track.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/intreadwrite.h>
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>

#include "av_compat.h"
#include "clock.h"

enum {
    PACKET_SIZE = 1400, /* RTP header and payload; fits an Ethernet frame with all headers */
    MAX_PENDING = 8,    /* units handed to the muxer and not sent yet; it keeps one AAC frame */
    RTCP_SENDER_REPORT = 200,
};

/* Seconds from 1900, where NTP time starts, to 1970. */
#define NTP_OFFSET_S INT64_C(2208988800)

struct pending_unit {
    struct served_unit served;
    uint32_t muxer_time; /* RTP time of the unit, counted from the muxer's own base */
    uint32_t jump;
};

struct rtp_track {
    struct rtp_sink sink;
    struct rtp_start start;
    AVFormatContext *muxer;
    int has_header;
    AVPacket *packet;
    AVRational time_base;
    int64_t zero_unix_us; /* wall-clock time of media time 0 */

    int base_known;
    uint32_t muxer_base; /* the random RTP time that the muxer gave to media time 0 */
    uint32_t jump;
    struct rtp_warp warp;

    int64_t reported_us; /* media time of our last sender report */
    uint32_t packets, octets;

    struct pending_unit pending[MAX_PENDING]; /* oldest first */
    int pending_count;
    int done_count; /* of the pending, those of which a packet went out in this write */
    int lost;       /* a packet of this write was lost */
};

/*
 * The muxer does not tell its random time base, but its sender report, which goes ahead of the
 * first packet, relates that base to a wall-clock time.
 */
static void learn_base(struct rtp_track *track, const uint8_t *report)
{
    int64_t seconds = (int64_t)AV_RB32(report + 8) - NTP_OFFSET_S;
    int64_t fraction = AV_RB32(report + 12);
    int64_t unix_us = seconds * 1000000 + ((fraction * 1000000 + UINT32_MAX) >> 32);
    int64_t elapsed = av_rescale_q(unix_us - track->zero_unix_us, AV_TIME_BASE_Q, track->time_base);

    track->muxer_base = AV_RB32(report + 16) - (uint32_t)elapsed;
    track->base_known = 1;
}

/* The unit that an RTP packet belongs to; one that starts within a unit belongs to the last. */
static int find_pending(const struct rtp_track *track, uint32_t muxer_time)
{
    for (int i = 0; i < track->pending_count; i++) {
        if (track->pending[i].muxer_time == muxer_time)
            return i;
    }
    return track->pending_count - 1;
}

/* The muxer's packets come through here, one by one. */
static int take_packet(void *user, avio_write_byte *data, int size)
{
    struct rtp_track *track = user;
    uint8_t packet[PACKET_SIZE];
    int is_rtcp = size >= 2 && data[1] >= RTCP_SENDER_REPORT && data[1] <= 204;

    if (size < 12 || size > PACKET_SIZE)
        return AVERROR(EINVAL);
    memcpy(packet, data, (size_t)size);
    if (is_rtcp && data[1] == RTCP_SENDER_REPORT && size >= 28) {
        if (!track->base_known)
            learn_base(track, data);
        if (track->warp.reports_us != 0)
            return size;
        AV_WB32(packet + 8, AV_RB32(data + 8) + (uint32_t)(track->warp.ntp_step_us / 1000000));
        AV_WB32(packet + 16,
                AV_RB32(data + 16) - track->muxer_base + track->start.time + track->jump);
    } else if (!is_rtcp) {
        uint32_t muxer_time = AV_RB32(data + 4) - track->muxer_base;
        int index = find_pending(track, muxer_time);
        AV_WB32(packet + 4, muxer_time + track->start.time + track->pending[index].jump);
        if (index + 1 > track->done_count)
            track->done_count = index + 1;
        track->packets++;
        track->octets += (uint32_t)size - 12;
    }
    if (track->sink.send(track->sink.user, is_rtcp, packet, (size_t)size) < 0 && !is_rtcp)
        track->lost = 1;
    return size;
}

static int open_muxer(struct rtp_track *track, const AVCodecParameters *par)
{
    AVDictionary *options = NULL;
    AVFormatContext *muxer;
    AVStream *stream;
    uint8_t *buffer;
    int err;

    if ((err = avformat_alloc_output_context2(&track->muxer, NULL, "rtp", NULL)) < 0)
        return err;
    muxer = track->muxer;
    if ((stream = avformat_new_stream(muxer, NULL)) == NULL ||
        (buffer = av_malloc(PACKET_SIZE)) == NULL)
        return AVERROR(ENOMEM);
    muxer->pb = avio_alloc_context(buffer, PACKET_SIZE, 1, track, NULL, take_packet, NULL);
    if (muxer->pb == NULL) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    muxer->pb->max_packet_size = PACKET_SIZE;
    muxer->max_delay = 0;         /* one audio packet, one RTP packet */
    muxer->avoid_negative_ts = 0; /* the dts below is negative, the pts is not to move */
    muxer->start_time_realtime = track->zero_unix_us;
    if ((err = avcodec_parameters_copy(stream->codecpar, par)) < 0)
        return err;
    stream->time_base = (AVRational){1, 90000};
    av_dict_set_int(&options, "payload_type", track->start.payload_type, 0);
    av_dict_set_int(&options, "ssrc", (int32_t)track->start.ssrc, 0);
    av_dict_set_int(&options, "seq", track->start.sequence, 0);
    err = avformat_write_header(muxer, &options);
    track->has_header = err >= 0;
    if (err >= 0 && av_dict_count(options) > 0)
        err = AVERROR_OPTION_NOT_FOUND;
    av_dict_free(&options);
    track->time_base = stream->time_base;
    return err;
}

int rtp_track_open(struct rtp_track **out, const AVCodecParameters *par,
                   const struct rtp_start *start, const struct rtp_sink *sink)
{
    struct rtp_track *track = calloc(1, sizeof(*track));
    int err = AVERROR(ENOMEM);

    if (track == NULL || (track->packet = av_packet_alloc()) == NULL)
        goto done;
    track->sink = *sink;
    track->start = *start;
    track->reported_us = INT64_MIN / 2;
    /* The muxer counts in whole milliseconds. */
    track->zero_unix_us = clock_unix_us() / 1000 * 1000;
    err = open_muxer(track, par);

done:
    if (err < 0)
        rtp_track_close(&track);
    *out = track;
    return err < 0 ? err : 0;
}

void rtp_track_close(struct rtp_track **track)
{
    if (*track == NULL)
        return;
    if ((*track)->muxer != NULL) {
        if ((*track)->has_header)
            av_write_trailer((*track)->muxer); /* sends nothing, frees what the header made */
        if ((*track)->muxer->pb != NULL)
            av_freep(&(*track)->muxer->pb->buffer);
        avio_context_free(&(*track)->muxer->pb);
        avformat_free_context((*track)->muxer);
    }
    av_packet_free(&(*track)->packet);
    free(*track);
    *track = NULL;
}

/* Reports the units that are complete now and forgets them. */
static void report_served(struct rtp_track *track)
{
    for (int i = 0; i < track->done_count; i++) {
        if (!track->lost)
            track->sink.served(track->sink.user, &track->pending[i].served);
    }
    track->pending_count -= track->done_count;
    memmove(track->pending, track->pending + track->done_count,
            (size_t)track->pending_count * sizeof(track->pending[0]));
}

/* A sender report of our own, where the settings ask for more of them, or for none. */
static void report(struct rtp_track *track, int64_t send_us)
{
    int64_t unix_us = track->zero_unix_us + send_us + track->warp.ntp_step_us;
    uint8_t packet[28] = {0x80, RTCP_SENDER_REPORT, 0, 6};

    if (track->warp.reports_us <= 0 || send_us - track->reported_us < track->warp.reports_us)
        return;
    track->reported_us = send_us;
    AV_WB32(packet + 4, track->start.ssrc);
    AV_WB32(packet + 8, (uint32_t)(unix_us / 1000000 + NTP_OFFSET_S));
    AV_WB32(packet + 12, (uint32_t)(((unix_us % 1000000) << 32) / 1000000));
    AV_WB32(packet + 16, (uint32_t)av_rescale_q(send_us, AV_TIME_BASE_Q, track->time_base) +
                             track->start.time + track->jump);
    AV_WB32(packet + 20, track->packets);
    AV_WB32(packet + 24, track->octets);
    track->sink.send(track->sink.user, 1, packet, sizeof(packet));
}

int rtp_track_write(struct rtp_track *track, const struct clip_unit *unit,
                    const struct served_unit *served, int64_t send_us, const struct rtp_warp *warp)
{
    AVPacket *packet = track->packet;
    struct pending_unit *pending;
    int err;

    if (track->pending_count == MAX_PENDING)
        return AVERROR_BUG;
    packet->data = unit->data;
    packet->size = unit->size;
    packet->flags = unit->key ? AV_PKT_FLAG_KEY : 0;
    packet->pts = av_rescale_q(served->pts_us, AV_TIME_BASE_Q, track->time_base);
    /* RTP knows no dts, but libavformat wants one that increases and never passes the pts. */
    packet->dts = av_rescale_q(send_us - 10 * AV_TIME_BASE, AV_TIME_BASE_Q, track->time_base);

    track->jump = (uint32_t)av_rescale_q(warp->jump_us, AV_TIME_BASE_Q, track->time_base);
    track->warp = *warp;
    report(track, send_us);
    track->done_count = 0;
    track->lost = 0;
    pending = &track->pending[track->pending_count++];
    pending->served = *served;
    pending->served.pts_us += warp->jump_us;
    pending->muxer_time = (uint32_t)packet->pts;
    pending->jump = track->jump;

    err = av_write_frame(track->muxer, packet);
    report_served(track);
    return err < 0 ? err : 0;
}
