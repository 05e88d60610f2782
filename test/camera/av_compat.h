/*
 * The differences between FFmpeg 5, 6, 7 and 8 that matter to the cameras. No other file here asks
 * for a version.
 */
#ifndef CAMERA_AV_COMPAT_H
#define CAMERA_AV_COMPAT_H

#include <stdint.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

/* What an AVIOContext's write callback is given: const since libavformat 61. */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t avio_write_byte;
#else
typedef uint8_t avio_write_byte;
#endif

static inline int codec_channels(const AVCodecParameters *par)
{
#if LIBAVUTIL_VERSION_INT >= AV_VERSION_INT(57, 28, 100)
    return par->ch_layout.nb_channels;
#else
    return par->channels;
#endif
}

#endif
