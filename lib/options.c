#include "options.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/layout.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/path.h"
#include "base/thread.h"

#define DEFAULT_SEGMENT_US      (300 * US_PER_SECOND) /* the Python service's */
#define DEFAULT_OPEN_TIMEOUT_US (10 * US_PER_SECOND)
#define DEFAULT_READ_TIMEOUT_US (5 * US_PER_SECOND)
#define DEFAULT_RETRY_MIN_US    (US_PER_SECOND / 2)
#define DEFAULT_RETRY_MAX_US    (5 * US_PER_SECOND)
#define DEFAULT_AUTH_MIN_US     (60 * US_PER_SECOND)
#define DEFAULT_AUTH_MAX_US     (1800 * US_PER_SECOND)
#define DEFAULT_QUEUE_US        (10 * US_PER_SECOND)
#define DEFAULT_QUEUE_BYTES     (INT64_C(64) * 1024 * 1024)

#define DEFAULT_MILLIFPS 15000 /* rate and bitrate are the Python service's */
#define DEFAULT_BITRATE  8000000
#define DEFAULT_THREADS  2

#define DEFAULT_TIMELAPSE_FPS 25

/* One of 5 megapixels needs half a processor, most need less. */
#define TRANSCODES_PER_PROCESSOR 4

#define DEFAULT_FRAGMENT_US (US_PER_SECOND / 2)
#define DEFAULT_SYNC_US     US_PER_SECOND

#define MS INT64_C(1000)

/*
 * Options structs only grow at the end: of a shorter one the rest is zero, of a longer one what
 * this library does not know must be zero. min is the first version's size.
 */
static int upgrade(void *out, size_t out_size, size_t min, const void *options, size_t size,
                   struct rtsprec_error *error)
{
    if (size < min)
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "size: %zu, expected the options to be set by their _init function", size);
    for (size_t i = out_size; i < size; i++) {
        if (((const unsigned char *)options)[i] != 0)
            return error_set(error, RTSPREC_ERROR_INVALID,
                             "size: %zu, an option is set that only a newer library knows", size);
    }
    memcpy(out, options, size < out_size ? size : out_size);
    return 0;
}

void rtsprec_recorder_options_init(struct rtsprec_recorder_options *options)
{
    *options = (struct rtsprec_recorder_options){
        .size = sizeof(*options),
        .log_level = RTSPREC_LOG_INFO,
    };
}

int recorder_options_take(struct rtsprec_recorder_options *out,
                          const struct rtsprec_recorder_options *options,
                          struct rtsprec_error *error)
{
    struct rtsprec_recorder_options defaults;
    rtsprec_recorder_options_init(&defaults);
    options = options ? options : &defaults;
    *out = (struct rtsprec_recorder_options){0};
    int err = upgrade(out, sizeof(*out), sizeof(*out), options, options->size, error);
    if (err < 0)
        return err;
    if (out->log_level == 0)
        out->log_level = RTSPREC_LOG_INFO;
    if (out->max_transcodes == 0)
        out->max_transcodes = TRANSCODES_PER_PROCESSOR * thread_processors();
    if (out->max_transcodes < 1 || out->max_transcodes > 1000)
        return error_set(error, RTSPREC_ERROR_INVALID, "max_transcodes: %d, expected 1 to 1000",
                         out->max_transcodes);
    if (out->log_level < RTSPREC_LOG_ERROR || out->log_level > RTSPREC_LOG_DEBUG)
        return error_set(error, RTSPREC_ERROR_INVALID, "log_level: %d, expected %d to %d",
                         (int)out->log_level, RTSPREC_LOG_ERROR, RTSPREC_LOG_DEBUG);
    return 0;
}

void rtsprec_camera_options_init(struct rtsprec_camera_options *options)
{
    *options = (struct rtsprec_camera_options){
        .size = sizeof(*options),
        .segment_duration_us = DEFAULT_SEGMENT_US,
        .open_timeout_us = DEFAULT_OPEN_TIMEOUT_US,
        .read_timeout_us = DEFAULT_READ_TIMEOUT_US,
        .retry_min_us = DEFAULT_RETRY_MIN_US,
        .retry_max_us = DEFAULT_RETRY_MAX_US,
        .auth_retry_min_us = DEFAULT_AUTH_MIN_US,
        .auth_retry_max_us = DEFAULT_AUTH_MAX_US,
        .queue_duration_us = DEFAULT_QUEUE_US,
        .queue_bytes = DEFAULT_QUEUE_BYTES,
        .fragment_duration_us = DEFAULT_FRAGMENT_US,
        .sync_interval_us = DEFAULT_SYNC_US,
        .video_millifps = DEFAULT_MILLIFPS,
        .video_bitrate = DEFAULT_BITRATE,
        .encoder_threads = DEFAULT_THREADS,
        .timelapse_fps = DEFAULT_TIMELAPSE_FPS,
    };
}

