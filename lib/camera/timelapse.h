/*
 * A camera's timelapse: of the video as it is recorded, a key frame now and then is copied to a
 * file of the day (timelapse_pick.h says which, layout.h where). Nothing is decoded; in the file
 * each frame lasts 1/fps. Trouble with it is told once, and the next frame that is due tries again;
 * the recording knows nothing of it.
 *
 * Thread-safety: one thread, the camera's writer; it has another of its own.
 */
#ifndef CAMERA_TIMELAPSE_H
#define CAMERA_TIMELAPSE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/packet.h>

#include <rtsprec/camera.h>

#include "archive/root.h"
#include "archive/segment_file.h"
#include "base/dispatcher.h"
#include "ingest/stream.h"
#include "segment/durable.h"
#include "segment/segment.h"
#include "segment/timelapse_pick.h"

/* All of it stays the caller's and must outlive the timelapse. */
struct timelapse_options {
    const char *directory; /* the archive's */
    const char *camera;    /* its name */
    enum rtsprec_container container;
    int64_t every_us; /* 0: there is no timelapse */
    int fps;
    struct archive_root *archive;
    struct durable *durable;  /* NULL: when data reach the disk is the kernel's matter */
    int64_t sync_interval_us; /* with durable */
    struct dispatcher *dispatcher;
    const atomic_bool *stop; /* ends a repair that is in progress; NULL: nobody does */
};

struct timelapse {
    struct timelapse_options options;
    struct timelapse_pick pick;
    /*
     * What a crash left open is repaired by a thread of its own: each frame of a day has to be
     * looked for, which on a disk that seeks takes longer than the recording can wait.
     */
    bool has_thread;
    pthread_t thread;
    bool is_stopped;          /* the thread's: it was left unfinished */
    atomic_bool is_recovered; /* nothing is left to be repaired */

    bool is_failing;       /* that it cannot be written was told */
    struct stream *stream; /* a reference: what comes; NULL before the first */

    /* The open file. */
    struct segment *segment; /* NULL: there is none */
    struct segment_file file;
    struct stream *track; /* a reference: its video, in which a tick is a frame */
    struct tm day;        /* local */
    int64_t frames;
};

/* Begins to repair what a crash left open, if the disk is there; else that is done when it is.
 * Until it is done, no frame is taken. Also for a camera that has no timelapse any more. */
void timelapse_init(struct timelapse *timelapse, const struct timelapse_options *options);

/* Closes the file, when a repair that is in progress has ended. */
void timelapse_uninit(struct timelapse *timelapse);

/* What follows is of this stream, of which a reference is taken. When its video has other
 * parameters, the file ends. */
void timelapse_begin(struct timelapse *timelapse, struct stream *stream);

/* A packet of it, of any track, which is not changed; wall_us: the time of its pts. */
void timelapse_take(struct timelapse *timelapse, const AVPacket *packet, int64_t wall_us);

#endif
