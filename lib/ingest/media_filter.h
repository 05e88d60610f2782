/* From the form that a container has packets in to the one in which sources give them. */
#ifndef INGEST_MEDIA_FILTER_H
#define INGEST_MEDIA_FILTER_H

#include <libavcodec/bsf.h>

#include "ingest/nal_lengths.h"

/* Of a track. Zeroed, it lets packets through as they come. */
struct media_filter {
    struct nal_lengths *lengths; /* owned; of H.264 and H.265 */
    AVBSFContext *aac;           /* owned; of AAC with ADTS headers, which it loses */
};

/*
 * parameters: what the container says; what comes out, afterwards: the extradata of H.264 and H.265
 * is their sets in Annex B, AAC has a configuration.
 *
 * Returns 0 or an AVERROR.
 */
int media_filter_open(struct media_filter *filter, AVCodecParameters *parameters,
                      AVRational time_base);
void media_filter_close(struct media_filter *filter);

/*
 * Changes the packet; of its side data only new parameter sets remain. When its sender has begun
 * anew, with other parameters, the filter goes on with these.
 *
 * Returns 1, 0 when nothing is left of it (it was damaged, or the filter wants more),
 * RTSPREC_ERROR_PROTOCOL when it is a frame larger than ACCESS_UNIT_MAX_BYTES, or
 * RTSPREC_ERROR_NO_MEMORY. Only after 1 it is not blank.
 */
int media_filter_run(struct media_filter *filter, AVPacket *packet);

#endif