/* One number: 0 means its default. */
static int take_number(int64_t *out, int64_t value, int64_t fallback, int64_t least, int64_t most,
                       const char *name, struct rtsprec_error *error)
{
    *out = value ? value : fallback;
    if (*out < least || *out > most)
        return error_set(error, RTSPREC_ERROR_INVALID, "%s: %lld, expected %lld to %lld", name,
                         (long long)value, (long long)least, (long long)most);
    return 0;
}

/* Pixels of an edge; 0 stays. */
static int take_size(int64_t *out, int value, const char *name, struct rtsprec_error *error)
{
    *out = value;
    if (value != 0 && (value < 16 || value > 16384))
        return error_set(error, RTSPREC_ERROR_INVALID, "%s: %d, expected 0 or 16 to 16384", name,
                         value);
    return 0;
}

static int take_choice(int value, int most, const char *name, struct rtsprec_error *error)
{
    if (value < 0 || value > most)
        return error_set(error, RTSPREC_ERROR_INVALID, "%s: %d, expected 0 to %d", name, value,
                         most);
    return 0;
}

static int take_numbers(struct camera_options *out, const struct rtsprec_camera_options *in,
                        struct rtsprec_error *error)
{
    const struct {
        int64_t *out, value, fallback, least, most;
        const char *name;
    } numbers[] = {
        {&out->segment_duration_us, in->segment_duration_us, DEFAULT_SEGMENT_US, US_PER_SECOND,
         US_PER_DAY, "segment_duration_us"},
        {&out->open_timeout_us, in->open_timeout_us, DEFAULT_OPEN_TIMEOUT_US, 100 * MS,
         300 * US_PER_SECOND, "open_timeout_us"},
        {&out->read_timeout_us, in->read_timeout_us, DEFAULT_READ_TIMEOUT_US, 100 * MS,
         300 * US_PER_SECOND, "read_timeout_us"},
        {&out->retry_min_us, in->retry_min_us, DEFAULT_RETRY_MIN_US, 10 * MS, US_PER_DAY,
         "retry_min_us"},
        {&out->retry_max_us, in->retry_max_us, DEFAULT_RETRY_MAX_US, 10 * MS, US_PER_DAY,
         "retry_max_us"},
        {&out->auth_retry_min_us, in->auth_retry_min_us, DEFAULT_AUTH_MIN_US, 10 * MS, US_PER_DAY,
         "auth_retry_min_us"},
        {&out->auth_retry_max_us, in->auth_retry_max_us, DEFAULT_AUTH_MAX_US, 10 * MS, US_PER_DAY,
         "auth_retry_max_us"},
        {&out->queue_duration_us, in->queue_duration_us, DEFAULT_QUEUE_US, 100 * MS,
         3600 * US_PER_SECOND, "queue_duration_us"},
        {&out->queue_bytes, in->queue_bytes, DEFAULT_QUEUE_BYTES, 64 * 1024,
         INT64_C(1024) * 1024 * 1024 * 1024, "queue_bytes"},
        {&out->fragment_duration_us, in->fragment_duration_us, DEFAULT_FRAGMENT_US, 100 * MS,
         10 * US_PER_SECOND, "fragment_duration_us"},
        {&out->sync_interval_us, in->sync_interval_us, DEFAULT_SYNC_US, RTSPREC_SYNC_NEVER,
         3600 * US_PER_SECOND, "sync_interval_us"},
        {&out->video_millifps, in->video_millifps, DEFAULT_MILLIFPS, 100, 240000, "video_millifps"},
        {&out->video_bitrate, in->video_bitrate, DEFAULT_BITRATE, 1000, 1000000000,
         "video_bitrate"},
        {&out->encoder_threads, in->encoder_threads, DEFAULT_THREADS, 1, 64, "encoder_threads"},
        {&out->timelapse_fps, in->timelapse_fps, DEFAULT_TIMELAPSE_FPS, 1, 60, "timelapse_fps"},
    };
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        int err = take_number(numbers[i].out, numbers[i].value, numbers[i].fallback,
                              numbers[i].least, numbers[i].most, numbers[i].name, error);
        if (err < 0)
            return err;
    }
    int err = take_size(&out->video_width, in->video_width, "video_width", error);
    if (err == 0)
        err = take_size(&out->video_height, in->video_height, "video_height", error);
    if (err < 0)
        return err;
    out->timelapse_interval_us = in->timelapse_interval_us;
    if (out->timelapse_interval_us != 0 &&
        (out->timelapse_interval_us < US_PER_SECOND || out->timelapse_interval_us > US_PER_DAY))
        return error_set(
            error, RTSPREC_ERROR_INVALID, "timelapse_interval_us: %lld, expected 0 or %lld to %lld",
            (long long)out->timelapse_interval_us, (long long)US_PER_SECOND, (long long)US_PER_DAY);
    if (out->retry_max_us < out->retry_min_us)
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "retry_max_us: %lld, expected at least retry_min_us, %lld",
                         (long long)out->retry_max_us, (long long)out->retry_min_us);
    if (out->auth_retry_max_us < out->auth_retry_min_us)
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "auth_retry_max_us: %lld, expected at least auth_retry_min_us, %lld",
                         (long long)out->auth_retry_max_us, (long long)out->auth_retry_min_us);
    return 0;
}

