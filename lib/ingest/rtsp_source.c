#include "ingest/rtsp_source.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/mem.h>
#include <libavutil/random_seed.h>

#include "base/clock.h"
#include "base/error.h"
#include "ingest/rtp.h"
#include "ingest/rtp_h26x.h"
#include "ingest/rtp_lav.h"
#include "ingest/rtsp_message.h"
#include "ingest/rtsp_session.h"
#include "ingest/stream.h"

/* RFC 3550's least interval of receiver reports: what tells some cameras that we are there. */
#define REPORT_US (5 * US_PER_SECOND)

/* A camera whose packets have another payload type than its SDP says is believed after so many. */
#define FOREIGN_PACKETS 16

struct rtp_track {
    AVCodecParameters *parameters; /* owned */
    struct rtp_receiver receiver;
    struct rtp_h26x *h26x; /* one of both; owned */
    struct rtp_lav *lav;
    int payload_type;
    int foreign_packets;   /* in a row of one source, of another payload type */
    uint32_t foreign_ssrc; /* of the last of them */
    uint32_t own_ssrc;
    int64_t next_report_us;

    bool has_report; /* a sender report that was not given on yet; the first may precede media */
    uint32_t report_timestamp;
    int64_t report_ntp_us;
};

struct rtsp_source {
    struct source base;
    struct rtsp_session *session;
    struct rtp_track tracks[STREAM_MAX_TRACKS];
    int draining;     /* the track whose depacketiser may hold more; -1: none */
    int64_t taken_us; /* when its last packet came */
};

static struct rtsp_source *of(struct source *base)
{
    return (struct rtsp_source *)base;
}

static int no_memory(struct rtsprec_error *error)
{
    return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}

static void track_uninit(struct rtp_track *track)
{
    rtp_h26x_destroy(&track->h26x);
    rtp_lav_destroy(&track->lav);
    avcodec_parameters_free(&track->parameters);
}

static void close_source(struct source *base)
{
    struct rtsp_source *source = of(base);
    rtsp_session_close(&source->session);
    for (int i = 0; i < STREAM_MAX_TRACKS; i++)
        track_uninit(&source->tracks[i]);
    free(source);
}

/* Tracks. */

static int make_h26x(struct rtp_track *track, const struct sdp_media *media)
{
    AVCodecParameters *parameters = track->parameters;
    uint8_t *sets = NULL;
    size_t size = 0;
    int err = sdp_parameter_sets(&sets, &size, media);
    if (err < 0)
        return err;
    parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    parameters->codec_id = media->codec;
    parameters->extradata = sets;
    parameters->extradata_size = (int)size;
    bool has_donl = text_number(rtsp_parameter(media->fmtp, "sprop-max-don-diff"), 0) > 0;
    return rtp_h26x_create(&track->h26x, media->codec, sets, size, has_donl);
}

static int make_lav(struct rtp_track *track, const struct sdp_media *media)
{
    int err = rtp_lav_create(&track->lav, media);
    if (err < 0)
        return err;
    return avcodec_parameters_copy(track->parameters, rtp_lav_parameters(track->lav)) < 0
               ? RTSPREC_ERROR_NO_MEMORY
               : 0;
}

/* Makes the next track. Returns 1; 0 when it is sound that nothing here can depacketise or that the
 * camera refuses: trouble with sound never stops the video; or an error. */
