#include "keeper/parts.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/limits.h"
#include "archive/reconcile.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/error.h"
#include "base/thread.h"
#include "camera/describe.h"
#include "keeper/room.h"

/* About an hour of 50 cameras whose segments last a minute. */
#define MOST_NOTES 4096

/* What is free on a disk on which the catalog has no room. */
#define FULL_BYTES (1024 * 1024)

/* How long after room was made for it. */
#define AFTER_PASS_US (US_PER_SECOND / 2)

static void tell_trouble(struct keeper *keeper, const struct rtsprec_error *error)
{
    if (keeper->trouble.code == 0)
        dispatcher_log(keeper->dispatcher, RTSPREC_LOG_WARNING, NULL,
                       "%s: the catalog cannot be written, what happens is kept in memory: %s",
                       keeper->directory, error->text);
    keeper->trouble = *error;
}

static void end_trouble(struct keeper *keeper)
{
    if (keeper->trouble.code != 0)
        dispatcher_log(keeper->dispatcher, RTSPREC_LOG_INFO, NULL,
                       "%s: the catalog is written again", keeper->directory);
    keeper->trouble = (struct rtsprec_error){0};
}

/* Whether it is still to be written, of an attempt that failed. */
static bool is_waiting(const struct notes *notes, const struct note *like)
{
    const struct note *note = notes->first;
    while (note && !(note->kind == like->kind && note->reason == like->reason &&
                     note->start_us == like->start_us && !strcmp(note->camera, like->camera)))
        note = note->next;
    return note != NULL;
}

/* A catalog that knows nothing learns what the cameras are doing; since then, INT64_MIN: since they
 * have told it. */
static void repeat_conditions(struct keeper *keeper, int64_t since_us)
{
    pthread_mutex_lock(&keeper->lock);
    for (struct keeper_camera *camera = keeper->cameras; camera; camera = camera->next) {
        struct note note = {
            .kind = NOTE_CONDITION,
            .camera = camera->name,
            .reason = camera->condition.reason,
            .start_us = since_us == INT64_MIN ? camera->condition.since_us : since_us,
        };
        bool is_new = camera->has_condition && !is_waiting(&keeper->notes, &note);
        struct note *copy = is_new ? note_create(&note) : NULL;
        if (copy)
            notes_prepend(&keeper->notes, copy);
    }
    pthread_mutex_unlock(&keeper->lock);
}

struct holding {
    int64_t cameras, segments, bytes;
};

static bool add_camera(void *user, const struct catalog_camera *camera)
{
    struct holding *holding = user;
    holding->cameras += camera->segments > 0;
    holding->segments += camera->segments;
    holding->bytes += camera->bytes;
    return true;
}

static void tell_archive(struct keeper *keeper)
{
    struct holding holding = {0};
    if (keeper->has_told_archive ||
        catalog_cameras(keeper->ledger.catalog, add_camera, &holding, NULL) < 0)
        return;
    keeper->has_told_archive = true;
    dispatcher_log(keeper->dispatcher, RTSPREC_LOG_INFO, NULL,
                   "%s holds %lld segments of %lld cameras, %.3f GB", keeper->directory,
                   (long long)holding.segments, (long long)holding.cameras,
                   (double)holding.bytes / 1e9);
}

/* What cannot be read of the tree is told, and no reason not to go on. */
static int read_tree(struct keeper *keeper, struct rtsprec_error *error)
{
    struct reconcile_result result;
    int err = reconcile(keeper->ledger.catalog, keeper->directory, false, clock_real_us(),
                        describe_segment, &result, error);
    catalog_keep_small(keeper->ledger.catalog);
    if (err < 0 && err != RTSPREC_ERROR_IO)
        return err;
    if (err < 0)
        dispatcher_log(keeper->dispatcher, RTSPREC_LOG_WARNING, NULL,
                       "%s: not all of it could be compared with its catalog: %s",
                       keeper->directory, error->text);
    if (result.added + result.removed + result.moved > 0)
        dispatcher_log(keeper->dispatcher, RTSPREC_LOG_INFO, NULL,
                       "%s: the catalog was brought up to date: %lld segments found, %lld gone, "
                       "%lld of cameras with another name",
                       keeper->directory, (long long)result.added, (long long)result.removed,
                       (long long)result.moved);
    tell_archive(keeper);
    return 0;
}

static struct note *take_notes(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    struct note *list = notes_take(&keeper->notes);
    keeper->notes_us = INT64_MAX;
    pthread_mutex_unlock(&keeper->lock);
    return list;
}

