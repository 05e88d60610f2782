/* Creating, starting, stopping and destroying, in every order that the headers allow. */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rtsprec/rtsprec.h>

#include "cmocka_api.h"
#include "process.h"

static char url[100], directory[200];

static struct rtsprec_camera *add_camera(struct rtsprec_recorder *recorder, const char *name)
{
    struct rtsprec_camera_options options;
    struct rtsprec_camera *camera = NULL;
    struct rtsprec_error error = {0};

    rtsprec_camera_options_init(&options);
    options.name = name;
    options.url = url;
    options.output_directory = directory;
    if (rtsprec_camera_create(&camera, recorder, &options, &error) != 0)
        fail_msg("%s", error.text);
    assert_non_null(camera);
    return camera;
}

static struct rtsprec_recorder *new_recorder(const struct rtsprec_recorder_options *options)
{
    struct rtsprec_recorder *recorder = NULL;
    struct rtsprec_error error = {0};
    if (rtsprec_recorder_create(&recorder, options, &error) != 0)
        fail_msg("%s", error.text);
    assert_non_null(recorder);
    return recorder;
}

static void destroying_nothing_does_nothing(void **state)
{
    struct rtsprec_recorder *recorder = NULL;
    struct rtsprec_camera *camera = NULL;
    (void)state;
    rtsprec_recorder_destroy(NULL);
    rtsprec_recorder_destroy(&recorder);
    rtsprec_camera_destroy(NULL);
    rtsprec_camera_destroy(&camera);
}

static void a_camera_starts_once_and_again_after_a_stop(void **state)
{
    struct rtsprec_recorder *recorder = new_recorder(NULL);
    struct rtsprec_camera *camera = add_camera(recorder, "door");
    struct rtsprec_error error = {0};

    (void)state;
    rtsprec_camera_request_stop(camera);
    rtsprec_camera_wait(camera);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(rtsprec_camera_start(camera, NULL), 0);
        assert_int_equal(rtsprec_camera_start(camera, &error), RTSPREC_ERROR_STATE);
        assert_int_equal(error.code, RTSPREC_ERROR_STATE);
        assert_true(strlen(error.text) > 0);
        rtsprec_camera_request_stop(camera);
        rtsprec_camera_request_stop(camera);
        rtsprec_camera_wait(camera);
        rtsprec_camera_wait(camera);
    }
    rtsprec_camera_destroy(&camera);
    assert_null(camera);
    camera = add_camera(recorder, "door");
    assert_string_equal(rtsprec_camera_name(camera), "door");
    rtsprec_recorder_destroy(&recorder);
}

static void count_certificate_warnings(void *user, const struct rtsprec_log_record *record)
{
    if (record->level == RTSPREC_LOG_WARNING && strstr(record->text, "certificate"))
        (*(int *)user)++;
}

/* Each time it is started, and only where there is a certificate. */
static void a_certificate_that_is_not_verified_is_warned_of(void **state)
{
    static const struct {
        const char *url;
        enum rtsprec_tls tls;
        int warnings;
    } cases[] = {
        {"rtsps://127.0.0.1:1/s", RTSPREC_TLS_ACCEPT_ANY, 2},
        {"rtsps://127.0.0.1:1/s", RTSPREC_TLS_VERIFY, 0},
        {"rtsp://127.0.0.1:1/s", RTSPREC_TLS_ACCEPT_ANY, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int warnings = 0;
        struct rtsprec_recorder_options recorder_options;
        rtsprec_recorder_options_init(&recorder_options);
        recorder_options.log = count_certificate_warnings;
        recorder_options.user = &warnings;
        struct rtsprec_recorder *recorder = new_recorder(&recorder_options);
        struct rtsprec_camera_options options;
        struct rtsprec_camera *camera = NULL;
        rtsprec_camera_options_init(&options);
        options.name = "door";
        options.url = cases[i].url;
        options.output_directory = directory;
        options.tls_verify = cases[i].tls;
        assert_int_equal(rtsprec_camera_create(&camera, recorder, &options, NULL), 0);
        for (int n = 0; n < 2; n++) {
            assert_int_equal(rtsprec_camera_start(camera, NULL), 0);
            rtsprec_camera_request_stop(camera);
            rtsprec_camera_wait(camera);
        }
        rtsprec_recorder_destroy(&recorder);
        assert_int_equal(warnings, cases[i].warnings);
    }
}

static void a_recorder_stops_and_waits_for_all(void **state)
{
    struct rtsprec_recorder *recorder = new_recorder(NULL);
    struct rtsprec_camera *cameras[4];
    char name[20];

    (void)state;
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof(name), "camera-%d", i);
        cameras[i] = add_camera(recorder, name);
        if (i > 0)
            assert_int_equal(rtsprec_camera_start(cameras[i], NULL), 0);
    }
    rtsprec_recorder_request_stop(recorder);
    rtsprec_recorder_wait(recorder);
    for (int i = 0; i < 4; i++) {
        struct rtsprec_camera_statistics statistics = {.size = sizeof(statistics)};
        assert_int_equal(rtsprec_camera_get_statistics(cameras[i], &statistics), 0);
        assert_int_equal(statistics.state, RTSPREC_CAMERA_STOPPED);
    }
    rtsprec_recorder_destroy(&recorder);
}

