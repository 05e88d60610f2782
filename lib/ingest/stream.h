/* What a run's stream consists of: its tracks and their codec parameters. */
#ifndef INGEST_STREAM_H
#define INGEST_STREAM_H

#include <stdatomic.h>

#include <libavcodec/codec_par.h>
#include <libavutil/rational.h>

#define STREAM_MAX_TRACKS 4 /* one of video, up to three of sound */

struct track {
    AVCodecParameters *parameters; /* owned; of the video complete only when it says width */
    AVRational time_base;          /* of its packets */
    int reorder_frames;            /* of video, see struct sps */
};

/*
 * Constant once it is shared: the reader makes a new one when parameters change.
 *
 * Thread-safety: ref and unref from any thread.
 */
struct stream {
    atomic_int references;
    int track_count;
    struct track tracks[STREAM_MAX_TRACKS]; /* the first is the video */
};

/* An empty stream with one reference, NULL when there is no memory. */
struct stream *stream_create(void);

/* Adds a track with a copy of the parameters. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
int stream_add_track(struct stream *stream, const AVCodecParameters *parameters,
                     AVRational time_base, int reorder_frames);

struct stream *stream_ref(struct stream *stream);

/* Drops a reference and sets *stream to NULL; NULL is ignored. */
void stream_unref(struct stream **stream);

#endif
