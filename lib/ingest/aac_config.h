/* AudioSpecificConfig (ISO/IEC 14496-3, 1.6.2.1) of AAC that carries its parameters in band. */
#ifndef INGEST_AAC_CONFIG_H
#define INGEST_AAC_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/codec_par.h>

#define AAC_CONFIG_BYTES 2

/*
 * Of what libavformat found out: for HE-AAC, rate and channels of the sound after its extensions,
 * which are signalled implicitly. False when the config has no such rate or channels.
 */
bool aac_config_make(uint8_t config[AAC_CONFIG_BYTES], const AVCodecParameters *parameters);

#endif
