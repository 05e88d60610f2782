/*
 * libavformat's depacketisers for all codecs but H.264 and H.265 (and, in a test, as the reference
 * for those): its SDP demuxer over custom I/O, fed RTP packet by RTP packet. One per track.
 */
#ifndef INGEST_RTP_LAV_H
#define INGEST_RTP_LAV_H

#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>

#include "ingest/sdp.h"

struct rtp_lav;

/*
 * For one media of an SDP. Returns 0, RTSPREC_ERROR_UNSUPPORTED when libavformat knows no
 * depacketiser for it, RTSPREC_ERROR_NO_MEMORY.
 */
int rtp_lav_create(struct rtp_lav **out, const struct sdp_media *media);
void rtp_lav_destroy(struct rtp_lav **lav);

/* The depacketiser's; may be incomplete. */
const AVCodecParameters *rtp_lav_parameters(const struct rtp_lav *lav);

/*
 * Takes a whole RTP packet (data is copied); all of the one before is to be pulled first. Returns 0
 * or RTSPREC_ERROR_NO_MEMORY; what cannot be depacketised is left out.
 */
int rtp_lav_push(struct rtp_lav *lav, const uint8_t *data, size_t size);

/*
 * The next packet that is whole: 1, or 0 when there is none. H.264 and H.265 come in pieces, for
 * access_unit.c. Sound and pictures that need no others have the key flag.
 *
 * Its pts is its RTP time (ticks of the clock rate, 32 bits, not extended), or AV_NOPTS_VALUE. Of
 * several units of sound in an RTP packet those behind the first have times that follow from what a
 * unit lasts.
 */
int rtp_lav_pull(struct rtp_lav *lav, AVPacket *out);

#endif
