/* The rows of segments, and what they add up to. */
#include "archive/catalog_db.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/layout.h"
#include "archive/protection.h"
#include "base/clock.h"
#include "base/error.h"

/* Of a day at most is a segment; with key frames that do not come, a little more. What a broken
 * file claims beyond that would make every query look through years. */
#define LONGEST_US (2 * US_PER_DAY)

/* What a camera's rate is judged by. */
#define RECENT_US       US_PER_DAY
#define RECENT_SEGMENTS 2000

/* CAMERA/YYYY-MM-DD/NAME in pieces, which point into the path. */
struct pieces {
    const char *camera, *day, *name;
    int camera_bytes, day_bytes;
};

static bool split(const char *path, struct pieces *pieces)
{
    size_t camera_bytes, day_bytes;
    if (!layout_parse_segment_path(path, &camera_bytes, &day_bytes))
        return false;
    const char *day = path + camera_bytes + 1;
    *pieces = (struct pieces){path, day, day + day_bytes + 1, (int)camera_bytes, (int)day_bytes};
    return true;
}

#define ROW                                                                                  \
    "c.name, d.day, s.name, s.start_us, s.duration_us, s.bytes, s.frames, s.codec, s.width," \
    " s.height, s.reason, s.why"

static struct rtsprec_archive_segment segment_of_row(sqlite3_stmt *row, char *path,
                                                     size_t path_size)
{
    const char *camera = (const char *)sqlite3_column_text(row, 0);
    const char *day = (const char *)sqlite3_column_text(row, 1);
    const char *name = (const char *)sqlite3_column_text(row, 2);
    const char *codec = (const char *)sqlite3_column_text(row, 7);
    snprintf(path, path_size, "%s/%s/%s", camera ? camera : "", day ? day : "", name ? name : "");
    int64_t start_us = sqlite3_column_int64(row, 3);
    return (struct rtsprec_archive_segment){
        .size = sizeof(struct rtsprec_archive_segment),
        .camera = camera ? camera : "",
        .path = path,
        .start_us = start_us,
        .end_us = start_us + sqlite3_column_int64(row, 4),
        .bytes = sqlite3_column_int64(row, 5),
        .frames = sqlite3_column_int64(row, 6),
        .codec = codec ? codec : "",
        .width = sqlite3_column_int(row, 8),
        .height = sqlite3_column_int(row, 9),
        .reason = (enum rtsprec_segment_reason)sqlite3_column_int(row, 10),
        .protected_why = (const char *)sqlite3_column_text(row, 11),
    };
}

static int tell_rows(struct catalog *catalog, sqlite3_stmt *rows, catalog_segment_fn *tell,
                     void *user, struct rtsprec_error *error)
{
    int result;
    while ((result = catalog_step(catalog, rows, error)) == 1) {
        char path[512];
        struct rtsprec_archive_segment segment = segment_of_row(rows, path, sizeof(path));
        if (!tell(user, &segment)) {
            sqlite3_reset(rows);
            return 0;
        }
    }
    return result;
}

int catalog_list(struct catalog *catalog, const char *camera, int64_t from_us, int64_t to_us,
                 catalog_segment_fn *tell, void *user, struct rtsprec_error *error)
{
    static const char of_one[] =
        "SELECT " ROW " FROM camera c CROSS JOIN segment s INDEXED BY segment_by_time"
        " ON s.camera = c.id JOIN directory d ON d.id = s.directory"
        " WHERE c.name = ?3 AND s.start_us >= ?1 - c.longest_us AND s.start_us < ?2"
        " AND (s.start_us >= ?1 OR s.start_us + s.duration_us > ?1)"
        " ORDER BY s.start_us, d.day, s.name";
    static const char of_all[] =
        "SELECT " ROW " FROM camera c CROSS JOIN segment s INDEXED BY segment_by_time"
        " ON s.camera = c.id JOIN directory d ON d.id = s.directory"
        " WHERE s.start_us >= ?1 - c.longest_us AND s.start_us < ?2"
        " AND (s.start_us >= ?1 OR s.start_us + s.duration_us > ?1)"
        " ORDER BY s.start_us, c.name, d.day, s.name";
    sqlite3_stmt *rows;
    from_us = catalog_clamp(from_us);
    to_us = catalog_clamp(to_us);
    int err = camera ? catalog_prepare(catalog, &rows, error, of_one, "iit", from_us, to_us, camera)
                     : catalog_prepare(catalog, &rows, error, of_all, "ii", from_us, to_us);
    return err < 0 ? err : tell_rows(catalog, rows, tell, user, error);
}

