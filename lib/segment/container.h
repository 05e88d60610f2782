/* The containers that segments can be: their names, and what they hold. Pure. */
#ifndef SEGMENT_CONTAINER_H
#define SEGMENT_CONTAINER_H

#include <stdbool.h>

#include <libavcodec/codec_par.h>
#include <libavformat/avformat.h>

#include <rtsprec/camera.h>

#include "ingest/stream.h"

/* The usual file name extension, without the dot. */
const char *container_extension(enum rtsprec_container container);

/* Whether it takes a track; for sound that is tried on a header. */
bool container_accepts(enum rtsprec_container container, const AVCodecParameters *parameters);

/*
 * A muxer with the stream's tracks, no header written yet; wall_us stands in the file. The
 * caller's, also after a failure, which is an AVERROR.
 */
int container_begin(AVFormatContext **out, enum rtsprec_container container,
                    const struct stream *stream, int64_t wall_us);

#endif
