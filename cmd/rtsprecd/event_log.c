#include "event_log.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <rtsprec/error.h>

#define PART_SUFFIX ".part"

/* With the time at which it happened, not at which it is told. */
static void RTSPREC_PRINTF(4, 5)
    write_record(struct log_sink *sink, const struct rtsprec_event *event,
                 enum rtsprec_log_level level, const char *format, ...)
{
    char text[4096]; /* as long as a line */
    struct rtsprec_log_record record = {
        .level = level, .time_us = event->time_us, .camera = event->camera, .text = text};
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_sink_write(sink, &record);
}

static void write_state(struct log_sink *sink, const struct rtsprec_event *event)
{
    const struct rtsprec_event_state *state = &event->u.state;
    const char *text = state->text != NULL ? state->text : "";
    bool is_lost = state->from == RTSPREC_CAMERA_RECORDING || state->from == RTSPREC_CAMERA_STANDBY;

    if (text[0] == '\0' && state->error != RTSPREC_OK)
        text = rtsprec_error_string(state->error);
    switch (state->to) {
    case RTSPREC_CAMERA_STOPPED:
        write_record(sink, event, RTSPREC_LOG_INFO, "Stopped%s%s", text[0] != '\0' ? ": " : "",
                     text);
        return;
    case RTSPREC_CAMERA_CONNECTING:
        write_record(sink, event, RTSPREC_LOG_INFO, "Connecting%s%s", text[0] != '\0' ? ": " : "",
                     text);
        return;
    case RTSPREC_CAMERA_RECORDING:
        write_record(sink, event, RTSPREC_LOG_INFO, "Video arrives%s%s",
                     text[0] != '\0' ? ": " : "", text);
        return;
    case RTSPREC_CAMERA_WAITING:
        write_record(sink, event, RTSPREC_LOG_WARNING, "%s%s; next attempt in %.1f s",
                     is_lost ? "Camera lost: " : "", text, (double)state->retry_in_us / 1e6);
        return;
    case RTSPREC_CAMERA_STANDBY:
        write_record(sink, event, RTSPREC_LOG_INFO, "Video arrives and is not recorded for now");
        return;
    case RTSPREC_CAMERA_OFF:
        write_record(sink, event, RTSPREC_LOG_INFO, "Not connected for now");
        return;
    }
}

static void write_opened(struct log_sink *sink, const struct rtsprec_event *event)
{
    const char *path = event->u.segment.path;
    size_t length = strlen(path), suffix = strlen(PART_SUFFIX);

    if (length > suffix && strcmp(path + length - suffix, PART_SUFFIX) == 0)
        length -= suffix;
    write_record(sink, event, RTSPREC_LOG_INFO, "Starting recording to: %.*s", (int)length, path);
}

static void write_closed(struct log_sink *sink, const struct rtsprec_event *event)
{
    const struct rtsprec_event_segment *segment = &event->u.segment;
    int failed = segment->reason == RTSPREC_SEGMENT_FAILED;

    write_record(sink, event, failed ? RTSPREC_LOG_ERROR : RTSPREC_LOG_INFO,
                 "%s: %s (%.1f s, %.2f MB, %" PRId64 " frames, %s)",
                 failed ? "Writing failed, segment closed" : "Segment closed", segment->path,
                 (double)(segment->end_us - segment->start_us) / 1e6, (double)segment->bytes / 1e6,
                 segment->frames, rtsprec_segment_reason_name(segment->reason));
}

static void write_deleted(struct log_sink *sink, const struct rtsprec_event *event)
{
    const struct rtsprec_event_deleted *deleted = &event->u.deleted;

    write_record(sink, event, RTSPREC_LOG_INFO, "Segment deleted: %s (%.2f MB, %s)", deleted->path,
                 (double)deleted->bytes / 1e6, deleted->why);
}

void event_log_write(struct log_sink *sink, const struct rtsprec_event *event)
{
    switch (event->type) {
    case RTSPREC_EVENT_STATE_CHANGED:
        write_state(sink, event);
        return;
    case RTSPREC_EVENT_SEGMENT_OPENED:
        write_opened(sink, event);
        return;
    case RTSPREC_EVENT_SEGMENT_CLOSED:
        write_closed(sink, event);
        return;
    case RTSPREC_EVENT_SEGMENT_DELETED:
        write_deleted(sink, event);
        return;
    case RTSPREC_EVENT_DISCONTINUITY:
        write_record(sink, event, RTSPREC_LOG_WARNING, "Discontinuity: %s",
                     event->u.discontinuity.text);
        return;
    case RTSPREC_EVENT_PACKETS_DROPPED:
        write_record(sink, event, RTSPREC_LOG_WARNING,
                     "%s: dropped %" PRId64 " packets, %" PRId64
                     " of them video frames, %.2f MB; they are missing in %s",
                     event->u.dropped.is_transcoding ? "Not fast enough to transcode"
                                                     : "The disk is too slow",
                     event->u.dropped.packets, event->u.dropped.frames,
                     (double)event->u.dropped.bytes / 1e6, event->u.dropped.directory);
        return;
    case RTSPREC_EVENT_FRAMES_SKIPPED:
        write_record(sink, event, RTSPREC_LOG_WARNING,
                     "Not fast enough to transcode: left out %" PRId64 " frames",
                     event->u.skipped.frames);
        return;
    case RTSPREC_EVENT_STORAGE_CHANGED:
        if (event->u.storage.error != RTSPREC_OK)
            write_record(sink, event, RTSPREC_LOG_ERROR, "%s; trying again at the next key frame",
                         event->u.storage.text);
        else
            write_record(sink, event, RTSPREC_LOG_INFO, "Files are written again in %s",
                         event->u.storage.directory);
        return;
    case RTSPREC_EVENT_RECORDING_CHANGED:
        /* The supervisor knows why, and until when. */
        return;
    case RTSPREC_EVENT_OVERFLOW:
        write_record(sink, event, RTSPREC_LOG_WARNING,
                     "The log is too slow: %" PRId64 " events and %" PRId64
                     " log records are missing here",
                     event->u.overflow.events, event->u.overflow.log_records);
        return;
    }
}
