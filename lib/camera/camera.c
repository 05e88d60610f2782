#include "camera/camera.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/codec_id.h>
#include <libavcodec/avcodec.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "camera/transcoder.h"
#include "recorder.h"

const char *rtsprec_camera_state_name(enum rtsprec_camera_state state)
{
    switch (state) {
    case RTSPREC_CAMERA_STOPPED:
        return "stopped";
    case RTSPREC_CAMERA_CONNECTING:
        return "connecting";
    case RTSPREC_CAMERA_RECORDING:
        return "recording";
    case RTSPREC_CAMERA_WAITING:
        return "waiting";
    case RTSPREC_CAMERA_STANDBY:
        return "standby";
    case RTSPREC_CAMERA_OFF:
        return "off";
    }
    return "unknown";
}

const char *rtsprec_recording_name(enum rtsprec_recording recording)
{
    switch (recording) {
    case RTSPREC_RECORDING_ON:
        return "on";
    case RTSPREC_RECORDING_STANDBY:
        return "standby";
    case RTSPREC_RECORDING_OFF:
        return "off";
    }
    return "unknown";
}

const char *rtsprec_segment_reason_name(enum rtsprec_segment_reason reason)
{
    switch (reason) {
    case RTSPREC_SEGMENT_ROTATED:
        return "rotated";
    case RTSPREC_SEGMENT_STOPPED:
        return "stopped";
    case RTSPREC_SEGMENT_LOST:
        return "lost";
    case RTSPREC_SEGMENT_PARAMETERS:
        return "parameters";
    case RTSPREC_SEGMENT_FAILED:
        return "failed";
    case RTSPREC_SEGMENT_PAUSED:
        return "paused";
    case RTSPREC_SEGMENT_UNKNOWN:
        break;
    }
    return "unknown";
}

/* Frees a camera that no thread uses and no recorder lists. Undoes init's steps up to "steps". */
static void release(struct rtsprec_camera *camera, int steps)
{
    resolver_uninit(&camera->resolver);
    transcoder_destroy(&camera->transcoder);
    place_close(&camera->main);
    place_close(&camera->original);
    feed_uninit(&camera->feed);
    feed_uninit(&camera->original_feed);
    if (steps > 2)
        cancel_uninit(&camera->cancel);
    if (steps > 1)
        pthread_mutex_destroy(&camera->lock);
    if (steps > 0)
        pthread_mutex_destroy(&camera->life);
    camera_options_uninit(&camera->options);
    free(camera);
}

int rtsprec_camera_create(struct rtsprec_camera **out, struct rtsprec_recorder *recorder,
                          const struct rtsprec_camera_options *options, struct rtsprec_error *error)
{
    *out = NULL;
    error_clear(error);
    struct rtsprec_camera *camera = calloc(1, sizeof(*camera));
    if (!camera)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    camera->recorder = recorder;
    camera->dispatcher = recorder_dispatcher(recorder);
    camera->durable = recorder_durable(recorder);
    camera->common_reader = recorder_common_reader(recorder);
    camera->state_since_us = clock_real_us();
    camera->recording_from_us = INT64_MIN;
    camera->recording_changes = 1; /* what it begins with */

    int steps = 0;
    int err = camera_options_take(&camera->options, options, error);
    if (err < 0)
        goto failed;
    err = RTSPREC_ERROR_SYSTEM;
    if (pthread_mutex_init(&camera->life, NULL) != 0)
        goto failed;
    steps++;
    if (pthread_mutex_init(&camera->lock, NULL) != 0)
        goto failed;
    steps++;
    if (cancel_init(&camera->cancel) < 0)
        goto failed;
    steps++;
    if (!(camera->transcoder = transcoder_create(camera))) {
        err = error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
        goto failed;
    }
    err = place_open(&camera->main, camera, camera->options.output_directory, true, error);
    if (err == 0 && camera->options.also_keep != RTSPREC_ALSO_KEEP_NONE)
        err = place_open(&camera->original, camera, camera->options.also_keep_directory, false,
                         error);
    if (err == 0)
        err = feed_init(&camera->feed, &camera->main);
    if (err == 0 && camera->original.camera)
        err = feed_init(&camera->original_feed, &camera->original);
    if (err < 0 || (err = recorder_add(recorder, camera, error)) < 0)
        goto failed;
    *out = camera;
    return 0;
failed:
    if (err == RTSPREC_ERROR_SYSTEM)
        error_set(error, err, "no lock could be created");
    release(camera, steps);
    return err;
}

