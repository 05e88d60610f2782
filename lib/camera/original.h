/*
 * What a camera sends, kept as it is in a second archive beside what is made of it. Belongs to the
 * writer's thread.
 *
 * Packets are shared by reference with what is transcoded, and are written before that begins with
 * them: what is left out of the encoder is in the original all the same.
 */
#ifndef CAMERA_ORIGINAL_H
#define CAMERA_ORIGINAL_H

#include <stdbool.h>

#include "camera/recording.h"
#include "ingest/packet_queue.h"
#include "ingest/stream.h"
#include "options.h"

struct rtsprec_camera;

enum original_kind {
    ORIGINAL_NOTHING, /* is there, or can be kept */
    ORIGINAL_KEPT,    /* is what the camera sends */
    ORIGINAL_COPIED,  /* is in the camera's other archive as it is */
};

struct original {
    struct place *place; /* NULL: the camera has none, and nothing here does anything */
    struct recording recording;
    enum original_kind kind;      /* of the present stream */
    bool is_told;                 /* the ledger knows it */
    int track[STREAM_MAX_TRACKS]; /* the recording's of each of the stream's; -1: none */
};

/* Whether video of a codec is kept: as long as it is to be encoded, also while it is not. */
bool original_is_kept(const struct camera_options *options, enum AVCodecID codec);

void original_init(struct original *original, struct rtsprec_camera *camera);

/* Closes all files; the camera was stopped. */
void original_uninit(struct original *original);

/* What follows is of this stream, of which a reference is taken. */
void original_begin(struct original *original, struct stream *stream);

/* A packet of it, which stays as it is. */
void original_take(struct original *original, const struct queue_item *item);

/* Closes all files. A key frame of the same stream may follow. */
void original_end(struct original *original, enum rtsprec_segment_reason reason);

/* Lessens what may wait to what delays no write. */
void original_limit_patience(const struct original *original, struct queue_patience *patience);

#endif
