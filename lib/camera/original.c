#include "camera/original.h"

#include <stdio.h>

#include <libavcodec/avcodec.h>

#include "base/error.h"
#include "camera/camera.h"
#include "camera/transcoder.h"
#include "segment/container.h"

bool original_is_kept(const struct camera_options *options, enum AVCodecID codec)
{
    struct policy_wish wish = transcoder_wish(options);
    return options->also_keep == RTSPREC_ALSO_KEEP_COPY && policy_encodes(&wish, codec);
}

/* The first track that a container does not take; NULL: it takes all. */
static const struct track *refused_by(enum rtsprec_container container, const struct stream *stream)
{
    for (int i = 0; i < stream->track_count; i++) {
        if (!container_accepts(container, stream->tracks[i].parameters))
            return &stream->tracks[i];
    }
    return NULL;
}

/* Says what is kept, and how, when that is not as it was asked for. */
static void tell_kept(const struct original *original, const struct track *refused,
                      const struct track *left_out)
{
    const struct rtsprec_camera *camera = original->place->camera;
    char text[160] = "";
    if (refused)
        snprintf(text, sizeof(text), " as %s: %s files cannot hold %s",
                 container_extension(RTSPREC_CONTAINER_MKV),
                 container_extension(camera->options.container),
                 avcodec_get_name(refused->parameters->codec_id));
    dispatcher_log(camera->dispatcher, refused ? RTSPREC_LOG_WARNING : RTSPREC_LOG_INFO,
                   camera->options.name, "Keeping the original in %s%s%s%s",
                   original->place->directory, text, left_out ? ", and mkv files neither " : "",
                   left_out ? avcodec_get_name(left_out->parameters->codec_id) : "");
}

static void tell_copied(const struct original *original)
{
    const struct rtsprec_camera *camera = original->place->camera;
    dispatcher_log(camera->dispatcher, RTSPREC_LOG_INFO, camera->options.name,
                   "Copied, not transcoded: nothing is kept in %s a second time",
                   original->place->directory);
}

/* The tracks that the container takes; NULL without memory. */
static struct stream *choose_tracks(struct original *original, const struct stream *stream,
                                    enum rtsprec_container container)
{
    struct stream *chosen = stream_create();
    for (int i = 0; i < stream->track_count && chosen; i++) {
        const struct track *track = &stream->tracks[i];
        original->track[i] = -1;
        if (!container_accepts(container, track->parameters))
            continue;
        original->track[i] = chosen->track_count;
        if (stream_add_track(chosen, track->parameters, track->time_base, track->reorder_frames) <
            0)
            stream_unref(&chosen);
    }
    return chosen;
}

/* In the container asked for if that holds all of it, else in the one that holds most. */
static void begin_kept(struct original *original, struct stream *stream)
{
    const struct rtsprec_camera *camera = original->place->camera;
    enum rtsprec_container container = camera->options.container;
    const struct track *refused = refused_by(container, stream);
    if (refused)
        container = RTSPREC_CONTAINER_MKV;
    const struct track *left_out = refused ? refused_by(container, stream) : NULL;
    struct stream *chosen = choose_tracks(original, stream, container);
    if (!chosen || original->track[0] != 0) {
        dispatcher_log(camera->dispatcher, RTSPREC_LOG_ERROR, camera->options.name,
                       "The original cannot be kept in %s: %s", original->place->directory,
                       chosen ? "no files hold its video" : "out of memory");
        original->kind = ORIGINAL_NOTHING;
        stream_unref(&chosen);
        return;
    }
    tell_kept(original, refused, left_out);
    original->kind = ORIGINAL_KEPT;
    recording_begin(&original->recording, chosen, container);
    stream_unref(&chosen);
}

void original_init(struct original *original, struct rtsprec_camera *camera)
{
    *original = (struct original){0};
    if (camera->options.also_keep == RTSPREC_ALSO_KEEP_NONE)
        return;
    original->place = &camera->original;
    recording_init(&original->recording, original->place);
}

void original_uninit(struct original *original)
{
    if (original->place)
        recording_uninit(&original->recording);
}

void original_begin(struct original *original, struct stream *stream)
{
    if (!original->place)
        return;
    bool was_copied = original->kind == ORIGINAL_COPIED;
    recording_end(&original->recording, RTSPREC_SEGMENT_PARAMETERS);
    original->is_told = false;
    if (original_is_kept(&original->place->camera->options,
                         stream->tracks[0].parameters->codec_id)) {
        begin_kept(original, stream);
        return;
    }
    original->kind = ORIGINAL_COPIED;
    if (!was_copied)
        tell_copied(original);
}

static void take_kept(struct original *original, const struct queue_item *item)
{
    struct queue_item shared = *item;
    int track = original->track[item->packet->stream_index];
    if (track < 0)
        return;
    shared.packet = av_packet_clone(item->packet);
    if (!shared.packet) {
        /* What follows could not be decoded without it. */
        recording_end(&original->recording, RTSPREC_SEGMENT_FAILED);
        place_note_lost(original->place, RTSPREC_ERROR_NO_MEMORY, item->wall_us);
        return;
    }
    shared.packet->stream_index = track;
    recording_take(&original->recording, &shared);
    queue_item_uninit(&shared);
}

void original_take(struct original *original, const struct queue_item *item)
{
    if (original->kind == ORIGINAL_NOTHING)
        return;
    if (!original->is_told)
        place_note_use(original->place, original->kind == ORIGINAL_KEPT, item->wall_us);
    original->is_told = true;
    if (original->kind == ORIGINAL_KEPT)
        take_kept(original, item);
}

void original_end(struct original *original, enum rtsprec_segment_reason reason)
{
    if (original->place)
        recording_end(&original->recording, reason);
}

static int64_t least_of(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void original_limit_patience(const struct original *original, struct queue_patience *patience)
{
    if (original->kind != ORIGINAL_KEPT)
        return;
    struct queue_patience own = recording_patience(&original->recording);
    patience->media_us = least_of(patience->media_us, own.media_us);
    patience->bytes = least_of(patience->bytes, own.bytes);
}