/* A writer, and what it takes from. */
static int start_writer(struct rtsprec_camera *camera, pthread_t *thread, struct feed *feed,
                        void *(*run)(void *), char kind)
{
    char name[32];
    snprintf(name, sizeof(name), "%c:%.13s", kind, camera->options.name);
    feed_open(feed);
    atomic_fetch_add(&camera->writers, 1);
    int err = thread_start(thread, run, camera, name);
    if (err < 0)
        atomic_fetch_sub(&camera->writers, 1);
    return err;
}

static void join_writer(pthread_t thread, struct feed *feed)
{
    feed_close(feed);
    pthread_join(thread, NULL);
}

static int start_threads(struct rtsprec_camera *camera)
{
    bool has_original = camera->original_feed.place != NULL;
    char name[32];
    snprintf(name, sizeof(name), "r:%.13s", camera->options.name);
    int err = start_writer(camera, &camera->writer, &camera->feed, writer_run, 'w');
    if (err < 0)
        return err;
    if (has_original && (err = start_writer(camera, &camera->original_writer,
                                            &camera->original_feed, original_run, 'o')) < 0)
        goto no_original;
    if ((err = thread_start(&camera->reader, reader_run, camera, name)) == 0)
        return 0;
    if (has_original)
        join_writer(camera->original_writer, &camera->original_feed);
no_original:
    join_writer(camera->writer, &camera->feed);
    return err;
}

int rtsprec_camera_start(struct rtsprec_camera *camera, struct rtsprec_error *error)
{
    error_clear(error);
    int err = 0;
    pthread_mutex_lock(&camera->life);
    if (camera->running) {
        err = error_set(error, RTSPREC_ERROR_STATE, "camera %s: is running already",
                        camera->options.name);
        goto done;
    }
    cancel_reset(&camera->cancel);
    err = start_threads(camera);
    if (err < 0)
        error_set(error, err, "camera %s: no thread could be created", camera->options.name);
    camera->running = err == 0;
    if (camera->running && camera->options.tls_verify == RTSPREC_TLS_ACCEPT_ANY &&
        url_is_encrypted(&camera->options.url))
        dispatcher_log(camera->dispatcher, RTSPREC_LOG_WARNING, camera->options.name,
                       "The certificate of the camera is not verified: who gets in between sees "
                       "the password and can replace the video");
done:
    pthread_mutex_unlock(&camera->life);
    return err;
}

void rtsprec_camera_request_stop(struct rtsprec_camera *camera)
{
    cancel_request(&camera->cancel);
}

bool camera_is_stopping(struct rtsprec_camera *camera)
{
    return cancel_stopped(&camera->cancel) && camera->running;
}

enum rtsprec_recording camera_recording(const struct rtsprec_camera *camera)
{
    return (enum rtsprec_recording)atomic_load_explicit(&camera->recording, memory_order_relaxed);
}

enum rtsprec_recording camera_recording_since(struct rtsprec_camera *camera, int64_t *from_us)
{
    pthread_mutex_lock(&camera->lock);
    enum rtsprec_recording recording = camera_recording(camera);
    *from_us = camera->recording_from_us;
    pthread_mutex_unlock(&camera->lock);
    return recording;
}

