#include "log_sink.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <rtsprec/error.h>

#include "event_log.h"

/* 2024-01-15 08:00:00 UTC */
#define A_MORNING_US INT64_C(1705305600000000)

static char directory[] = "/tmp/rtsprecd-log-XXXXXX";
static char path[64], moved[64];

static int set_up(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/log", directory);
    snprintf(moved, sizeof(moved), "%s/log.1", directory);
    return 0;
}

static int clean(void **state)
{
    (void)state;
    unlink(path);
    unlink(moved);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return rmdir(directory);
}

/* The file's content, NUL-terminated, freed by the caller. */
static char *content_of(const char *name)
{
    char *content = calloc(1, 4 * 1024 * 1024);
    FILE *file = fopen(name, "r");

    assert_non_null(content);
    assert_non_null(file);
    assert_true(fread(content, 1, 4 * 1024 * 1024 - 1, file) > 0 || feof(file));
    fclose(file);
    return content;
}

static void check_content(const char *name, const char *expected)
{
    char *content = content_of(name);

    assert_string_equal(content, expected);
    free(content);
}

static void write_text(struct log_sink *sink, enum rtsprec_log_level level, const char *text)
{
    struct rtsprec_log_record record = {
        .level = level, .time_us = A_MORNING_US + 999999, .camera = "front-door", .text = text};

    log_sink_write(sink, &record);
}

static void writes_the_services_lines(void **state)
{
    struct log_sink *sink = log_sink_create(path, RTSPREC_LOG_INFO);
    struct rtsprec_log_record record = {RTSPREC_LOG_ERROR, A_MORNING_US, NULL, "no\ncamera\x1b"};
    struct stat status;

    (void)state;
    write_text(sink, RTSPREC_LOG_INFO, "Starting recording to: /path");
    write_text(sink, RTSPREC_LOG_DEBUG, "not for everyone");
    write_text(sink, RTSPREC_LOG_WARNING, "");
    log_sink_write(sink, &record);
    log_sink_destroy(sink);
    check_content(path, "2024-01-15 08:00:00 - CameraProcessor-front-door - INFO - "
                        "Starting recording to: /path\n"
                        "2024-01-15 08:00:00 - CameraProcessor-front-door - WARNING - \n"
                        "2024-01-15 08:00:00 - VideoService - ERROR - no camera \n");
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 0137, 0);
}

static void appends_and_reopens(void **state)
{
    struct log_sink *sink = log_sink_create(path, RTSPREC_LOG_DEBUG);

    (void)state;
    log_sink_destroy(sink);
    sink = log_sink_create(path, RTSPREC_LOG_DEBUG);
    write_text(sink, RTSPREC_LOG_DEBUG, "1");
    assert_int_equal(rename(path, moved), 0);
    write_text(sink, RTSPREC_LOG_DEBUG, "2");
    log_sink_reopen(sink);
    write_text(sink, RTSPREC_LOG_DEBUG, "3");
    log_sink_destroy(sink);
    check_content(moved, "2024-01-15 08:00:00 - CameraProcessor-front-door - DEBUG - 1\n"
                         "2024-01-15 08:00:00 - CameraProcessor-front-door - DEBUG - 2\n");
    check_content(path, "2024-01-15 08:00:00 - CameraProcessor-front-door - DEBUG - 3\n");
}

static void cuts_between_characters(void **state)
{
    struct log_sink *sink = log_sink_create(path, RTSPREC_LOG_INFO);
    char text[6001] = "";
    char *content;

    (void)state;
    for (size_t i = 0; i < 6000; i += 2) {
        text[i] = '\xc3';
        text[i + 1] = '\xa4';
    }
    write_text(sink, RTSPREC_LOG_INFO, text);
    write_text(sink, RTSPREC_LOG_INFO, text + 1);
    log_sink_destroy(sink);
    content = content_of(path);
    assert_true(strcspn(content, "\n") >= 4093 && strcspn(content, "\n") <= 4095);
    assert_true(strlen(content) <= 8192);
    assert_int_equal((unsigned char)content[strcspn(content, "\n") - 1], 0xa4);
    free(content);
}

static void *write_many(void *sink)
{
    for (int i = 0; i < 2000; i++)
        write_text(sink, RTSPREC_LOG_INFO, "0123456789012345678901234567890123456789");
    return NULL;
}

