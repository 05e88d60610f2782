/* The tracks of sound of a camera: each is copied, becomes AAC, or is left out. Belongs to the
 * writer's thread. */
#ifndef CAMERA_SOUNDS_H
#define CAMERA_SOUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/packet_queue.h"
#include "ingest/stream.h"
#include "transform/audio.h"

struct rtsprec_camera;

/* Takes what comes out: its track is that of the stream that sounds_begin() made. The item stays
 * the caller's, but not always its packet. */
typedef void sounds_fn(void *user, struct queue_item *item, int64_t pts_us);

/* Zeroed, it has no tracks. */
struct sounds {
    struct rtsprec_camera *camera;
    struct stream *in, *out; /* references */
    struct sound {
        int out;             /* its track of out; -1: it is left out */
        bool is_encoded;     /* it becomes AAC */
        struct audio *audio; /* owned; NULL until its next packet */
    } tracks[STREAM_MAX_TRACKS];
};

/*
 * What the camera sends from now on. out becomes the same stream with the sound as it is recorded;
 * what cannot be encoded is left out, which is logged. Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int sounds_begin(struct sounds *sounds, struct rtsprec_camera *camera, struct stream *in);
void sounds_end(struct sounds *sounds);

/* A packet of in. */
void sounds_take(struct sounds *sounds, struct queue_item *item, sounds_fn *give, void *user);

/* Gives out what is still inside. More may follow. */
void sounds_flush(struct sounds *sounds, sounds_fn *give, void *user);

#endif
