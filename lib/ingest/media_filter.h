/* From the form that a container has packets in to the one in which sources give them. */
#ifndef INGEST_MEDIA_FILTER_H
#define INGEST_MEDIA_FILTER_H

#include <libavcodec/bsf.h>

/*
 * The filter of a track: H.264 and H.265 with lengths become a byte stream with the parameter sets
 * before each key frame, AAC loses its ADTS headers. *out is NULL when packets are right as they
 * come, else it is freed with av_bsf_free(); its par_out says what comes out, complete.
 *
 * Returns 0 or an AVERROR.
 */
int media_filter_open(AVBSFContext **out, const AVCodecParameters *parameters,
                      AVRational time_base);

/*
 * Changes the packet. When its sender has begun anew, with other parameters, the filter is
 * replaced.
 *
 * Returns 1, 0 when nothing is left of it (it was damaged, or the filter wants more), or an
 * AVERROR.
 */
int media_filter_run(AVBSFContext **filter, AVPacket *packet);

#endif
