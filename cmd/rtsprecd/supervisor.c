#include "supervisor.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rtsprec/rtsprec.h>

#include "event_log.h"
#include "limits.h"
#include "timetable.h"

/* A clock that is set is noticed after this long. */
#define MOST_PAUSE_US 1000000

struct watched {
    const struct settings *settings;
    struct rtsprec_camera *camera; /* belongs to the recorder */
    struct timetable timetable;    /* its schedule is constant; the rest the main thread's */
};

struct supervisor {
    struct log_sink *sink;
    struct rtsprec_recorder *recorder;
    /* Complete before the first camera starts, constant after that. */
    struct watched *cameras;
    size_t count;
};

static struct watched *find(const struct supervisor *supervisor, const char *name)
{
    for (size_t i = 0; name != NULL && i < supervisor->count; i++) {
        if (strcmp(supervisor->cameras[i].settings->name, name) == 0)
            return &supervisor->cameras[i];
    }
    return NULL;
}

/* In the dispatcher's thread, where a log that blocks keeps no schedule waiting. */
static void tell_recording(struct supervisor *supervisor, const struct watched *watched,
                           const struct rtsprec_event *event)
{
    const struct rtsprec_event_recording *recording = &event->u.recording;
    char text[100];
    struct rtsprec_log_record record = {.level = RTSPREC_LOG_INFO,
                                        .time_us = event->time_us,
                                        .camera = event->camera,
                                        .text = text};

    /* Connecting ahead of a period is told by itself. */
    if ((recording->to == RTSPREC_RECORDING_ON || recording->from == RTSPREC_RECORDING_ON) &&
        timetable_describe(&watched->timetable, event->time_us, text, sizeof(text)))
        log_sink_write(supervisor->sink, &record);
}

static void on_event(void *user, const struct rtsprec_event *event)
{
    struct supervisor *supervisor = user;
    struct watched *watched = find(supervisor, event->camera);

    event_log_write(supervisor->sink, event);
    if (event->type == RTSPREC_EVENT_RECORDING_CHANGED && watched != NULL)
        tell_recording(supervisor, watched, event);
}

static void on_log(void *user, const struct rtsprec_log_record *record)
{
    struct supervisor *supervisor = user;

    log_sink_write(supervisor->sink, record);
}

/* When the cameras are there, before one of them records. */
static int set_limits(struct supervisor *supervisor, const struct config *config)
{
    struct limits_list list = {0};
    int result = 0;

    limits_make(&list, config);
    for (size_t i = 0; i < list.count && result == 0; i++) {
        struct rtsprec_error error = {0};

        result = rtsprec_recorder_set_limits(supervisor->recorder, list.archives[i].directory,
                                             &list.archives[i].limits, &error);
        if (result < 0)
            log_sink_printf(supervisor->sink, RTSPREC_LOG_ERROR, NULL,
                            "The limits of %s cannot be set: %s", list.archives[i].directory,
                            error.text[0] != '\0' ? error.text : rtsprec_error_string(result));
    }
    limits_forget(&list);
    return result;
}

