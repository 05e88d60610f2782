#include "camera/place.h"

#include <pthread.h>

#include "base/clock.h"
#include "camera/camera.h"
#include "recorder.h"

int place_open(struct place *place, struct rtsprec_camera *camera, const char *directory,
               bool is_counted, struct rtsprec_error *error)
{
    *place = (struct place){.camera = camera, .directory = directory, .is_counted = is_counted};
    return recorder_open_archive(camera->recorder, &place->archive, &place->keeper,
                                 camera->options.name, directory, error);
}

void place_close(struct place *place)
{
    if (place->camera)
        recorder_close_archive(place->camera->recorder, &place->archive, &place->keeper);
}

void place_note_recorded(struct place *place, int64_t start_us)
{
    int count;
    pthread_mutex_lock(&place->camera->lock);
    const struct condition_change *changes =
        condition_recorded(&place->condition, start_us, clock_real_us(), &count);
    keeper_tell_conditions(place->keeper, changes, count);
    pthread_mutex_unlock(&place->camera->lock);
}

void place_note_lost(struct place *place, int error, int64_t from_us)
{
    place_note_missing(place, condition_of_storage_error(error), from_us);
}

void place_note_missing(struct place *place, enum rtsprec_coverage_reason reason, int64_t from_us)
{
    int count;
    pthread_mutex_lock(&place->camera->lock);
    const struct condition_change *changes =
        condition_lost(&place->condition, reason, from_us, clock_real_us(), &count);
    keeper_tell_conditions(place->keeper, changes, count);
    pthread_mutex_unlock(&place->camera->lock);
}

void place_note_use(struct place *place, bool is_used, int64_t from_us)
{
    pthread_mutex_lock(&place->camera->lock);
    bool was_used = !place->is_idle;
    place->is_idle = !is_used;
    /* What the program does not want stays so, as it said and since then. */
    if (is_used != was_used && camera_recording(place->camera) == RTSPREC_RECORDING_ON)
        place_note_wish(place, true, from_us, clock_real_us());
    pthread_mutex_unlock(&place->camera->lock);
}

void place_note_hole(struct place *place, enum rtsprec_coverage_reason reason, int64_t start_us,
                     int64_t end_us)
{
    pthread_mutex_lock(&place->camera->lock);
    if (!place->is_idle)
        keeper_tell_hole(place->keeper, reason, start_us, end_us);
    pthread_mutex_unlock(&place->camera->lock);
}

void place_note_wish(struct place *place, bool is_wanted, int64_t from_us, int64_t now_us)
{
    int count;
    const struct condition_change *changes =
        condition_want(&place->condition, is_wanted && !place->is_idle, from_us, now_us, &count);
    keeper_tell_conditions(place->keeper, changes, count);
}

void place_note_state(struct place *place, enum rtsprec_camera_state state,
                      const struct rtsprec_error *error)
{
    struct condition *condition = &place->condition;
    const struct condition_change *changes = NULL;
    int64_t now_us = clock_real_us();
    int count = 0;
    switch (state) {
    case RTSPREC_CAMERA_STOPPED:
        changes = condition_absent(condition, RTSPREC_COVERAGE_STOPPED, now_us, &count);
        break;
    case RTSPREC_CAMERA_CONNECTING:
        changes = condition_connecting(condition, now_us, &count);
        break;
    case RTSPREC_CAMERA_RECORDING:
    case RTSPREC_CAMERA_STANDBY:
    case RTSPREC_CAMERA_OFF:
        condition_arriving(condition);
        break;
    case RTSPREC_CAMERA_WAITING:
        changes = condition_absent(
            condition,
            condition_of_camera_error(error ? error->code : 0, place->camera->is_connected), now_us,
            &count);
        break;
    }
    keeper_tell_conditions(place->keeper, changes, count);
}
