#include "camera/sounds.h"

#include <libavcodec/avcodec.h>
#include <libavutil/mathematics.h>

#include "base/clock.h"
#include "camera/camera.h"
#include "segment/container.h"

static const AVRational us_base = {1, US_PER_SECOND};

static void tell(const struct sounds *sounds, const char *what, const struct rtsprec_error *error)
{
    dispatcher_log(sounds->camera->dispatcher, RTSPREC_LOG_WARNING, sounds->camera->options.name,
                   "%s: %s", what, error->text);
}

/* Opens what encodes a track, whose parameters are then known. */
static void open_track(struct sounds *sounds, int index)
{
    struct sound *sound = &sounds->tracks[index];
    const struct track *track = &sounds->in->tracks[index];
    const struct camera_options *options = &sounds->camera->options;
    struct rtsprec_error error;
    bool is_accepted = container_accepts(options->container, track->parameters);
    sound->is_encoded = audio_is_encoded(options->audio, track->parameters->codec_id, is_accepted);
    if (!sound->is_encoded) {
        sound->out = is_accepted ? 0 : -1;
        return;
    }
    if (audio_open(&sound->audio, track, &error) < 0) {
        tell(sounds, "Recording without sound", &error);
        sound->out = -1;
        return;
    }
    dispatcher_log(sounds->camera->dispatcher, RTSPREC_LOG_INFO, options->name,
                   "Transcoding the sound, %s -> aac",
                   avcodec_get_name(track->parameters->codec_id));
}

int sounds_begin(struct sounds *sounds, struct rtsprec_camera *camera, struct stream *in)
{
    sounds_end(sounds);
    sounds->camera = camera;
    sounds->in = stream_ref(in);
    struct stream *out = stream_create();
    int err = out ? 0 : RTSPREC_ERROR_NO_MEMORY;
    for (int i = 0; i < in->track_count && err == 0; i++) {
        struct sound *sound = &sounds->tracks[i];
        if (i > 0)
            open_track(sounds, i);
        if (sound->out < 0)
            continue;
        const struct track *track = sound->audio ? audio_track(sound->audio) : &in->tracks[i];
        sound->out = out->track_count;
        err = stream_add_track(out, track->parameters, track->time_base, track->reorder_frames);
    }
    if (err < 0)
        stream_unref(&out);
    sounds->out = out;
    return err;
}

void sounds_end(struct sounds *sounds)
{
    for (int i = 0; i < STREAM_MAX_TRACKS; i++)
        audio_close(&sounds->tracks[i].audio);
    stream_unref(&sounds->in);
    stream_unref(&sounds->out);
    *sounds = (struct sounds){0};
}

/* Sends a packet of a track, or NULL, and gives out what becomes of it. */
static void encode(struct sounds *sounds, struct sound *sound, const struct queue_item *item,
                   sounds_fn *give, void *user)
{
    struct rtsprec_error error;
    struct queue_item out = {.kind = QUEUE_PACKET, .packet = av_packet_alloc()};
    if (!out.packet)
        return;
    AVRational base = audio_track(sound->audio)->time_base;
    int err = audio_send(sound->audio, item ? item->packet : NULL, &error);
    while (err == 0 && (err = audio_receive(sound->audio, out.packet, &error)) == 1) {
        out.packet->stream_index = sound->out;
        out.wall_us = item ? item->wall_us : 0;
        out.media_us = av_rescale_q(out.packet->dts, base, us_base);
        av_packet_free_side_data(out.packet);
        give(user, &out, av_rescale_q(out.packet->pts, base, us_base));
        err = 0;
        if (!out.packet && !(out.packet = av_packet_alloc()))
            return;
        av_packet_unref(out.packet);
    }
    if (err < 0) {
        tell(sounds, "The sound is interrupted", &error);
        audio_close(&sound->audio);
    }
    queue_item_uninit(&out);
}

void sounds_take(struct sounds *sounds, struct queue_item *item, sounds_fn *give, void *user)
{
    int index = item->packet->stream_index;
    struct sound *sound = &sounds->tracks[index];
    struct rtsprec_error error;
    if (sound->out < 0)
        return;
    if (!sound->is_encoded) {
        item->packet->stream_index = sound->out;
        give(user, item,
             av_rescale_q(item->packet->pts, sounds->in->tracks[index].time_base, us_base));
        return;
    }
    if (sound->audio || audio_open(&sound->audio, &sounds->in->tracks[index], &error) == 0)
        encode(sounds, sound, item, give, user);
}

void sounds_flush(struct sounds *sounds, sounds_fn *give, void *user)
{
    for (int i = 1; i < STREAM_MAX_TRACKS; i++) {
        struct sound *sound = &sounds->tracks[i];
        if (sound->audio)
            encode(sounds, sound, NULL, give, user);
        audio_close(&sound->audio);
    }
}