/* After they were written, or not: then they are the first to be written next time. */
static void finish_notes(struct keeper *keeper, struct note *list, bool is_done)
{
    pthread_mutex_lock(&keeper->lock);
    if (is_done)
        notes_done(&keeper->notes);
    else
        notes_put_back(&keeper->notes, list);
    pthread_mutex_unlock(&keeper->lock);
    if (is_done)
        note_list_free(list);
}

static int write_notes(struct keeper *keeper, bool is_end, struct rtsprec_error *error)
{
    int left_out = 0;
    struct note *list = take_notes(keeper);
    int err = ledger_write(&keeper->ledger, list, clock_real_us(), is_end, &left_out, error);
    finish_notes(keeper, list, err == 0);
    if (err == 0 && left_out > 0) {
        pthread_mutex_lock(&keeper->lock);
        keeper->notes.is_torn = true;
        pthread_mutex_unlock(&keeper->lock);
    }
    return err;
}

/* Whether the tree says what notes no longer could; once. */
static bool take_torn(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    bool is_torn = keeper->notes.is_torn, is_lossy = keeper->notes.is_lossy;
    keeper->notes.is_torn = keeper->notes.is_lossy = false;
    pthread_mutex_unlock(&keeper->lock);
    if (is_lossy)
        dispatcher_log(keeper->dispatcher, RTSPREC_LOG_WARNING, NULL,
                       "%s: more happened than could be kept in memory until the catalog could be "
                       "written: why some of the time is missing will not be known",
                       keeper->directory);
    return is_torn;
}

/* What was told before the clock was set is written before that. */
static int follow_clock(struct keeper *keeper, struct rtsprec_error *error)
{
    struct ledger *ledger = &keeper->ledger;
    int64_t real_us = clock_real_us(), monotonic_us = clock_monotonic_us();
    if (!ledger_is_clock_set(ledger, real_us, monotonic_us))
        return 0;
    int err = write_notes(keeper, false, error);
    if (err < 0 || (err = ledger_follow_clock(ledger, real_us, monotonic_us, error)) < 0)
        return err;
    dispatcher_log(keeper->dispatcher, RTSPREC_LOG_WARNING, NULL,
                   "%s: The clock was set: what is missing is explained anew from here on",
                   keeper->directory);
    repeat_conditions(keeper, real_us);
    return 0;
}

static int keep_catalog(struct keeper *keeper, bool is_end, struct rtsprec_error *error)
{
    enum ledger_state state;
    int err = ledger_open(&keeper->ledger, &state, error);
    if (err < 0)
        return err;
    if (state == LEDGER_BEGUN)
        repeat_conditions(keeper, INT64_MIN);
    if ((err = follow_clock(keeper, error)) < 0 || (err = write_notes(keeper, is_end, error)) < 0)
        return err;
    /* Once: more syncs than that would hold up those of the video. */
    if (state == LEDGER_BEGUN && (err = ledger_sync(&keeper->ledger, error)) < 0)
        return err;
    if (!is_end && (state != LEDGER_OPEN || take_torn(keeper)) &&
        (err = read_tree(keeper, error)) < 0) {
        pthread_mutex_lock(&keeper->lock);
        keeper->notes.is_torn = true;
        pthread_mutex_unlock(&keeper->lock);
    }
    return err;
}

/* The cameras that record, in one allocation with their names; called with the lock. NULL, also
 * without memory: none. */
static struct retention_camera *list_active(const struct keeper *keeper, size_t *count)
{
    size_t size = 0;
    *count = 0;
    for (const struct keeper_camera *camera = keeper->cameras; camera; camera = camera->next) {
        size += sizeof(struct retention_camera) + strlen(camera->name) + 1;
        ++*count;
    }
    struct retention_camera *list = *count > 0 ? malloc(size) : NULL;
    if (!list) {
        *count = 0;
        return NULL;
    }
    char *names = (char *)(list + *count);
    struct retention_camera *active = list;
    for (const struct keeper_camera *camera = keeper->cameras; camera; camera = camera->next) {
        size_t length = strlen(camera->name) + 1;
        *active++ = (struct retention_camera){
            .name = memcpy(names, camera->name, length),
            .open_bytes = atomic_load(&camera->open_bytes),
            .lead_bytes = room_needed_bytes(rate_peak(&camera->rate), ROOM_LONGEST_PAUSE_US),
        };
        names += length;
    }
    return list;
}

/* Space comes back and others let go of it; for all else somebody has to do something. */
static void blame_catalog(const struct keeper *keeper, struct rtsprec_error *error)
{
    if (!keeper->ledger.catalog && keeper->trouble.code == RTSPREC_ERROR_IO)
        error_set(error, RTSPREC_ERROR_IO, "not before the catalog can be opened: %s",
                  keeper->trouble.text);
}

