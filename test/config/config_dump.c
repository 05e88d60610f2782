/*
 * What rtsprecd makes of a configuration, for the tests: config_dump FILE prints the settings of
 * each camera with secrets masked, config_dump --keys the keys that it knows.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "keys.h"
#include "limits.h"
#include "rtsp_url.h"

static const char *or_none(const char *text)
{
    return text != NULL ? text : "-";
}

static void print_settings(const struct settings *s)
{
    static const char *const codecs[] = {"copy", "hevc", "h264", "mpeg4", "av1"};
    static const char *const audios[] = {"auto", "off", "copy", "aac"};
    static const char *const transcodes[] = {"auto", "always", "never"};
    static const char *const overloads[] = {"drop frames", "copy", "fail"};
    static const char *const transports[] = {"tcp", "udp", "multicast", "auto"};
    size_t begin, end;
    bool has_user = rtsp_url_find_userinfo(s->url, &begin, &end);

    printf("%s\n", s->name);
    printf("  url %.*s%s%s\n", (int)begin, s->url, has_user ? "..." : "", s->url + end);
    printf("  username %s, password %s\n", or_none(s->username),
           s->password != NULL ? "given" : "-");
    printf("  frame %" PRId64 "x%" PRId64 ", %g fps, %" PRId64 " kbit/s\n", s->frame_width,
           s->frame_height, s->fps, s->video_bitrate_kbps);
    printf("  codec %s, container %s\n", codecs[s->video_codec],
           s->container == RTSPREC_CONTAINER_MP4 ? "mp4" : "mkv");
    printf("  transcode %s, encoder %s, device %s, preset %s, %" PRId64 " threads, else %s\n",
           transcodes[s->transcode], or_none(s->encoder), or_none(s->encoder_device),
           or_none(s->encoder_preset), s->encoder_threads, overloads[s->on_overload]);
    if (s->timelapse)
        printf("  timelapse every %" PRId64 " s, %" PRId64 " fps, kept for %g days\n",
               s->timelapse_seconds, s->timelapse_fps, s->timelapse_keep_days);
    if (s->also_keep != RTSPREC_ALSO_KEEP_NONE)
        printf("  original in %s\n", s->also_keep_directory);
    printf("  mode %s, %s in between\n", settings_schedule(s),
           s->keep_connected ? "connected" : "not connected");
    printf("  directory %s, %" PRId64 " s, fragment %" PRId64 " ms, sync %" PRId64 " ms\n",
           s->output_directory, s->segment_seconds, s->fragment_ms, s->sync_ms);
    printf("  limit %s, at most %g GB, free %g GB\n", s->limit_occupied_space ? "yes" : "no",
           s->max_occupied_gb, s->keep_free_gb);
    printf("  kept for %g days, at most %g\n", s->min_age_days, s->max_age_days);
    printf("  transport %s, audio %s, open %g s, read %g s\n", transports[s->transport],
           audios[s->audio], s->open_timeout_seconds, s->read_timeout_seconds);
    printf("  ingest %s, certificates %s, authorities %s\n",
           s->ingest == RTSPREC_INGEST_OWN ? "rtsprec" : "libavformat",
           s->tls_verify ? "verified" : "ignored", or_none(s->tls_ca_file));
}

static bool is_limited(const struct rtsprec_archive_limits *limits)
{
    bool any = limits->max_bytes > 0 || limits->keep_free_bytes > 0 || limits->max_age_us > 0;

    for (size_t i = 0; i < limits->camera_count; i++)
        any = any || limits->cameras[i].max_bytes > 0 || limits->cameras[i].max_age_us > 0 ||
              limits->cameras[i].timelapse_max_age_us > 0;
    return any;
}

static void print_camera_limits(const struct rtsprec_camera_limits *camera)
{
    printf("  %s: %" PRId64 " bytes, %s%" PRId64 " to %" PRId64 " s", camera->camera,
           camera->max_bytes, camera->is_exempt ? "exempt, " : "", camera->min_age_us / 1000000,
           camera->max_age_us / 1000000);
    if (camera->timelapse_max_age_us > 0)
        printf(", timelapses %" PRId64 " s", camera->timelapse_max_age_us / 1000000);
    printf("\n");
}

/* Of archives of which something is deleted. */
static void print_limits(const struct config *config)
{
    struct limits_list list;

    limits_make(&list, config);
    for (size_t i = 0; i < list.count; i++) {
        const struct rtsprec_archive_limits *limits = &list.archives[i].limits;

        if (!is_limited(limits))
            continue;
        printf("archive %s: %" PRId64 " bytes, %" PRId64 " free, others %s%" PRId64 " to %" PRId64
               " s\n",
               list.archives[i].directory, limits->max_bytes, limits->keep_free_bytes,
               limits->is_exempt ? "exempt, " : "", limits->min_age_us / 1000000,
               limits->max_age_us / 1000000);
        for (size_t j = 0; j < limits->camera_count; j++)
            print_camera_limits(&limits->cameras[j]);
    }
    limits_forget(&list);
}

static void print_keys(void)
{
    for (const struct key *key = keys; key->name != NULL; key++)
        printf("%s%s%s%s%s%s%s\n", key->name, (key->levels & KEY_LEVEL_TOP) != 0 ? " top" : "",
               (key->levels & KEY_LEVEL_GLOBAL) != 0 ? " global" : "",
               (key->levels & KEY_LEVEL_CAMERA) != 0 ? " camera" : "",
               (key->levels & KEY_LEVEL_RECORDING) != 0 ? " recording" : "",
               (key->levels & KEY_LEVEL_TRANSCODE) != 0 ? " transcode" : "",
               (key->levels & KEY_LEVEL_TIMELAPSE) != 0 ? " timelapse" : "");
}

int main(int argc, char **argv)
{
    struct config config;

    if (argc != 2) {
        fputs("usage: config_dump FILE|--keys\n", stderr);
        return 64;
    }
    if (strcmp(argv[1], "--keys") == 0) {
        print_keys();
        return 0;
    }
    if (config_load(&config, argv[1], stderr) < 0)
        return 78;
    printf("log %s, level %d, zone %s, protected %s, transcodes %" PRId64 "\n",
           or_none(config.global.log_file), config.global.log_level,
           or_none(config.global.time_zone),
           config.global.protected_policy == RTSPREC_PROTECTED_LAST ? "last" : "never",
           config.global.max_transcodes);
    print_limits(&config);
    for (size_t i = 0; i < config.count; i++)
        print_settings(&config.cameras[i]);
    config_uninit(&config);
    return 0;
}
