/*
 * Sound becomes AAC: decoded, resampled where AAC has no such rate, mono and stereo kept. What is
 * missing becomes silence, so that it stays beside the picture.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef TRANSFORM_AUDIO_H
#define TRANSFORM_AUDIO_H

#include <stdbool.h>

#include <libavcodec/packet.h>

#include <rtsprec/camera.h>
#include <rtsprec/error.h>

#include "ingest/stream.h"

/* Whether sound of a codec is to become AAC; is_accepted: the container takes it as it is. Pure. */
bool audio_is_encoded(enum rtsprec_audio wish, enum AVCodecID codec, bool is_accepted);

/* Whether it can: there is a decoder, and what it needs is known. */
bool audio_can_encode(const AVCodecParameters *parameters);

struct audio;

/* Returns 0, RTSPREC_ERROR_UNSUPPORTED, RTSPREC_ERROR_NO_MEMORY. */
int audio_open(struct audio **out, const struct track *track, struct rtsprec_error *error);

/* Ignores a pointer to NULL. */
void audio_close(struct audio **audio);

/* What comes out; its time base is one sample. Constant, of the audio. */
const struct track *audio_track(const struct audio *audio);

/*
 * Gives it a packet, whose times are of the track; NULL: there are no more. Then audio_receive() is
 * to be called until it has none. The packet stays the caller's; one that cannot be decoded is left
 * out. Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int audio_send(struct audio *audio, const AVPacket *packet, struct rtsprec_error *error);

/* The next packet: 1, with times of audio_track(); 0 when there is none now; or an error, after
 * which it can only be closed. */
int audio_receive(struct audio *audio, AVPacket *packet, struct rtsprec_error *error);

#endif
