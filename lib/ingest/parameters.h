/*
 * The codec parameters of the video as they stand at each key frame: parameter sets, size,
 * reordering. For codecs other than H.264 and H.265 the size comes from decoding one frame.
 */
#ifndef INGEST_PARAMETERS_H
#define INGEST_PARAMETERS_H

#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>

struct parameters {
    AVCodecParameters *current; /* owned; width 0: not yet known */
    int reorder_frames;         /* see struct sps */
};

/* Begins with what the SDP says. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
int parameters_init(struct parameters *parameters, const AVCodecParameters *announced);
void parameters_uninit(struct parameters *parameters);

/*
 * Looks at a key frame. Repeated sets that say the same change nothing.
 *
 * Returns 1 when current is complete and is new or has changed, 0 when it has not (or is still
 * incomplete: width 0), RTSPREC_ERROR_NO_MEMORY.
 */
int parameters_update(struct parameters *parameters, const AVPacket *key_frame);

#endif