int rtsprec_camera_set_recording(struct rtsprec_camera *camera, enum rtsprec_recording recording,
                                 int64_t from_us)
{
    if (recording != RTSPREC_RECORDING_ON && recording != RTSPREC_RECORDING_STANDBY &&
        recording != RTSPREC_RECORDING_OFF)
        return RTSPREC_ERROR_INVALID;
    int64_t now_us = clock_real_us();
    if (from_us == 0 || from_us > now_us)
        from_us = now_us;
    /* Posted under the lock, so that events of several callers come in the order of their changes.
     */
    pthread_mutex_lock(&camera->lock);
    enum rtsprec_recording from = camera_recording(camera);
    if (from != recording) {
        camera->recording_from_us = from_us;
        atomic_store(&camera->recording, recording);
        atomic_fetch_add(&camera->recording_changes, 1);
        cancel_hold(&camera->cancel, recording == RTSPREC_RECORDING_OFF);
        place_note_wish(&camera->main, recording == RTSPREC_RECORDING_ON, from_us, now_us);
        if (camera->original.camera)
            place_note_wish(&camera->original, recording == RTSPREC_RECORDING_ON, from_us, now_us);
        struct rtsprec_event event = {
            .type = RTSPREC_EVENT_RECORDING_CHANGED,
            .camera = camera->options.name,
            .u.recording = {.from = from, .to = recording, .from_us = from_us},
        };
        dispatcher_post(camera->dispatcher, &event);
    }
    pthread_mutex_unlock(&camera->lock);
    return 0;
}

void rtsprec_camera_wait(struct rtsprec_camera *camera)
{
    pthread_mutex_lock(&camera->life);
    if (camera->running) {
        pthread_join(camera->reader, NULL);
        pthread_join(camera->writer, NULL);
        if (camera->original_feed.place)
            pthread_join(camera->original_writer, NULL);
        camera->running = false;
    }
    pthread_mutex_unlock(&camera->life);
}

void rtsprec_camera_destroy(struct rtsprec_camera **camera_pointer)
{
    if (!camera_pointer || !*camera_pointer)
        return;
    struct rtsprec_camera *camera = *camera_pointer;
    *camera_pointer = NULL;
    rtsprec_camera_request_stop(camera);
    rtsprec_camera_wait(camera);
    recorder_remove(camera->recorder, camera);
    release(camera, 3);
}

const char *rtsprec_camera_name(const struct rtsprec_camera *camera)
{
    return camera->options.name;
}

/* Called with the lock. */
static void set_last_error(struct rtsprec_camera *camera, const struct rtsprec_error *error)
{
    camera->last_error = error->code;
    snprintf(camera->last_error_text, sizeof(camera->last_error_text), "%.*s",
             (int)sizeof(camera->last_error_text) - 1, error->text);
}

void camera_set_state(struct rtsprec_camera *camera, enum rtsprec_camera_state state,
                      const struct rtsprec_error *error, int64_t retry_us)
{
    pthread_mutex_lock(&camera->lock);
    enum rtsprec_camera_state from = camera->state;
    camera->state = state;
    if (from != state)
        camera->state_since_us = clock_real_us();
    if (error)
        set_last_error(camera, error);
    place_note_state(&camera->main, state, error);
    if (camera->original.camera)
        place_note_state(&camera->original, state, error);
    pthread_mutex_unlock(&camera->lock);
    if (from == state)
        return;
    struct rtsprec_event event = {
        .type = RTSPREC_EVENT_STATE_CHANGED,
        .camera = camera->options.name,
        .u.state = {.from = from, .to = state, .text = "", .retry_in_us = retry_us},
    };
    if (error) {
        event.u.state.error = error->code;
        event.u.state.text = error->text;
    }
    dispatcher_post(camera->dispatcher, &event);
}

void camera_set_stream(struct rtsprec_camera *camera, const struct stream *stream)
{
    const AVCodecParameters *video = stream->tracks[0].parameters;
    const char *sound =
        stream->track_count > 1 ? avcodec_get_name(stream->tracks[1].parameters->codec_id) : "";
    pthread_mutex_lock(&camera->lock);
    snprintf(camera->video_codec, sizeof(camera->video_codec), "%s",
             avcodec_get_name(video->codec_id));
    snprintf(camera->audio_codec, sizeof(camera->audio_codec), "%s", sound);
    camera->width = video->width;
    camera->height = video->height;
    pthread_mutex_unlock(&camera->lock);
}

