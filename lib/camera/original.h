/*
 * What a camera sends, kept as it is in a second archive beside what is made of it, by a writer of
 * its own: no encoder and no other disk holds it up. Packets are shared by reference.
 */
#ifndef CAMERA_ORIGINAL_H
#define CAMERA_ORIGINAL_H

#include <stdbool.h>

#include <libavcodec/codec_id.h>

#include "options.h"

/* Whether video of a codec is kept: as long as it is to be encoded, also while it is not. Who hands
 * packets over gives none of a stream that is not. */
bool original_is_kept(const struct camera_options *options, enum AVCodecID codec);

#endif
