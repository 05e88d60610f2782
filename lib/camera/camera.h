/*
 * One camera's life: two threads, a queue between them, and what both tell the outside. The reader
 * (reader.c) owns the network, the writer (writer.c) owns the disk. While the common reader has the
 * run, what is the reader's here is its. Where the original is kept, too, it has a queue and a
 * writer of its own (original.c).
 */
#ifndef CAMERA_CAMERA_H
#define CAMERA_CAMERA_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <rtsprec/camera.h>

#include "base/cancel.h"
#include "base/dispatcher.h"
#include "base/resolve.h"
#include "camera/feed.h"
#include "camera/place.h"
#include "options.h"

/* Totals, each written by one thread and read by any. */
struct camera_counters {
    /* reader */
    _Atomic int64_t received_packets, received_bytes, last_video_us;
    _Atomic int64_t dropped_packets, dropped_frames, discontinuities, connects, failures;
    _Atomic int64_t lost_packets;
    /* writer */
    _Atomic int64_t skipped_frames;
    _Atomic int64_t written_frames, written_bytes, segments, failed_packets;
};

struct rtsprec_camera {
    /* constant */
    struct rtsprec_recorder *recorder;
    struct dispatcher *dispatcher;       /* the recorder's */
    struct durable *durable;             /* the recorder's */
    struct common_reader *common_reader; /* the recorder's */
    struct camera_options options;
    struct transcoder *transcoder; /* the writer's, when it runs */

    /* guarded by the recorder's lock */
    struct rtsprec_camera *next;
    int holders; /* waiters who need it to stay */

    /* start, stop and wait, from any thread */
    pthread_mutex_t life; /* one of them at a time */
    atomic_bool running;
    pthread_t reader, writer;
    pthread_t original_writer; /* where the original is kept */
    atomic_int writers;        /* how many of them run */

    /* Set under the lock, read by any thread. */
    _Atomic int recording;         /* enum rtsprec_recording */
    _Atomic int recording_changes; /* how often that was set */

    /* shared by its threads */
    struct cancel cancel; /* held while recording is OFF */
    struct feed feed;
    struct feed original_feed; /* what is also kept as it came */
    struct resolver resolver;  /* the reader's */
    struct camera_counters counters;

    atomic_bool is_encoding; /* the writer is in an encoder now, and not in a disk */

    /* the reader's */
    bool is_connected; /* the camera answered all that was asked of it in this run */

    pthread_mutex_t lock; /* what a snapshot shows besides the counters */
    enum rtsprec_camera_state state;
    int64_t state_since_us;
    int last_error;
    char last_error_text[256];
    char video_codec[16], audio_codec[16];
    int width, height;
    char segment_path[512];
    char encoder[32];
    int64_t recording_from_us; /* since when it is to be recorded or not */

    struct place main;     /* where what is recorded goes */
    struct place original; /* what is also kept as it came; its camera is NULL without */
};

/* Whether it was asked to stop and nobody has waited for that yet. */
bool camera_is_stopping(struct rtsprec_camera *camera);

/* What the program wants of it, whether it runs or not; and since when, wall-clock time. */
enum rtsprec_recording camera_recording(const struct rtsprec_camera *camera);
enum rtsprec_recording camera_recording_since(struct rtsprec_camera *camera, int64_t *from_us);

/* Enters a state and posts the event; error (NULL: none) is why, retry_us the pause of WAITING. */
void camera_set_state(struct rtsprec_camera *camera, enum rtsprec_camera_state state,
                      const struct rtsprec_error *error, int64_t retry_us);

/* For the snapshot: the stream that is being recorded, the file that is being written ("": none).
 */
void camera_set_stream(struct rtsprec_camera *camera, const struct stream *stream);
void camera_set_segment(struct rtsprec_camera *camera, const char *path);

/* For the snapshot: the encoder at work ("": none). */
void camera_set_encoder(struct rtsprec_camera *camera, const char *name);

/* Whether files can be written there, and why not (NULL: they can); posts the event of a change. */
void camera_set_storage(struct rtsprec_camera *camera, struct place *place,
                        const struct rtsprec_error *error);

/* The last thing that a writer's thread does. */
void camera_leave_writer(struct rtsprec_camera *camera);

/* A counter's single writer adds to it. */
static inline void count(_Atomic int64_t *counter, int64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

/* The threads' functions; the argument is the camera. */
void *reader_run(void *camera);
void *writer_run(void *camera);
void *original_run(void *camera);

#endif
