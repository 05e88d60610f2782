/*
 * What becomes of an archive at the present rate: how long each camera's video is held once its
 * limits bite, and when they do. Pure; the limits are those of rtsprec/retention.h, without leads.
 *
 * It goes on as it is: each camera writes at its rate, one that has written nothing for a day
 * writes no more, protected files stay and are few, exempt cameras keep what they have, nobody else
 * uses the disk.
 */
#ifndef ARCHIVE_FORECAST_H
#define ARCHIVE_FORECAST_H

#include <stddef.h>
#include <stdint.h>

#include <rtsprec/retention.h>

#define FORECAST_NEVER INT64_MAX

struct forecast_camera {
    const char *name;
    int64_t bytes, protected_bytes;
    int64_t oldest_us, newest_us; /* 0: no segment */
    int64_t recent_bytes, recent_us;

    /* Filled in. */
    double rate; /* bytes per µs */
    int64_t held_us;
    enum rtsprec_deletion_reason held_by;
    int64_t age_us, space_us; /* when it begins to lose files for its own limits; or NEVER */
};

struct forecast_request {
    const struct rtsprec_archive_limits *limits; /* checked */
    struct forecast_camera *cameras;
    size_t camera_count;
    int64_t now_us;
    int64_t free_bytes; /* INT64_MAX: not known */

    /* Filled in: when files go for the archive's limits; or NEVER. */
    int64_t space_us, free_us;
};

/* Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
int forecast(struct forecast_request *request);

#endif
