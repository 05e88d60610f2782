#include "recorder.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <rtsprec/camera.h>

#include "base/error.h"
#include "base/thread.h"
#include "camera/camera.h"
#include "keeper/turns.h"
#include "options.h"

struct rtsprec_recorder {
    struct dispatcher *dispatcher;
    struct durable *durable;
    struct common_reader *common_reader;
    int max_transcodes;
    atomic_int transcodes; /* places taken */

    pthread_mutex_t lock;         /* the lists: cameras come and go on any thread */
    pthread_cond_t released;      /* a camera was let go of */
    struct rtsprec_camera *first; /* linked by camera->next */
    struct archive_root *archives;
    struct keeping *keepings;
    struct turns turns; /* of their keepers */
};

/* The keeper of an archive, there as long as a camera uses the archive. */
struct keeping {
    struct keeping *next;
    struct archive_root *root; /* counted */
    struct keeper *keeper;
    int users;
    bool is_closing;
};

int rtsprec_recorder_create(struct rtsprec_recorder **out,
                            const struct rtsprec_recorder_options *options,
                            struct rtsprec_error *error)
{
    *out = NULL;
    error_clear(error);
    struct rtsprec_recorder_options taken;
    int err = recorder_options_take(&taken, options, error);
    if (err < 0)
        return err;
    struct rtsprec_recorder *recorder = calloc(1, sizeof(*recorder));
    if (!recorder)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    if (wait_init(&recorder->lock, &recorder->released) < 0) {
        free(recorder);
        return error_set(error, RTSPREC_ERROR_SYSTEM, "no lock could be created");
    }
    if (turns_init(&recorder->turns) < 0) {
        wait_uninit(&recorder->lock, &recorder->released);
        free(recorder);
        return error_set(error, RTSPREC_ERROR_SYSTEM, "no lock could be created");
    }
    recorder->max_transcodes = taken.max_transcodes;
    struct dispatcher_callbacks callbacks = {taken.event, taken.log, taken.log_level, taken.user};
    if ((err = durable_create(&recorder->durable, error)) < 0 ||
        (err = common_reader_create(&recorder->common_reader, error)) < 0 ||
        (err = dispatcher_create(&recorder->dispatcher, &callbacks, error)) < 0) {
        rtsprec_recorder_destroy(&recorder);
        return err;
    }
    *out = recorder;
    return 0;
}

int recorder_add(struct rtsprec_recorder *recorder, struct rtsprec_camera *camera,
                 struct rtsprec_error *error)
{
    int err = 0;
    pthread_mutex_lock(&recorder->lock);
    struct rtsprec_camera **end = &recorder->first;
    for (; *end && !err; end = &(*end)->next) {
        if (!strcmp((*end)->options.name, camera->options.name))
            err = error_set(error, RTSPREC_ERROR_EXISTS, "name: a camera \"%s\" exists already",
                            camera->options.name);
    }
    if (!err)
        *end = camera;
    pthread_mutex_unlock(&recorder->lock);
    return err;
}

void recorder_remove(struct rtsprec_recorder *recorder, struct rtsprec_camera *camera)
{
    pthread_mutex_lock(&recorder->lock);
    struct rtsprec_camera **at = &recorder->first;
    while (*at && *at != camera)
        at = &(*at)->next;
    if (*at)
        *at = camera->next;
    while (camera->holders > 0)
        pthread_cond_wait(&recorder->released, &recorder->lock);
    pthread_mutex_unlock(&recorder->lock);
}

/* The functions of keepings are called with the lock. */

static struct keeping *find_keeping(struct rtsprec_recorder *recorder,
                                    const struct archive_root *root)
{
    struct keeping *keeping = recorder->keepings;
    while (keeping && keeping->root != root)
        keeping = keeping->next;
    return keeping;
}

/* One that is just being closed is waited for: an archive has one session at a time. */
static int open_keeping(struct rtsprec_recorder *recorder, struct keeping **out,
                        const char *directory, struct rtsprec_error *error)
{
    struct archive_root *root;
    int err = archive_root_open(&root, &recorder->archives, directory, error);
    if (err < 0)
        return err;
    struct keeping *keeping;
    while ((keeping = find_keeping(recorder, root)) && keeping->is_closing)
        pthread_cond_wait(&recorder->released, &recorder->lock);
    if (keeping) {
        archive_root_close(&root, &recorder->archives);
        keeping->users++;
        *out = keeping;
        return 0;
    }
    keeping = calloc(1, sizeof(*keeping));
    if (!keeping) {
        archive_root_close(&root, &recorder->archives);
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    }
    err = keeper_create(&keeping->keeper, root, directory, recorder->dispatcher, &recorder->turns,
                        error);
    if (err < 0) {
        free(keeping);
        archive_root_close(&root, &recorder->archives);
        return err;
    }
    keeping->root = root;
    keeping->users = 1;
    keeping->next = recorder->keepings;
    recorder->keepings = keeping;
    *out = keeping;
    return 0;
}

/* The lock is let go of while the last user waits for the keeper's end. */
static void close_keeping(struct rtsprec_recorder *recorder, struct keeping *keeping)
{
    if (--keeping->users > 0)
        return;
    keeping->is_closing = true;
    pthread_mutex_unlock(&recorder->lock);
    keeper_destroy(&keeping->keeper);
    pthread_mutex_lock(&recorder->lock);
    struct keeping **at = &recorder->keepings;
    while (*at != keeping)
        at = &(*at)->next;
    *at = keeping->next;
    archive_root_close(&keeping->root, &recorder->archives);
    free(keeping);
    pthread_cond_broadcast(&recorder->released);
}

