/*
 * What a camera announces in its SDP (RFC 4566), as far as setting up and depacketising need it.
 * Pure.
 */
#ifndef INGEST_SDP_H
#define INGEST_SDP_H

#include <stddef.h>
#include <stdint.h>

#include <libavcodec/codec_id.h>
#include <libavutil/avutil.h>

#include "ingest/text.h"

#define SDP_MAX_MEDIA 16 /* more are ignored */

struct sdp_media {
    enum AVMediaType type;  /* AVMEDIA_TYPE_UNKNOWN: application, metadata, or a backchannel, see
                               sdp_parse(): left alone */
    struct text lines;      /* its lines, from m= to the next m= */
    int payload_type;       /* the first of the m= line */
    struct text encoding;   /* of the rtpmap; {0}: a static payload type */
    int clock_rate;         /* Hz; 90000 for video that does not say, 8000 for sound */
    int channels;           /* of sound, at least 1 */
    enum AVCodecID codec;   /* H264 and HEVC; else NONE: libavformat's depacketisers decide */
    struct text fmtp;       /* its parameters */
    struct text control;    /* {0}: none */
    struct text connection; /* address of c=, its own or the session's, for multicast; {0}: none */
    int port;               /* of the m= line, 0 when there is none */
};

struct sdp {
    struct text session; /* the lines before the first m= */
    struct text control; /* of the session */
    int media_count;
    struct sdp_media media[SDP_MAX_MEDIA];
};

/*
 * Texts point into the SDP, which a NUL ends. Whatever is not understood is passed over.
 *
 * A backchannel (ONVIF Streaming Specification) is sound with a=sendonly. Servers that mean "we
 * only send" by it say so of their video too; then it is none.
 *
 * Returns 0, or RTSPREC_ERROR_PROTOCOL when it has no media.
 */
int sdp_parse(struct sdp *sdp, struct text text);

/*
 * The parameter sets of an H.264 (sprop-parameter-sets) or H.265 (sprop-vps, -sps, -pps) media in
 * Annex B; *out NULL and *size 0 when there are none or one is broken. Allocated with av_malloc()
 * and padded by AV_INPUT_BUFFER_PADDING_SIZE; the caller's.
 *
 * Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int sdp_parameter_sets(uint8_t **out, size_t *size, const struct sdp_media *media);

/*
 * The URL to set a media up, or of the whole session (media NULL): its control against the base URL
 * (Content-Base, Content-Location or the request's) as cameras mean it: absolute, "*" or nothing
 * for the base, else appended to the base with one slash between, behind a query too. An absolute
 * control of the session takes the base's place, as for live555 and libavformat.
 *
 * Returns 0 or RTSPREC_ERROR_PROTOCOL when it does not fit or holds spaces or control characters;
 * out is "" then.
 */
int sdp_control_url(char *out, size_t size, const char *base, const struct sdp *sdp,
                    const struct sdp_media *media);

#endif