int catalog_oldest(struct catalog *catalog, const char *camera, bool is_protected,
                   int64_t after_start_us, const char *after_path, int most,
                   catalog_segment_fn *tell, void *user, struct rtsprec_error *error)
{
#define OLDEST(index, condition)                                             \
    "SELECT " ROW " FROM camera c CROSS JOIN segment s INDEXED BY " index    \
    " ON s.camera = c.id JOIN directory d ON d.id = s.directory"             \
    " WHERE c.name = ?1 AND s.why " condition " AND s.start_us >= ?2"        \
    " AND (s.start_us > ?2 OR c.name || '/' || d.day || '/' || s.name > ?3)" \
    " ORDER BY s.start_us, d.day, s.name LIMIT ?4"
    static const char of_unprotected[] = OLDEST("segment_unprotected", "IS NULL");
    static const char of_protected[] = OLDEST("segment_protected", "IS NOT NULL");
#undef OLDEST
    sqlite3_stmt *rows;
    int err = catalog_prepare(catalog, &rows, error, is_protected ? of_protected : of_unprotected,
                              "titi", camera, after_start_us, after_path, (int64_t)most);
    return err < 0 ? err : tell_rows(catalog, rows, tell, user, error);
}

int catalog_camera_id(struct catalog *catalog, const char *name, int name_bytes, bool create,
                      int64_t *id, struct rtsprec_error *error)
{
    int result = catalog_number(catalog, id, error, "SELECT id FROM camera WHERE name = ?1", "n",
                                name, name_bytes);
    if (result != 0 || !create)
        return result;
    result =
        catalog_run(catalog, error, "INSERT INTO camera(name) VALUES(?1)", "n", name, name_bytes);
    *id = sqlite3_last_insert_rowid(catalog->db);
    return result < 0 ? result : 1;
}

int catalog_directory_id(struct catalog *catalog, int64_t camera, const char *day, int day_bytes,
                         bool create, int64_t *id, struct rtsprec_error *error)
{
    int result = catalog_number(catalog, id, error,
                                "SELECT id FROM directory WHERE camera = ?1 AND day = ?2", "in",
                                camera, day, day_bytes);
    if (result != 0 || !create)
        return result;
    result = catalog_run(catalog, error, "INSERT INTO directory(camera, day) VALUES(?1, ?2)", "in",
                         camera, day, day_bytes);
    *id = sqlite3_last_insert_rowid(catalog->db);
    return result < 0 ? result : 1;
}

/* 1: found, 0: none, or an error. */
static int directory_id(struct catalog *catalog, int64_t camera, const struct pieces *path,
                        bool create, int64_t *id, struct rtsprec_error *error)
{
    return catalog_directory_id(catalog, camera, path->day, path->day_bytes, create, id, error);
}

static int unsettle(struct catalog *catalog, int64_t directory, struct rtsprec_error *error)
{
    return catalog_run(catalog, error,
                       "UPDATE directory SET is_settled = 0 WHERE id = ?1 AND is_settled", "i",
                       directory);
}

static int put_row(struct catalog *catalog, const struct rtsprec_archive_segment *segment,
                   const struct pieces *path, struct rtsprec_error *error)
{
    static const char put[] =
        "INSERT INTO segment(camera, directory, name, start_us, duration_us, bytes, frames, codec,"
        " width, height, reason, why) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
        " ON CONFLICT(directory, name) DO UPDATE SET start_us = excluded.start_us,"
        " duration_us = excluded.duration_us, bytes = excluded.bytes, frames = excluded.frames,"
        " codec = excluded.codec, width = excluded.width, height = excluded.height,"
        " reason = iif(excluded.reason = ?13, reason, excluded.reason),"
        " why = coalesce(excluded.why, why)";
    int64_t camera, directory;
    int64_t duration_us = segment->end_us - segment->start_us;
    duration_us = duration_us < 0 ? 0 : duration_us > LONGEST_US ? LONGEST_US : duration_us;
    int err = catalog_camera_id(catalog, path->camera, path->camera_bytes, true, &camera, error);
    if (err > 0)
        err = directory_id(catalog, camera, path, true, &directory, error);
    if (err > 0)
        err = unsettle(catalog, directory, error);
    int64_t start_us = catalog_clamp(segment->start_us);
    char noted[PROTECTION_MOST_BYTES + 1] = "";
    if (err >= 0 && !segment->protected_why)
        err = catalog_noted_protection(catalog, camera, start_us, start_us + duration_us, noted,
                                       error);
    if (err < 0)
        return err;
    err = catalog_run(catalog, error, put, "iitiiiitiiiti", camera, directory, path->name, start_us,
                      duration_us, segment->bytes, segment->frames,
                      segment->codec ? segment->codec : "", (int64_t)segment->width,
                      (int64_t)segment->height, (int64_t)segment->reason,
                      noted[0] ? noted : segment->protected_why, (int64_t)RTSPREC_SEGMENT_UNKNOWN);
    if (err == 0 && noted[0])
        protection_mark(catalog->directory, segment->path, noted);
    return err;
}

