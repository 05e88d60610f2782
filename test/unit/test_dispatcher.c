#include "unit.h"

#include <pthread.h>
#include <semaphore.h>

#include "base/dispatcher.h"

#define MAX_SEEN 20000

/* What the callbacks received. Its fields are the dispatcher's thread's until that has ended. */
struct seen {
    sem_t told;          /* an overflow was */
    sem_t entered, gate; /* a callback that finds is_gated posts the one and waits for the other */
    bool is_gated;

    int count;
    char texts[MAX_SEEN][24];
    int64_t overflows, lost_events, lost_logs;
    bool is_wrong;
};

static struct seen seen;

static void pass_gate(struct seen *all)
{
    if (!all->is_gated)
        return;
    all->is_gated = false;
    sem_post(&all->entered);
    sem_wait(&all->gate);
}

static void keep(struct seen *all, const char *camera, const char *text)
{
    if (all->count < MAX_SEEN)
        snprintf(all->texts[all->count++], sizeof(all->texts[0]), "%.8s:%.12s",
                 camera ? camera : "-", text);
}

static void take_event(void *user, const struct rtsprec_event *event)
{
    struct seen *all = user;
    pass_gate(all);
    all->is_wrong |= event->size != sizeof(*event) || event->time_us <= 0;
    switch (event->type) {
    case RTSPREC_EVENT_STATE_CHANGED:
        keep(all, event->camera, event->u.state.text);
        break;
    case RTSPREC_EVENT_SEGMENT_OPENED:
    case RTSPREC_EVENT_SEGMENT_CLOSED:
        keep(all, event->camera, event->u.segment.path);
        break;
    case RTSPREC_EVENT_SEGMENT_DELETED:
        keep(all, event->camera, event->u.deleted.path);
        keep(all, event->camera, event->u.deleted.why);
        break;
    case RTSPREC_EVENT_DISCONTINUITY:
        keep(all, event->camera, event->u.discontinuity.text ? event->u.discontinuity.text : "0");
        break;
    case RTSPREC_EVENT_PACKETS_DROPPED:
        keep(all, event->camera, event->u.dropped.directory);
        all->is_wrong |= event->u.dropped.packets != 1 || event->u.dropped.bytes != 3;
        break;
    case RTSPREC_EVENT_FRAMES_SKIPPED:
        keep(all, event->camera, "skipped");
        all->is_wrong |= event->u.skipped.frames != 4;
        break;
    case RTSPREC_EVENT_STORAGE_CHANGED:
        keep(all, event->camera, event->u.storage.text);
        keep(all, event->camera, event->u.storage.directory);
        all->is_wrong |= event->u.storage.error != RTSPREC_ERROR_IO;
        break;
    case RTSPREC_EVENT_RECORDING_CHANGED:
        keep(all, event->camera, "recording");
        all->is_wrong |= event->u.recording.from != RTSPREC_RECORDING_ON ||
                         event->u.recording.to != RTSPREC_RECORDING_OFF;
        break;
    case RTSPREC_EVENT_OVERFLOW:
        all->is_wrong |= event->camera != NULL;
        all->overflows++;
        all->lost_events += event->u.overflow.events;
        all->lost_logs += event->u.overflow.log_records;
        sem_post(&all->told);
        break;
    }
}

static void take_log(void *user, const struct rtsprec_log_record *record)
{
    struct seen *all = user;
    pass_gate(all);
    all->is_wrong |= record->time_us <= 0;
    keep(all, record->camera, record->text);
}

static struct dispatcher *create(enum rtsprec_log_level level)
{
    memset(&seen, 0, sizeof(seen));
    sem_init(&seen.told, 0, 0);
    sem_init(&seen.entered, 0, 0);
    sem_init(&seen.gate, 0, 0);
    struct dispatcher *dispatcher;
    struct dispatcher_callbacks callbacks = {take_event, take_log, level, &seen};
    struct rtsprec_error error;
    assert_int_equal(dispatcher_create(&dispatcher, &callbacks, &error), 0);
    return dispatcher;
}

static void post_state(struct dispatcher *dispatcher, const char *text)
{
    struct rtsprec_event event = {
        .type = RTSPREC_EVENT_STATE_CHANGED,
        .camera = "cam",
        .u.state.text = text,
    };
    dispatcher_post(dispatcher, &event);
}

/* From here until release() the thread is inside a callback; the queue behind it is empty. */
static void block(struct dispatcher *dispatcher)
{
    seen.is_gated = true; /* before the post, hence visible to the dispatcher's thread */
    post_state(dispatcher, "first");
    sem_wait(&seen.entered);
}

static void release(void)
{
    sem_post(&seen.gate);
}

