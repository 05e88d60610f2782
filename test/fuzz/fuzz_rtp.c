/*
 * What a camera sends as RTP and RTCP, on its way to frames and codec parameters. The first byte of
 * the input holds flags; then come datagrams, each behind its size in two bytes. The first datagram
 * may be the parameter sets of the SDP.
 */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/intreadwrite.h>

#include <rtsprec/error.h>

#include "ingest/access_unit.h"
#include "ingest/parameters.h"
#include "ingest/rtp_h26x.h"
#include "ingest/rtp_reorder.h"

enum { IS_HEVC = 1, HAS_DONL = 2, IS_UDP = 4, HAS_SETS = 8 };

#define STEP_US     INT64_C(10000)
#define MAX_WAIT_US INT64_C(50000)

struct track {
    struct rtp_receiver receiver;
    struct rtp_h26x *h26x;
    struct parameters parameters;
    AVPacket *frame;
    int64_t arrival_us; /* of the datagram before */
};

static void open_track(struct track *track, uint8_t flags, const uint8_t *sets, size_t size)
{
    enum AVCodecID codec = flags & IS_HEVC ? AV_CODEC_ID_HEVC : AV_CODEC_ID_H264;
    AVCodecParameters *announced = avcodec_parameters_alloc();
    *track = (struct track){.receiver.clock_rate = 90000, .frame = av_packet_alloc()};
    FUZZ_REQUIRE(announced && track->frame);
    announced->codec_type = AVMEDIA_TYPE_VIDEO;
    announced->codec_id = codec;
    if (size) {
        announced->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
        FUZZ_REQUIRE(announced->extradata);
        memcpy(announced->extradata, sets, size);
        announced->extradata_size = (int)size;
    }
    FUZZ_REQUIRE(parameters_init(&track->parameters, announced) == 0);
    FUZZ_REQUIRE(rtp_h26x_create(&track->h26x, codec, sets, size, flags & HAS_DONL) == 0);
    avcodec_parameters_free(&announced);
}

static void close_track(struct track *track)
{
    uint8_t report[RTCP_REPORT_BYTES];
    FUZZ_REQUIRE(rtcp_write_report(report, &track->receiver, 1, track->arrival_us) <=
                 sizeof(report));
    rtp_h26x_destroy(&track->h26x);
    parameters_uninit(&track->parameters);
    av_packet_free(&track->frame);
}

/* NAL units with their lengths before them, and padding. */
static void check_frame(const AVPacket *frame)
{
    FUZZ_REQUIRE(frame->size > 4 && frame->size <= ACCESS_UNIT_MAX_BYTES);
    const uint8_t *next = frame->data, *end = frame->data + frame->size;
    while (next < end) {
        FUZZ_REQUIRE(end - next > 4);
        uint32_t size = AV_RB32(next);
        FUZZ_REQUIRE(size > 0 && size <= (size_t)(end - next) - 4);
        next += 4 + size;
    }
    for (int i = 0; i < AV_INPUT_BUFFER_PADDING_SIZE; i++)
        FUZZ_REQUIRE(end[i] == 0);
}

static void take_frame(struct track *track)
{
    check_frame(track->frame);
    size_t size;
    if (track->frame->flags & AV_PKT_FLAG_KEY ||
        av_packet_get_side_data(track->frame, AV_PKT_DATA_NEW_EXTRADATA, &size)) {
        int result = parameters_update(&track->parameters, track->frame);
        FUZZ_REQUIRE(result == 0 || result == 1);
        const AVCodecParameters *current = track->parameters.current;
        FUZZ_REQUIRE(result == 0 || (current->width > 0 && current->height > 0 &&
                                     current->extradata_size > 0 && current->extradata[0] == 1));
    }
    av_packet_unref(track->frame);
}

