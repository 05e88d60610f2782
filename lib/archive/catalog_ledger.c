/* The ledger: sessions, conditions, and what is missing. */
#include "archive/catalog_db.h"

#include "base/clock.h"
#include "base/error.h"

int catalog_begin_session(struct catalog *catalog, int64_t now_us, struct rtsprec_error *error)
{
    now_us = catalog_clamp(now_us);
    /* One that goes on in a catalog that was opened again. */
    int64_t told_us = now_us;
    int result = catalog_number(catalog, &told_us, error,
                                "SELECT coalesce(max(alive_us), ?1) FROM session"
                                " WHERE start_us = ?1",
                                "i", now_us);
    if (result >= 0)
        result = catalog_run(catalog, error,
                             "INSERT INTO session(start_us, alive_us) VALUES(?1, ?1)", "i", now_us);
    if (result < 0)
        return result;
    catalog->session = sqlite3_last_insert_rowid(catalog->db);
    catalog->session_us = now_us;
    catalog->told_us = told_us;
    return 0;
}

static int move_session(struct catalog *catalog, int64_t end_us, int64_t now_us,
                        struct rtsprec_error *error)
{
    int64_t old = catalog->session;
    end_us = catalog_clamp(end_us);
    /* What came since the clock was set is no sign of life by the clock of before. */
    int err = catalog_run(catalog, error,
                          "UPDATE session SET alive_us = max(start_us, min(alive_us, ?2)) WHERE"
                          " id = ?1",
                          "ii", old, end_us);
    if (err == 0)
        err = catalog_end_session(catalog, end_us, error);
    /* It would hide what comes when that time comes. */
    if (err == 0)
        err = catalog_run(catalog, error, "DELETE FROM session WHERE id = ?1 AND start_us >= ?2",
                          "ii", old, catalog_clamp(now_us));
    int64_t told_us = catalog->told_us;
    if (err == 0)
        err = catalog_begin_session(catalog, now_us, error);
    if (err == 0 && told_us > catalog->told_us)
        catalog->told_us = told_us;
    return err;
}

int catalog_move_session(struct catalog *catalog, int64_t end_us, int64_t now_us,
                         struct rtsprec_error *error)
{
    int64_t old = catalog->session;
    bool is_own;
    int err = old ? catalog_enter(catalog, &is_own, error) : 0;
    if (err < 0 || !old)
        return err;
    err = catalog_leave(catalog, is_own, move_session(catalog, end_us, now_us, error), error);
    if (err < 0)
        catalog->session = old;
    return err;
}

int catalog_touch_session(struct catalog *catalog, int64_t now_us, struct rtsprec_error *error)
{
    return catalog_run(catalog, error,
                       "UPDATE session SET alive_us = ?2 WHERE id = ?1 AND alive_us < ?2", "ii",
                       catalog->session, catalog_clamp(now_us));
}

int catalog_end_session(struct catalog *catalog, int64_t now_us, struct rtsprec_error *error)
{
    int err =
        catalog_run(catalog, error,
                    "UPDATE session SET alive_us = max(alive_us, ?2), is_ended = 1 WHERE id = ?1",
                    "ii", catalog->session, catalog_clamp(now_us));
    if (err == 0)
        catalog->session = 0;
    return err;
}

/* Of what was said of the camera in this session, the last before an instant. 1: there is one. */
static int last_reason(struct catalog *catalog, int64_t camera, int64_t now_us, int64_t *reason,
                       struct rtsprec_error *error)
{
    return catalog_number(
        catalog, reason, error,
        "SELECT reason FROM condition WHERE camera = ?1 AND start_us < ?2 AND start_us >="
        " coalesce((SELECT start_us FROM session WHERE id = ?3), 0) ORDER BY start_us DESC LIMIT 1",
        "iii", camera, now_us, catalog->session);
}

static int put_condition(struct catalog *catalog, const char *name,
                         enum rtsprec_coverage_reason reason, int64_t now_us,
                         struct rtsprec_error *error)
{
    int64_t camera, last;
    int result = catalog_camera_id(catalog, name, -1, true, &camera, error);
    bool has_session = catalog->session != 0;
    if (result >= 0 && !(has_session && now_us < catalog->session_us))
        result = catalog_run(catalog, error,
                             "DELETE FROM condition WHERE camera = ?1 AND start_us >= ?2 AND"
                             " start_us <= ?3",
                             "iii", camera, now_us, has_session ? catalog->told_us : INT64_MAX);
    if (result >= 0)
        result = last_reason(catalog, camera, now_us, &last, error);
    if (result == 0 || (result == 1 && last != reason))
        result = catalog_run(catalog, error, "INSERT OR REPLACE INTO condition VALUES(?1, ?2, ?3)",
                             "iii", camera, now_us, (int64_t)reason);
    if (now_us > catalog->told_us)
        catalog->told_us = now_us;
    return result < 0 ? result : catalog_touch_session(catalog, now_us, error);
}

int catalog_set_condition(struct catalog *catalog, const char *camera,
                          enum rtsprec_coverage_reason reason, int64_t now_us,
                          struct rtsprec_error *error)
{
    bool is_own;
    int err = catalog_enter(catalog, &is_own, error);
    if (err < 0)
        return err;
    err = put_condition(catalog, camera, reason, catalog_clamp(now_us), error);
    return catalog_leave(catalog, is_own, err, error);
}

