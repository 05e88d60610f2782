#include "camera/run.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/mathematics.h>

#include "base/clock.h"
#include "base/error.h"
#include "camera/announced.h"
#include "camera/camera.h"
#include "camera/common_reader.h"
#include "camera/original.h"
#include "camera/parameter_gate.h"
#include "camera/record_gate.h"
#include "camera/watch.h"
#include "ingest/in_band.h"
#include "ingest/parameters.h"
#include "ingest/source.h"
#include "ingest/stream.h"
#include "ingest/timeline.h"

/* Packets of sound that are held until the first picture is whole: more than one picture's time. */
#define MAX_HELD 32

struct run {
    struct rtsprec_camera *camera;
    struct source *source;
    struct announced announced; /* our tracks as the camera announces them */
    struct stream *stream;      /* as they are recorded; NULL until the video is known */

    struct parameters parameters;
    struct parameter_gate gate;
    struct record_gate record_gate;
    int recording_changes; /* of the camera's, how many the gate knows */
    struct timeline timeline;
    AVPacket *packet; /* what the source gave */

    /* Sound that came while the first picture was still incomplete; its time may be in the file. */
    struct held {
        AVPacket *packet; /* owned; stream_index is the track */
        int64_t arrival_us;
    } held[MAX_HELD];
    int held_count;

    struct watch watch;
    int64_t media_us; /* dts of the last packet handed over */

    bool has_original;                      /* somebody wants to keep what comes as it is, ... */
    bool keeps_original, is_original_begun; /* ... this stream, too; he has been told of it */
};

static void run_uninit(struct run *run)
{
    av_packet_free(&run->packet);
    for (int i = 0; i < run->held_count; i++)
        av_packet_free(&run->held[i].packet);
    parameters_uninit(&run->parameters);
    stream_unref(&run->stream);
    announced_uninit(&run->announced);
    source_close(&run->source);
}

static int no_memory(struct rtsprec_error *error)
{
    return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}

/* Connecting. */

static int run_open(struct run *run, struct rtsprec_error *error)
{
    const struct camera_options *options = &run->camera->options;
    struct source_options source_options = {
        .url = &options->url,
        .ingest = options->ingest,
        .transport = options->transport,
        .tls_verify = options->tls_verify,
        .tls_ca_file = options->tls_ca_file,
        .wants_audio = options->audio != RTSPREC_AUDIO_OFF,
        .silence_us = options->open_timeout_us,
        .resolver = &run->camera->resolver,
        .cancel = &run->camera->cancel,
    };
    run->packet = av_packet_alloc();
    if (!run->packet)
        return no_memory(error);

    int err;
    cancel_set_timeout(&run->camera->cancel, options->open_timeout_us);
    if ((err = source_open(&run->source, &source_options, error)) < 0)
        return err;
    if ((err = announced_init(&run->announced, run->camera, run->source, &run->parameters, error)) <
        0)
        return err;
    watch_init(&run->watch, run->camera, run->announced.stream->track_count, clock_monotonic_us());
    timeline_init(&run->timeline, run->announced.stream, run->source->has_common_times);
    return 0;
}

/* Handing over. */

/* Hands an item to a writer; takes it in any case. */
static int push(struct feed *feed, struct queue_item *item, struct rtsprec_error *error)
{
    return feed_push(feed, item) < 0 ? no_memory(error) : 0;
}

/* The same to the one of the original. */
static int push_shared(struct run *run, const struct queue_item *item, struct rtsprec_error *error)
{
    struct queue_item shared;
    if (queue_item_share(&shared, item) < 0)
        return no_memory(error);
    return push(&run->camera->original_feed, &shared, error);
}

/* The video's parameters are known or have changed: what follows is a new stream. */
static int push_stream(struct run *run, struct rtsprec_error *error)
{
    struct stream *stream = stream_create();
    if (!stream)
        return no_memory(error);
    for (int i = 0; i < run->announced.stream->track_count; i++) {
        const struct track *track = &run->announced.stream->tracks[i];
        const AVCodecParameters *parameters = i == 0 ? run->parameters.current : track->parameters;
        int reorder = i == 0 ? run->parameters.reorder_frames : -1;
        if (stream_add_track(stream, parameters, track->time_base, reorder) < 0) {
            stream_unref(&stream);
            return no_memory(error);
        }
    }
    timeline_set_reorder(&run->timeline, 0, run->parameters.reorder_frames);
    camera_set_stream(run->camera, stream);
    run->keeps_original =
        original_is_kept(&run->camera->options, stream->tracks[0].parameters->codec_id);
    run->is_original_begun = false;

    stream_unref(&run->stream);
    run->stream = stream;
    struct queue_item item = {
        .kind = QUEUE_STREAM,
        .stream = stream_ref(stream),
        .media_us = run->media_us,
    };
    return push(&run->camera->feed, &item, error);
}

