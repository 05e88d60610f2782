/* Thread R: connects, records a run, and connects again after a pause, until stopped. While the
 * camera is OFF, it sleeps. */
#include <stdint.h>

#include "base/backoff.h"
#include "base/clock.h"
#include "camera/camera.h"
#include "camera/run.h"

#define GROWTH_PERCENT 125

/* 60 s, 2, 4, 8, 16, 30 min: at most 7 attempts in the first hour. */
#define AUTH_GROWTH_PERCENT 200

/* False when it is to stop. */
static bool wait_until_wanted(struct rtsprec_camera *camera)
{
    if (cancel_held(&camera->cancel) && !cancel_stopped(&camera->cancel))
        camera_set_state(camera, RTSPREC_CAMERA_OFF, NULL, 0);
    return !cancel_wait_held(&camera->cancel);
}

void *reader_run(void *argument)
{
    struct rtsprec_camera *camera = argument;
    const struct camera_options *options = &camera->options;
    struct backoff backoff, auth_backoff;
    uint64_t seed = (uint64_t)clock_monotonic_us() ^ (uint64_t)(uintptr_t)camera;
    backoff_init(&backoff, options->retry_min_us, options->retry_max_us, GROWTH_PERCENT, seed);
    backoff_init(&auth_backoff, options->auth_retry_min_us, options->auth_retry_max_us,
                 AUTH_GROWTH_PERCENT, seed);

    while (wait_until_wanted(camera)) {
        struct rtsprec_error error = {0};
        bool was_recording = false;
        camera_set_state(camera, RTSPREC_CAMERA_CONNECTING, NULL, 0);
        int err = run_record(camera, &was_recording, &error);
        if (err == RTSPREC_ERROR_STOPPED) {
            backoff_reset(&backoff);
            continue;
        }
        count(&camera->counters.failures, 1);
        if (was_recording) {
            backoff_reset(&backoff);
            backoff_reset(&auth_backoff);
        }
        int64_t pause_us =
            backoff_next(err == RTSPREC_ERROR_UNAUTHORIZED ? &auth_backoff : &backoff);
        camera_set_state(camera, RTSPREC_CAMERA_WAITING, &error, pause_us);
        cancel_wait(&camera->cancel, pause_us);
    }
    feed_close(&camera->feed);
    if (camera->original_feed.place)
        feed_close(&camera->original_feed);
    return NULL;
}
