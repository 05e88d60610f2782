#include "settings.h"

#include <math.h>
#include <string.h>

#include "heap.h"
#include "rtsp_url.h"

/* docs/configuration.md lists them; those of the Python service where its README states one. */
void settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .frame_width = 2592,
        .frame_height = 1944,
        .fps = 15,
        .video_bitrate_kbps = 8000,
        .video_codec = RTSPREC_VIDEO_COPY,
        .transcode = RTSPREC_TRANSCODE_AUTO,
        .encoder_threads = 2,
        .on_overload = RTSPREC_OVERLOAD_DROP_FRAMES,
        .timelapse_seconds = 10,
        .timelapse_fps = 25,
        .also_keep = RTSPREC_ALSO_KEEP_NONE,
        .container = RTSPREC_CONTAINER_MP4,
        .segment_seconds = 300,
        .fragment_ms = 500,
        .sync_ms = 1000,
        .limit_occupied_space = false,
        .max_occupied_gb = 0,
        .keep_free_gb = 10,
        .max_age_days = 0,
        .min_age_days = 0,
        .transport = RTSPREC_TRANSPORT_TCP,
        .ingest = RTSPREC_INGEST_OWN,
        .tls_verify = true,
        .audio = RTSPREC_AUDIO_AUTO,
        .open_timeout_seconds = 10,
        .read_timeout_seconds = 5,
        .log_level = RTSPREC_LOG_INFO,
        .protected_policy = RTSPREC_PROTECTED_NEVER,
    };
}

static char *copy(const char *text)
{
    return text != NULL ? heap_copy(text, strlen(text)) : NULL;
}

void settings_init_from(struct settings *settings, const struct settings *global)
{
    *settings = *global;
    settings->name = NULL;
    settings->url = NULL;
    settings->schedule = copy(global->schedule);
    settings->output_directory = copy(global->output_directory);
    settings->username = copy(global->username);
    settings->password = copy(global->password);
    settings->tls_ca_file = copy(global->tls_ca_file);
    settings->encoder = copy(global->encoder);
    settings->encoder_device = copy(global->encoder_device);
    settings->encoder_preset = copy(global->encoder_preset);
    settings->also_keep_directory = copy(global->also_keep_directory);
    settings->log_file = NULL;
    settings->time_zone = NULL;
    settings->max_occupied_gb = 0; /* that of "global" is for all cameras together */
    /* A bad path in "global" was reported there: it is not missing here. */
    settings->has_username = settings->has_password = false;
}

void settings_prefer_url(struct settings *settings)
{
    size_t begin, end;

    if (settings->url == NULL || !rtsp_url_find_userinfo(settings->url, &begin, &end))
        return;
    if (!settings->has_username)
        heap_forget(&settings->username);
    if (!settings->has_password && memchr(settings->url + begin, ':', end - begin) != NULL)
        heap_forget(&settings->password);
}

const char *settings_schedule(const struct settings *settings)
{
    return settings->schedule != NULL ? settings->schedule : "always";
}

static int64_t seconds_to_us(double seconds)
{
    return llround(seconds * 1e6);
}

void settings_to_options(const struct settings *settings, struct rtsprec_camera_options *options)
{
    rtsprec_camera_options_init(options);
    options->name = settings->name;
    options->url = settings->url;
    options->output_directory = settings->output_directory;
    options->username = settings->username;
    options->password = settings->password;
    options->transport = (enum rtsprec_transport)settings->transport;
    options->ingest = (enum rtsprec_ingest)settings->ingest;
    options->tls_verify = settings->tls_verify ? RTSPREC_TLS_VERIFY : RTSPREC_TLS_ACCEPT_ANY;
    options->tls_ca_file = settings->tls_ca_file;
    options->video_codec = (enum rtsprec_video_codec)settings->video_codec;
    options->video_width = (int)settings->frame_width;
    options->video_height = (int)settings->frame_height;
    options->video_millifps = (int)llround(settings->fps * 1000);
    options->video_bitrate = settings->video_bitrate_kbps * 1000;
    options->transcode = (enum rtsprec_transcode)settings->transcode;
    options->encoder = settings->encoder;
    options->encoder_device = settings->encoder_device;
    options->encoder_preset = settings->encoder_preset;
    options->encoder_threads = (int)settings->encoder_threads;
    options->on_overload = (enum rtsprec_overload)settings->on_overload;
    options->timelapse_interval_us =
        settings->timelapse ? settings->timelapse_seconds * 1000000 : 0;
    options->timelapse_fps = (int)settings->timelapse_fps;
    options->also_keep = (enum rtsprec_also_keep)settings->also_keep;
    options->also_keep_directory = settings->also_keep_directory;
    options->container = (enum rtsprec_container)settings->container;
    options->audio = (enum rtsprec_audio)settings->audio;
    options->segment_duration_us = settings->segment_seconds * 1000000;
    options->fragment_duration_us = settings->fragment_ms * 1000;
    options->sync_interval_us = settings->sync_ms < 0    ? RTSPREC_SYNC_NEVER
                                : settings->sync_ms == 0 ? RTSPREC_SYNC_EACH_FRAGMENT
                                                         : settings->sync_ms * 1000;
    options->open_timeout_us = seconds_to_us(settings->open_timeout_seconds);
    options->read_timeout_us = seconds_to_us(settings->read_timeout_seconds);
}

void settings_forget_secrets(struct settings *settings)
{
    heap_forget(&settings->url);
    heap_forget(&settings->username);
    heap_forget(&settings->password);
}

void settings_uninit(struct settings *settings)
{
    settings_forget_secrets(settings);
    heap_forget(&settings->name);
    heap_forget(&settings->output_directory);
    heap_forget(&settings->tls_ca_file);
    heap_forget(&settings->encoder);
    heap_forget(&settings->encoder_device);
    heap_forget(&settings->encoder_preset);
    heap_forget(&settings->also_keep_directory);
    heap_forget(&settings->log_file);
    heap_forget(&settings->schedule);
    heap_forget(&settings->time_zone);
}
