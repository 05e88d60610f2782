/* A recorder's and a camera's options, checked once at the door: defaults filled in, strings
 * copied. */
#ifndef LIB_OPTIONS_H
#define LIB_OPTIONS_H

#include <rtsprec/camera.h>
#include <rtsprec/recorder.h>

#include "base/url.h"

/* A camera's options as the library uses them: every member has its value. */
struct camera_options {
    char *name, *output_directory; /* owned */
    struct url url;                /* owned; its credentials are those to use */
    enum rtsprec_transport transport;
    enum rtsprec_container container;
    enum rtsprec_audio audio;
    int64_t segment_duration_us;
    int64_t open_timeout_us, read_timeout_us;
    int64_t retry_min_us, retry_max_us, auth_retry_min_us, auth_retry_max_us;
    int64_t queue_duration_us, queue_bytes;
    int64_t fragment_duration_us, sync_interval_us; /* the second may be RTSPREC_SYNC_NEVER */
    enum rtsprec_ingest ingest;
    enum rtsprec_tls tls_verify;
    char *tls_ca_file; /* owned; NULL: the system's authorities */

    enum rtsprec_video_codec video_codec;
    enum rtsprec_transcode transcode;
    enum rtsprec_overload on_overload;
    int64_t video_width, video_height; /* 0: the camera's */
    int64_t video_millifps, video_bitrate;
    int64_t encoder_threads;
    int64_t timelapse_interval_us, timelapse_fps;    /* 0: none */
    char *encoder, *encoder_device, *encoder_preset; /* owned; NULL: any, the first, a fast one */

    enum rtsprec_also_keep also_keep;
    char *also_keep_directory; /* owned; NULL without */
};

/*
 * Copies, completes and checks. Needs camera_options_uninit() after success and failure alike.
 *
 * Returns 0, RTSPREC_ERROR_INVALID or RTSPREC_ERROR_NO_MEMORY.
 */
int camera_options_take(struct camera_options *out, const struct rtsprec_camera_options *options,
                        struct rtsprec_error *error);
void camera_options_uninit(struct camera_options *options);

/* The same for a recorder; NULL means the defaults. */
int recorder_options_take(struct rtsprec_recorder_options *out,
                          const struct rtsprec_recorder_options *options,
                          struct rtsprec_error *error);

#endif