static int add_track(struct rtsp_source *source, const struct sdp_media *media,
                     struct rtsprec_error *error)
{
    struct rtp_track *track = &source->tracks[source->base.track_count];
    *track = (struct rtp_track){
        .parameters = avcodec_parameters_alloc(),
        .receiver = {.clock_rate = (uint32_t)media->clock_rate},
        .payload_type = media->payload_type,
        .own_ssrc = av_get_random_seed(),
    };
    bool is_h26x = media->codec == AV_CODEC_ID_H264 || media->codec == AV_CODEC_ID_HEVC;
    int err = !track->parameters ? RTSPREC_ERROR_NO_MEMORY
              : is_h26x          ? make_h26x(track, media)
                                 : make_lav(track, media);
    bool is_refused = false;
    if (err == 0) {
        err = rtsp_session_setup(source->session, media, error);
        is_refused = err == 1;
    } else if (err == RTSPREC_ERROR_NO_MEMORY) {
        no_memory(error);
    }
    if (err != 0) {
        track_uninit(track);
        *track = (struct rtp_track){0};
        bool is_sound = media->type == AVMEDIA_TYPE_AUDIO;
        if (is_sound && (is_refused || err == RTSPREC_ERROR_UNSUPPORTED))
            return 0;
        return is_refused ? error->code : err;
    }
    source->base.tracks[source->base.track_count++] = (struct source_track){
        .parameters = track->parameters,
        .time_base = {1, media->clock_rate},
    };
    return 1;
}

static int add_tracks(struct rtsp_source *source, bool wants_audio, struct rtsprec_error *error)
{
    const struct sdp *sdp = rtsp_session_sdp(source->session);
    for (int i = 0; i < sdp->media_count; i++) {
        const struct sdp_media *media = &sdp->media[i];
        bool has_video = source->base.track_count > 0;
        if (media->type != AVMEDIA_TYPE_VIDEO || has_video)
            continue;
        int err = add_track(source, media, error);
        if (err == RTSPREC_ERROR_UNSUPPORTED && error->code != err)
            error_set(error, err, "the camera's video is %.*s, which FFmpeg cannot depacketise",
                      (int)media->encoding.size, media->encoding.data ? media->encoding.data : "");
        if (err < 0)
            return err;
    }
    for (int i = 0; wants_audio && i < sdp->media_count; i++) {
        if (sdp->media[i].type != AVMEDIA_TYPE_AUDIO ||
            source->base.track_count == STREAM_MAX_TRACKS)
            continue;
        int err = add_track(source, &sdp->media[i], error);
        if (err < 0)
            return err;
    }
    if (source->base.track_count == 0 ||
        source->tracks[0].parameters->codec_type != AVMEDIA_TYPE_VIDEO)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "the camera announces no video");
    return 0;
}

/* Packets. */

static void take_rtcp(struct rtp_track *track, const struct rtp_datagram *datagram)
{
    struct rtcp_report report;
    if (!rtcp_parse(&report, datagram->data, datagram->size) || !report.has_sender_report)
        return;
    track->receiver.report_middle = report.ntp_middle;
    track->receiver.report_arrival_us = datagram->arrival_us;
    track->has_report = true;
    track->report_timestamp = report.timestamp;
    track->report_ntp_us = report.ntp_us;
}

static void send_report(struct rtsp_source *source, int index, int64_t now_us)
{
    struct rtp_track *track = &source->tracks[index];
    uint8_t report[RTCP_REPORT_BYTES];
    if (now_us < track->next_report_us)
        return;
    if (track->next_report_us != 0) {
        size_t size = rtcp_write_report(report, &track->receiver, track->own_ssrc, now_us);
        rtsp_session_send_rtcp(source->session, index, report, size);
    }
    track->next_report_us = now_us + REPORT_US;
}

/* Whether a packet is of the track's media: some cameras send others on the same channel. */
static bool is_expected(struct rtp_track *track, const struct rtp_packet *packet)
{
    if (packet->payload_type == track->payload_type) {
        track->foreign_packets = 0;
        return true;
    }
    if (track->foreign_ssrc != packet->ssrc)
        track->foreign_packets = 0;
    track->foreign_ssrc = packet->ssrc;
    if (track->receiver.has_begun || ++track->foreign_packets < FOREIGN_PACKETS)
        return false;
    track->payload_type = packet->payload_type;
    return true;
}

