/* Loads what bears on a time from the ledger, for coverage.h to judge. */
#include "archive/catalog_db.h"

#include <stdlib.h>

#include "archive/coverage.h"
#include "base/error.h"

struct list {
    char *items; /* owned */
    size_t count, capacity;
};

struct load {
    struct catalog *catalog;
    struct rtsprec_error *error;
    int64_t camera, from_us, to_us;
    struct list segments, missing, sessions, conditions;
};

/* Space for one more item of a size; NULL when there is no memory. */
static void *list_add(struct list *list, size_t size)
{
    if (list->count == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 64;
        char *items = realloc(list->items, capacity * size);
        if (!items)
            return NULL;
        list->items = items;
        list->capacity = capacity;
    }
    return list->items + list->count++ * size;
}

static int no_memory(const struct load *load)
{
    return error_set(load->error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}

/* Takes a row in; returns 0 or an error. */
typedef int row_fn(struct load *load, sqlite3_stmt *row);

static int each_row(struct load *load, sqlite3_stmt *rows, row_fn *take)
{
    int result;
    while ((result = catalog_step(load->catalog, rows, load->error)) == 1) {
        int err = take(load, rows);
        if (err < 0) {
            sqlite3_reset(rows);
            return err;
        }
    }
    return result;
}

/* Segments that follow each other are one. */
static int take_segment(struct load *load, sqlite3_stmt *row)
{
    int64_t start_us = sqlite3_column_int64(row, 0), end_us = sqlite3_column_int64(row, 1);
    struct list *list = &load->segments;
    struct coverage_interval *last =
        list->count ? (struct coverage_interval *)list->items + list->count - 1 : NULL;
    if (last && start_us <= last->end_us) {
        last->end_us = end_us > last->end_us ? end_us : last->end_us;
        return 0;
    }
    struct coverage_interval *item = list_add(list, sizeof(*item));
    if (!item)
        return no_memory(load);
    *item = (struct coverage_interval){start_us, end_us, RTSPREC_COVERAGE_RECORDED};
    return 0;
}

static int take_missing(struct load *load, sqlite3_stmt *row)
{
    int reason = sqlite3_column_int(row, 2);
    if (reason < 0 || reason >= RTSPREC_COVERAGE_COUNT)
        return 0;
    struct coverage_interval *item = list_add(&load->missing, sizeof(*item));
    if (!item)
        return no_memory(load);
    *item = (struct coverage_interval){sqlite3_column_int64(row, 0), sqlite3_column_int64(row, 1),
                                       (enum rtsprec_coverage_reason)reason};
    return 0;
}

static int take_session(struct load *load, sqlite3_stmt *row)
{
    struct coverage_session *item = list_add(&load->sessions, sizeof(*item));
    if (!item)
        return no_memory(load);
    bool is_ended = sqlite3_column_int(row, 2) != 0;
    bool is_running = sqlite3_column_int(row, 3) != 0 && !is_ended;
    *item = (struct coverage_session){
        .start_us = sqlite3_column_int64(row, 0),
        .end_us = sqlite3_column_int64(row, 1) + (is_running ? CATALOG_SESSION_GRACE_US : 0),
        .is_ended = is_ended,
        .is_running = is_running,
    };
    return 0;
}

static int take_condition(struct load *load, sqlite3_stmt *row)
{
    int reason = sqlite3_column_int(row, 1);
    struct coverage_condition *item = list_add(&load->conditions, sizeof(*item));
    if (!item)
        return no_memory(load);
    *item = (struct coverage_condition){
        .start_us = sqlite3_column_int64(row, 0),
        .recorded_until_us = INT64_MIN,
        .reason = reason >= 0 && reason < RTSPREC_COVERAGE_COUNT
                      ? (enum rtsprec_coverage_reason)reason
                      : RTSPREC_COVERAGE_UNKNOWN,
    };
    return 0;
}

static int load_segments(struct load *load)
{
    sqlite3_stmt *rows;
    int err = catalog_prepare(
        load->catalog, &rows, load->error,
        "SELECT s.start_us, s.start_us + s.duration_us FROM camera c CROSS JOIN segment s"
        " INDEXED BY segment_by_time ON s.camera = c.id WHERE c.id = ?1"
        " AND s.start_us >= ?2 - c.longest_us AND s.start_us < ?3"
        " AND s.start_us + s.duration_us > ?2 AND s.duration_us > 0 ORDER BY s.start_us",
        "iii", load->camera, load->from_us, load->to_us);
    return err < 0 ? err : each_row(load, rows, take_segment);
}

static int by_start(const void *a, const void *b)
{
    const struct coverage_interval *one = a, *other = b;
    return (one->start_us > other->start_us) - (one->start_us < other->start_us);
}

static int load_missing(struct load *load)
{
    int err = 0;
    for (int64_t reason = 0; reason < RTSPREC_COVERAGE_COUNT && err == 0; reason++) {
        sqlite3_stmt *rows;
        err = catalog_prepare(
            load->catalog, &rows, load->error,
            "SELECT start_us, end_us, reason FROM missing WHERE camera = ?1 AND reason = ?2"
            " AND start_us < ?4 AND end_us > ?3 AND start_us >= coalesce((SELECT max(start_us)"
            " FROM missing WHERE camera = ?1 AND reason = ?2 AND start_us <= ?3), ?3)",
            "iiii", load->camera, reason, load->from_us, load->to_us);
        if (err == 0)
            err = each_row(load, rows, take_missing);
    }
    if (load->missing.count > 0)
        qsort(load->missing.items, load->missing.count, sizeof(struct coverage_interval), by_start);
    return err;
}

/* The last one before the time asked for, and those that begin in it. */
static int load_sessions(struct load *load)
{
    sqlite3_stmt *rows;
    int err = catalog_prepare(
        load->catalog, &rows, load->error,
        "SELECT start_us, alive_us, is_ended, id = (SELECT max(id) FROM session) FROM session"
        " WHERE start_us < ?2 AND start_us >= coalesce((SELECT max(start_us) FROM session"
        " WHERE start_us <= ?1), ?1) ORDER BY start_us, id",
        "ii", load->from_us, load->to_us);
    return err < 0 ? err : each_row(load, rows, take_session);
}

/* The same, and the first one behind it. */
static int load_conditions(struct load *load)
{
    sqlite3_stmt *rows;
    int err = catalog_prepare(
        load->catalog, &rows, load->error,
        "SELECT start_us, reason FROM condition WHERE camera = ?1"
        " AND start_us >= coalesce((SELECT max(start_us) FROM condition WHERE camera = ?1 AND"
        " start_us <= ?2), ?2) AND start_us <= coalesce((SELECT min(start_us) FROM condition"
        " WHERE camera = ?1 AND start_us >= ?3), ?3) ORDER BY start_us",
        "iii", load->camera, load->from_us, load->to_us);
    return err < 0 ? err : each_row(load, rows, take_condition);
}

/* The end of the last segment, or of what was one, that begins before an instant. */
static int find_recorded_until(struct load *load, int64_t before_us, int64_t *until_us)
{
    return catalog_number(
        load->catalog, until_us, load->error,
        "SELECT max(coalesce((SELECT start_us + duration_us FROM segment INDEXED BY"
        "  segment_by_time WHERE camera = ?1 AND start_us < ?2 ORDER BY start_us DESC LIMIT 1),"
        "  ?5),"
        " coalesce((SELECT end_us FROM missing WHERE camera = ?1 AND reason = ?3 AND"
        "  start_us < ?2 ORDER BY start_us DESC LIMIT 1), ?5),"
        " coalesce((SELECT end_us FROM missing WHERE camera = ?1 AND reason = ?4 AND"
        "  start_us < ?2 ORDER BY start_us DESC LIMIT 1), ?5))",
        "iiiii", load->camera, before_us, (int64_t)RTSPREC_COVERAGE_DELETED,
        (int64_t)RTSPREC_COVERAGE_REMOVED, INT64_MIN);
}

static int complete_conditions(struct load *load)
{
    struct coverage_condition *conditions = (struct coverage_condition *)load->conditions.items;
    size_t count = load->conditions.count;
    for (size_t i = 0; i < count; i++) {
        if (conditions[i].reason != RTSPREC_COVERAGE_RECORDED)
            continue;
        int64_t end_us = i + 1 < count ? conditions[i + 1].start_us : INT64_MAX;
        int result = find_recorded_until(load, end_us, &conditions[i].recorded_until_us);
        if (result < 0)
            return result;
    }
    return 0;
}

struct teller {
    catalog_span_fn *tell;
    void *user;
    const char *camera;
};

static bool tell_span(void *user, const struct coverage_interval *span)
{
    const struct teller *teller = user;
    struct rtsprec_archive_span out = {
        .size = sizeof(out),
        .camera = teller->camera,
        .start_us = span->start_us,
        .end_us = span->end_us,
        .reason = span->reason,
    };
    return teller->tell(teller->user, &out);
}

static int load_all(struct load *load)
{
    int result = load_segments(load);
    if (result == 0)
        result = load_missing(load);
    if (result == 0)
        result = load_sessions(load);
    if (result == 0)
        result = load_conditions(load);
    return result == 0 ? complete_conditions(load) : result;
}

static int tell_all(struct load *load, coverage_fn *tell, void *user)
{
    int err = load->camera ? load_all(load) : 0;
    if (err == 0) {
        struct coverage_ledger ledger = {
            (struct coverage_interval *)load->segments.items,    load->segments.count,
            (struct coverage_interval *)load->missing.items,     load->missing.count,
            (struct coverage_session *)load->sessions.items,     load->sessions.count,
            (struct coverage_condition *)load->conditions.items, load->conditions.count,
        };
        coverage_spans(&ledger, load->from_us, load->to_us, tell, user);
    }
    free(load->segments.items);
    free(load->missing.items);
    free(load->sessions.items);
    free(load->conditions.items);
    return err;
}

int catalog_coverage(struct catalog *catalog, const char *camera, int64_t from_us, int64_t to_us,
                     catalog_span_fn *tell, void *user, struct rtsprec_error *error)
{
    struct load load = {
        .catalog = catalog,
        .error = error,
        .from_us = catalog_clamp(from_us),
        .to_us = catalog_clamp(to_us),
    };
    struct teller teller = {tell, user, camera};
    int result = catalog_camera_id(catalog, camera, -1, false, &load.camera, error);
    return result < 0 ? result : tell_all(&load, tell_span, &teller);
}

static bool see_reason(void *user, const struct coverage_interval *span)
{
    bool *is_explained = user;
    *is_explained =
        span->reason != RTSPREC_COVERAGE_RECORDED && span->reason != RTSPREC_COVERAGE_UNKNOWN;
    return !*is_explained;
}

int catalog_is_explained(struct catalog *catalog, int64_t camera, int64_t from_us, int64_t to_us,
                         bool *is_explained, struct rtsprec_error *error)
{
    struct load load = {
        .catalog = catalog,
        .error = error,
        .camera = camera,
        .from_us = from_us,
        .to_us = to_us,
    };
    *is_explained = false;
    return tell_all(&load, see_reason, is_explained);
}
