/*
 * Between the queue and the segments: what the camera sends passes as it is, or becomes what was
 * asked for (transform/). Belongs to the writer's thread.
 *
 * What is wrong with an encoder is never the end of a recording: the camera is copied, where the
 * container takes its codec, and the next segment tries again.
 */
#ifndef CAMERA_TRANSCODER_H
#define CAMERA_TRANSCODER_H

#include <stdbool.h>

#include <rtsprec/archive.h>

#include "ingest/packet_queue.h"
#include "ingest/stream.h"
#include "options.h"
#include "transform/policy.h"

struct rtsprec_camera;
struct transcoder;

/* Where it goes. */
struct transcoder_sink {
    /* What follows is of this stream: segments end here. */
    void (*begin)(void *user, struct stream *stream);
    /* A packet of it, which may be taken out of the item. */
    void (*take)(void *user, struct queue_item *item);
    /* Of the clock's time from_us on nothing comes until the next packet of video, because. */
    void (*lose)(void *user, enum rtsprec_coverage_reason reason, int64_t from_us);
    /* What was between the two, while packets come, was left out, because. */
    void (*leave_out)(void *user, enum rtsprec_coverage_reason reason, int64_t start_us,
                      int64_t end_us);
    void *user;
};

/* What a camera's options ask for. */
struct policy_wish transcoder_wish(const struct camera_options *options);

/* Of a camera; NULL without memory. */
struct transcoder *transcoder_create(struct rtsprec_camera *camera);

/* Ignores a pointer to NULL. */
void transcoder_destroy(struct transcoder **transcoder);

/* Between these two the functions below may be called; the sink is copied. */
void transcoder_open(struct transcoder *transcoder, const struct transcoder_sink *sink);
void transcoder_close(struct transcoder *transcoder);

/* What follows is of this stream, of which a reference is taken. */
void transcoder_begin(struct transcoder *transcoder, struct stream *stream);

/* A packet of it; the item stays the caller's, but not always its packet. */
void transcoder_take(struct transcoder *transcoder, struct queue_item *item);

/* The recording ends here: gives out what is still inside, and another camera may be transcoded in
 * its place. A key frame of the same stream may follow. */
void transcoder_end(struct transcoder *transcoder);

/* Whether packets have work before them and are not to wait for more. */
bool transcoder_is_encoding(const struct transcoder *transcoder);

#endif
