/*
 * Frames of H.264 and H.265 as libavformat gives them -> the form in which all sources give them,
 * which is that of rtp_h26x.h: NAL units behind lengths of four bytes, without parameter sets
 * (announced beside the frame before which one changed), delimiters and filler.
 */
#ifndef INGEST_NAL_LENGTHS_H
#define INGEST_NAL_LENGTHS_H

#include <libavcodec/packet.h>

#include "ingest/parameter_sets.h"

struct nal_lengths {
    struct parameter_sets sets; /* as they stand */
    int length_bytes;           /* of the lengths in what comes; 0: it has start codes */
};

/*
 * extradata: Annex B, or a record (parameter_record.h), which says that frames have lengths; NULL:
 * neither. Its sets are not announced. Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int nal_lengths_init(struct nal_lengths *lengths, enum AVCodecID codec, const uint8_t *extradata,
                     size_t size);
void nal_lengths_uninit(struct nal_lengths *lengths);

/* The sender has begun anew with this extradata. Returns 0 or RTSPREC_ERROR_NO_MEMORY: then the old
 * holds. */
int nal_lengths_renew(struct nal_lengths *lengths, const uint8_t *extradata, size_t size);

/*
 * Changes the frame; one that is right already keeps its data.
 *
 * Returns 1; 0 when nothing is left of it, or a length in it is wrong; RTSPREC_ERROR_PROTOCOL when
 * it is larger than ACCESS_UNIT_MAX_BYTES; RTSPREC_ERROR_NO_MEMORY. Only after 1 it is not blank.
 */
int nal_lengths_apply(struct nal_lengths *lengths, AVPacket *frame);

#endif
