/*
 * What the keys of the configuration say: of one camera, or as the defaults of all.
 */
#ifndef RTSPRECD_SETTINGS_H
#define RTSPRECD_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/camera.h>
#include <rtsprec/log.h>
#include <rtsprec/retention.h>

/*
 * Strings are owned. Members that hold an enumeration are int, so that the table of keys can set
 * them by their offset.
 */
struct settings {
    /* Of a camera only. */
    char *name;
    char *url; /* secret */

    int video_codec; /* enum rtsprec_video_codec: in the file */
    int transcode;   /* enum rtsprec_transcode */
    /* How to encode, when that is needed. */
    int64_t frame_width, frame_height; /* pixels, at most */
    double fps;
    int64_t video_bitrate_kbps;
    char *encoder, *encoder_device, *encoder_preset; /* NULL: any, the first, a fast one */
    int64_t encoder_threads;
    int on_overload;           /* enum rtsprec_overload */
    int also_keep;             /* enum rtsprec_also_keep */
    char *also_keep_directory; /* of no account without that */

    int64_t timelapse_seconds, timelapse_fps;
    double timelapse_keep_days; /* 0: for ever */
    bool timelapse;             /* whether there is one */

    bool keep_connected; /* between the schedule's periods */
    char *schedule;      /* a rule of rtsprec_schedule_create(); NULL: always */
    char *output_directory;
    int container; /* enum rtsprec_container */
    int64_t segment_seconds;
    int64_t fragment_ms;
    int64_t sync_ms; /* 0: each fragment; -1: never before the close */

    /* What is deleted: limits.h makes the library's limits of it. 0: no limit. */
    bool limit_occupied_space;
    double
        max_occupied_gb; /* 10^9 bytes; of "global": all cameras together; of a camera: its own */
    double keep_free_gb;
    double max_age_days, min_age_days;

    int transport; /* enum rtsprec_transport */
    int ingest;    /* enum rtsprec_ingest */
    bool tls_verify;
    int audio;         /* enum rtsprec_audio */
    char *tls_ca_file; /* NULL: the system's authorities */
    char *username;
    char *password; /* secret */
    double open_timeout_seconds, read_timeout_seconds;

    /* Of "global" only. */
    int64_t max_transcodes; /* 0: the library's default */
    char *log_file;         /* NULL: none */
    char *time_zone;        /* NULL: the system's */
    int log_level;          /* enum rtsprec_log_level */
    int protected_policy;   /* enum rtsprec_protected_policy */

    /* The key stands at this very level, good or bad. */
    bool has_output_directory, has_also_keep_directory, has_username, has_password;
};

/* Sets the defaults; strings become NULL. */
void settings_init(struct settings *settings);

/* The settings a camera begins with: those of "global". */
void settings_init_from(struct settings *settings, const struct settings *global);

/*
 * Drops what came from "global" where the camera's URL says it itself: the nearer word counts. To
 * be called when the camera's keys are read.
 */
void settings_prefer_url(struct settings *settings);

/* The rule by which the camera is recorded. */
const char *settings_schedule(const struct settings *settings);

/* The library's options; strings stay owned by @settings. */
void settings_to_options(const struct settings *settings, struct rtsprec_camera_options *options);

/* Overwrites and frees URL, user name and password. */
void settings_forget_secrets(struct settings *settings);

void settings_uninit(struct settings *settings);

#endif
