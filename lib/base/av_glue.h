/* What differs between FFmpeg 5.1 and 8: the only place with conditions on its version. */
#ifndef BASE_AV_GLUE_H
#define BASE_AV_GLUE_H

#include <stdint.h>

#include <libavcodec/avcodec.h>
#include <libavformat/version.h>
#include <libavutil/macros.h>

/* avio's write callback takes const data from libavformat 61 on (FFmpeg 7). */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
#define AV_GLUE_WRITE_DATA const uint8_t
#else
#define AV_GLUE_WRITE_DATA uint8_t
#endif

/* Named FF_PROFILE_… before libavcodec 60.31 (FFmpeg 6.1). */
#ifndef AV_PROFILE_AAC_LOW
#define AV_PROFILE_UNKNOWN   FF_PROFILE_UNKNOWN
#define AV_PROFILE_AAC_MAIN  FF_PROFILE_AAC_MAIN
#define AV_PROFILE_AAC_LOW   FF_PROFILE_AAC_LOW
#define AV_PROFILE_AAC_LTP   FF_PROFILE_AAC_LTP
#define AV_PROFILE_AAC_HE    FF_PROFILE_AAC_HE
#define AV_PROFILE_AAC_HE_V2 FF_PROFILE_AAC_HE_V2
#endif

/* The libraries of one FFmpeg have the same number since 5.0. */
#define AV_GLUE_DEVICE_LIBRARY "libavdevice.so." AV_STRINGIFY(LIBAVFORMAT_VERSION_MAJOR)

#endif
