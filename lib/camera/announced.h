/*
 * What a camera announces, and what of it is recorded: the first track of video, and the sound that
 * the container or an encoder takes, or the files of its original. Belongs to the reader's thread.
 */
#ifndef CAMERA_ANNOUNCED_H
#define CAMERA_ANNOUNCED_H

#include <rtsprec/error.h>

#include "ingest/parameters.h"
#include "ingest/source.h"
#include "ingest/stream.h"

struct rtsprec_camera;

/* Zeroed, it has no tracks. */
struct announced {
    struct stream *stream;               /* owned: the tracks, the video first */
    int source_track[STREAM_MAX_TRACKS]; /* the source's index of each */
};

/*
 * Chooses of what the source offers; sound that is left out is logged. Begins the parameters of the
 * video, which then are the caller's to end.
 *
 * Returns 0, RTSPREC_ERROR_UNSUPPORTED or RTSPREC_ERROR_NO_MEMORY.
 */
int announced_init(struct announced *announced, struct rtsprec_camera *camera,
                   const struct source *source, struct parameters *video,
                   struct rtsprec_error *error);
void announced_uninit(struct announced *announced);

/* Our number of the source's track, -1: it is not recorded. */
int announced_track(const struct announced *announced, int source_index);

#endif