static int push_end(struct run *run, enum rtsprec_segment_reason reason,
                    struct rtsprec_error *error)
{
    struct queue_item item = {.kind = QUEUE_END, .media_us = run->media_us, .reason = reason};
    int err_original = run->has_original ? push_shared(run, &item, error) : 0;
    int err = push(&run->camera->feed, &item, error);
    return err < 0 ? err : err_original;
}

/* What is handed over, to the writer of the original. With the first packet of a stream it is known
 * since when that is kept, or need not be. */
static int push_original(struct run *run, const struct queue_item *item,
                         struct rtsprec_error *error)
{
    if (!run->has_original)
        return 0;
    struct queue_item stream = {
        .kind = QUEUE_STREAM,
        .stream = run->stream,
        .wall_us = item->wall_us,
        .media_us = item->media_us,
    };
    int err = run->is_original_begun ? 0 : push_shared(run, &stream, error);
    run->is_original_begun = true;
    return err < 0 || !run->keeps_original ? err : push_shared(run, item, error);
}

static void report_connected(struct run *run)
{
    struct rtsprec_camera *camera = run->camera;
    assert(run->stream);
    const AVCodecParameters *video = run->stream->tracks[0].parameters;
    char sound[64] = "no sound";
    if (run->stream->track_count > 1)
        snprintf(sound, sizeof(sound), "%s",
                 avcodec_get_name(run->stream->tracks[1].parameters->codec_id));
    dispatcher_log(camera->dispatcher, RTSPREC_LOG_INFO, camera->options.name,
                   "Receiving %s %dx%d, %s", avcodec_get_name(video->codec_id), video->width,
                   video->height, sound);
}

static void report_discontinuity(struct run *run, int track, const struct timeline_stamp *stamp)
{
    char text[160];
    snprintf(text, sizeof(text),
             "the camera's timestamps of track %d went %.3f s while %.3f s passed", track,
             (double)stamp->camera_us / 1e6, (double)stamp->arrival_us / 1e6);
    struct rtsprec_event event = {
        .type = RTSPREC_EVENT_DISCONTINUITY,
        .camera = run->camera->options.name,
        .u.discontinuity = {track, stamp->camera_us, stamp->arrival_us, text},
    };
    count(&run->camera->counters.discontinuities, 1);
    dispatcher_post(run->camera->dispatcher, &event);
}

/* Tells the gate what the program wants, when that has changed. */
static void note_program(struct run *run)
{
    struct rtsprec_camera *camera = run->camera;
    int changes = atomic_load_explicit(&camera->recording_changes, memory_order_relaxed);
    if (changes == run->recording_changes)
        return;
    run->recording_changes = changes;
    int64_t from_us;
    bool is_wanted = camera_recording_since(camera, &from_us) == RTSPREC_RECORDING_ON;
    record_gate_set(&run->record_gate, is_wanted, from_us, clock_real_us(), clock_monotonic_us());
}

static int pass_gate(struct run *run, int64_t wall_us, bool is_key_frame,
                     struct rtsprec_error *error)
{
    struct rtsprec_camera *camera = run->camera;
    note_program(run);
    switch (record_gate_decide(&run->record_gate, is_key_frame, wall_us, clock_monotonic_us())) {
    case RECORD_GATE_KEEP:
        return 0;
    case RECORD_GATE_BEGIN:
        camera_set_state(camera, RTSPREC_CAMERA_RECORDING, NULL, 0);
        return 0;
    case RECORD_GATE_STANDBY:
        camera_set_state(camera, RTSPREC_CAMERA_STANDBY, NULL, 0);
        return 0;
    case RECORD_GATE_END:
        camera_set_state(camera, RTSPREC_CAMERA_STANDBY, NULL, 0);
        return push_end(run, RTSPREC_SEGMENT_PAUSED, error);
    }
    return 0;
}

static int64_t to_us(int64_t ticks, const struct track *track)
{
    return av_rescale_q(ticks, track->time_base, (AVRational){1, US_PER_SECOND});
}

