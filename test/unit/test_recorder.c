#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>

#include "recorder.h"

#define ROUNDS 2000000

/* The only place, one who has it nearly all the time, and one who always asks for it. */
struct rig {
    struct rtsprec_recorder *recorder;
    atomic_int successes; /* of the latter */
    atomic_bool is_waiting, is_over;
};

static void *ask(void *argument)
{
    struct rig *rig = argument;
    while (!rig->is_over) {
        if (recorder_begin_transcode(rig->recorder)) {
            atomic_fetch_add(&rig->successes, 1);
            recorder_end_transcode(rig->recorder);
        }
        /* Long enough to hear that it is to wait. */
        for (int i = 0; i < 20 || rig->is_waiting; i++) {
        }
    }
    return NULL;
}

/* Gives the place up and takes it again, which may only fail when the other got it in between. */
static void renew(struct rig *rig)
{
    int before = rig->successes;
    recorder_end_transcode(rig->recorder);
    if (recorder_begin_transcode(rig->recorder))
        return;
    rig->is_waiting = true;
    /* Who had it has counted that before giving it up. */
    while (!recorder_begin_transcode(rig->recorder)) {
    }
    assert_true(rig->successes > before);
    rig->is_waiting = false;
}

static void test_the_last_place_to_transcode(void **state)
{
    struct rtsprec_recorder_options options;
    struct rtsprec_error error;
    struct rig rig = {0};
    pthread_t other;
    (void)state;
    rtsprec_recorder_options_init(&options);
    options.max_transcodes = 1;
    assert_int_equal(rtsprec_recorder_create(&rig.recorder, &options, &error), 0);
    assert_true(recorder_begin_transcode(rig.recorder));
    assert_false(recorder_begin_transcode(rig.recorder));
    assert_int_equal(pthread_create(&other, NULL, ask, &rig), 0);
    for (int i = 0; i < ROUNDS; i++)
        renew(&rig);
    rig.is_over = true;
    pthread_join(other, NULL);
    recorder_end_transcode(rig.recorder);
    assert_true(recorder_begin_transcode(rig.recorder));
    recorder_end_transcode(rig.recorder);
    rtsprec_recorder_destroy(&rig.recorder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_the_last_place_to_transcode)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
