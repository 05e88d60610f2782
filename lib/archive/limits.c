#include "archive/limits.h"

#include <stdlib.h>
#include <string.h>

#include "archive/layout.h"
#include "base/clock.h"
#include "base/error.h"

#define BYTES_PER_GB 1e9

void rtsprec_archive_limits_init(struct rtsprec_archive_limits *limits)
{
    *limits = (struct rtsprec_archive_limits){.size = sizeof(*limits)};
}

const char *rtsprec_deletion_reason_name(int reason)
{
    switch (reason) {
    case RTSPREC_DELETION_NONE:
        return "none";
    case RTSPREC_DELETION_AGE:
        return "max age";
    case RTSPREC_DELETION_CAMERA_SPACE:
        return "camera space";
    case RTSPREC_DELETION_ARCHIVE_SPACE:
        return "archive space";
    case RTSPREC_DELETION_FREE_SPACE:
        return "free space";
    case RTSPREC_DELETION_TIMELAPSE_AGE:
        return "timelapse age";
    default:
        return "unknown";
    }
}

static double days(int64_t us)
{
    return (double)us / (double)US_PER_DAY;
}

/* camera NULL: of the archive. */
static int check_ages(int64_t min_age_us, int64_t max_age_us, const char *camera,
                      struct rtsprec_error *error)
{
    const char *of = camera ? "camera " : "", *name = camera ? camera : "";
    const char *colon = camera ? ": " : "";
    if (min_age_us < 0 || max_age_us < 0)
        return error_set(error, RTSPREC_ERROR_INVALID, "%s%s%s%s is negative, expected 0 or more",
                         of, name, colon, min_age_us < 0 ? "min_age_us" : "max_age_us");
    if (max_age_us > 0 && min_age_us > max_age_us)
        return error_set(
            error, RTSPREC_ERROR_INVALID,
            "%s%s%sfiles are to be kept for %.6g days and deleted after %.6g, expected "
            "a minimum age of at most the maximum",
            of, name, colon, days(min_age_us), days(max_age_us));
    return 0;
}

static int check_camera(const struct rtsprec_archive_limits *limits, size_t index,
                        struct rtsprec_error *error)
{
    const struct rtsprec_camera_limits *camera = &limits->cameras[index];
    if (!camera->camera || !layout_camera_name_is_valid(camera->camera))
        return error_set(error, RTSPREC_ERROR_INVALID, "cameras[%zu].camera: expected a name",
                         index);
    for (size_t i = 0; i < index; i++) {
        if (!strcmp(limits->cameras[i].camera, camera->camera))
            return error_set(error, RTSPREC_ERROR_INVALID,
                             "camera %s has limits twice, expected them once", camera->camera);
    }
    int err = check_ages(camera->min_age_us, camera->max_age_us, camera->camera, error);
    if (err < 0)
        return err;
    if (camera->timelapse_max_age_us < 0)
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "camera %s: timelapse_max_age_us is negative, expected 0 or more",
                         camera->camera);
    if (camera->max_bytes < 0)
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "camera %s: max_bytes is negative, expected 0 or more", camera->camera);
    if (limits->max_bytes > 0 && camera->max_bytes > limits->max_bytes)
        return error_set(
            error, RTSPREC_ERROR_INVALID,
            "camera %s may occupy %.6g GB and all cameras together only %.6g, expected "
            "at most as much",
            camera->camera, (double)camera->max_bytes / BYTES_PER_GB,
            (double)limits->max_bytes / BYTES_PER_GB);
    return 0;
}

static int check(const struct rtsprec_archive_limits *limits, struct rtsprec_error *error)
{
    if (limits->max_bytes < 0 || limits->keep_free_bytes < 0)
        return error_set(error, RTSPREC_ERROR_INVALID, "%s is negative, expected 0 or more",
                         limits->max_bytes < 0 ? "max_bytes" : "keep_free_bytes");
    if (limits->protected_policy != RTSPREC_PROTECTED_NEVER &&
        limits->protected_policy != RTSPREC_PROTECTED_LAST)
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "protected_policy: %d, expected a value of enum rtsprec_protected_policy",
                         (int)limits->protected_policy);
    if (limits->camera_count > 0 && !limits->cameras)
        return error_set(error, RTSPREC_ERROR_INVALID, "cameras: NULL, expected %zu of them",
                         limits->camera_count);
    int err = check_ages(limits->min_age_us, limits->max_age_us, NULL, error);
    for (size_t i = 0; err == 0 && i < limits->camera_count; i++)
        err = check_camera(limits, i, error);
    return err;
}

int limits_take(struct rtsprec_archive_limits *out, const struct rtsprec_archive_limits *limits,
                struct rtsprec_error *error)
{
    rtsprec_archive_limits_init(out);
    if (limits->size < sizeof(*out))
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "size: %zu, expected the limits to be set by their _init function",
                         limits->size);
    for (size_t i = sizeof(*out); i < limits->size; i++) {
        if (((const unsigned char *)limits)[i] != 0)
            return error_set(error, RTSPREC_ERROR_INVALID,
                             "size: %zu, a limit is set that only a newer library knows",
                             limits->size);
    }
    memcpy(out, limits, sizeof(*out));
    out->size = sizeof(*out);
    return check(out, error);
}

int rtsprec_archive_limits_check(const struct rtsprec_archive_limits *limits,
                                 struct rtsprec_error *error)
{
    struct rtsprec_archive_limits taken;
    error_clear(error);
    return limits_take(&taken, limits, error);
}

int limits_copy(struct rtsprec_archive_limits **out, const struct rtsprec_archive_limits *limits)
{
    struct rtsprec_archive_limits *copy = malloc(sizeof(*copy));
    *out = NULL;
    if (!copy)
        return RTSPREC_ERROR_NO_MEMORY;
    *copy = *limits;
    struct rtsprec_camera_limits *cameras = calloc(limits->camera_count + 1, sizeof(*cameras));
    copy->cameras = cameras;
    copy->camera_count = 0;
    for (size_t i = 0; cameras && i < limits->camera_count; i++) {
        cameras[i] = limits->cameras[i];
        cameras[i].camera = strdup(limits->cameras[i].camera);
        if (!cameras[i].camera)
            break;
        copy->camera_count++;
    }
    if (!cameras || copy->camera_count < limits->camera_count) {
        limits_free(&copy);
        return RTSPREC_ERROR_NO_MEMORY;
    }
    *out = copy;
    return 0;
}

void limits_free(struct rtsprec_archive_limits **limits)
{
    if (*limits) {
        for (size_t i = 0; i < (*limits)->camera_count; i++)
            free((char *)(*limits)->cameras[i].camera);
        free((struct rtsprec_camera_limits *)(*limits)->cameras);
    }
    free(*limits);
    *limits = NULL;
}
