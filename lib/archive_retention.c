/* The public face of limits and retention. */
#include <rtsprec/retention.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "archive/forecast.h"
#include "archive/limits.h"
#include "archive/reconcile.h"
#include "archive/retain.h"
#include "archive/root.h"
#include "archive_open.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/error.h"
#include "camera/describe.h"

/* How often a recorder makes a pass. */
#define PASS_US (60 * US_PER_SECOND)

struct retain_call {
    rtsprec_deletion_fn *tell;
    void *user;
};

static bool tell_deletion(void *user, const struct rtsprec_archive_deletion *deletion)
{
    const struct retain_call *call = user;
    return !call->tell || call->tell(call->user, deletion) == 0;
}

/* The cameras that record, as a recorder that is at work takes them into account. */
struct writers {
    struct retention_camera *list; /* names owned */
    size_t count;
    int64_t now_us;
    bool has_no_memory;
};

static bool add_writer(void *user, const struct catalog_camera *camera)
{
    struct writers *writers = user;
    if (camera->recent_us <= 0 || camera->newest_us < writers->now_us - US_PER_DAY)
        return true;
    void *list = realloc(writers->list, (writers->count + 1) * sizeof(*writers->list));
    if (list)
        writers->list = list;
    char *name = list ? strdup(camera->name) : NULL;
    writers->has_no_memory = !name;
    double rate = (double)camera->recent_bytes / (double)camera->recent_us;
    if (name)
        writers->list[writers->count++] = (struct retention_camera){
            .name = name,
            .lead_bytes = (int64_t)(rate * (double)PASS_US),
        };
    return name != NULL;
}

static int look_ahead(struct rtsprec_archive *archive, struct writers *writers,
                      struct rtsprec_error *error)
{
    int err = catalog_cameras(archive->catalog, add_writer, writers, error);
    if (err == 0 && writers->has_no_memory)
        err = error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    return err;
}

static void forget_writers(struct writers *writers)
{
    for (size_t i = 0; i < writers->count; i++)
        free((char *)writers->list[i].name);
    free(writers->list);
}

/* What was changed by hand while nobody recorded. */
static int make_agree(struct rtsprec_archive *archive, int64_t now_us, struct rtsprec_error *error)
{
    struct reconcile_result result;
    return reconcile(archive->catalog, archive->directory, false, now_us, describe_segment, &result,
                     error);
}

static void fill_in(struct rtsprec_archive_retention *out, const struct retain_result *result)
{
    struct rtsprec_archive_retention all = {
        .size = sizeof(all),
        .deleted = result->deleted,
        .deleted_bytes = result->bytes,
        .failed = result->failed,
        .short_bytes = result->short_bytes,
        .short_of = result->short_of,
        .is_keep_free_impossible = result->is_keep_free_impossible,
    };
    if (!out)
        return;
    size_t size = out->size;
    memset(out, 0, size);
    memcpy(out, &all, size < sizeof(all) ? size : sizeof(all));
    out->size = size;
}

int rtsprec_archive_retain(struct rtsprec_archive *archive,
                           const struct rtsprec_archive_limits *limits, int dry_run,
                           rtsprec_deletion_fn *deletion, void *user,
                           struct rtsprec_archive_retention *result, struct rtsprec_error *error)
{
    struct rtsprec_archive_limits taken;
    struct writers writers = {.now_us = clock_real_us()};
    struct retain_call call = {deletion, user};
    struct retain_result done = {0};
    error_clear(error);
    fill_in(result, &done);
    int err = limits_take(&taken, limits, error);
    if (err < 0)
        return err;
    struct archive_root *list = NULL, *root = NULL;
    err = archive_root_open(&root, &list, archive->directory, error);
    if (err == 0)
        err = archive_root_check(root, error);
    if (err == 0) {
        err = make_agree(archive, writers.now_us, error);
    } else if (err == RTSPREC_ERROR_BUSY && dry_run) {
        error_clear(error);
        err = look_ahead(archive, &writers, error);
    }
    struct retention_need need = {
        .now_us = writers.now_us,
        .active = writers.list,
        .active_count = writers.count,
    };
    if (err == 0)
        err = retain(archive->catalog, archive->directory, &taken, &need, dry_run != 0,
                     tell_deletion, &call, &done, error);
    archive_root_close(&root, &list);
    forget_writers(&writers);
    fill_in(result, &done);
    return err;
}

