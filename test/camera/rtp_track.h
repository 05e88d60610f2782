/*
 * One track of one session: access units in, RTP and RTCP packets out. libavformat's rtp muxer cuts
 * the packets and writes the sender reports; here they get the RTP times that the camera announced.
 */
#ifndef CAMERA_RTP_TRACK_H
#define CAMERA_RTP_TRACK_H

#include <stddef.h>
#include <stdint.h>

#include "clip.h"
#include "served_log.h"

/** Where the packets go. */
struct rtp_sink {
    /** Sends one packet; a negative result means that it is lost. */
    int (*send)(void *user, int is_rtcp, const uint8_t *packet, size_t size);
    /** All packets of the unit were sent. */
    void (*served)(void *user, const struct served_unit *unit);
    void *user;
};

/** What a session announces before the first packet. */
struct rtp_start {
    int payload_type;
    uint32_t ssrc;
    uint16_t sequence; /**< of the first packet */
    uint32_t time;     /**< RTP time of media time 0 */
};

/** How the packets' times differ from the truth. */
struct rtp_warp {
    int64_t jump_us;     /**< added to the RTP time of a unit and of the reports after it */
    int64_t ntp_step_us; /**< added to the wall-clock time in the reports */
    int64_t reports_us;  /**< between sender reports; 0: as libavformat does, -1: none */
};

struct rtp_track;

/**
 * Media time 0 is now, as the sender reports will say.
 *
 * @return 0 or a negative AVERROR
 */
int rtp_track_open(struct rtp_track **out, const AVCodecParameters *par,
                   const struct rtp_start *start, const struct rtp_sink *sink);

/** Frees *track and sets it to NULL; NULL is ignored. What is not sent yet is not sent. */
void rtp_track_close(struct rtp_track **track);

/**
 * Sends @p unit, or, where the muxer gathers audio, the one before it.
 *
 * @param served   what to report to sink.served; its pts_us is the unit's media time
 * @param send_us  media time at which it is sent, increasing
 * @return 0 or a negative AVERROR
 */
int rtp_track_write(struct rtp_track *track, const struct clip_unit *unit,
                    const struct served_unit *served, int64_t send_us, const struct rtp_warp *warp);

#endif
