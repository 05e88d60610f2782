/* What cameras tell the keeper, on their own threads. */
#include "keeper/parts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/disk.h"
#include "base/error.h"
#include "base/thread.h"

/* Segments of many cameras end at the same moment: they are written together. */
#define GATHER_US (US_PER_SECOND / 2)

/* How long a writer waits for room: its queue holds ten times as much. */
#define PATIENCE_US US_PER_SECOND

int keeper_add_camera(struct keeper_camera **out, struct keeper *keeper, const char *name,
                      const char *directory, struct rtsprec_error *error)
{
    *out = NULL;
    struct keeper_camera *camera = calloc(1, sizeof(*camera));
    char *copy = strdup(name);
    if (!camera || !copy) {
        free(camera);
        free(copy);
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    }
    camera->keeper = keeper;
    camera->name = copy;
    camera->directory_length = strlen(directory);
    rate_init(&camera->rate, clock_monotonic_us(), 0);
    pthread_mutex_lock(&keeper->lock);
    camera->next = keeper->cameras;
    keeper->cameras = camera;
    pthread_mutex_unlock(&keeper->lock);
    *out = camera;
    return 0;
}

void keeper_remove_camera(struct keeper_camera **camera_pointer)
{
    struct keeper_camera *camera = *camera_pointer;
    *camera_pointer = NULL;
    if (!camera)
        return;
    struct keeper *keeper = camera->keeper;
    pthread_mutex_lock(&keeper->lock);
    struct keeper_camera **at = &keeper->cameras;
    while (*at != camera)
        at = &(*at)->next;
    *at = camera->next;
    keeper->gone_bytes += atomic_load(&camera->written_bytes);
    pthread_mutex_unlock(&keeper->lock);
    free(camera->name);
    free(camera);
}

/* Called with the lock, takes the note; NULL: there was no memory for it. Returns what is to be
 * freed. */
static struct note *append(struct keeper *keeper, struct note *note)
{
    if (!note) {
        keeper->notes.is_torn = keeper->notes.is_lossy = true;
        return NULL;
    }
    if (keeper->has_ended)
        return note;
    if (keeper->notes_us == INT64_MAX) {
        keeper->notes_us = clock_monotonic_us() + GATHER_US;
        pthread_cond_signal(&keeper->wake);
    }
    return notes_append(&keeper->notes, note);
}

static void tell(struct keeper_camera *camera, struct note *note)
{
    struct keeper *keeper = camera->keeper;
    note->camera = camera->name;
    struct note *copy = note_create(note);
    pthread_mutex_lock(&keeper->lock);
    struct note *rest = append(keeper, copy);
    pthread_mutex_unlock(&keeper->lock);
    note_list_free(rest);
}

void keeper_tell_conditions(struct keeper_camera *camera, const struct condition_change *changes,
                            int count)
{
    for (int i = 0; i < count; i++)
        tell(camera, &(struct note){
                         .kind = NOTE_CONDITION,
                         .reason = changes[i].reason,
                         .start_us = changes[i].since_us,
                     });
    if (count == 0)
        return;
    pthread_mutex_lock(&camera->keeper->lock);
    camera->has_condition = true;
    camera->condition = changes[count - 1];
    pthread_mutex_unlock(&camera->keeper->lock);
}

void keeper_tell_hole(struct keeper_camera *camera, enum rtsprec_coverage_reason reason,
                      int64_t start_us, int64_t end_us)
{
    tell(camera, &(struct note){
                     .kind = NOTE_HOLE,
                     .reason = reason,
                     .start_us = start_us,
                     .end_us = end_us,
                 });
}

/* Paths are the camera's directory, a slash, and what the catalog wants. */
static const char *below_archive(const struct keeper_camera *camera, const char *path)
{
    return path + camera->directory_length + 1;
}

void keeper_tell_segment(struct keeper_camera *camera, const char *path,
                         enum rtsprec_segment_reason ended)
{
    tell(camera, &(struct note){
                     .kind = NOTE_SEGMENT,
                     .path = below_archive(camera, path),
                     .ended = ended,
                 });
}

void keeper_count_written(struct keeper_camera *camera, int64_t bytes)
{
    atomic_fetch_add_explicit(&camera->written_bytes, bytes, memory_order_relaxed);
    atomic_fetch_add_explicit(&camera->open_bytes, bytes, memory_order_relaxed);
}

void keeper_count_closed(struct keeper_camera *camera, int64_t bytes)
{
    atomic_fetch_sub_explicit(&camera->open_bytes, bytes, memory_order_relaxed);
}

struct guard_load keeper_load(struct keeper *keeper, int64_t now_us)
{
    struct guard_load load = {.total_bytes = keeper->gone_bytes};
    for (struct keeper_camera *camera = keeper->cameras; camera; camera = camera->next) {
        int64_t written = atomic_load_explicit(&camera->written_bytes, memory_order_relaxed);
        rate_tell(&camera->rate, now_us, written);
        load.total_bytes += written;
        load.bytes_per_second += rate_peak(&camera->rate);
    }
    return load;
}

void keeper_make_room(struct keeper_camera *camera)
{
    struct keeper *keeper = camera->keeper;
    struct guard *guard = &keeper->guard;
    pthread_mutex_lock(&keeper->lock);
    bool is_active = guard->is_active;
    pthread_mutex_unlock(&keeper->lock);
    if (!is_active)
        return;
    int64_t free_bytes = disk_free_bytes(keeper->directory);
    pthread_mutex_lock(&keeper->lock);
    int64_t now_us = clock_monotonic_us();
    struct guard_load load = keeper_load(keeper, now_us);
    if (guard_is_short(guard, free_bytes, &load, now_us)) {
        int passes = guard->passes;
        guard->is_wanted = true;
        pthread_cond_signal(&keeper->wake);
        while (guard->passes == passes && !keeper->has_ended &&
               wait_until(&keeper->made, &keeper->lock, now_us + PATIENCE_US))
            ;
    }
    pthread_mutex_unlock(&keeper->lock);
}