/* --- forecast --- */

struct cameras {
    struct forecast_camera *list; /* names owned */
    size_t count, capacity;
    bool has_no_memory;
};

static bool add_camera(void *user, const struct catalog_camera *camera)
{
    struct cameras *cameras = user;
    if (camera->segments == 0)
        return true;
    if (cameras->count == cameras->capacity) {
        size_t capacity = cameras->capacity ? 2 * cameras->capacity : 16;
        void *list = realloc(cameras->list, capacity * sizeof(*cameras->list));
        cameras->has_no_memory = !list;
        if (!list)
            return false;
        cameras->list = list;
        cameras->capacity = capacity;
    }
    char *name = strdup(camera->name);
    cameras->has_no_memory = !name;
    if (name)
        cameras->list[cameras->count++] = (struct forecast_camera){
            .name = name,
            .bytes = camera->bytes,
            .protected_bytes = camera->protected_bytes,
            .oldest_us = camera->oldest_us,
            .newest_us = camera->newest_us,
            .recent_bytes = camera->recent_bytes,
            .recent_us = camera->recent_us,
        };
    return name != NULL;
}

static void tell_forecast(const struct forecast_request *request, rtsprec_forecast_fn *tell,
                          void *user)
{
    struct rtsprec_archive_outlook all = {
        .size = sizeof(all),
        .age_us = RTSPREC_FORECAST_NEVER,
        .space_us = request->space_us,
        .free_us = request->free_us,
    };
    int64_t oldest_us = INT64_MAX, newest_us = INT64_MIN;
    for (size_t i = 0; i < request->camera_count; i++) {
        const struct forecast_camera *camera = &request->cameras[i];
        struct rtsprec_archive_outlook one = {
            .size = sizeof(one),
            .camera = camera->name,
            .bytes = camera->bytes,
            .protected_bytes = camera->protected_bytes,
            .bytes_per_day = (int64_t)(camera->rate * (double)US_PER_DAY),
            .held_us = camera->newest_us - camera->oldest_us,
            .limit_held_us = camera->held_us,
            .limit = camera->held_by,
            .age_us = camera->age_us,
            .space_us = camera->space_us,
            .free_us = RTSPREC_FORECAST_NEVER,
        };
        all.bytes += one.bytes;
        all.protected_bytes += one.protected_bytes;
        all.bytes_per_day += one.bytes_per_day;
        oldest_us = camera->oldest_us < oldest_us ? camera->oldest_us : oldest_us;
        newest_us = camera->newest_us > newest_us ? camera->newest_us : newest_us;
        if (tell(user, &one) != 0)
            return;
    }
    all.held_us = request->camera_count > 0 ? newest_us - oldest_us : 0;
    tell(user, &all);
}

int rtsprec_archive_forecast(struct rtsprec_archive *archive,
                             const struct rtsprec_archive_limits *limits, rtsprec_forecast_fn *tell,
                             void *user, struct rtsprec_error *error)
{
    struct rtsprec_archive_limits taken;
    struct cameras cameras = {0};
    error_clear(error);
    int err = limits_take(&taken, limits, error);
    if (err == 0)
        err = catalog_cameras(archive->catalog, add_camera, &cameras, error);
    if (err == 0 && cameras.has_no_memory)
        err = error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    struct forecast_request request = {
        .limits = &taken,
        .cameras = cameras.list,
        .camera_count = cameras.count,
        .now_us = clock_real_us(),
        .free_bytes = disk_free_bytes(archive->directory),
    };
    if (err == 0 && (err = forecast(&request)) < 0)
        error_set(error, err, "out of memory");
    if (err == 0)
        tell_forecast(&request, tell, user);
    for (size_t i = 0; i < cameras.count; i++)
        free((char *)cameras.list[i].name);
    free(cameras.list);
    return err;
}