void camera_set_segment(struct rtsprec_camera *camera, const char *path)
{
    pthread_mutex_lock(&camera->lock);
    snprintf(camera->segment_path, sizeof(camera->segment_path), "%s", path);
    pthread_mutex_unlock(&camera->lock);
}

void camera_set_encoder(struct rtsprec_camera *camera, const char *name)
{
    pthread_mutex_lock(&camera->lock);
    snprintf(camera->encoder, sizeof(camera->encoder), "%s", name);
    pthread_mutex_unlock(&camera->lock);
}

void camera_set_storage(struct rtsprec_camera *camera, struct place *place,
                        const struct rtsprec_error *error)
{
    pthread_mutex_lock(&camera->lock);
    bool was_failing = place->storage_error != 0;
    place->storage_error = error ? error->code : 0;
    if (error)
        set_last_error(camera, error);
    pthread_mutex_unlock(&camera->lock);
    if (was_failing == (error != NULL))
        return;
    struct rtsprec_event event = {
        .type = RTSPREC_EVENT_STORAGE_CHANGED,
        .camera = camera->options.name,
        .u.storage = {.error = error ? error->code : 0,
                      .text = error ? error->text : "",
                      .directory = place->directory},
    };
    dispatcher_post(camera->dispatcher, &event);
}

void camera_leave_writer(struct rtsprec_camera *camera)
{
    if (atomic_fetch_sub(&camera->writers, 1) == 1)
        camera_set_state(camera, RTSPREC_CAMERA_STOPPED, NULL, 0);
}

static int64_t get(const _Atomic int64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

int rtsprec_camera_get_statistics(const struct rtsprec_camera *constant_camera,
                                  struct rtsprec_camera_statistics *out)
{
    /* A snapshot changes nothing but the locks it takes. */
    struct rtsprec_camera *camera = (struct rtsprec_camera *)constant_camera;
    const struct camera_counters *counters = &camera->counters;
    struct rtsprec_camera_statistics snapshot = {
        .size = out->size,
        .received_packets_total = get(&counters->received_packets),
        .received_bytes_total = get(&counters->received_bytes),
        .last_video_us = get(&counters->last_video_us),
        .written_frames_total = get(&counters->written_frames),
        .written_bytes_total = get(&counters->written_bytes),
        .segments_total = get(&counters->segments),
        .dropped_packets_total = get(&counters->dropped_packets),
        .dropped_frames_total = get(&counters->dropped_frames),
        .failed_packets_total = get(&counters->failed_packets),
        .discontinuities_total = get(&counters->discontinuities),
        .skipped_frames_total = get(&counters->skipped_frames),
        .lost_packets_total = get(&counters->lost_packets),
        .connects_total = get(&counters->connects),
        .failures_total = get(&counters->failures),
    };
    if (out->size == 0 || out->size > sizeof(snapshot))
        return RTSPREC_ERROR_INVALID;
    packet_queue_fill(&camera->feed.queue, &snapshot.queue_bytes, &snapshot.queue_us);

    pthread_mutex_lock(&camera->lock);
    snapshot.state = camera->state;
    snapshot.state_since_us = camera->state_since_us;
    snapshot.last_error = camera->last_error;
    memcpy(snapshot.last_error_text, camera->last_error_text, sizeof(camera->last_error_text));
    memcpy(snapshot.video_codec, camera->video_codec, sizeof(camera->video_codec));
    memcpy(snapshot.audio_codec, camera->audio_codec, sizeof(camera->audio_codec));
    snapshot.width = camera->width;
    snapshot.height = camera->height;
    memcpy(snapshot.segment_path, camera->segment_path, sizeof(camera->segment_path));
    memcpy(snapshot.encoder, camera->encoder, sizeof(camera->encoder));
    snapshot.storage_error = camera->main.storage_error;
    snapshot.also_keep_storage_error = camera->original.storage_error;
    snapshot.recording = camera_recording(camera);
    pthread_mutex_unlock(&camera->lock);
    memcpy(out, &snapshot, out->size);
    return 0;
}