/* Takes the packet's reference in any case. */
static int hand_over(struct run *run, int track, AVPacket *packet, int64_t arrival_us,
                     struct rtsprec_error *error)
{
    struct timeline_stamp stamp;
    timeline_stamp(&run->timeline, track, packet->pts, packet->duration, arrival_us,
                   clock_real_us() - (clock_monotonic_us() - arrival_us), &stamp);
    if (stamp.is_leading) {
        av_packet_unref(packet);
        return 0;
    }
    if (stamp.discontinuity)
        report_discontinuity(run, track, &stamp);
    const struct track *of = &run->announced.stream->tracks[track];
    bool is_key_frame = track == 0 && (packet->flags & AV_PKT_FLAG_KEY);
    int err = pass_gate(run, stamp.wall_us, is_key_frame, error);
    if (err < 0 || !record_gate_passes(&run->record_gate, track == 0, to_us(stamp.pts, of))) {
        av_packet_unref(packet);
        return err;
    }
    packet->stream_index = track;
    packet->pts = stamp.pts;
    packet->dts = stamp.dts;
    packet->duration = stamp.duration;
    run->media_us = to_us(stamp.dts, of);

    struct queue_item item = {
        .kind = QUEUE_PACKET,
        .packet = av_packet_alloc(),
        .wall_us = stamp.wall_us,
        .bytes = packet->size,
        .media_us = run->media_us,
    };
    if (!item.packet) {
        av_packet_unref(packet);
        return no_memory(error);
    }
    av_packet_move_ref(item.packet, packet);
    int err_original = push_original(run, &item, error);
    err = push(&run->camera->feed, &item, error);
    return err < 0 ? err : err_original;
}

/* Receiving. */

/* Keeps the newest. */
static int hold(struct run *run, AVPacket *packet, int64_t arrival_us, struct rtsprec_error *error)
{
    if (run->held_count == MAX_HELD) {
        av_packet_free(&run->held[0].packet);
        memmove(run->held, run->held + 1, (MAX_HELD - 1) * sizeof(run->held[0]));
        run->held_count--;
    }
    AVPacket *held = av_packet_alloc();
    if (!held) {
        av_packet_unref(packet);
        return no_memory(error);
    }
    av_packet_move_ref(held, packet);
    run->held[run->held_count++] = (struct held){held, arrival_us};
    return 0;
}

static int hand_over_held(struct run *run, struct rtsprec_error *error)
{
    int err = 0;
    for (int i = 0; i < run->held_count; i++) {
        struct held *held = &run->held[i];
        if (err == 0)
            err = hand_over(run, held->packet->stream_index, held->packet, held->arrival_us, error);
        av_packet_free(&held->packet);
    }
    run->held_count = 0;
    return err;
}

/* The parameters as they stand at a frame. */
static int update_parameters(struct run *run, AVPacket *frame)
{
    int changed = parameters_update(&run->parameters, frame);
    av_packet_free_side_data(frame);
    return changed < 0 ? changed : 0;
}

/* The first key frame begins a stream, and so does one whose parameters have changed. */
static int begin_stream(struct run *run, AVPacket *key_frame, int64_t arrival_us,
                        struct rtsprec_error *error)
{
    const AVCodecParameters *current = run->parameters.current;
    if (!run->stream) {
        if (current->width == 0)
            return 0;
        if (push_stream(run, error) < 0)
            return no_memory(error);
        report_connected(run);
        return 0;
    }
    switch (
        parameter_gate_decide(&run->gate, run->stream->tracks[0].parameters, current, arrival_us)) {
    case PARAMETER_GATE_KEEP:
        return 0;
    case PARAMETER_GATE_IN_BAND:
        timeline_set_reorder(&run->timeline, 0, run->parameters.reorder_frames);
        return in_band_insert(key_frame, &run->parameters) < 0 ? no_memory(error) : 0;
    case PARAMETER_GATE_CUT:
        return push_stream(run, error);
    }
    return 0;
}

static int take_video(struct run *run, int64_t arrival_us, struct rtsprec_error *error)
{
    AVPacket *frame = run->packet;
    struct rtsprec_camera *camera = run->camera;
    count(&camera->counters.received_packets, 1);
    atomic_store_explicit(&camera->counters.last_video_us, clock_real_us(), memory_order_relaxed);
    int err = update_parameters(run, frame);
    if (err < 0)
        no_memory(error);
    else if (frame->flags & AV_PKT_FLAG_KEY)
        err = begin_stream(run, frame, arrival_us, error);
    if (err < 0 || !run->stream) {
        /* Without them nothing could be decoded yet. */
        av_packet_unref(frame);
        return err;
    }
    err = hand_over(run, 0, frame, arrival_us, error);
    return err < 0 ? err : hand_over_held(run, error);
}