static void limits_belong_to_an_archive_that_is_recorded_to(void **state)
{
    struct rtsprec_recorder *recorder = new_recorder(NULL);
    struct rtsprec_archive_limits limits;
    struct rtsprec_error error = {0};
    char path[300];

    (void)state;
    rtsprec_archive_limits_init(&limits);
    limits.keep_free_bytes = 1;
    assert_int_equal(rtsprec_recorder_set_limits(recorder, directory, &limits, &error),
                     RTSPREC_ERROR_STATE);
    assert_non_null(strstr(error.text, directory));
    struct rtsprec_camera *camera = add_camera(recorder, "door");
    assert_int_equal(rtsprec_recorder_set_limits(recorder, directory, &limits, &error), 0);
    assert_int_equal(error.code, 0);
    snprintf(path, sizeof(path), "%s/.", directory);
    assert_int_equal(rtsprec_recorder_set_limits(recorder, path, NULL, NULL), 0);
    limits.keep_free_bytes = -1;
    assert_int_equal(rtsprec_recorder_set_limits(recorder, directory, &limits, &error),
                     RTSPREC_ERROR_INVALID);
    limits.keep_free_bytes = 1;
    snprintf(path, sizeof(path), "%s/elsewhere", directory);
    assert_int_equal(rtsprec_recorder_set_limits(recorder, path, &limits, NULL),
                     RTSPREC_ERROR_STATE);
    assert_int_equal(access(path, F_OK), -1); /* it is not made */
    rtsprec_camera_destroy(&camera);
    assert_int_equal(rtsprec_recorder_set_limits(recorder, directory, &limits, NULL),
                     RTSPREC_ERROR_STATE);
    rtsprec_recorder_destroy(&recorder);
}

static void statistics_know_their_size(void **state)
{
    struct rtsprec_recorder *recorder = new_recorder(NULL);
    struct rtsprec_camera *camera = add_camera(recorder, "door");
    struct rtsprec_camera_statistics statistics;

    (void)state;
    memset(&statistics, 0, sizeof(statistics));
    assert_int_equal(rtsprec_camera_get_statistics(camera, &statistics), RTSPREC_ERROR_INVALID);
    statistics.size = sizeof(statistics) + 1;
    assert_int_equal(rtsprec_camera_get_statistics(camera, &statistics), RTSPREC_ERROR_INVALID);

    memset(&statistics, 0x5a, sizeof(statistics));
    statistics.size = sizeof(statistics);
    assert_int_equal(rtsprec_camera_get_statistics(camera, &statistics), 0);
    assert_int_equal(statistics.size, sizeof(statistics));
    assert_int_equal(statistics.state, RTSPREC_CAMERA_STOPPED);
    assert_int_equal(statistics.connects_total, 0);
    assert_int_equal(statistics.failures_total, 0);
    assert_int_equal(statistics.last_error, 0);
    assert_string_equal(statistics.last_error_text, "");
    assert_string_equal(statistics.video_codec, "");
    assert_string_equal(statistics.segment_path, "");

    /* A program compiled against a shorter struct has nothing behind it. */
    memset(&statistics, 0x5a, sizeof(statistics));
    statistics.size = offsetof(struct rtsprec_camera_statistics, written_frames_total);
    assert_int_equal(rtsprec_camera_get_statistics(camera, &statistics), 0);
    for (size_t i = statistics.size; i < sizeof(statistics); i++)
        assert_int_equal(((unsigned char *)&statistics)[i], 0x5a);
    rtsprec_recorder_destroy(&recorder);
}

