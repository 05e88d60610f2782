/* RTP and RTCP packets, RFC 3550. Pure: bytes in, meaning out. */
#ifndef INGEST_RTP_H
#define INGEST_RTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rtp_packet {
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    int payload_type;
    bool marker;
    const uint8_t *payload; /* without header, extension and padding */
    size_t size;
};

/* False when the bytes are no RTP packet. */
bool rtp_parse(struct rtp_packet *packet, const uint8_t *data, size_t size);

/* Whether a packet on an RTP channel or port is RTCP (payload types 72 to 79 with the marker). */
bool rtp_is_rtcp(const uint8_t *data, size_t size);

struct rtcp_report {
    bool has_sender_report; /* with a time: a sender without a clock writes 0 */
    bool has_bye;
    uint32_t ssrc;
    int64_t ntp_us;      /* Unix time, µs: what the camera's clock says */
    uint32_t timestamp;  /* the RTP time at that moment */
    uint32_t ntp_middle; /* the middle 32 bits, for the receiver report's LSR */
};

/* Looks through a compound packet; false when it is none. What is cut off at its end is ignored. */
bool rtcp_parse(struct rtcp_report *report, const uint8_t *data, size_t size);

/* What is known of a track's sender, for timestamps and for receiver reports. {0} at first. */
struct rtp_receiver {
    uint32_t clock_rate; /* Hz; the owner's to set */

    /* The latest sender report; the owner's to set from struct rtcp_report. */
    uint32_t report_middle;
    int64_t report_arrival_us;

    bool has_begun;
    uint32_t ssrc;
    int64_t sequence;  /* the highest, extended over wraps */
    int64_t timestamp; /* the latest, extended over wraps */

    /* Packets since the source began, and as far as they stood in the last report. */
    int64_t first_sequence, received, lost, reported_expected, reported_received;
    uint32_t jitter; /* 1/16 of a tick */
    int64_t last_transit;
};

/*
 * Takes the next packet in order. Returns how many packets are missing between it and the one
 * before: 0, or more; -1 when the source began anew (another SSRC, or a sequence number that does
 * not follow: not higher, or higher by 3000). *timestamp is the extended RTP time; it goes on over
 * wraps, also of times that step backwards a little (B-frames).
 */
int rtp_receiver_take(struct rtp_receiver *receiver, const struct rtp_packet *packet,
                      int64_t arrival_us, int64_t *timestamp);

/* The extended time of a sender report's timestamp; means something once a packet was taken. */
int64_t rtp_receiver_extend(const struct rtp_receiver *receiver, uint32_t timestamp);

/* Writes a receiver report (empty before the first packet) and an SDES with a CNAME; returns its
 * size. */
#define RTCP_REPORT_BYTES 64
size_t rtcp_write_report(uint8_t out[RTCP_REPORT_BYTES], struct rtp_receiver *receiver,
                         uint32_t own_ssrc, int64_t now_us);

#endif