int catalog_add_segment(struct catalog *catalog, const struct rtsprec_archive_segment *segment,
                        struct rtsprec_error *error)
{
    struct pieces path;
    if (!split(segment->path, &path))
        return error_set(error, RTSPREC_ERROR_INVALID, "%s: is not the name of a segment",
                         segment->path);
    bool is_own;
    int err = catalog_enter(catalog, &is_own, error);
    if (err < 0)
        return err;
    return catalog_leave(catalog, is_own, put_row(catalog, segment, &path, error), error);
}

static int remove_row(struct catalog *catalog, const struct pieces *path,
                      enum rtsprec_coverage_reason reason, struct rtsprec_error *error)
{
    int64_t camera, directory;
    int result =
        catalog_camera_id(catalog, path->camera, path->camera_bytes, false, &camera, error);
    if (result > 0)
        result = directory_id(catalog, camera, path, false, &directory, error);
    if (result <= 0)
        return result;
    sqlite3_stmt *row;
    result = catalog_prepare(
        catalog, &row, error,
        "SELECT id, start_us, duration_us FROM segment WHERE directory = ?1 AND name = ?2", "it",
        directory, path->name);
    if (result < 0 || (result = catalog_step(catalog, row, error)) <= 0)
        return result;
    int64_t id = sqlite3_column_int64(row, 0), start_us = sqlite3_column_int64(row, 1);
    int64_t end_us = start_us + sqlite3_column_int64(row, 2);
    sqlite3_reset(row);
    result = catalog_run(catalog, error, "DELETE FROM segment WHERE id = ?1", "i", id);
    if (result == 0)
        result = unsettle(catalog, directory, error);
    if (result == 0)
        result = catalog_add_gone(catalog, camera, start_us, end_us, reason, error);
    return result;
}

int catalog_remove_segment(struct catalog *catalog, const char *path,
                           enum rtsprec_coverage_reason reason, struct rtsprec_error *error)
{
    struct pieces pieces;
    if (!split(path, &pieces))
        return error_set(error, RTSPREC_ERROR_INVALID, "%s: is not the name of a segment", path);
    bool is_own;
    int err = catalog_enter(catalog, &is_own, error);
    if (err < 0)
        return err;
    return catalog_leave(catalog, is_own, remove_row(catalog, &pieces, reason, error), error);
}

/* What lies in the last recent_us of a camera that has segments. */
static int find_recent(struct catalog *catalog, int64_t id, struct catalog_camera *camera,
                       struct rtsprec_error *error)
{
    static const char recent[] =
        "SELECT total(bytes), min(start_us) FROM (SELECT bytes, start_us FROM segment"
        " INDEXED BY segment_by_time WHERE camera = ?1 AND start_us >= ?2"
        " ORDER BY start_us DESC LIMIT ?3)";
    sqlite3_stmt *row;
    int result = catalog_prepare(catalog, &row, error, recent, "iii", id,
                                 camera->newest_us - RECENT_US, (int64_t)RECENT_SEGMENTS);
    if (result < 0 || (result = catalog_step(catalog, row, error)) <= 0)
        return result;
    if (sqlite3_column_type(row, 1) != SQLITE_NULL) { /* the last one is longer than a day */
        camera->recent_bytes = sqlite3_column_int64(row, 0);
        camera->recent_us = camera->newest_us - sqlite3_column_int64(row, 1);
    }
    sqlite3_reset(row);
    return 0;
}

int catalog_cameras(struct catalog *catalog, catalog_camera_fn *tell, void *user,
                    struct rtsprec_error *error)
{
    static const char cameras[] =
        "SELECT id, name, segments, bytes, protected_bytes,"
        " (SELECT min(start_us) FROM segment WHERE camera = c.id),"
        " (SELECT start_us + duration_us FROM segment INDEXED BY segment_by_time"
        "  WHERE camera = c.id ORDER BY start_us DESC LIMIT 1) FROM camera c ORDER BY name";
    sqlite3_stmt *rows;
    int result = catalog_prepare(catalog, &rows, error, cameras, "");
    if (result < 0)
        return result;
    while ((result = catalog_step(catalog, rows, error)) == 1) {
        const char *name = (const char *)sqlite3_column_text(rows, 1);
        struct catalog_camera camera = {
            .name = name ? name : "",
            .segments = sqlite3_column_int64(rows, 2),
            .bytes = sqlite3_column_int64(rows, 3),
            .protected_bytes = sqlite3_column_int64(rows, 4),
            .oldest_us = sqlite3_column_int64(rows, 5), /* 0 for none */
            .newest_us = sqlite3_column_int64(rows, 6),
        };
        int err = camera.segments > 0
                      ? find_recent(catalog, sqlite3_column_int64(rows, 0), &camera, error)
                      : 0;
        if (err < 0 || !tell(user, &camera)) {
            sqlite3_reset(rows);
            return err;
        }
    }
    return result;
}
