#include "archive/forecast.h"

#include <stdlib.h>

#include "archive/retention.h"
#include "base/clock.h"

/* Farther than this nobody looks. */
#define FAR_US ((double)(200 * 366 * US_PER_DAY))

/* A camera that has written nothing for so long writes no more. */
#define SILENT_US US_PER_DAY

struct holding {
    struct rtsprec_camera_limits limits;
    double own_us; /* how long its own limits let it hold; FAR_US: no limit */
    enum rtsprec_deletion_reason own_reason;
};

struct sight {
    struct forecast_request *request;
    struct holding *holdings;
};

static double min_of(double a, double b)
{
    return a < b ? a : b;
}

static double max_of(double a, double b)
{
    return a > b ? a : b;
}

/* The last point of [0, FAR_US] at which a function that does not fall is at most "most". */
static double last_below(double (*value)(const struct sight *sight, double at),
                         const struct sight *sight, double most)
{
    double low = 0, high = FAR_US;
    if (value(sight, high) <= most)
        return FAR_US;
    while (high - low > 1) {
        double middle = low + (high - low) / 2;
        if (value(sight, middle) <= most)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static int64_t time_after(int64_t now_us, double us)
{
    return us >= FAR_US ? FORECAST_NEVER : now_us + (int64_t)us;
}

/* --- a camera by itself --- */

static void see_camera(struct forecast_camera *camera, struct holding *holding, int64_t now_us)
{
    const struct rtsprec_camera_limits *limits = &holding->limits;
    bool writes = camera->recent_us > 0 && camera->newest_us >= now_us - SILENT_US;
    camera->rate = writes ? (double)camera->recent_bytes / (double)camera->recent_us : 0;
    bool has_space = limits->max_bytes > 0 && !limits->is_exempt;
    double by_age = limits->max_age_us > 0 ? (double)limits->max_age_us : FAR_US;
    double by_space =
        has_space && camera->rate > 0 ? (double)limits->max_bytes / camera->rate : FAR_US;
    holding->own_us = min_of(FAR_US, min_of(by_age, by_space));
    holding->own_reason = holding->own_us >= FAR_US ? RTSPREC_DELETION_NONE
                          : by_age <= by_space      ? RTSPREC_DELETION_AGE
                                                    : RTSPREC_DELETION_CAMERA_SPACE;

    camera->age_us = limits->max_age_us > 0 && camera->oldest_us > 0
                         ? camera->oldest_us + limits->max_age_us
                         : FORECAST_NEVER;
    camera->space_us = FORECAST_NEVER;
    double left = (double)limits->max_bytes - (double)camera->bytes;
    if (has_space && left <= 0)
        camera->space_us = now_us;
    else if (has_space && camera->rate > 0 && by_space < by_age)
        camera->space_us = time_after(now_us, left / camera->rate);
    /* What age deletes first does not wait for space, and the other way round. */
    if (camera->age_us < now_us)
        camera->age_us = now_us;
    if (by_space < by_age && camera->space_us != FORECAST_NEVER &&
        camera->space_us <= camera->age_us)
        camera->age_us = FORECAST_NEVER;
}

/* --- all of them --- */

/* What is occupied when so much time has passed and only the cameras' own limits delete. */
static double used_after(const struct sight *sight, double us)
{
    double sum = 0;
    for (size_t i = 0; i < sight->request->camera_count; i++) {
        const struct forecast_camera *camera = &sight->request->cameras[i];
        const struct holding *holding = &sight->holdings[i];
        double bytes = (double)camera->bytes + camera->rate * us;
        if (camera->rate > 0 && holding->own_us < FAR_US)
            bytes = min_of(bytes,
                           max_of(camera->rate * holding->own_us, (double)camera->protected_bytes));
        sum += bytes;
    }
    return sum;
}

static double held(const struct holding *holding, double horizon_us)
{
    double young_us = (double)holding->limits.min_age_us;
    return min_of(holding->own_us, holding->limits.is_exempt ? 0 : max_of(horizon_us, young_us));
}

static double held_young(const struct holding *holding, double horizon_us)
{
    double young_us = (double)holding->limits.min_age_us;
    return min_of(holding->own_us, holding->limits.is_exempt ? 0 : min_of(horizon_us, young_us));
}

/* What is occupied when all that is older than a horizon is gone, except what is young. */
static double used_within(const struct sight *sight, double horizon_us)
{
    double sum = 0;
    for (size_t i = 0; i < sight->request->camera_count; i++)
        sum += sight->request->cameras[i].rate * held(&sight->holdings[i], horizon_us);
    return sum;
}

/* The same when even young files go. */
static double used_within_young(const struct sight *sight, double horizon_us)
{
    double sum = 0;
    for (size_t i = 0; i < sight->request->camera_count; i++)
        sum += sight->request->cameras[i].rate * held_young(&sight->holdings[i], horizon_us);
    return sum;
}

/* What the archive's limits leave to the cameras that lose files to them; < 0: no limit. */
static double capacity(const struct forecast_request *request, const struct sight *sight,
                       enum rtsprec_deletion_reason *reason)
{
    const struct rtsprec_archive_limits *limits = request->limits;
    double used = 0, fixed = 0;
    for (size_t i = 0; i < request->camera_count; i++) {
        const struct forecast_camera *camera = &request->cameras[i];
        used += (double)camera->bytes;
        fixed +=
            (double)(sight->holdings[i].limits.is_exempt ? camera->bytes : camera->protected_bytes);
    }
    double most = -1;
    *reason = RTSPREC_DELETION_NONE;
    if (limits->max_bytes > 0) {
        most = (double)limits->max_bytes;
        *reason = RTSPREC_DELETION_ARCHIVE_SPACE;
    }
    if (limits->keep_free_bytes > 0 && request->free_bytes != INT64_MAX) {
        double by_disk =
            max_of(0, used + (double)request->free_bytes - (double)limits->keep_free_bytes);
        if (most < 0 || by_disk < most) {
            most = by_disk;
            *reason = RTSPREC_DELETION_FREE_SPACE;
        }
    }
    return most < 0 ? -1 : max_of(0, most - fixed);
}

static void see_archive(struct forecast_request *request, const struct sight *sight)
{
    const struct rtsprec_archive_limits *limits = request->limits;
    double used = used_after(sight, 0);
    request->space_us = request->free_us = FORECAST_NEVER;
    if (limits->max_bytes > 0)
        request->space_us =
            time_after(request->now_us, last_below(used_after, sight, (double)limits->max_bytes));
    if (limits->keep_free_bytes > 0 && request->free_bytes != INT64_MAX)
        request->free_us =
            time_after(request->now_us, last_below(used_after, sight,
                                                   used + (double)request->free_bytes -
                                                       (double)limits->keep_free_bytes));
}

static void see_holding(struct forecast_request *request, const struct sight *sight)
{
    enum rtsprec_deletion_reason reason;
    double most = capacity(request, sight, &reason);
    bool is_young = most >= 0 && used_within(sight, 0) > most;
    double horizon = most < 0   ? FAR_US
                     : is_young ? last_below(used_within_young, sight, most)
                                : last_below(used_within, sight, most);
    for (size_t i = 0; i < request->camera_count; i++) {
        struct forecast_camera *camera = &request->cameras[i];
        const struct holding *holding = &sight->holdings[i];
        double us = holding->limits.is_exempt ? holding->own_us
                    : is_young                ? held_young(holding, horizon)
                                              : held(holding, horizon);
        camera->held_by = us >= FAR_US            ? RTSPREC_DELETION_NONE
                          : us >= holding->own_us ? holding->own_reason
                                                  : reason;
        camera->held_us = us >= FAR_US ? FORECAST_NEVER : (int64_t)us;
    }
}

/* Limits of a camera that those of the archive keep it from ever reaching. */
static void drop_what_is_never_reached(struct forecast_request *request)
{
    int64_t archive_us =
        request->space_us < request->free_us ? request->space_us : request->free_us;
    for (size_t i = 0; i < request->camera_count; i++) {
        struct forecast_camera *camera = &request->cameras[i];
        if (camera->held_by != RTSPREC_DELETION_ARCHIVE_SPACE &&
            camera->held_by != RTSPREC_DELETION_FREE_SPACE)
            continue;
        if (camera->age_us > archive_us)
            camera->age_us = FORECAST_NEVER;
        if (camera->space_us > archive_us)
            camera->space_us = FORECAST_NEVER;
    }
}

int forecast(struct forecast_request *request)
{
    struct sight sight = {
        .request = request,
        .holdings = calloc(request->camera_count + 1, sizeof(struct holding)),
    };
    if (!sight.holdings)
        return RTSPREC_ERROR_NO_MEMORY;
    for (size_t i = 0; i < request->camera_count; i++) {
        sight.holdings[i].limits = retention_limits_of(request->limits, request->cameras[i].name);
        see_camera(&request->cameras[i], &sight.holdings[i], request->now_us);
    }
    see_archive(request, &sight);
    see_holding(request, &sight);
    drop_what_is_never_reached(request);
    free(sight.holdings);
    return 0;
}