/* A depacketiser's result: 1 with a packet in out, 0 without, or an error. */
static int give(struct rtsp_source *source, int result, struct source_packet *out,
                struct rtsprec_error *error)
{
    int index = source->draining;
    struct rtp_track *track = &source->tracks[index];
    if (result == RTSPREC_ERROR_PROTOCOL) {
        out->lost_frames++;
        return 0;
    }
    if (result <= 0) {
        source->draining = -1;
        return result < 0 ? no_memory(error) : 0;
    }
    out->packet->stream_index = index;
    out->has_report = track->has_report;
    out->report_pts = rtp_receiver_extend(&track->receiver, track->report_timestamp);
    out->report_ntp_us = track->report_ntp_us;
    track->has_report = false;
    return 1;
}

/* What the last packet has left in its depacketiser. */
static int drain(struct rtsp_source *source, struct source_packet *out, struct rtsprec_error *error)
{
    struct rtp_track *track = &source->tracks[source->draining];
    if (track->h26x)
        return give(source,
                    rtp_h26x_push(track->h26x, NULL, 0, false, 0, out->packet, &out->arrival_us),
                    out, error);
    int result = rtp_lav_pull(track->lav, out->packet);
    out->arrival_us = source->taken_us;
    if (result == 1 && out->packet->pts != AV_NOPTS_VALUE)
        out->packet->pts = rtp_receiver_extend(&track->receiver, (uint32_t)out->packet->pts);
    return give(source, result, out, error);
}

/* Gives a datagram to its depacketiser. */
static int take(struct rtsp_source *source, const struct rtp_datagram *datagram,
                struct source_packet *out, struct rtsprec_error *error)
{
    struct rtp_track *track = &source->tracks[datagram->track];
    struct rtp_packet packet;
    if (datagram->is_rtcp || rtp_is_rtcp(datagram->data, datagram->size)) {
        take_rtcp(track, datagram);
        return 0;
    }
    if (!rtp_parse(&packet, datagram->data, datagram->size) || !is_expected(track, &packet))
        return 0;
    int64_t timestamp = 0;
    int missing = rtp_receiver_take(&track->receiver, &packet, datagram->arrival_us, &timestamp);
    out->lost_packets += missing > 0 ? missing : 0;
    send_report(source, datagram->track, datagram->arrival_us);

    source->draining = datagram->track;
    source->taken_us = datagram->arrival_us;
    if (track->h26x)
        return give(source,
                    rtp_h26x_push(track->h26x, &packet, timestamp, missing != 0,
                                  datagram->arrival_us, out->packet, &out->arrival_us),
                    out, error);
    return rtp_lav_push(track->lav, datagram->data, datagram->size) < 0 ? no_memory(error) : 0;
}

static int read_packet(struct source *base, struct source_packet *out, struct rtsprec_error *error)
{
    struct rtsp_source *source = of(base);
    int result = 0;
    while (result == 0) {
        if (source->draining >= 0) {
            result = drain(source, out, error);
            continue;
        }
        struct rtp_datagram datagram;
        int ended = rtsp_session_read(source->session, &datagram, error);
        if (ended)
            return ended;
        result = take(source, &datagram, out, error);
    }
    return result < 0 ? result : 0;
}

static void begin_turn(struct source *base, uint8_t *buffer, bool waits)
{
    rtsp_session_begin_turn(of(base)->session, buffer, waits);
}

static bool end_turn(struct source *base)
{
    return rtsp_session_end_turn(of(base)->session);
}

static const struct source_kind rtsp_source_kind = {
    .read = read_packet,
    .close = close_source,
    .begin_turn = begin_turn,
    .end_turn = end_turn,
};

int rtsp_source_open(struct source **out, const struct source_options *options,
                     struct rtsprec_error *error)
{
    *out = NULL;
    struct rtsp_source *source = calloc(1, sizeof(*source));
    if (!source)
        return no_memory(error);
    source->base.kind = &rtsp_source_kind;
    source->draining = -1;
    int err = rtsp_session_open(&source->session, options, error);
    if (err == 0)
        err = add_tracks(source, options->wants_audio, error);
    if (err == 0)
        err = rtsp_session_play(source->session, error);
    if (err == 0)
        source->base.takes_turns = rtsp_session_takes_turns(source->session);
    if (err < 0)
        close_source(&source->base);
    else
        *out = &source->base;
    return err;
}