static int create_cameras(struct supervisor *supervisor)
{
    for (size_t i = 0; i < supervisor->count; i++) {
        struct watched *watched = &supervisor->cameras[i];
        struct rtsprec_camera_options options;
        struct rtsprec_error error = {0};
        int result;

        settings_to_options(watched->settings, &options);
        result = rtsprec_camera_create(&watched->camera, supervisor->recorder, &options, &error);
        if (result < 0) {
            log_sink_printf(supervisor->sink, RTSPREC_LOG_ERROR, watched->settings->name,
                            "The camera cannot be set up: %s",
                            error.text[0] != '\0' ? error.text : rtsprec_error_string(result));
            return result;
        }
    }
    return 0;
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void follow_schedule(struct watched *watched, int64_t at_us)
{
    enum rtsprec_recording wanted = timetable_ask(&watched->timetable, at_us);

    (void)rtsprec_camera_set_recording(watched->camera, wanted, watched->timetable.from_us);
}

/* What it begins with; every later change is an event. */
static void tell_start(struct supervisor *supervisor, const struct watched *watched)
{
    char text[100];

    log_sink_printf(supervisor->sink, RTSPREC_LOG_INFO, watched->settings->name, "Starting camera");
    if (watched->timetable.wanted == RTSPREC_RECORDING_ON &&
        timetable_describe(&watched->timetable, watched->timetable.from_us, text, sizeof(text)))
        log_sink_printf(supervisor->sink, RTSPREC_LOG_INFO, watched->settings->name, "%s", text);
}

static int start_cameras(struct supervisor *supervisor)
{
    size_t started = 0;

    for (size_t i = 0; i < supervisor->count; i++) {
        struct watched *watched = &supervisor->cameras[i];
        struct rtsprec_error error = {0};
        int result;

        follow_schedule(watched, now_us());
        if (timetable_is_empty(&watched->timetable)) {
            log_sink_printf(supervisor->sink, RTSPREC_LOG_INFO, watched->settings->name,
                            "Not recorded: its mode is \"never\"");
            continue;
        }
        tell_start(supervisor, watched);
        result = rtsprec_camera_start(watched->camera, &error);
        if (result < 0) {
            log_sink_printf(supervisor->sink, RTSPREC_LOG_ERROR, watched->settings->name,
                            "The camera cannot be started: %s",
                            error.text[0] != '\0' ? error.text : rtsprec_error_string(result));
            return result;
        }
        started++;
    }
    if (started == 0)
        log_sink_printf(supervisor->sink, RTSPREC_LOG_WARNING, NULL,
                        "No camera is recorded: the mode of every one is \"never\"");
    return 0;
}

static int create_recorder(struct supervisor *supervisor, const struct config *config)
{
    struct rtsprec_recorder_options options;
    struct rtsprec_error error = {0};
    int result;

    rtsprec_recorder_options_init(&options);
    options.event = on_event;
    options.log = on_log;
    options.log_level = log_sink_level(supervisor->sink);
    options.user = supervisor;
    options.max_transcodes = (int)config->global.max_transcodes;
    result = rtsprec_recorder_create(&supervisor->recorder, &options, &error);
    if (result < 0)
        log_sink_printf(supervisor->sink, RTSPREC_LOG_ERROR, NULL, "The recorder cannot start: %s",
                        error.text[0] != '\0' ? error.text : rtsprec_error_string(result));
    return result;
}

struct supervisor *supervisor_create(const struct config *config, struct log_sink *sink)
{
    struct supervisor *supervisor = calloc(1, sizeof(*supervisor));

    if (supervisor == NULL)
        goto no_memory;
    supervisor->sink = sink;
    supervisor->cameras = calloc(config->count, sizeof(*supervisor->cameras));
    if (supervisor->cameras == NULL)
        goto no_memory;
    supervisor->count = config->count;
    for (size_t i = 0; i < config->count; i++) {
        supervisor->cameras[i].settings = &config->cameras[i];
        if (timetable_init(&supervisor->cameras[i].timetable, &config->cameras[i]) < 0)
            goto no_memory;
    }
    rtsprec_log_capture_ffmpeg(on_log, supervisor);
    if (create_recorder(supervisor, config) < 0 || create_cameras(supervisor) < 0 ||
        set_limits(supervisor, config) < 0 || start_cameras(supervisor) < 0) {
        supervisor_destroy(supervisor);
        return NULL;
    }
    return supervisor;

no_memory:
    log_sink_printf(sink, RTSPREC_LOG_ERROR, NULL, "Out of memory");
    supervisor_destroy(supervisor);
    return NULL;
}

int64_t supervisor_follow_schedules(struct supervisor *supervisor)
{
    int64_t at_us = now_us(), pause_us = -1;

    for (size_t i = 0; i < supervisor->count; i++) {
        struct watched *watched = &supervisor->cameras[i];

        follow_schedule(watched, at_us);
        if (watched->timetable.until_us == RTSPREC_SCHEDULE_NO_CHANGE)
            continue;
        if (pause_us < 0)
            pause_us = MOST_PAUSE_US;
        if (watched->timetable.until_us - at_us < pause_us)
            pause_us = watched->timetable.until_us - at_us;
    }
    return pause_us;
}

void supervisor_request_stop(struct supervisor *supervisor)
{
    rtsprec_recorder_request_stop(supervisor->recorder);
}

void supervisor_destroy(struct supervisor *supervisor)
{
    if (supervisor == NULL)
        return;
    rtsprec_recorder_destroy(&supervisor->recorder);
    rtsprec_log_capture_ffmpeg(NULL, NULL);
    for (size_t i = 0; i < supervisor->count; i++)
        timetable_uninit(&supervisor->cameras[i].timetable);
    free(supervisor->cameras);
    free(supervisor);
}