/* Credentials given apart go before those of the URL. */
static int take_credential(char **out, const char *value, struct rtsprec_error *error)
{
    if (!value)
        return 0;
    secret_free(*out);
    *out = strdup(value);
    return *out ? 0 : error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}

static void cut_slashes(char *path)
{
    size_t length = strlen(path);
    while (length > 1 && path[length - 1] == '/')
        path[--length] = '\0';
}

static int take_strings(struct camera_options *out, const struct rtsprec_camera_options *in,
                        struct rtsprec_error *error)
{
    if (!in->name || !layout_camera_name_is_valid(in->name))
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "name: %s%s%s, expected 1 to 200 bytes without \"/\" and control "
                         "characters that do not begin with a dot",
                         in->name ? "\"" : "", in->name ? in->name : "missing",
                         in->name ? "\"" : "");
    if (!in->url)
        return error_set(error, RTSPREC_ERROR_INVALID, "url: missing, expected rtsp://…");
    if (!in->output_directory || !*in->output_directory)
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "output_directory: missing, expected a path");
    out->name = strdup(in->name);
    out->output_directory = strdup(in->output_directory);
    if (!out->name || !out->output_directory)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    cut_slashes(out->output_directory);

    int err = url_parse(&out->url, in->url, error);
    if (err == 0)
        err = take_credential(&out->url.username, in->username, error);
    if (err == 0)
        err = take_credential(&out->url.password, in->password, error);
    return err;
}

static int take_choices(struct camera_options *out, const struct rtsprec_camera_options *in,
                        struct rtsprec_error *error)
{
    const struct {
        int value, most;
        const char *name;
    } choices[] = {
        {(int)in->transport, RTSPREC_TRANSPORT_AUTO, "transport"},
        {(int)in->container, RTSPREC_CONTAINER_MKV, "container"},
        {(int)in->audio, RTSPREC_AUDIO_AAC, "audio"},
        {(int)in->video_codec, RTSPREC_VIDEO_AV1, "video_codec"},
        {(int)in->transcode, RTSPREC_TRANSCODE_NEVER, "transcode"},
        {(int)in->on_overload, RTSPREC_OVERLOAD_FAIL, "on_overload"},
        {(int)in->also_keep, RTSPREC_ALSO_KEEP_COPY, "also_keep"},
        {(int)in->ingest, RTSPREC_INGEST_LIBAVFORMAT, "ingest"},
        {(int)in->tls_verify, RTSPREC_TLS_ACCEPT_ANY, "tls_verify"},
    };
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        int err = take_choice(choices[i].value, choices[i].most, choices[i].name, error);
        if (err < 0)
            return err;
    }
    out->transport = in->transport;
    out->container = in->container;
    out->audio = in->audio;
    out->ingest = in->ingest;
    out->tls_verify = in->tls_verify;
    out->video_codec = in->video_codec;
    out->transcode = in->transcode;
    out->on_overload = in->on_overload;
    out->also_keep = in->also_keep;
    return 0;
}

