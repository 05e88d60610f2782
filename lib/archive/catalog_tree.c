#include "archive/catalog_tree.h"

#include <string.h>

#include "archive/catalog_db.h"
#include "base/error.h"

/* Rows of name, id, value, flag. */
static int take_entries(struct catalog *catalog, sqlite3_stmt *rows, struct entries *entries,
                        struct rtsprec_error *error)
{
    int result;
    while ((result = catalog_step(catalog, rows, error)) == 1) {
        const char *name = (const char *)sqlite3_column_text(rows, 0);
        if (!name ||
            !entries_add(entries, name, sqlite3_column_int64(rows, 1),
                         sqlite3_column_int64(rows, 2), sqlite3_column_int(rows, 3) != 0)) {
            sqlite3_reset(rows);
            return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
        }
    }
    entries_sort(entries);
    return result;
}

int catalog_tree_cameras(struct catalog *catalog, struct entries *entries,
                         struct rtsprec_error *error)
{
    sqlite3_stmt *rows;
    int err = catalog_prepare(catalog, &rows, error,
                              "SELECT name, id, segments, 0 FROM camera WHERE EXISTS"
                              " (SELECT 1 FROM directory WHERE camera = camera.id)",
                              "");
    return err < 0 ? err : take_entries(catalog, rows, entries, error);
}

int catalog_tree_directories(struct catalog *catalog, int64_t camera, struct entries *entries,
                             struct rtsprec_error *error)
{
    sqlite3_stmt *rows;
    int err = catalog_prepare(
        catalog, &rows, error,
        "SELECT day, id, mtime_ns, is_settled FROM directory WHERE camera = ?1", "i", camera);
    return err < 0 ? err : take_entries(catalog, rows, entries, error);
}

int catalog_tree_segments(struct catalog *catalog, int64_t directory, struct entries *entries,
                          struct rtsprec_error *error)
{
    sqlite3_stmt *rows;
    int err = catalog_prepare(catalog, &rows, error,
                              "SELECT name, id, bytes, 0 FROM segment WHERE directory = ?1", "i",
                              directory);
    return err < 0 ? err : take_entries(catalog, rows, entries, error);
}

int catalog_tree_directory(struct catalog *catalog, const char *camera, const char *day,
                           int64_t *id, struct rtsprec_error *error)
{
    int64_t camera_id;
    int result = catalog_camera_id(catalog, camera, -1, true, &camera_id, error);
    if (result > 0)
        result = catalog_directory_id(catalog, camera_id, day, (int)strlen(day), true, id, error);
    return result < 0 ? result : 0;
}

int catalog_tree_note(struct catalog *catalog, int64_t directory, int64_t mtime_ns, bool is_settled,
                      struct rtsprec_error *error)
{
    return catalog_run(catalog, error,
                       "UPDATE directory SET mtime_ns = ?2, is_settled = ?3 WHERE id = ?1", "iii",
                       directory, mtime_ns, (int64_t)is_settled);
}

int catalog_tree_forget(struct catalog *catalog, int64_t directory, struct rtsprec_error *error)
{
    return catalog_run(catalog, error,
                       "DELETE FROM directory WHERE id = ?1 AND NOT EXISTS"
                       " (SELECT 1 FROM segment WHERE directory = ?1)",
                       "i", directory);
}

static int merge(struct catalog *catalog, int64_t from, int64_t to, struct rtsprec_error *error)
{
    static const char *const moves[] = {
        "UPDATE directory SET camera = ?2 WHERE camera = ?1",
        "UPDATE segment SET camera = ?2 WHERE camera = ?1",
        "UPDATE protection SET camera = ?2 WHERE camera = ?1",
        "UPDATE OR IGNORE missing SET camera = ?2 WHERE camera = ?1",
        "UPDATE OR IGNORE condition SET camera = ?2 WHERE camera = ?1",
    };
    static const char *const removals[] = {
        "DELETE FROM missing WHERE camera = ?1",
        "DELETE FROM condition WHERE camera = ?1",
        "DELETE FROM camera WHERE id = ?1",
    };
    int err = 0;
    for (size_t i = 0; err == 0 && i < sizeof(moves) / sizeof(moves[0]); i++)
        err = catalog_run(catalog, error, moves[i], "ii", from, to);
    for (size_t i = 0; err == 0 && i < sizeof(removals) / sizeof(removals[0]); i++)
        err = catalog_run(catalog, error, removals[i], "i", from);
    return err;
}

int catalog_tree_rename(struct catalog *catalog, int64_t camera, const char *name,
                        struct rtsprec_error *error)
{
    int64_t known;
    int result = catalog_camera_id(catalog, name, -1, false, &known, error);
    if (result < 0)
        return result;
    return result == 1 ? merge(catalog, camera, known, error)
                       : catalog_run(catalog, error, "UPDATE camera SET name = ?2 WHERE id = ?1",
                                     "it", camera, name);
}

int catalog_tree_built(struct catalog *catalog, struct rtsprec_error *error)
{
    return catalog_run(catalog, error, "UPDATE state SET is_built = 1 WHERE NOT is_built", "");
}