/* On a disk too full for the catalog: what there is, is found out from the tree. */
static void pass_without_catalog(struct keeper *keeper, struct retention_need *need,
                                 struct guard_result *result)
{
    struct rtsprec_error error = {0};
    struct reconcile_result read;
    struct catalog *catalog = NULL;
    if (archive_root_check(keeper->ledger.root, &error) < 0)
        return;
    if (disk_free_bytes(keeper->directory) > FULL_BYTES) {
        blame_catalog(keeper, &result->error);
        return;
    }
    if (catalog_open_in_memory(&catalog, keeper->directory, &error) < 0)
        return;
    int err = reconcile(catalog, keeper->directory, false, clock_real_us(), describe_segment, &read,
                        &error);
    need->now_us = clock_real_us();
    if (err == 0 || err == RTSPREC_ERROR_IO)
        guard_pass(&keeper->guard, catalog, need, result);
    catalog_close(&catalog);
    /* There may be room for the other one now. */
    if (!result->is_failed)
        keeper->beat_us = clock_monotonic_us() + AFTER_PASS_US;
}

/* Other archives on the disk are told what is written to this one. */
static void tell_others(struct keeper *keeper)
{
    struct stat status;
    dev_t device = stat(keeper->directory, &status) == 0 ? status.st_dev : 0;
    pthread_mutex_lock(&keeper->lock);
    struct guard_load load = keeper_load(keeper, clock_monotonic_us());
    pthread_mutex_unlock(&keeper->lock);
    turn_tell(&keeper->turn, device,
              room_needed_bytes(load.bytes_per_second, ROOM_LONGEST_PAUSE_US));
}

/* Makes room within the limits, or says that it could not. It has the turn. */
static void make_pass(struct keeper *keeper, int64_t others_bytes)
{
    struct guard *guard = &keeper->guard;
    struct guard_result result;
    struct retention_need need = {.now_us = clock_real_us(), .others_bytes = others_bytes};
    pthread_mutex_lock(&keeper->lock);
    struct rtsprec_archive_limits *old = guard_begin(guard);
    struct guard_load load = keeper_load(keeper, clock_monotonic_us());
    struct retention_camera *active = list_active(keeper, &need.active_count);
    pthread_mutex_unlock(&keeper->lock);
    limits_free(&old);
    need.active = active;
    guard_pass(guard, keeper->ledger.catalog, &need, &result);
    if (result.is_failed)
        pass_without_catalog(keeper, &need, &result);
    guard_tell_failure(guard, &result);
    free(active);
    pthread_mutex_lock(&keeper->lock);
    guard_end(guard, &result, &load, clock_monotonic_us());
    pthread_cond_broadcast(&keeper->made);
    pthread_mutex_unlock(&keeper->lock);
}

/* One after the other of the archives on a disk: else each would free what is missing. */
static void keep_limits(struct keeper *keeper)
{
    int64_t others_bytes;
    tell_others(keeper);
    if (!turn_begin(&keeper->turn, &others_bytes))
        return; /* a stop */
    make_pass(keeper, others_bytes);
    turn_end(&keeper->turn);
}

/* Whether a pass is to be made now, also because others write to the disk. */
static bool is_pass_due(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    bool is_active = keeper->guard.is_active;
    pthread_mutex_unlock(&keeper->lock);
    if (!is_active)
        return false;
    int64_t free_bytes = disk_free_bytes(keeper->directory);
    pthread_mutex_lock(&keeper->lock);
    int64_t now_us = clock_monotonic_us();
    struct guard_load load = keeper_load(keeper, now_us);
    bool is_due = now_us >= guard_due_us(&keeper->guard) ||
                  guard_is_short(&keeper->guard, free_bytes, &load, now_us);
    pthread_mutex_unlock(&keeper->lock);
    return is_due;
}

static void work(struct keeper *keeper, bool is_end)
{
    struct rtsprec_error error = {0};
    if (clock_monotonic_us() >= keeper->beat_us) {
        keeper->beat_us = clock_monotonic_us() + CATALOG_SIGN_OF_LIFE_US;
        tell_others(keeper);
    }
    int err = keep_catalog(keeper, is_end, &error);
    if (err == 0) {
        end_trouble(keeper);
    } else {
        tell_trouble(keeper, &error);
        /* Of a full disk, it says what can be deleted; opened again it could not be. */
        if (error.code != RTSPREC_ERROR_NO_SPACE)
            ledger_close(&keeper->ledger);
    }
    if (!is_end && is_pass_due(keeper))
        keep_limits(keeper);
}

/* When there is something to do; called with the lock. What failed waits for the next beat, or for
 * a note: that a file is recorded tells that the disk is back. */
