/*
 * The description of a clip as an RTSP camera gives it.
 */
#ifndef CAMERA_SDP_H
#define CAMERA_SDP_H

#include <stddef.h>

#include "clip.h"

/**
 * Writes the SDP of @p clip; its tracks are called streamid=0, streamid=1 in the clip's order.
 *
 * @return 0 or a negative AVERROR
 */
int sdp_write(const struct clip *clip, char *out, size_t size);

/** The payload type of medium @p index in @p sdp; -1 when there is no such medium. */
int sdp_payload_type(const char *sdp, int index);

/** The RTP clock of medium @p index in @p sdp, ticks a second. */
int sdp_clock_rate(const char *sdp, int index);

#endif
