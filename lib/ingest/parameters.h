/*
 * The codec parameters of the video as they stand at each frame: parameter sets, size,
 * reordering. For codecs other than H.264 and H.265 the size comes from decoding one frame, and of
 * raw video, which does not know it, from the source.
 */
#ifndef INGEST_PARAMETERS_H
#define INGEST_PARAMETERS_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>

struct parameters {
    /* Owned; width 0: not yet known. The extradata of H.264 and H.265 is a record
     * (parameter_record.h). */
    AVCodecParameters *current;
    int reorder_frames; /* see struct sps */
    int announced_width, announced_height;

    uint8_t *sets; /* owned; Annex B, those of H.264 and H.265 that current was made of */
    int sets_size;
};

/*
 * Begins with what the source announces; sets in Annex B are current at once, if they are complete.
 * Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int parameters_init(struct parameters *parameters, const AVCodecParameters *announced);
void parameters_uninit(struct parameters *parameters);

/* Whether a file of one goes on with frames of the other: codec, size and sets. */
bool parameters_are_same(const AVCodecParameters *a, const AVCodecParameters *b);

/* Whether the next key frame is to be decoded, which takes its time. */
bool parameters_want_decoding(const struct parameters *parameters);

/*
 * Looks at a frame: of H.264 and H.265 at the sets that come with it as AV_PKT_DATA_NEW_EXTRADATA,
 * of other codecs at the picture of the first key frame. Repeated sets that say the same change
 * nothing.
 *
 * Returns 1 when current has changed (it is complete then), 0 when it has not, or
 * RTSPREC_ERROR_NO_MEMORY.
 */
int parameters_update(struct parameters *parameters, const AVPacket *frame);

#endif