static void keeps_lines_whole(void **state)
{
    struct log_sink *sink = log_sink_create(path, RTSPREC_LOG_INFO);
    pthread_t threads[4];
    char *content;
    size_t lines = 0, length;

    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, write_many, sink), 0);
    for (int i = 0; i < 100; i++)
        log_sink_reopen(sink);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    log_sink_destroy(sink);
    content = content_of(path);
    length = strcspn(content, "\n");
    for (char *line = content; *line != '\0'; line += length + 1, lines++)
        assert_int_equal(strcspn(line, "\n"), length);
    assert_int_equal(lines, 8000);
    free(content);
}

static void writes_events(void **state)
{
    struct log_sink *sink = log_sink_create(path, RTSPREC_LOG_INFO);
    struct rtsprec_event event = {.size = sizeof(event), .camera = "a", .time_us = A_MORNING_US};

    (void)state;
    event.type = RTSPREC_EVENT_STATE_CHANGED;
    event.u.state =
        (struct rtsprec_event_state){RTSPREC_CAMERA_RECORDING, RTSPREC_CAMERA_WAITING,
                                     RTSPREC_ERROR_STALLED, "no video for 5 s", 1500000};
    event_log_write(sink, &event);
    event.u.state = (struct rtsprec_event_state){RTSPREC_CAMERA_CONNECTING, RTSPREC_CAMERA_WAITING,
                                                 RTSPREC_ERROR_UNAUTHORIZED, "", 60000000};
    event_log_write(sink, &event);
    event.type = RTSPREC_EVENT_SEGMENT_OPENED;
    event.u.segment = (struct rtsprec_event_segment){.path = "/v/a/2024-01-15/08_00_00.mp4.part"};
    event_log_write(sink, &event);
    event.type = RTSPREC_EVENT_SEGMENT_CLOSED;
    event.u.segment =
        (struct rtsprec_event_segment){"/v/a.mp4", A_MORNING_US - 300040000, A_MORNING_US, 12345678,
                                       4500,       RTSPREC_SEGMENT_ROTATED};
    event_log_write(sink, &event);
    event.u.segment.reason = RTSPREC_SEGMENT_FAILED;
    event_log_write(sink, &event);
    event.type = RTSPREC_EVENT_DISCONTINUITY;
    event.u.discontinuity = (struct rtsprec_event_discontinuity){0, -1, 1, "times went back"};
    event_log_write(sink, &event);
    event.type = RTSPREC_EVENT_PACKETS_DROPPED;
    event.u.dropped = (struct rtsprec_event_dropped){
        .packets = 30,
        .frames = 20,
        .bytes = 2000000,
        .directory = "/v",
    };
    event_log_write(sink, &event);
    event.type = RTSPREC_EVENT_SEGMENT_DELETED;
    event.u.deleted = (struct rtsprec_event_deleted){
        .path = "/v/a.mp4",
        .bytes = 12345678,
        .why = "free space",
    };
    event_log_write(sink, &event);
    event.type = RTSPREC_EVENT_OVERFLOW;
    event.camera = NULL;
    event.u.overflow = (struct rtsprec_event_overflow){7, 8};
    event_log_write(sink, &event);
    log_sink_destroy(sink);
#define A "2024-01-15 08:00:00 - CameraProcessor-a - "
    check_content(
        path, A
        "WARNING - Camera lost: no video for 5 s; next attempt in 1.5 s\n" A
        "WARNING - the camera refused the user name or password; next attempt in "
        "60.0 s\n" A "INFO - Starting recording to: /v/a/2024-01-15/08_00_00.mp4\n" A
        "INFO - Segment closed: /v/a.mp4 (300.0 s, 12.35 MB, 4500 frames, rotated)\n" A
        "ERROR - Writing failed, segment closed: /v/a.mp4 (300.0 s, 12.35 MB, 4500 frames, "
        "failed)\n" A "WARNING - Discontinuity: times went back\n" A
        "WARNING - The disk is too slow: dropped 30 packets, 20 of them video frames, 2.00 "
        "MB; they are missing in /v\n" A "INFO - Segment deleted: /v/a.mp4 (12.35 MB, free space)\n"
        "2024-01-15 08:00:00 - VideoService - WARNING - The log is too slow: 7 events and 8 log "
        "records are missing here\n");
#undef A
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(writes_the_services_lines, clean),
        cmocka_unit_test_teardown(appends_and_reopens, clean),
        cmocka_unit_test_teardown(cuts_between_characters, clean),
        cmocka_unit_test_teardown(keeps_lines_whole, clean),
        cmocka_unit_test_teardown(writes_events, clean),
    };

    /* The sink writes to stdout too, where cmocka's report would drown in it; failures go to
     * stderr. */
    if (freopen("/dev/null", "w", stdout) == NULL)
        return 1;
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
