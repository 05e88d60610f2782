/*
 * A session with a camera, RFC 2326: connect, OPTIONS, DESCRIBE, a SETUP for each wanted media,
 * PLAY, keep-alives, TEARDOWN. Gives RTP and RTCP packets; what they hold is rtp_source.c's.
 *
 * Every call ends with the deadline or the stop of the options' cancel. Whatever comes from the
 * wire is bounded. Credentials go to the configured host only, and never into a message.
 */
#ifndef INGEST_RTSP_SESSION_H
#define INGEST_RTSP_SESSION_H

#include "ingest/rtp_udp.h"
#include "ingest/sdp.h"
#include "ingest/source.h"

struct rtsp_session;

/* Connects and asks what there is. What the options point to needs to stay. */
int rtsp_session_open(struct rtsp_session **out, const struct source_options *options,
                      struct rtsprec_error *error);

/* What the camera offers; the session's. */
const struct sdp *rtsp_session_sdp(const struct rtsp_session *session);

/* Sets a media up; tracks count from 0 in this order. Returns 0; 1 when the camera refuses it,
 * which the error tells, and the session can go on without it; or an error. */
int rtsp_session_setup(struct rtsp_session *session, const struct sdp_media *media,
                       struct rtsprec_error *error);

/* Asks for the media. That the camera refuses may be told by the first reads: media can come before
 * the reply. */
int rtsp_session_play(struct rtsp_session *session, struct rtsprec_error *error);

/*
 * Whether it can be read without waiting: its packets come over the connection, and in clear. A
 * turn takes what has come, or what comes in 50 ms if it waits, through a lent buffer of
 * SOURCE_TURN_BYTES; its end returns whether there may be more than a turn takes.
 */
bool rtsp_session_takes_turns(const struct rtsp_session *session);
void rtsp_session_begin_turn(struct rtsp_session *session, uint8_t *buffer, bool waits);
bool rtsp_session_end_turn(struct rtsp_session *session);

/* Waits for the next packet, valid until the next call. Returns 0 or an error; in a turn it
 * returns 1 when there is nothing more in it. */
int rtsp_session_read(struct rtsp_session *session, struct rtp_datagram *out,
                      struct rtsprec_error *error);

/* Sends RTCP on a track; a failure shows with the next read. */
void rtsp_session_send_rtcp(struct rtsp_session *session, int track, const uint8_t *data,
                            size_t size);

/* Tears the session down within half a second and frees it; NULL is ignored. */
void rtsp_session_close(struct rtsp_session **session);

#endif
