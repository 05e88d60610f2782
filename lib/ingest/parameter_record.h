/*
 * The configuration records that mp4 and mkv keep of H.264 (avcC) and H.265 (hvcC), ISO/IEC
 * 14496-15, made from parameter sets: what tells libavformat's muxers that NAL units are
 * length-prefixed. Lengths have four bytes. Pure.
 */
#ifndef INGEST_PARAMETER_RECORD_H
#define INGEST_PARAMETER_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include <libavcodec/codec_id.h>

/*
 * sets: all parameter sets in Annex B. Allocated with av_malloc(), padded by
 * AV_INPUT_BUFFER_PADDING_SIZE; the caller's.
 *
 * Returns 0, RTSPREC_ERROR_PROTOCOL when a kind of set is missing or broken, or
 * RTSPREC_ERROR_NO_MEMORY.
 */
int parameter_record_make(uint8_t **out, size_t *size, enum AVCodecID codec, const uint8_t *sets,
                          size_t sets_size);

#endif
