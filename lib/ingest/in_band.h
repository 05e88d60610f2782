/* Puts parameter sets into a key frame, where a file's header says others. */
#ifndef INGEST_IN_BAND_H
#define INGEST_IN_BAND_H

#include <libavcodec/packet.h>

#include "ingest/parameters.h"

/*
 * Puts the current sets in front of an H.264 or H.265 key frame, in the form its NAL units have:
 * start codes, or lengths of four bytes. One that has sets of its own stays as it is, and so do
 * frames of other codecs. The packet's data may move; on failure it is unchanged.
 *
 * Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int in_band_insert(AVPacket *key_frame, const struct parameters *parameters);

#endif