/* What the callbacks of one recorder see. */
struct witness {
    pthread_t thread;
    atomic_bool called, several_threads;
    atomic_int waiting, stopped;
    int refused, bad_states;
};

static void see_thread(struct witness *witness)
{
    if (!atomic_exchange(&witness->called, true))
        witness->thread = pthread_self();
    else if (!pthread_equal(witness->thread, pthread_self()))
        witness->several_threads = true;
}

static void on_event(void *user, const struct rtsprec_event *event)
{
    struct witness *witness = user;

    see_thread(witness);
    if (event->type != RTSPREC_EVENT_STATE_CHANGED)
        return;
    if (event->size < sizeof(*event) || event->time_us <= 0 || strcmp(event->camera, "door") != 0 ||
        event->u.state.from == event->u.state.to || !event->u.state.text)
        witness->bad_states++;
    if (event->u.state.to == RTSPREC_CAMERA_WAITING) {
        if (event->u.state.error == RTSPREC_ERROR_REFUSED && event->u.state.retry_in_us > 0)
            witness->refused++;
        atomic_fetch_add(&witness->waiting, 1);
    } else if (event->u.state.to == RTSPREC_CAMERA_STOPPED) {
        atomic_fetch_add(&witness->stopped, 1);
    }
}

static void on_log(void *user, const struct rtsprec_log_record *record)
{
    see_thread(user);
    assert_non_null(record->text);
}

static void a_refused_connection_is_told_and_tried_again(void **state)
{
    struct witness witness = {0};
    struct rtsprec_recorder_options options;
    struct rtsprec_recorder *recorder;
    struct rtsprec_camera *camera;
    struct rtsprec_camera_options camera_options;
    struct rtsprec_camera_statistics statistics = {.size = sizeof(statistics)};

    (void)state;
    rtsprec_recorder_options_init(&options);
    options.event = on_event;
    options.log = on_log;
    options.log_level = RTSPREC_LOG_DEBUG;
    options.user = &witness;
    recorder = new_recorder(&options);
    rtsprec_camera_options_init(&camera_options);
    camera_options.name = "door";
    camera_options.url = url;
    camera_options.output_directory = directory;
    camera_options.retry_min_us = 10000;
    camera_options.retry_max_us = 20000;
    assert_int_equal(rtsprec_camera_create(&camera, recorder, &camera_options, NULL), 0);
    assert_int_equal(rtsprec_camera_start(camera, NULL), 0);
    for (int i = 0; i < 1000 && atomic_load(&witness.waiting) < 3; i++)
        process_pause_ms(10);
    assert_int_equal(rtsprec_camera_get_statistics(camera, &statistics), 0);
    rtsprec_recorder_destroy(&recorder);

    assert_true(witness.waiting >= 3);
    assert_int_equal(witness.refused, witness.waiting);
    assert_int_equal(witness.bad_states, 0);
    assert_int_equal(witness.stopped, 1);
    assert_false(witness.several_threads);
    assert_true(statistics.failures_total >= 3);
    assert_int_equal(statistics.connects_total, 0);
    assert_int_equal(statistics.last_error, RTSPREC_ERROR_REFUSED);
}

/* A callback that is late: it asks its camera when the recorder is being destroyed already. */
struct late {
    struct rtsprec_camera *camera;
    sem_t may_go_on;
    atomic_int asked;
};

static void on_late_event(void *user, const struct rtsprec_event *event)
{
    struct late *late = user;
    struct rtsprec_camera_statistics statistics = {.size = sizeof(statistics)};

    if (late->asked == 0)
        sem_wait(&late->may_go_on);
    assert_string_equal(rtsprec_camera_name(late->camera), event->camera);
    assert_int_equal(rtsprec_camera_get_statistics(late->camera, &statistics), 0);
    atomic_fetch_add(&late->asked, 1);
}

static void *let_go(void *user)
{
    struct late *late = user;

    process_pause_ms(50); /* it may come first, and then the test shows less */
    sem_post(&late->may_go_on);
    return NULL;
}