static int64_t due_us(const struct keeper *keeper)
{
    int64_t due_us = keeper->notes_us;
    int64_t pass_us = guard_due_us(&keeper->guard);
    due_us = pass_us < due_us ? pass_us : due_us;
    return keeper->beat_us < due_us ? keeper->beat_us : due_us;
}

static void *run(void *argument)
{
    struct keeper *keeper = argument;
    thread_step_back(); /* what is written of the video goes first */
    pthread_mutex_lock(&keeper->lock);
    for (bool is_end = false; !is_end;) {
        while (!keeper->is_closing && clock_monotonic_us() < due_us(keeper))
            wait_until(&keeper->wake, &keeper->lock, due_us(keeper));
        is_end = keeper->is_closing;
        pthread_mutex_unlock(&keeper->lock);
        work(keeper, is_end);
        pthread_mutex_lock(&keeper->lock);
    }
    keeper->has_ended = true;
    pthread_cond_broadcast(&keeper->made);
    pthread_mutex_unlock(&keeper->lock);
    ledger_close(&keeper->ledger);
    return NULL;
}

static int start(struct keeper *keeper)
{
    if (wait_init(&keeper->lock, &keeper->wake) < 0)
        return RTSPREC_ERROR_SYSTEM;
    int err = wake_init(&keeper->made);
    if (err == 0 && (err = thread_start(&keeper->thread, run, keeper, "rtsprec-keeper")) < 0)
        pthread_cond_destroy(&keeper->made);
    if (err < 0)
        wait_uninit(&keeper->lock, &keeper->wake);
    return err;
}

int keeper_create(struct keeper **out, struct archive_root *root, const char *directory,
                  struct dispatcher *dispatcher, struct turns *turns, struct rtsprec_error *error)
{
    *out = NULL;
    struct keeper *keeper = calloc(1, sizeof(*keeper));
    char *copy = strdup(directory);
    if (!keeper || !copy) {
        free(keeper);
        free(copy);
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    }
    keeper->directory = copy;
    keeper->dispatcher = dispatcher;
    keeper->notes_us = INT64_MAX;
    notes_init(&keeper->notes, MOST_NOTES);
    ledger_init(&keeper->ledger, root, keeper->directory, clock_real_us(), clock_monotonic_us());
    guard_init(&keeper->guard, dispatcher, keeper->directory);
    turn_join(&keeper->turn, turns);
    if (start(keeper) < 0) {
        turn_leave(&keeper->turn);
        free(copy);
        free(keeper);
        return error_set(error, RTSPREC_ERROR_SYSTEM,
                         "no thread could be created for the archive's catalog");
    }
    *out = keeper;
    return 0;
}

void keeper_stop(struct keeper *keeper)
{
    pthread_mutex_lock(&keeper->lock);
    bool is_first = !keeper->is_closing;
    keeper->is_closing = true;
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    if (!is_first)
        return;
    turn_stop(&keeper->turn);
    pthread_join(keeper->thread, NULL);
    turn_leave(&keeper->turn);
}

void keeper_destroy(struct keeper **keeper_pointer)
{
    struct keeper *keeper = *keeper_pointer;
    *keeper_pointer = NULL;
    if (!keeper)
        return;
    keeper_stop(keeper);
    notes_uninit(&keeper->notes);
    guard_uninit(&keeper->guard);
    pthread_cond_destroy(&keeper->made);
    wait_uninit(&keeper->lock, &keeper->wake);
    free(keeper->directory);
    free(keeper);
}

/* Limits of nothing are not looked after. */
static bool is_limiting(const struct rtsprec_archive_limits *limits)
{
    bool is_limiting =
        limits->max_bytes > 0 || limits->keep_free_bytes > 0 || limits->max_age_us > 0;
    for (size_t i = 0; i < limits->camera_count; i++)
        is_limiting |= limits->cameras[i].max_bytes > 0 || limits->cameras[i].max_age_us > 0 ||
                       limits->cameras[i].timelapse_max_age_us > 0;
    return is_limiting;
}

int keeper_set_limits(struct keeper *keeper, const struct rtsprec_archive_limits *limits,
                      struct rtsprec_error *error)
{
    struct rtsprec_archive_limits taken = {0}, *copy = NULL;
    int err = 0;
    if (limits && (err = limits_take(&taken, limits, error)) < 0)
        return err;
    if (limits && is_limiting(&taken) && (err = limits_copy(&copy, &taken)) < 0)
        return error_set(error, err, "out of memory");
    pthread_mutex_lock(&keeper->lock);
    copy = guard_set_limits(&keeper->guard, copy, clock_monotonic_us());
    pthread_cond_signal(&keeper->wake);
    pthread_mutex_unlock(&keeper->lock);
    limits_free(&copy);
    return 0;
}
