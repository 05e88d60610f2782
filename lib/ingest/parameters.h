/*
 * The codec parameters of the video as they stand at each key frame: parameter sets, size,
 * reordering. For codecs other than H.264 and H.265 the size comes from decoding one frame, and of
 * raw video, which does not know it, from the source.
 */
#ifndef INGEST_PARAMETERS_H
#define INGEST_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavcodec/codec_par.h>
#include <libavcodec/packet.h>

struct parameters {
    /* Owned; width 0: not yet known. The extradata of H.264 and H.265 is their sets in Annex B, or,
     * when frames are length-prefixed, a record (parameter_record.h). */
    AVCodecParameters *current;
    int reorder_frames; /* see struct sps */
    int announced_width, announced_height;

    bool is_length_prefixed;
    bool is_told;  /* current was returned as new */
    uint8_t *sets; /* owned; Annex B, the sets of current */
    int sets_size;
};

/*
 * Begins with what the SDP says; its sets in Annex B. Of length-prefixed streams they are current
 * at once, if they are complete. Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int parameters_init(struct parameters *parameters, const AVCodecParameters *announced,
                    bool is_length_prefixed);
void parameters_uninit(struct parameters *parameters);

/*
 * Looks at a key frame: at the sets within it, or, of a length-prefixed one, at those that come
 * with it as AV_PKT_DATA_NEW_EXTRADATA. Repeated sets that say the same change nothing.
 *
 * Returns 1 when current is complete and is new or has changed, 0 when it has not (or is still
 * incomplete: width 0), RTSPREC_ERROR_NO_MEMORY.
 */
int parameters_update(struct parameters *parameters, const AVPacket *key_frame);

/* The same for all sets of an H.264 or H.265 stream, in Annex B, when they come apart from a key
 * frame. */
int parameters_take_sets(struct parameters *parameters, const uint8_t *sets, size_t size);

#endif
