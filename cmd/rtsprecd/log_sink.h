/*
 * Where log lines go: stdout and, when configured, a file.
 */
#ifndef RTSPRECD_LOG_SINK_H
#define RTSPRECD_LOG_SINK_H

#include <rtsprec/log.h>

/*
 * A sink. Lines look like those of the Python service:
 *
 *     2024-01-15 08:00:00 - CameraProcessor-front-door - INFO - Starting recording to: /path
 *
 * Each is written with one write() of at most 4,096 bytes, which a pipe takes whole.
 *
 * Thread-safety: log_sink_write() and its kin from any thread, the others not at the same time.
 * A stdout that blocks blocks whoever logs; a record below the level never waits.
 */
struct log_sink;

/*
 * Opens a sink that passes @level and what is more severe. @path: the file, NULL: none; it is
 * appended to, made with mode 0640. A file that cannot be opened is no failure: stdout says so.
 *
 * Returns NULL when there is no memory; destroyed with log_sink_destroy().
 */
struct log_sink *log_sink_create(const char *path, enum rtsprec_log_level level);

enum rtsprec_log_level log_sink_level(const struct log_sink *sink);

void log_sink_write(struct log_sink *sink, const struct rtsprec_log_record *record);

/* A record of this moment; @camera NULL: of the service. */
void log_sink_printf(struct log_sink *sink, enum rtsprec_log_level level, const char *camera,
                     const char *format, ...) RTSPREC_PRINTF(4, 5);

/*
 * Opens the file again under its name, after somebody has moved it away. When that fails, the old
 * one is kept. Thread-safety: any thread.
 */
void log_sink_reopen(struct log_sink *sink);

/* NULL is ignored. */
void log_sink_destroy(struct log_sink *sink);

#endif
