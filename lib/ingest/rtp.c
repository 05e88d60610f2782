#include "ingest/rtp.h"

#include <stdio.h>
#include <string.h>

#include <libavutil/common.h>
#include <libavutil/intreadwrite.h>

enum {
    RTP_HEADER_BYTES = 12,
    RTCP_HEADER_BYTES = 8, /* with the SSRC that follows in every kind used here */
    SENDER_REPORT = 200,
    RECEIVER_REPORT = 201,
    SOURCE_DESCRIPTION = 202,
    BYE = 203,
    LAST_RTCP_TYPE = 207, /* extended reports, RFC 3611 */
    CNAME = 1,
    MAX_DROPOUT = 3000, /* RFC 3550, A.1: a larger step is no loss but another sequence */
};

/* Seconds from 1900, where NTP counts from, to 1970; and the length of its eras, the second of
 * which begins in 2036. */
#define NTP_UNIX_SECONDS INT64_C(2208988800)
#define NTP_ERA_SECONDS  (INT64_C(1) << 32)

bool rtp_parse(struct rtp_packet *packet, const uint8_t *data, size_t size)
{
    if (size < RTP_HEADER_BYTES || data[0] >> 6 != 2)
        return false;
    size_t header = RTP_HEADER_BYTES + 4 * (size_t)(data[0] & 0x0f);
    if (data[0] & 0x10) {
        if (size < header + 4)
            return false;
        header += 4 + 4 * (size_t)AV_RB16(data + header + 2);
    }
    if (size < header)
        return false;
    /* A number of padding bytes that cannot be is none: the bit was set in error. */
    if ((data[0] & 0x20) && data[size - 1] <= size - header)
        size -= data[size - 1];
    *packet = (struct rtp_packet){
        .sequence = AV_RB16(data + 2),
        .timestamp = AV_RB32(data + 4),
        .ssrc = AV_RB32(data + 8),
        .payload_type = data[1] & 0x7f,
        .marker = data[1] & 0x80,
        .payload = data + header,
        .size = size - header,
    };
    return true;
}

bool rtp_is_rtcp(const uint8_t *data, size_t size)
{
    return size >= RTCP_HEADER_BYTES && data[0] >> 6 == 2 && data[1] >= SENDER_REPORT &&
           data[1] <= LAST_RTCP_TYPE;
}

static void read_sender_report(struct rtcp_report *report, const uint8_t *data)
{
    uint64_t ntp = AV_RB64(data + 8);
    report->ssrc = AV_RB32(data + 4);
    if (ntp == 0) /* a sender without a clock */
        return;
    int64_t seconds = (int64_t)(ntp >> 32);
    if (seconds < NTP_ERA_SECONDS / 2)
        seconds += NTP_ERA_SECONDS;
    report->has_sender_report = true;
    report->ntp_us = (seconds - NTP_UNIX_SECONDS) * 1000000 +
                     (int64_t)(((ntp & UINT32_MAX) * 1000000 + (UINT32_C(1) << 31)) >> 32);
    report->ntp_middle = (uint32_t)(ntp >> 16);
    report->timestamp = AV_RB32(data + 16);
}

bool rtcp_parse(struct rtcp_report *report, const uint8_t *data, size_t size)
{
    *report = (struct rtcp_report){.has_bye = false};
    if (!rtp_is_rtcp(data, size))
        return false;
    report->ssrc = AV_RB32(data + 4);
    while (size >= 4 && data[0] >> 6 == 2) {
        size_t length = 4 * ((size_t)AV_RB16(data + 2) + 1);
        if (length > size)
            break;
        if (data[1] == SENDER_REPORT && length >= 28)
            read_sender_report(report, data);
        report->has_bye |= data[1] == BYE;
        data += length;
        size -= length;
    }
    return true;
}

int64_t rtp_receiver_extend(const struct rtp_receiver *receiver, uint32_t timestamp)
{
    return receiver->timestamp + (int32_t)(timestamp - (uint32_t)receiver->timestamp);
}

static void begin(struct rtp_receiver *receiver, const struct rtp_packet *packet)
{
    if (!receiver->has_begun)
        receiver->timestamp = packet->timestamp;
    receiver->has_begun = true;
    receiver->ssrc = packet->ssrc;
    receiver->first_sequence = receiver->sequence = packet->sequence;
    receiver->received = receiver->lost = 0;
    receiver->reported_expected = receiver->reported_received = 0;
    receiver->report_middle = 0;
    receiver->jitter = 0;
}

