/* The containers that segments can be: their names, and what they hold. Pure. */
#ifndef SEGMENT_CONTAINER_H
#define SEGMENT_CONTAINER_H

#include <stdbool.h>

#include <libavcodec/codec_par.h>

#include <rtsprec/camera.h>

/* libavformat's name of its muxer. */
const char *container_muxer(enum rtsprec_container container);

/* The usual file name extension, without the dot. */
const char *container_extension(enum rtsprec_container container);

/* Whether it takes a track; for sound that is tried on a header. */
bool container_accepts(enum rtsprec_container container, const AVCodecParameters *parameters);

#endif
