/* What a recorder needs of an H.264 or H.265 sequence parameter set. Pure. */
#ifndef INGEST_SPS_H
#define INGEST_SPS_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/nal.h"

struct sps {
    int width, height;  /* pixels, cropping applied */
    int reorder_frames; /* frames that precede another in decoding and follow it in output; -1 when
                           the stream does not say */

    /* As written: not checked against any limit. */
    uint32_t id, chroma_format, luma_depth, chroma_depth;

    int sub_layers; /* of H.265: temporal ones, the first included */
    bool is_temporally_nested;
};

/* Reads a NAL unit of kind NAL_SPS; false when it is broken or has no sane size. */
bool sps_parse(struct sps *sps, enum AVCodecID codec, const struct nal *nal);

#endif