static void callbacks_may_ask_cameras_until_the_end(void **state)
{
    struct late late = {0};
    struct rtsprec_recorder_options options;
    struct rtsprec_recorder *recorder;
    struct rtsprec_camera_statistics statistics = {.size = sizeof(statistics)};
    pthread_t thread;

    (void)state;
    sem_init(&late.may_go_on, 0, 0);
    rtsprec_recorder_options_init(&options);
    options.event = on_late_event;
    options.user = &late;
    recorder = new_recorder(&options);
    late.camera = add_camera(recorder, "door");
    assert_int_equal(rtsprec_camera_start(late.camera, NULL), 0);
    for (int i = 0; i < 1000 && statistics.failures_total == 0; i++) {
        process_pause_ms(10);
        assert_int_equal(rtsprec_camera_get_statistics(late.camera, &statistics), 0);
    }
    assert_int_equal(pthread_create(&thread, NULL, let_go, &late), 0);
    rtsprec_recorder_destroy(&recorder);
    pthread_join(thread, NULL);
    sem_destroy(&late.may_go_on);
    assert_true(late.asked >= 2);
}

static void use_once(int round)
{
    struct rtsprec_recorder *recorder = new_recorder(NULL);
    struct rtsprec_camera *camera;
    char name[20];

    for (int i = 0; i < 5; i++) {
        snprintf(name, sizeof(name), "camera-%d", i);
        camera = add_camera(recorder, name);
        if (i % 2 == round % 2)
            assert_int_equal(rtsprec_camera_start(camera, NULL), 0);
        if (i == round % 5)
            rtsprec_camera_destroy(&camera);
    }
    rtsprec_recorder_destroy(&recorder);
}

static void a_loop_leaves_nothing_behind(void **state)
{
    (void)state;
    use_once(0); /* FFmpeg and the C library initialise themselves */
    use_once(1);
    int threads = process_count("/proc/self/task");
    int descriptors = process_count("/proc/self/fd");
    for (int i = 0; i < 100; i++)
        use_once(i);
    assert_true(process_count_settled("/proc/self/task", threads) <= threads);
    assert_int_equal(process_count("/proc/self/fd"), descriptors);
}

static struct rtsprec_recorder *shared_recorder;

static void *use_shared_recorder(void *number)
{
    char name[20];
    snprintf(name, sizeof(name), "camera-%d", *(int *)number);
    for (int i = 0; i < 25; i++) {
        struct rtsprec_camera_statistics statistics = {.size = sizeof(statistics)};
        struct rtsprec_camera *camera = add_camera(shared_recorder, name);
        rtsprec_camera_start(camera, NULL);
        rtsprec_camera_get_statistics(camera, &statistics);
        if (i % 2) {
            rtsprec_camera_request_stop(camera);
            rtsprec_camera_wait(camera);
        }
        rtsprec_camera_destroy(&camera);
    }
    return NULL;
}

/* ThreadSanitizer's test: all functions from any thread. */
static void threads_share_a_recorder(void **state)
{
    enum { COUNT = 4 };
    pthread_t threads[COUNT];
    int numbers[COUNT];

    (void)state;
    shared_recorder = new_recorder(NULL);
    for (int i = 0; i < COUNT; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, use_shared_recorder, &numbers[i]), 0);
    }
    for (int i = 0; i < 20; i++) {
        rtsprec_recorder_request_stop(shared_recorder);
        rtsprec_recorder_wait(shared_recorder);
    }
    for (int i = 0; i < COUNT; i++)
        pthread_join(threads[i], NULL);
    rtsprec_recorder_destroy(&shared_recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(destroying_nothing_does_nothing),
        cmocka_unit_test(a_camera_starts_once_and_again_after_a_stop),
        cmocka_unit_test(a_certificate_that_is_not_verified_is_warned_of),
        cmocka_unit_test(a_recorder_stops_and_waits_for_all),
        cmocka_unit_test(limits_belong_to_an_archive_that_is_recorded_to),
        cmocka_unit_test(statistics_know_their_size),
        cmocka_unit_test(a_refused_connection_is_told_and_tried_again),
        cmocka_unit_test(callbacks_may_ask_cameras_until_the_end),
        cmocka_unit_test(a_loop_leaves_nothing_behind),
        cmocka_unit_test(threads_share_a_recorder),
    };
    int port = process_refusing_url(url, sizeof(url));
    process_make_directory(directory, sizeof(directory));
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    process_remove_directory(directory);
    close(port);
    return failures;
}