/*
 * Intervals of one reason lie apart, so that besides those that begin within it only the last one
 * before can reach it.
 */
int catalog_add_missing(struct catalog *catalog, int64_t camera, int64_t start_us, int64_t end_us,
                        enum rtsprec_coverage_reason reason, int64_t near_us,
                        struct rtsprec_error *error)
{
    static const char touching[] =
        "SELECT min(start_us), max(end_us) FROM missing WHERE camera = ?1 AND reason = ?2"
        " AND start_us <= ?4 AND end_us >= ?3 AND start_us >= coalesce((SELECT max(start_us)"
        " FROM missing WHERE camera = ?1 AND reason = ?2 AND start_us <= ?3), ?3)";
    start_us = catalog_clamp(start_us);
    end_us = catalog_clamp(end_us);
    if (end_us <= start_us)
        return 0;
    sqlite3_stmt *row;
    int result = catalog_prepare(catalog, &row, error, touching, "iiii", camera, (int64_t)reason,
                                 start_us - near_us, end_us + near_us);
    if (result < 0 || (result = catalog_step(catalog, row, error)) < 0)
        return result;
    if (result == 1 && sqlite3_column_type(row, 0) != SQLITE_NULL) {
        int64_t first_us = sqlite3_column_int64(row, 0), last_us = sqlite3_column_int64(row, 1);
        start_us = first_us < start_us ? first_us : start_us;
        end_us = last_us > end_us ? last_us : end_us;
    }
    sqlite3_reset(row);
    result = catalog_run(catalog, error,
                         "DELETE FROM missing WHERE camera = ?1 AND reason = ?2"
                         " AND start_us >= ?3 AND start_us <= ?4",
                         "iiii", camera, (int64_t)reason, start_us, end_us);
    if (result == 0)
        result = catalog_run(catalog, error, "INSERT INTO missing VALUES(?1, ?2, ?3, ?4)", "iiii",
                             camera, (int64_t)reason, start_us, end_us);
    return result;
}

/* Between two segments that follow each other, rounded times of frames. */
#define TOUCH_US (US_PER_SECOND / 10)

/* What may be missing between two pieces that become one, if nobody knows why. */
#define NEAR_US (2 * US_PER_SECOND)

static int bridge(struct catalog *catalog, int64_t camera, int64_t from_us, int64_t to_us,
                  enum rtsprec_coverage_reason reason, struct rtsprec_error *error)
{
    bool is_explained;
    if (to_us <= from_us || to_us - from_us > NEAR_US)
        return 0;
    int err = catalog_is_explained(catalog, camera, from_us, to_us, &is_explained, error);
    return err < 0 || is_explained
               ? err
               : catalog_add_missing(catalog, camera, from_us, to_us, reason, 0, error);
}

int catalog_add_gone(struct catalog *catalog, int64_t camera, int64_t start_us, int64_t end_us,
                     enum rtsprec_coverage_reason reason, struct rtsprec_error *error)
{
    int64_t other_us;
    int result = catalog_add_missing(catalog, camera, start_us, end_us, reason, TOUCH_US, error);
    if (result < 0 || end_us <= start_us)
        return result;
    /* It is part of one now, of which only what lies before and behind is asked. */
    result = catalog_number(catalog, &start_us, error,
                            "SELECT max(start_us) FROM missing WHERE camera = ?1 AND reason = ?2"
                            " AND start_us <= ?3",
                            "iii", camera, (int64_t)reason, start_us);
    if (result > 0)
        result = catalog_number(catalog, &end_us, error,
                                "SELECT end_us FROM missing WHERE camera = ?1 AND reason = ?2"
                                " AND start_us = ?3",
                                "iii", camera, (int64_t)reason, start_us);
    if (result > 0)
        result = catalog_number(catalog, &other_us, error,
                                "SELECT start_us FROM missing WHERE camera = ?1 AND reason = ?2"
                                " AND start_us > ?3 ORDER BY start_us LIMIT 1",
                                "iii", camera, (int64_t)reason, start_us);
    if (result > 0)
        result = bridge(catalog, camera, end_us, other_us, reason, error);
    if (result >= 0)
        result = catalog_number(catalog, &other_us, error,
                                "SELECT end_us FROM missing WHERE camera = ?1 AND reason = ?2"
                                " AND start_us < ?3 ORDER BY start_us DESC LIMIT 1",
                                "iii", camera, (int64_t)reason, start_us);
    if (result > 0)
        result = bridge(catalog, camera, other_us, start_us, reason, error);
    return result < 0 ? result : 0;
}

int catalog_add_hole(struct catalog *catalog, const char *camera, int64_t start_us, int64_t end_us,
                     enum rtsprec_coverage_reason reason, struct rtsprec_error *error)
{
    bool is_own;
    int64_t id;
    int err = catalog_enter(catalog, &is_own, error);
    if (err < 0)
        return err;
    err = catalog_camera_id(catalog, camera, -1, true, &id, error);
    if (err >= 0)
        err = catalog_add_missing(catalog, id, start_us, end_us, reason, 0, error);
    return catalog_leave(catalog, is_own, err, error);
}