static void take_rtp(struct track *track, const struct rtp_packet *packet, int64_t arrival_us)
{
    int64_t timestamp, frame_arrival_us;
    int lost = rtp_receiver_take(&track->receiver, packet, arrival_us, &timestamp);
    FUZZ_REQUIRE(lost >= -1 && lost < 65536);
    int result = rtp_h26x_push(track->h26x, packet, timestamp, lost != 0, arrival_us, track->frame,
                               &frame_arrival_us);
    for (int i = 0; result != 0; i++) {
        FUZZ_REQUIRE(result == 1 || result == RTSPREC_ERROR_PROTOCOL);
        FUZZ_REQUIRE(i < 2);
        if (result == 1) {
            FUZZ_REQUIRE(frame_arrival_us >= 0 && frame_arrival_us <= arrival_us);
            take_frame(track);
        }
        result = rtp_h26x_push(track->h26x, NULL, 0, false, 0, track->frame, &frame_arrival_us);
    }
}

/* Takes a datagram, or an interleaved frame. */
static void take(struct track *track, const uint8_t *data, size_t size, int64_t arrival_us)
{
    struct rtp_packet packet;
    struct rtcp_report report;
    FUZZ_REQUIRE(arrival_us >= track->arrival_us);
    track->arrival_us = arrival_us;
    if (rtp_is_rtcp(data, size)) {
        if (rtcp_parse(&report, data, size) && report.has_sender_report) {
            track->receiver.report_middle = report.ntp_middle;
            track->receiver.report_arrival_us = arrival_us;
        }
        return;
    }
    if (!rtp_parse(&packet, data, size))
        return;
    FUZZ_REQUIRE(packet.payload >= data && packet.payload + packet.size <= data + size);
    FUZZ_REQUIRE(packet.payload_type >= 0 && packet.payload_type <= 127);
    take_rtp(track, &packet, arrival_us);
}

static void pull(struct track *track, struct rtp_reorder *reorder, int64_t now_us)
{
    const uint8_t *data;
    size_t size;
    int64_t arrival_us;
    struct rtp_packet packet;
    while (rtp_reorder_pull(reorder, now_us, &data, &size, &arrival_us)) {
        FUZZ_REQUIRE(rtp_parse(&packet, data, size) && arrival_us <= now_us);
        take(track, data, size, now_us);
    }
    FUZZ_REQUIRE(rtp_reorder_deadline_us(reorder) > now_us);
}

/* Takes a datagram off the input, in a block of exactly its size; false when there is none. */
static bool take_datagram(uint8_t **out, size_t *out_size, const uint8_t **data, size_t *size)
{
    if (*size < 2)
        return false;
    size_t length = AV_RB16(*data);
    *out_size = length < *size - 2 ? length : *size - 2;
    *out = malloc(*out_size ? *out_size : 1);
    FUZZ_REQUIRE(*out);
    memcpy(*out, *data + 2, *out_size);
    *data += 2 + *out_size;
    *size -= 2 + *out_size;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    uint8_t flags = *data++, *datagram = NULL;
    size--;
    size_t length = 0;
    struct track track;
    struct rtp_reorder *reorder;
    FUZZ_REQUIRE(rtp_reorder_create(&reorder, MAX_WAIT_US) == 0);
    if (flags & HAS_SETS && take_datagram(&datagram, &length, &data, &size)) {
        open_track(&track, flags, datagram, length);
        free(datagram);
    } else {
        open_track(&track, flags, NULL, 0);
    }
    int64_t now_us = 0;
    for (; take_datagram(&datagram, &length, &data, &size); now_us += STEP_US) {
        if (!(flags & IS_UDP) || rtp_is_rtcp(datagram, length)) {
            take(&track, datagram, length, now_us);
        } else {
            FUZZ_REQUIRE(rtp_reorder_push(reorder, datagram, length, now_us) == 0);
            pull(&track, reorder, now_us);
        }
        free(datagram);
    }
    pull(&track, reorder, now_us + MAX_WAIT_US);
    FUZZ_REQUIRE(rtp_reorder_deadline_us(reorder) == INT64_MAX);
    rtp_reorder_destroy(&reorder);
    close_track(&track);
    return 0;
}
