/* What protects segments, and the times in which those that are closed later will be. */
#include "archive/catalog_db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/protection.h"
#include "base/error.h"

struct paths {
    char **items; /* owned, and what they point to */
    size_t count, capacity;
    int64_t start_us, end_us; /* of all of them and the time asked for */
    bool no_memory;
};

static bool take_path(void *user, const struct rtsprec_archive_segment *segment)
{
    struct paths *paths = user;
    if (paths->count == paths->capacity) {
        size_t capacity = paths->capacity ? 2 * paths->capacity : 64;
        char **items = realloc(paths->items, capacity * sizeof(*items));
        paths->no_memory = !items;
        if (!items)
            return false;
        paths->items = items;
        paths->capacity = capacity;
    }
    paths->items[paths->count] = strdup(segment->path);
    paths->no_memory = !paths->items[paths->count];
    paths->count += !paths->no_memory;
    if (segment->start_us < paths->start_us)
        paths->start_us = segment->start_us;
    if (segment->end_us > paths->end_us)
        paths->end_us = segment->end_us;
    return !paths->no_memory;
}

int catalog_noted_protection(struct catalog *catalog, int64_t camera, int64_t start_us,
                             int64_t end_us, char why[PROTECTION_MOST_BYTES + 1],
                             struct rtsprec_error *error)
{
    sqlite3_stmt *row;
    why[0] = '\0';
    int result =
        catalog_prepare(catalog, &row, error,
                        "SELECT why FROM protection WHERE camera = ?1 AND start_us < ?3"
                        " AND end_us > ?2 ORDER BY id DESC LIMIT 1",
                        "iii", camera, start_us, end_us > start_us ? end_us : start_us + 1);
    if (result < 0 || (result = catalog_step(catalog, row, error)) <= 0)
        return result;
    const char *text = (const char *)sqlite3_column_text(row, 0);
    snprintf(why, PROTECTION_MOST_BYTES + 1, "%s", text ? text : "");
    sqlite3_reset(row);
    return 0;
}

/* Takes a time out of those that are noted: what spans it becomes two. */
static int cut_out(struct catalog *catalog, int64_t camera, int64_t from_us, int64_t to_us,
                   struct rtsprec_error *error)
{
    static const char *const steps[] = {
        "INSERT INTO protection(camera, start_us, end_us, why) SELECT camera, ?3, end_us, why"
        " FROM protection WHERE camera = ?1 AND start_us < ?2 AND end_us > ?3",
        "UPDATE protection SET end_us = ?2 WHERE camera = ?1 AND start_us < ?2"
        " AND end_us > ?2 AND start_us < ?3",
        "UPDATE protection SET start_us = ?3 WHERE camera = ?1 AND start_us >= ?2"
        " AND start_us < ?3 AND end_us > ?3",
        "DELETE FROM protection WHERE camera = ?1 AND start_us >= ?2 AND end_us <= ?3",
    };
    int err = 0;
    for (size_t i = 0; err == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
        err = catalog_run(catalog, error, steps[i], "iii", camera, from_us, to_us);
    return err;
}

/* Notes it for what comes later. What is taken back of a segment is taken back of all its time:
 * read again, it must not be protected by what is left beside. */
static int note(struct catalog *catalog, int64_t camera, int64_t from_us, int64_t to_us,
                const struct paths *paths, const char *why, struct rtsprec_error *error)
{
    if (!why)
        return cut_out(catalog, camera, paths->start_us, paths->end_us, error);
    int err = cut_out(catalog, camera, from_us, to_us, error);
    return err < 0 ? err
                   : catalog_run(catalog, error,
                                 "INSERT INTO protection(camera, start_us, end_us, why)"
                                 " VALUES(?1, ?2, ?3, ?4)",
                                 "iiit", camera, from_us, to_us, why);
}

static int protect(struct catalog *catalog, const char *camera, int64_t from_us, int64_t to_us,
                   const char *why, struct paths *paths, struct rtsprec_error *error)
{
    static const char set[] =
        "UPDATE segment INDEXED BY segment_by_time SET why = ?4 WHERE camera = ?1"
        " AND start_us >= ?2 - (SELECT longest_us FROM camera WHERE id = ?1) AND start_us < ?3"
        " AND (start_us >= ?2 OR start_us + duration_us > ?2) AND why IS NOT ?4";
    int64_t id;
    int result = catalog_camera_id(catalog, camera, -1, false, &id, error);
    if (result <= 0 || from_us >= to_us)
        return result < 0 ? result : 0;
    result = catalog_list(catalog, camera, from_us, to_us, take_path, paths, error);
    if (result == 0 && paths->no_memory)
        result = error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    if (result == 0)
        result = note(catalog, id, from_us, to_us, paths, why, error);
    return result < 0 ? result : catalog_run(catalog, error, set, "iiit", id, from_us, to_us, why);
}

int catalog_protect(struct catalog *catalog, const char *camera, int64_t from_us, int64_t to_us,
                    const char *why, int64_t *count, struct rtsprec_error *error)
{
    from_us = catalog_clamp(from_us);
    to_us = catalog_clamp(to_us);
    struct paths paths = {.start_us = from_us, .end_us = to_us};
    bool is_own;
    *count = 0;
    /* One change: what a recorder closes meanwhile is listed, or finds the time noted. */
    int err = catalog_enter(catalog, &is_own, error);
    if (err < 0)
        return err;
    err = protect(catalog, camera, from_us, to_us, why, &paths, error);
    err = catalog_leave(catalog, is_own, err, error);
    if (err == 0)
        *count = (int64_t)paths.count;
    for (size_t i = 0; i < paths.count; i++) {
        if (err == 0)
            protection_mark(catalog->directory, paths.items[i], why);
        free(paths.items[i]);
    }
    free(paths.items);
    return err;
}
