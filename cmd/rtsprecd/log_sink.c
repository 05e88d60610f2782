#include "log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A pipe takes this much whole or not at all (PIPE_BUF on Linux). */
#define LINE_MAX_BYTES 4096

struct log_sink {
    /* Constant. */
    enum rtsprec_log_level level;
    char *path; /* NULL: no file */

    /* Under the lock, which keeps the lines of both outputs in the same order. */
    pthread_mutex_t lock;
    int fd;          /* of the file; -1: it could not be opened */
    bool complained; /* about the file, once until it is reopened */
};

static const char *level_name(enum rtsprec_log_level level)
{
    switch (level) {
    case RTSPREC_LOG_ERROR:
        return "ERROR";
    case RTSPREC_LOG_WARNING:
        return "WARNING";
    case RTSPREC_LOG_INFO:
        return "INFO";
    case RTSPREC_LOG_DEBUG:
        break;
    }
    return "DEBUG";
}

/*
 * The line with its end; returns its length. Too long a text is cut between two characters: the
 * byte behind the longest line tells whether one begins there.
 */
static size_t format_line(char line[LINE_MAX_BYTES + 1], const struct rtsprec_log_record *record)
{
    time_t seconds = (time_t)(record->time_us / 1000000);
    struct tm local = {0};
    char when[32] = "";
    size_t length;
    int count;

    localtime_r(&seconds, &local);
    strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S", &local);
    count = snprintf(line, LINE_MAX_BYTES + 1, "%s - %s%s - %s - %s", when,
                     record->camera != NULL ? "CameraProcessor-" : "VideoService",
                     record->camera != NULL ? record->camera : "", level_name(record->level),
                     record->text);
    length = count > 0 ? (size_t)count : 0;
    if (length > LINE_MAX_BYTES - 1) {
        length = LINE_MAX_BYTES - 1;
        while (length > 0 && ((unsigned char)line[length] & 0xc0) == 0x80)
            length--;
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
            line[i] = ' ';
    }
    line[length] = '\n';
    return length + 1;
}

/* Returns 0 or errno. What a full disk took of a line is taken back. */
static int write_line(int fd, const char *line, size_t size)
{
    struct stat status;
    ssize_t written;

    do {
        written = write(fd, line, size);
    } while (written < 0 && errno == EINTR);
    if (written < 0)
        return errno;
    if ((size_t)written == size)
        return 0;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size >= written &&
        ftruncate(fd, status.st_size - written) < 0)
        return errno;
    return ENOSPC;
}

static int64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Under the lock. */
static void complain(struct log_sink *sink, int error)
{
    char line[LINE_MAX_BYTES + 1], text[1024];
    struct rtsprec_log_record record = {
        .level = RTSPREC_LOG_WARNING, .time_us = now_us(), .camera = NULL, .text = text};

    if (sink->complained)
        return;
    sink->complained = true;
    snprintf(text, sizeof(text),
             "The log file %.900s cannot be written: %s; logging to stdout only", sink->path,
             strerror(error));
    (void)write_line(STDOUT_FILENO, line, format_line(line, &record));
}

/* Under the lock. O_NONBLOCK: a named pipe without a reader fails instead of waiting for one. */
static void open_file(struct log_sink *sink)
{
    int fd =
        open(sink->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

    sink->complained = false;
    if (fd < 0) {
        complain(sink, errno);
        return;
    }
    if (sink->fd >= 0)
        close(sink->fd);
    sink->fd = fd;
}

struct log_sink *log_sink_create(const char *path, enum rtsprec_log_level level)
{
    struct log_sink *sink = calloc(1, sizeof(*sink));

    if (sink == NULL)
        return NULL;
    pthread_mutex_init(&sink->lock, NULL);
    sink->level = level;
    sink->fd = -1;
    tzset(); /* localtime_r() need not */
    if (path == NULL)
        return sink;
    sink->path = strdup(path);
    if (sink->path == NULL) {
        log_sink_destroy(sink);
        return NULL;
    }
    open_file(sink);
    return sink;
}

enum rtsprec_log_level log_sink_level(const struct log_sink *sink)
{
    return sink->level;
}

void log_sink_write(struct log_sink *sink, const struct rtsprec_log_record *record)
{
    char line[LINE_MAX_BYTES + 1];
    size_t size;
    int error;

    if (record->level > sink->level)
        return;
    size = format_line(line, record);
    pthread_mutex_lock(&sink->lock);
    /* A stdout that is closed or full is nobody's to tell. */
    (void)write_line(STDOUT_FILENO, line, size);
    if (sink->fd >= 0) {
        error = write_line(sink->fd, line, size);
        if (error != 0)
            complain(sink, error);
    }
    pthread_mutex_unlock(&sink->lock);
}

void log_sink_printf(struct log_sink *sink, enum rtsprec_log_level level, const char *camera,
                     const char *format, ...)
{
    char text[LINE_MAX_BYTES]; /* with the head of the line always longer than one */
    struct rtsprec_log_record record = {
        .level = level, .time_us = now_us(), .camera = camera, .text = text};
    va_list arguments;

    if (level > sink->level)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    log_sink_write(sink, &record);
}

void log_sink_reopen(struct log_sink *sink)
{
    if (sink->path == NULL)
        return;
    pthread_mutex_lock(&sink->lock);
    open_file(sink);
    pthread_mutex_unlock(&sink->lock);
}

void log_sink_destroy(struct log_sink *sink)
{
    if (sink == NULL)
        return;
    if (sink->fd >= 0)
        close(sink->fd);
    pthread_mutex_destroy(&sink->lock);
    free(sink->path);
    free(sink);
}
