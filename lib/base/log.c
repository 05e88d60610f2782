/*
 * FFmpeg's messages. av_log's callback is one per process, hence the only global state of the
 * library, and only for programs that ask for it.
 */
#include <rtsprec/log.h>

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <libavutil/log.h>

#include "base/clock.h"

struct capture {
    rtsprec_log_fn *log;
    void *user;
};

/* Written before the callback is installed, by rtsprec_log_capture_ffmpeg() alone. */
static struct capture capture;

static _Thread_local struct {
    char text[1024];
    size_t used;
} line; /* FFmpeg composes lines of several calls */

static void capture_message(void *context, int level, const char *format, va_list args)
{
    /* TRACE prints whole requests; nothing above VERBOSE helps an operator. */
    if ((level & 0xff) > AV_LOG_VERBOSE)
        return;
    int prefix = line.used == 0;
    int length = av_log_format_line2(context, level, format, args, line.text + line.used,
                                     (int)(sizeof(line.text) - line.used), &prefix);
    if (length < 0)
        return;
    line.used += (size_t)length;
    if (line.used < sizeof(line.text) - 1 && !strchr(line.text, '\n'))
        return;
    line.used = 0;
    line.text[strcspn(line.text, "\r\n")] = '\0';
    if (!line.text[0])
        return;

    char text[sizeof(line.text) + 16], masked[sizeof(line.text) + 16];
    snprintf(text, sizeof(text), "ffmpeg: %s", line.text);
    rtsprec_log_redact(masked, sizeof(masked), text);
    struct rtsprec_log_record record = {
        .level = RTSPREC_LOG_DEBUG,
        .time_us = clock_real_us(),
        .text = masked,
    };
    capture.log(capture.user, &record);
}

void rtsprec_log_capture_ffmpeg(rtsprec_log_fn *log, void *user)
{
    if (!log) {
        av_log_set_callback(av_log_default_callback);
        return;
    }
    capture = (struct capture){log, user};
    av_log_set_callback(capture_message);
}
