/*
 * A fingerprint of an access unit that survives its way through a camera, a recorder and a
 * container.
 */
#ifndef CAMERA_AU_HASH_H
#define CAMERA_AU_HASH_H

#include <stddef.h>
#include <stdint.h>

#include <libavcodec/codec_id.h>

/**
 * 64-bit FNV-1a.
 *
 * H.264 and H.265: over the NAL units, each preceded by one byte 1 that keeps their borders apart,
 * without start code or length, without trailing zero bytes, and without parameter sets and access
 * unit delimiters: containers and recorders add, move and drop those. Other codecs: over all bytes.
 *
 * @param nal_length_size  bytes of the length before each NAL unit; 0: Annex B start codes
 */
uint64_t au_hash(enum AVCodecID codec, const uint8_t *data, size_t size, int nal_length_size);

/**
 * The length of the NAL units' length fields that @p extradata (avcC, hvcC) declares; 0 when it
 * declares none, which means Annex B.
 */
int au_nal_length_size(enum AVCodecID codec, const uint8_t *extradata, size_t size);

#endif
