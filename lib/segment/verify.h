/* Whether a closed file is what a segment has to be. */
#ifndef SEGMENT_VERIFY_H
#define SEGMENT_VERIFY_H

#include <stdint.h>

#include <rtsprec/error.h>

/*
 * Reads a whole segment, mp4 or mkv by its name. *frames are the video's that were read.
 *
 * Returns 0, RTSPREC_ERROR_UNSUPPORTED with what is wrong with it, RTSPREC_ERROR_IO when it cannot
 * be read, RTSPREC_ERROR_NO_MEMORY.
 */
int segment_verify(const char *path, int64_t *frames, struct rtsprec_error *error);

#endif