static int take_text(char **out, const char *value, struct rtsprec_error *error)
{
    if (!value)
        return 0;
    *out = strdup(value);
    return *out ? 0 : error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}

static int take_encoder(struct camera_options *out, const struct rtsprec_camera_options *in,
                        struct rtsprec_error *error)
{
    int err = take_text(&out->encoder, in->encoder, error);
    if (err == 0)
        err = take_text(&out->encoder_device, in->encoder_device, error);
    if (err == 0)
        err = take_text(&out->encoder_preset, in->encoder_preset, error);
    return err;
}

/* Two archives, of which neither is in the other: each deletes what is its own. */
static int check_apart(const char *directory, const char *output_directory,
                       struct rtsprec_error *error)
{
    char *one = path_resolve(directory), *other = path_resolve(output_directory);
    int err = 0;
    if (!one || !other)
        err = error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    else if (path_is_within(one, other) || path_is_within(other, one))
        err = error_set(error, RTSPREC_ERROR_INVALID,
                        "also_keep_directory: \"%s\", expected a path that is neither "
                        "output_directory, \"%s\", nor in it nor around it",
                        directory, output_directory);
    free(one);
    free(other);
    return err;
}

static int take_also_keep(struct camera_options *out, const struct rtsprec_camera_options *in,
                          struct rtsprec_error *error)
{
    if (in->also_keep == RTSPREC_ALSO_KEEP_NONE)
        return 0;
    if (!in->also_keep_directory || !*in->also_keep_directory)
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "also_keep_directory: missing, expected a path");
    int err = take_text(&out->also_keep_directory, in->also_keep_directory, error);
    if (err < 0)
        return err;
    cut_slashes(out->also_keep_directory);
    return check_apart(out->also_keep_directory, out->output_directory, error);
}

static int take_tls(struct camera_options *out, const struct rtsprec_camera_options *in,
                    struct rtsprec_error *error)
{
    if (in->ingest == RTSPREC_INGEST_LIBAVFORMAT && in->tls_verify == RTSPREC_TLS_VERIFY &&
        strcmp(out->url.scheme, "rtsps") == 0)
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "ingest: libavformat cannot verify the certificate of an rtsps:// URL, "
                         "expected the library's own RTSP, or no verification");
    if (!in->tls_ca_file)
        return 0;
    if (access(in->tls_ca_file, R_OK) < 0)
        return error_set_errno(error, RTSPREC_ERROR_INVALID, errno,
                               "tls_ca_file: expected a file that can be read");
    out->tls_ca_file = strdup(in->tls_ca_file);
    return out->tls_ca_file ? 0 : error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}

int camera_options_take(struct camera_options *out, const struct rtsprec_camera_options *options,
                        struct rtsprec_error *error)
{
    *out = (struct camera_options){0};
    error_clear(error);
    struct rtsprec_camera_options in = {0};
    if (!options)
        return error_set(error, RTSPREC_ERROR_INVALID, "options: missing");
    int err = upgrade(&in, sizeof(in), sizeof(in), options, options->size, error);
    if (err == 0)
        err = take_strings(out, &in, error);
    if (err == 0)
        err = take_choices(out, &in, error);
    if (err == 0)
        err = take_tls(out, &in, error);
    if (err == 0)
        err = take_encoder(out, &in, error);
    if (err == 0)
        err = take_also_keep(out, &in, error);
    if (err == 0)
        err = take_numbers(out, &in, error);
    return err;
}

void camera_options_uninit(struct camera_options *options)
{
    free(options->name);
    free(options->output_directory);
    free(options->tls_ca_file);
    free(options->encoder);
    free(options->encoder_device);
    free(options->encoder_preset);
    free(options->also_keep_directory);
    url_uninit(&options->url);
    *options = (struct camera_options){0};
}

int rtsprec_camera_options_check(const struct rtsprec_camera_options *options,
                                 struct rtsprec_error *error)
{
    struct camera_options taken;
    int err = camera_options_take(&taken, options, error);
    camera_options_uninit(&taken);
    return err;
}