static int take_audio(struct run *run, int track, int64_t arrival_us, struct rtsprec_error *error)
{
    const struct track *audio = &run->announced.stream->tracks[track];
    count(&run->camera->counters.received_packets, 1);
    int samples = av_get_audio_frame_duration2(audio->parameters, run->packet->size);
    if (samples > 0 && audio->parameters->sample_rate > 0)
        run->packet->duration = av_rescale_q(
            samples, (AVRational){1, audio->parameters->sample_rate}, audio->time_base);
    run->packet->flags |= AV_PKT_FLAG_KEY;
    run->packet->stream_index = track;
    if (!run->stream)
        return hold(run, run->packet, arrival_us, error);
    return hand_over(run, track, run->packet, arrival_us, error);
}

/* Returns 0, an error, or in a turn 1 when nothing more has come. */
static int run_read(struct run *run, struct rtsprec_error *error)
{
    struct rtsprec_camera *camera = run->camera;
    struct source_packet read = {.packet = run->packet};
    int err = source_read(run->source, &read, error);
    int64_t now_us = clock_monotonic_us();
    if (err == RTSPREC_ERROR_TIMEOUT || (err == 0 && watch_is_late(&run->watch, now_us))) {
        av_packet_unref(run->packet);
        return watch_explain_silence(&run->watch, now_us, error);
    }
    if (err != 0)
        return err;
    if (cancel_held(&camera->cancel)) {
        av_packet_unref(run->packet);
        return RTSPREC_ERROR_STOPPED;
    }

    int track = announced_track(&run->announced, run->packet->stream_index);
    if (track < 0) {
        av_packet_unref(run->packet);
        return 0;
    }
    count(&camera->counters.received_bytes, run->packet->size);
    if (read.has_report)
        timeline_report(&run->timeline, track, read.report_pts, read.report_ntp_us,
                        read.arrival_us);
    if (track == 0) {
        cancel_set_timeout(&camera->cancel, camera->options.read_timeout_us);
        err = take_video(run, read.arrival_us, error);
    } else {
        err = take_audio(run, track, read.arrival_us, error);
    }
    watch_arrival(&run->watch, track, &read, run->stream != NULL, now_us);
    return err;
}

/* A run as the common reader sees it. */
struct common_run {
    struct run *run;
    struct rtsprec_error *error;
};

static int take_turn(void *user, uint8_t *buffer, bool waits)
{
    struct common_run *common = user;
    struct source *source = common->run->source;
    int result = 0;
    source_begin_turn(source, buffer, waits);
    while (result == 0)
        result = run_read(common->run, common->error);
    bool has_more = source_end_turn(source);
    return result < 0 ? result : has_more;
}

/* What comes, until something ends it. Other cameras are not to wait for a picture's decoding. */
static int run_go_on(struct run *run, struct rtsprec_error *error)
{
    int err = 0;
    assert(run->source);
    while (err == 0 && (!run->source->takes_turns || parameters_want_decoding(&run->parameters)))
        err = run_read(run, error);
    return err != 0 ? err
                    : common_reader_join(run->camera->common_reader, take_turn,
                                         &(struct common_run){run, error}, error);
}

int run_record(struct rtsprec_camera *camera, bool *was_recording, struct rtsprec_error *error)
{
    struct run run = {.camera = camera, .has_original = camera->original_feed.place != NULL};
    int err = run_open(&run, error);
    camera->is_connected = err == 0;
    if (err == 0)
        count(&camera->counters.connects, 1);
    if (err == 0)
        err = run_go_on(&run, error);

    *was_recording = run.stream != NULL;
    if (run.stream) {
        struct rtsprec_error ignored;
        push_end(&run,
                 err != RTSPREC_ERROR_STOPPED      ? RTSPREC_SEGMENT_LOST
                 : cancel_stopped(&camera->cancel) ? RTSPREC_SEGMENT_STOPPED
                                                   : RTSPREC_SEGMENT_PAUSED,
                 &ignored);
    }
    run_uninit(&run);
    return err;
}