int recorder_open_archive(struct rtsprec_recorder *recorder, struct archive_root **root,
                          struct keeper_camera **keeper, const char *camera, const char *directory,
                          struct rtsprec_error *error)
{
    struct keeping *keeping = NULL;
    pthread_mutex_lock(&recorder->lock);
    int err = open_keeping(recorder, &keeping, directory, error);
    if (keeping) {
        *root = keeping->root;
        if ((err = keeper_add_camera(keeper, keeping->keeper, camera, directory, error)) < 0) {
            *root = NULL;
            close_keeping(recorder, keeping);
        }
    }
    pthread_mutex_unlock(&recorder->lock);
    return err;
}

void recorder_close_archive(struct rtsprec_recorder *recorder, struct archive_root **root,
                            struct keeper_camera **keeper)
{
    keeper_remove_camera(keeper);
    pthread_mutex_lock(&recorder->lock);
    struct keeping *keeping = *root ? find_keeping(recorder, *root) : NULL;
    *root = NULL;
    if (keeping)
        close_keeping(recorder, keeping);
    pthread_mutex_unlock(&recorder->lock);
}

int rtsprec_recorder_set_limits(struct rtsprec_recorder *recorder, const char *directory,
                                const struct rtsprec_archive_limits *limits,
                                struct rtsprec_error *error)
{
    error_clear(error);
    pthread_mutex_lock(&recorder->lock);
    const struct archive_root *root = archive_root_find(recorder->archives, directory);
    struct keeping *keeping = root ? find_keeping(recorder, root) : NULL;
    int err = keeping && !keeping->is_closing
                  ? keeper_set_limits(keeping->keeper, limits, error)
                  : error_set(error, RTSPREC_ERROR_STATE, "%s: no camera records there", directory);
    pthread_mutex_unlock(&recorder->lock);
    return err;
}

struct dispatcher *recorder_dispatcher(struct rtsprec_recorder *recorder)
{
    return recorder->dispatcher;
}

struct durable *recorder_durable(struct rtsprec_recorder *recorder)
{
    return recorder->durable;
}

struct common_reader *recorder_common_reader(struct rtsprec_recorder *recorder)
{
    return recorder->common_reader;
}

bool recorder_begin_transcode(struct rtsprec_recorder *recorder)
{
    int count = atomic_load(&recorder->transcodes);
    while (count < recorder->max_transcodes) {
        if (atomic_compare_exchange_weak(&recorder->transcodes, &count, count + 1))
            return true;
    }
    return false;
}

void recorder_end_transcode(struct rtsprec_recorder *recorder)
{
    atomic_fetch_sub(&recorder->transcodes, 1);
}

void rtsprec_recorder_request_stop(struct rtsprec_recorder *recorder)
{
    pthread_mutex_lock(&recorder->lock);
    for (struct rtsprec_camera *camera = recorder->first; camera; camera = camera->next)
        rtsprec_camera_request_stop(camera);
    pthread_mutex_unlock(&recorder->lock);
}

/* The first camera that was asked to stop and is still running, held against being destroyed. */
static struct rtsprec_camera *hold_stopping(struct rtsprec_recorder *recorder)
{
    pthread_mutex_lock(&recorder->lock);
    struct rtsprec_camera *camera = recorder->first;
    while (camera && !camera_is_stopping(camera))
        camera = camera->next;
    if (camera)
        camera->holders++;
    pthread_mutex_unlock(&recorder->lock);
    return camera;
}

static void let_go(struct rtsprec_recorder *recorder, struct rtsprec_camera *camera)
{
    pthread_mutex_lock(&recorder->lock);
    camera->holders--;
    pthread_cond_broadcast(&recorder->released);
    pthread_mutex_unlock(&recorder->lock);
}

void rtsprec_recorder_wait(struct rtsprec_recorder *recorder)
{
    struct rtsprec_camera *camera;
    while ((camera = hold_stopping(recorder))) {
        rtsprec_camera_wait(camera);
        let_go(recorder, camera);
    }
}

void rtsprec_recorder_destroy(struct rtsprec_recorder **recorder_pointer)
{
    if (!recorder_pointer || !*recorder_pointer)
        return;
    struct rtsprec_recorder *recorder = *recorder_pointer;
    *recorder_pointer = NULL;
    /* All at once first: stopping them one after the other would add up their good-byes. */
    rtsprec_recorder_request_stop(recorder);
    for (struct rtsprec_camera *camera = recorder->first; camera; camera = camera->next)
        rtsprec_camera_wait(camera);
    /* They may still have to tell something. */
    for (struct keeping *keeping = recorder->keepings; keeping; keeping = keeping->next)
        keeper_stop(keeping->keeper);
    /* Before the cameras go: a callback may still ask one of them for its statistics. */
    dispatcher_destroy(&recorder->dispatcher);
    while (recorder->first) {
        struct rtsprec_camera *camera = recorder->first;
        rtsprec_camera_destroy(&camera);
    }
    common_reader_destroy(&recorder->common_reader);
    durable_destroy(&recorder->durable);
    turns_uninit(&recorder->turns);
    wait_uninit(&recorder->lock, &recorder->released);
    free(recorder);
}
