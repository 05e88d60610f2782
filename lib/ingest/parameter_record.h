/*
 * The configuration records that mp4 and mkv keep of H.264 (avcC) and H.265 (hvcC), ISO/IEC
 * 14496-15, made from parameter sets: what tells libavformat's muxers that NAL units are
 * length-prefixed. Pure.
 */
#ifndef INGEST_PARAMETER_RECORD_H
#define INGEST_PARAMETER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavcodec/codec_id.h>

#include "ingest/parameter_sets.h"

/*
 * sets: all parameter sets in Annex B. The record, which says lengths of four bytes, is allocated
 * with av_malloc(), padded by AV_INPUT_BUFFER_PADDING_SIZE; the caller's.
 *
 * Returns 0, RTSPREC_ERROR_PROTOCOL when a kind of set is missing or broken, or
 * RTSPREC_ERROR_NO_MEMORY.
 */
int parameter_record_make(uint8_t **out, size_t *size, enum AVCodecID codec, const uint8_t *sets,
                          size_t sets_size);

/* Whether extradata is a record rather than Annex B; data may be NULL. */
bool parameter_record_is(enum AVCodecID codec, const uint8_t *data, size_t size);

/*
 * Takes the sets of a record of sets->codec, up to where it is damaged, and says how long lengths
 * are. Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int parameter_record_read(struct parameter_sets *sets, int *length_bytes, const uint8_t *data,
                          size_t size);

#endif
