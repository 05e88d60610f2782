/* Puts parameter sets into a key frame, where a file's header says others. */
#ifndef INGEST_IN_BAND_H
#define INGEST_IN_BAND_H

#include <libavcodec/packet.h>

#include "ingest/parameters.h"

/*
 * Puts the current sets in front of an H.264 or H.265 key frame, behind lengths of four bytes as
 * its NAL units are. Frames of other codecs stay as they are. The packet's data may move; on
 * failure it is unchanged.
 *
 * Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int in_band_insert(AVPacket *key_frame, const struct parameters *parameters);

#endif