/* RFC 3550, A.8. Its unit is 1/16 of the clock's ticks. */
static void measure_jitter(struct rtp_receiver *receiver, int64_t arrival_us)
{
    int64_t rate = receiver->clock_rate;
    int64_t arrival = arrival_us / 1000000 * rate + arrival_us % 1000000 * rate / 1000000;
    int64_t transit = arrival - receiver->timestamp, step = transit - receiver->last_transit;
    receiver->last_transit = transit;
    if (receiver->received == 1 || rate == 0)
        return;
    /* A jump of the clock shall not fill the number. */
    uint32_t distance = (uint32_t)FFMIN(FFABS(step), rate);
    receiver->jitter += distance - ((receiver->jitter + 8) >> 4);
}

int rtp_receiver_take(struct rtp_receiver *receiver, const struct rtp_packet *packet,
                      int64_t arrival_us, int64_t *timestamp)
{
    int result = 0;
    int step = (int16_t)(packet->sequence - (uint16_t)receiver->sequence);
    if (!receiver->has_begun) {
        begin(receiver, packet);
    } else if (packet->ssrc != receiver->ssrc || step <= 0 || step >= MAX_DROPOUT) {
        begin(receiver, packet);
        result = -1;
    } else {
        result = step - 1;
        receiver->sequence += step;
        receiver->lost += result;
    }
    receiver->received++;
    receiver->timestamp = *timestamp = rtp_receiver_extend(receiver, packet->timestamp);
    measure_jitter(receiver, arrival_us);
    return result;
}

static size_t write_report_block(uint8_t *out, struct rtp_receiver *receiver, int64_t now_us)
{
    int64_t expected = receiver->sequence - receiver->first_sequence + 1;
    int64_t new_expected = expected - receiver->reported_expected;
    int64_t new_lost = new_expected - (receiver->received - receiver->reported_received);
    receiver->reported_expected = expected;
    receiver->reported_received = receiver->received;

    AV_WB32(out, receiver->ssrc);
    out[4] = new_expected > 0 ? (uint8_t)(FFMIN(new_lost * 256 / new_expected, 255)) : 0;
    AV_WB24(out + 5, (uint32_t)FFMIN(receiver->lost, 0x7fffff));
    AV_WB32(out + 8, (uint32_t)receiver->sequence);
    AV_WB32(out + 12, receiver->jitter >> 4);
    AV_WB32(out + 16, receiver->report_middle);
    int64_t since_us = receiver->report_middle ? now_us - receiver->report_arrival_us : 0;
    AV_WB32(out + 20, (uint32_t)(FFMIN(since_us, INT64_C(3600000000)) * 65536 / 1000000));
    return 24;
}

size_t rtcp_write_report(uint8_t out[RTCP_REPORT_BYTES], struct rtp_receiver *receiver,
                         uint32_t own_ssrc, int64_t now_us)
{
    memset(out, 0, RTCP_REPORT_BYTES);
    size_t size = 8;
    if (receiver->has_begun)
        size += write_report_block(out + size, receiver, now_us);
    out[0] = (uint8_t)(2 << 6 | receiver->has_begun);
    out[1] = RECEIVER_REPORT;
    AV_WB16(out + 2, (uint16_t)(size / 4 - 1));
    AV_WB32(out + 4, own_ssrc);

    char name[20];
    int length = snprintf(name, sizeof(name), "rtsprec-%08x", (unsigned)own_ssrc);
    uint8_t *description = out + size;
    /* Header, SSRC, the item, and at least one zero byte up to a whole word. */
    size_t description_size = (8 + 2 + (size_t)length + 4) / 4 * 4;
    description[0] = 2 << 6 | 1;
    description[1] = SOURCE_DESCRIPTION;
    AV_WB16(description + 2, (uint16_t)(description_size / 4 - 1));
    AV_WB32(description + 4, own_ssrc);
    description[8] = CNAME;
    description[9] = (uint8_t)length;
    memcpy(description + 10, name, (size_t)length);
    return size + description_size;
}
