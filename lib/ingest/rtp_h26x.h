/*
 * H.264 (RFC 6184) and H.265 (RFC 7798) depacketiser, straight to length-prefixed NAL units:
 * payload bytes are copied once, into the frame's packet, and no start code is searched or written.
 *
 * A frame is whole with its marker bit; for cameras that set none, or set it on every NAL unit,
 * when the next time begins. (Markers are believed once the slice behind one had another time, so
 * the first frame waits for the next; a camera that is caught continuing a frame behind a marker is
 * never believed again. Markers before any slice of a frame mean nothing.)
 *
 * Parameter sets are taken out of the stream: identical ones leave no trace, a frame before which
 * one changed carries all of them as AV_PKT_DATA_NEW_EXTRADATA, in Annex B (also when that is the
 * first frame and the SDP said something else). So are access unit delimiters, end-of-sequence and
 * filler NAL units (nal_kind_is_left_out()).
 *
 * The buffer of a frame begins with a little more than the last frames needed, those from which
 * decoding can begin apart from others, and ends with at most a quarter too much: it lives on in
 * queues.
 */
#ifndef INGEST_RTP_H26X_H
#define INGEST_RTP_H26X_H

#include <stdbool.h>

#include <libavcodec/codec_id.h>
#include <libavcodec/packet.h>

#include "ingest/rtp.h"

struct rtp_h26x;

/* sets: what the SDP says, Annex B, may be NULL. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
int rtp_h26x_create(struct rtp_h26x **out, enum AVCodecID codec, const uint8_t *sets, size_t size,
                    bool has_donl);
void rtp_h26x_destroy(struct rtp_h26x **h26x);

/*
 * Takes a packet whose extended time is timestamp; lost says that packets are missing before it. A
 * frame of which pieces are missing keeps its whole NAL units and is marked AV_PKT_FLAG_CORRUPT;
 * one that begins with its first slice behind a loss is taken for whole.
 *
 * Returns 1 when *out is a frame (pts is its extended RTP time; key flag for pictures from which
 * decoding can begin: IDR, CRA, BLA, and H.264 recovery points with recovery_frame_cnt 0;
 * arrival_us is that of its first packet), 0 without one, RTSPREC_ERROR_NO_MEMORY, or
 * RTSPREC_ERROR_PROTOCOL when a frame was larger than ACCESS_UNIT_MAX_BYTES and is dropped. After 1
 * and after RTSPREC_ERROR_PROTOCOL it is to be called again with packet NULL until it returns 0:
 * the same packet may have ended one frame and be the whole of the next.
 */
int rtp_h26x_push(struct rtp_h26x *h26x, const struct rtp_packet *packet, int64_t timestamp,
                  bool lost, int64_t arrival_us, AVPacket *out, int64_t *out_arrival_us);

#endif