static void test_order_is_kept_and_all_is_delivered(void **state)
{
    (void)state;
    struct dispatcher *dispatcher = create(RTSPREC_LOG_INFO);
    for (int i = 0; i < 2000; i++) {
        char text[16];
        snprintf(text, sizeof(text), "%d", i);
        if (i % 3)
            post_state(dispatcher, text);
        else
            dispatcher_log(dispatcher, RTSPREC_LOG_INFO, "cam", "%d", i);
    }
    dispatcher_destroy(&dispatcher);
    assert_null(dispatcher);
    assert_int_equal(seen.count, 2000);
    for (int i = 0; i < 2000; i++)
        assert_int_equal(atoi(strchr(seen.texts[i], ':') + 1), i);
    assert_int_equal(seen.overflows, 0);
    assert_false(seen.is_wrong);
    dispatcher_destroy(&dispatcher);
}

static void test_strings_are_copied(void **state)
{
    (void)state;
    struct dispatcher *dispatcher = create(RTSPREC_LOG_DEBUG);
    block(dispatcher);
    char camera[8] = "cam", text[16] = "path", why[16] = "free space";
    const enum rtsprec_event_type types[] = {RTSPREC_EVENT_SEGMENT_OPENED,
                                             RTSPREC_EVENT_SEGMENT_CLOSED};
    for (size_t i = 0; i < LENGTH(types); i++)
        dispatcher_post(
            dispatcher,
            &(struct rtsprec_event){.type = types[i], .camera = camera, .u.segment.path = text});
    dispatcher_post(dispatcher, &(struct rtsprec_event){.type = RTSPREC_EVENT_DISCONTINUITY,
                                                        .camera = camera,
                                                        .u.discontinuity.text = text});
    dispatcher_post(dispatcher, &(struct rtsprec_event){.type = RTSPREC_EVENT_DISCONTINUITY});
    dispatcher_post(dispatcher, &(struct rtsprec_event){
                                    .type = RTSPREC_EVENT_PACKETS_DROPPED,
                                    .camera = camera,
                                    .u.dropped = {.packets = 1, .bytes = 3, .directory = text}});
    dispatcher_post(dispatcher, &(struct rtsprec_event){.type = RTSPREC_EVENT_FRAMES_SKIPPED,
                                                        .camera = camera,
                                                        .u.skipped = {4}});
    dispatcher_post(dispatcher,
                    &(struct rtsprec_event){.type = RTSPREC_EVENT_STORAGE_CHANGED,
                                            .camera = camera,
                                            .u.storage = {RTSPREC_ERROR_IO, text, why}});
    dispatcher_post(dispatcher, &(struct rtsprec_event){
                                    .type = RTSPREC_EVENT_RECORDING_CHANGED,
                                    .camera = camera,
                                    .u.recording = {RTSPREC_RECORDING_ON, RTSPREC_RECORDING_OFF}});
    dispatcher_post(dispatcher, &(struct rtsprec_event){.type = RTSPREC_EVENT_SEGMENT_DELETED,
                                                        .camera = camera,
                                                        .u.deleted = {.path = text, .why = why}});
    dispatcher_log(dispatcher, RTSPREC_LOG_INFO, camera, "%s", text);
    dispatcher_log(dispatcher, RTSPREC_LOG_INFO, NULL, "%s", text);
    memset(why, 'X', sizeof(why) - 1);
    memset(camera, 'X', sizeof(camera) - 1);
    memset(text, 'X', sizeof(text) - 1);
    release();
    dispatcher_destroy(&dispatcher);
    static const char *const expected[] = {
        "cam:first", "cam:path",       "cam:path", "cam:path",       "-:0",
        "cam:path",  "cam:skipped",    "cam:path", "cam:free space", "cam:recording",
        "cam:path",  "cam:free space", "cam:path", "-:path"};
    assert_int_equal(seen.count, LENGTH(expected));
    for (size_t i = 0; i < LENGTH(expected); i++)
        assert_string_equal(seen.texts[i], expected[i]);
    assert_false(seen.is_wrong);
}

static void test_overflow_is_counted_and_told_once(void **state)
{
    (void)state;
    struct dispatcher *dispatcher = create(RTSPREC_LOG_INFO);
    block(dispatcher);
    for (int i = 0; i < 4096 + 70; i++)
        post_state(dispatcher, "event");
    for (int i = 0; i < 30; i++)
        dispatcher_log(dispatcher, RTSPREC_LOG_INFO, NULL, "log");
    dispatcher_log(dispatcher, RTSPREC_LOG_DEBUG, NULL, "not wanted, hence not lost");
    release();
    dispatcher_destroy(&dispatcher);
    assert_int_equal(seen.count, 1 + 4096);
    assert_int_equal(seen.overflows, 1);
    assert_int_equal(seen.lost_events, 70);
    assert_int_equal(seen.lost_logs, 30);
}

struct poster {
    struct dispatcher *dispatcher;
    int number;
};

static void *post_many(void *argument)
{
    struct poster *poster = argument;
    for (int i = 0; i < 4000; i++) {
        if (poster->number % 2)
            dispatcher_log(poster->dispatcher, RTSPREC_LOG_INFO, NULL, "%d", i);
        else
            post_state(poster->dispatcher, "event");
    }
    return NULL;
}

