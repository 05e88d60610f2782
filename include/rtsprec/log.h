/*
 * Log messages: the library never writes to stdout, stderr or a file; it hands records to a
 * callback.
 */
#ifndef RTSPREC_LOG_H
#define RTSPREC_LOG_H

#include <stddef.h>
#include <stdint.h>

#include <rtsprec/version.h>

#ifdef __cplusplus
extern "C" {
#endif

enum rtsprec_log_level {
    RTSPREC_LOG_ERROR = 1,
    RTSPREC_LOG_WARNING = 2,
    RTSPREC_LOG_INFO = 3,
    RTSPREC_LOG_DEBUG = 4,
};

/** One message. It lives as long as the callback runs. */
struct rtsprec_log_record {
    enum rtsprec_log_level level;
    int64_t time_us;    /**< when it was written, µs since 1970-01-01 UTC */
    const char *camera; /**< the camera's name; NULL when it is not about one camera */
    const char *text;   /**< one line without a line end; credentials are masked */
};

/**
 * Receives log records. A recorder's records come from its dispatcher thread, one at a time and in
 * turn with its events; it may block without hurting the recording, but must not call functions
 * that stop or destroy the recorder or its cameras.
 */
typedef void rtsprec_log_fn(void *user, const struct rtsprec_log_record *record);

/**
 * Routes FFmpeg's own messages of the whole process to @p log, as records of level DEBUG with
 * credentials masked; NULL gives FFmpeg its default callback back, which writes to stderr.
 *
 * It changes a process-wide setting (av_log_set_callback), hence the library never calls it itself;
 * a program calls it before it creates a recorder. @p log is called from any thread, also from
 * several at once, and must be quick: what receives for all cameras may be waiting for it, as it
 * may for FFmpeg's default callback. @p user must live until the next call has returned and all
 * recorders are destroyed.
 *
 * Thread-safety: not to be called from two threads at once.
 */
RTSPREC_API void rtsprec_log_capture_ffmpeg(rtsprec_log_fn *log, void *user);

/**
 * Writes @p text to @p out with every credential that a URL in it carries masked: user information
 * (also percent-encoded), values of query keys such as password= and token=, Authorization headers.
 * At most @p size bytes including the final NUL; a longer result is cut.
 *
 * Thread-safety: any thread, any time.
 */
RTSPREC_API void rtsprec_log_redact(char *out, size_t size, const char *text);

#ifdef __cplusplus
}
#endif

#endif
