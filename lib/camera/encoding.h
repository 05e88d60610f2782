/*
 * What becomes of a camera's packets when they are encoded: the chain of transform/video.h, the
 * stream that comes out of it, and the sound that waits for its picture. Belongs to the writer's
 * thread.
 */
#ifndef CAMERA_ENCODING_H
#define CAMERA_ENCODING_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/packet.h>

#include <rtsprec/error.h>

#include "camera/transcoder.h"
#include "transform/policy.h"

struct encoding;

/* Of a camera; what comes out goes to the sink, which stays the caller's. NULL without memory. */
struct encoding *encoding_create(struct rtsprec_camera *camera, const struct transcoder_sink *sink);

/* Closes it; ignores a pointer to NULL. */
void encoding_destroy(struct encoding **encoding);

/*
 * Packets of the video of in become what the plan says; the tracks of sound that come out are those
 * of copied, whose first is the video. References of both are taken. The first packet, which
 * is still to be sent, tells what colours mean. It must be closed.
 *
 * Returns 0, RTSPREC_ERROR_UNSUPPORTED or RTSPREC_ERROR_NO_MEMORY, and then is closed.
 */
int encoding_open(struct encoding *encoding, struct stream *in, struct stream *copied,
                  const struct policy_video *plan, const AVPacket *first,
                  struct rtsprec_error *error);

/* Whether it could not be opened when that was last tried. */
bool encoding_is_fruitless(const struct encoding *encoding);

/* The clock's time at which what was given out ends, since it was opened last; 0: nothing was sent.
 */
int64_t encoding_end_us(const struct encoding *encoding);

/* Throws away what is inside; may be closed already. */
void encoding_close(struct encoding *encoding);

bool encoding_is_open(const struct encoding *encoding);

/*
 * Sends a packet and gives out what becomes of it; NULL: there are no more, and all that is inside
 * is given out. keep_every and repeats: see video_send(). Returns 0 or an error, after which it can
 * only be closed.
 */
int encoding_send(struct encoding *encoding, const AVPacket *packet, int keep_every, bool repeats,
                  struct rtsprec_error *error);

/* Frames that were left out because of overload since the last call. */
int64_t encoding_take_skipped(struct encoding *encoding);

/* A packet of sound of that media time, which goes out with the picture of its time. */
void encoding_take_sound(struct encoding *encoding, struct queue_item *item, int64_t pts_us);

/* --- the places where files begin; whether it is open or not --- */

/* The clock's time of a moment of media time. A new run has a media time of its own: what was
 * before is to be forgotten. */
void encoding_set_time(struct encoding *encoding, int64_t media_us, int64_t wall_us);
void encoding_forget_times(struct encoding *encoding);

/* Whether a file would begin with a key frame of that media time: yes is remembered as done. */
bool encoding_is_boundary(struct encoding *encoding, int64_t media_us);

/* The file is closed: the next key frame begins one. */
void encoding_forget_boundary(struct encoding *encoding);

#endif