/* What was told once is not told again. */
static void test_each_overflow_is_told_by_itself(void **state)
{
    (void)state;
    struct dispatcher *dispatcher = create(RTSPREC_LOG_INFO);
    for (int round = 1; round <= 2; round++) {
        block(dispatcher);
        for (int i = 0; i < 4096 + 5; i++)
            post_state(dispatcher, "event");
        release();
        sem_wait(&seen.told);
    }
    dispatcher_destroy(&dispatcher);
    assert_int_equal(seen.overflows, 2);
    assert_int_equal(seen.lost_events, 10);
}

/* Whether on the way or at the end: each is delivered or counted. */
static void test_nothing_vanishes_between_threads(void **state)
{
    (void)state;
    struct dispatcher *dispatcher = create(RTSPREC_LOG_INFO);
    struct poster posters[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        posters[i] = (struct poster){dispatcher, i};
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    dispatcher_destroy(&dispatcher);
    assert_int_equal(seen.count + seen.lost_events + seen.lost_logs, 16000);
    assert_false(seen.is_wrong);
}

static void test_levels(void **state)
{
    (void)state;
    for (int level = RTSPREC_LOG_ERROR; level <= RTSPREC_LOG_DEBUG; level++) {
        struct dispatcher *dispatcher = create((enum rtsprec_log_level)level);
        dispatcher_log(dispatcher, RTSPREC_LOG_DEBUG, NULL, "4");
        dispatcher_log(dispatcher, RTSPREC_LOG_INFO, NULL, "3");
        dispatcher_log(dispatcher, RTSPREC_LOG_WARNING, NULL, "2");
        dispatcher_log(dispatcher, RTSPREC_LOG_ERROR, NULL, "1");
        dispatcher_destroy(&dispatcher);
        assert_int_equal(seen.count, level);
        for (int i = 0; i < level; i++)
            assert_int_equal(seen.texts[i][2], '0' + level - i);
    }
}

static char long_text[4096];

static void take_long_log(void *user, const struct rtsprec_log_record *record)
{
    (void)user;
    snprintf(long_text, sizeof(long_text), "%s", record->text);
}

static void test_credentials_are_masked(void **state)
{
    (void)state;
    struct dispatcher *dispatcher;
    struct dispatcher_callbacks callbacks = {NULL, take_long_log, RTSPREC_LOG_INFO, NULL};
    char filler[1400];
    for (size_t length = 0; length < sizeof(filler); length += length < 1100 ? 1100 : 1) {
        memset(filler, 'x', length);
        filler[length] = '\0';
        assert_int_equal(dispatcher_create(&dispatcher, &callbacks, NULL), 0);
        dispatcher_log(dispatcher, RTSPREC_LOG_INFO, NULL, "%s rtsp://admin:SECRETSECRET@cam/",
                       filler);
        dispatcher_destroy(&dispatcher);
        require(!strstr(long_text, "SECRET"), "%zu: %s", length, long_text);
        if (length == 0)
            assert_string_equal(long_text, " rtsp://***@cam/");
    }
}

static void test_callbacks_may_be_missing(void **state)
{
    (void)state;
    struct dispatcher *dispatcher;
    struct dispatcher_callbacks none = {0};
    assert_int_equal(dispatcher_create(&dispatcher, &none, NULL), 0);
    for (int i = 0; i < 10000; i++)
        post_state(dispatcher, "x");
    dispatcher_log(dispatcher, RTSPREC_LOG_ERROR, NULL, "x");
    dispatcher_destroy(&dispatcher);
}

/* Without an event callback an overflow of log records has nobody to be told to. */
static void test_overflow_without_event_callback(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    sem_init(&seen.told, 0, 0);
    sem_init(&seen.entered, 0, 0);
    sem_init(&seen.gate, 0, 0);
    seen.is_gated = true;
    struct dispatcher *dispatcher;
    struct dispatcher_callbacks callbacks = {NULL, take_log, RTSPREC_LOG_INFO, &seen};
    assert_int_equal(dispatcher_create(&dispatcher, &callbacks, NULL), 0);
    dispatcher_log(dispatcher, RTSPREC_LOG_INFO, NULL, "first");
    sem_wait(&seen.entered);
    for (int i = 0; i < 5000; i++)
        dispatcher_log(dispatcher, RTSPREC_LOG_INFO, NULL, "log");
    release();
    dispatcher_destroy(&dispatcher);
    assert_int_equal(seen.count, 1 + 4096);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_is_kept_and_all_is_delivered),
        cmocka_unit_test(test_strings_are_copied),
        cmocka_unit_test(test_overflow_is_counted_and_told_once),
        cmocka_unit_test(test_each_overflow_is_told_by_itself),
        cmocka_unit_test(test_nothing_vanishes_between_threads),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_credentials_are_masked),
        cmocka_unit_test(test_callbacks_may_be_missing),
        cmocka_unit_test(test_overflow_without_event_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
