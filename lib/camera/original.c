/* Thread O: takes packets from the original's queue, and records them as they are. */
#include "camera/original.h"

#include <stdio.h>

#include <libavcodec/avcodec.h>

#include "base/error.h"
#include "camera/camera.h"
#include "camera/recording.h"
#include "camera/transcoder.h"
#include "segment/container.h"

struct original {
    struct place *place;
    struct recording recording;
    bool is_kept;                 /* the present stream is, if there is one */
    bool is_copied;               /* it is in the camera's other archive as it is */
    int track[STREAM_MAX_TRACKS]; /* the recording's of each of the stream's; -1: none */
};

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
        stream_unref(&chosen);
        return;
    }
    tell_kept(original, refused, left_out);
    original->is_kept = true;
    recording_begin(&original->recording, chosen, container);
    stream_unref(&chosen);
}

/* What follows is of this stream, from that time on. */
static void begin(struct original *original, struct stream *stream, int64_t wall_us)
{
    bool was_copied = original->is_copied;
    recording_end(&original->recording, RTSPREC_SEGMENT_PARAMETERS);
    original->is_kept = false;
    original->is_copied = !original_is_kept(&original->place->camera->options,
                                            stream->tracks[0].parameters->codec_id);
    if (!original->is_copied)
        begin_kept(original, stream);
    else if (!was_copied)
        tell_copied(original);
    if (original->is_kept || original->is_copied)
        place_note_use(original->place, original->is_kept, wall_us);
}

static void take(struct original *original, struct queue_item *item)
{
    if (!original->is_kept)
        return;
    int track = original->track[item->packet->stream_index];
    if (track < 0)
        return;
    item->packet->stream_index = track;
    recording_take(&original->recording, item);
}

static void take_item(struct original *original, struct queue_item *item)
{
    switch (item->kind) {
    case QUEUE_STREAM:
        begin(original, item->stream, item->wall_us);
        break;
    case QUEUE_END:
        recording_end(&original->recording, item->reason);
        break;
    case QUEUE_PACKET:
        take(original, item);
        break;
    }
}

void *original_run(void *argument)
{
    struct rtsprec_camera *camera = argument;
    struct original original = {.place = &camera->original};
    struct queue_item item;
    recording_init(&original.recording, original.place);
    for (;;) {
        struct queue_patience patience = recording_patience(&original.recording);
        if (!packet_queue_pop(&camera->original_feed.queue, &patience, &item))
            break;
        take_item(&original, &item);
        queue_item_uninit(&item);
    }
    recording_uninit(&original.recording);
    camera_leave_writer(camera);
    return NULL;
}
