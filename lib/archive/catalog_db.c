/* Statements, transactions and errors of the catalog's SQLite file. */
#include "archive/catalog_db.h"

#include <assert.h>
#include <stdarg.h>

#include "base/clock.h"
#include "base/error.h"

#define FAR_US (200 * 366 * US_PER_DAY)

int64_t catalog_clamp(int64_t time_us)
{
    return time_us < -FAR_US ? -FAR_US : time_us > FAR_US ? FAR_US : time_us;
}

int catalog_fail(struct catalog *catalog, struct rtsprec_error *error)
{
    int code = sqlite3_extended_errcode(catalog->db);
    /* What the index of the log does not get is room. */
    switch (code == SQLITE_IOERR_SHMSIZE ? SQLITE_FULL : code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return error_set(error, RTSPREC_ERROR_BUSY, "%s: another process holds it", catalog->path);
    case SQLITE_NOMEM:
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    case SQLITE_FULL:
        return error_set(error, RTSPREC_ERROR_NO_SPACE, "%s: no space left on the disk",
                         catalog->path);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        catalog->is_broken = true;
        break;
    default:
        break;
    }
    return error_set(error, RTSPREC_ERROR_IO, "%s: %s", catalog->path, sqlite3_errmsg(catalog->db));
}

/* NULL after a failure. */
static sqlite3_stmt *find_or_compile(struct catalog *catalog, const char *sql)
{
    int count = catalog->statement_count;
    for (int i = 0; i < count; i++) {
        if (catalog->statements[i].sql == sql) {
            sqlite3_stmt *statement = catalog->statements[i].statement;
            assert(!sqlite3_stmt_busy(statement)); /* a callback has called the catalog */
            return statement;
        }
    }
    assert(count < CATALOG_MAX_STATEMENTS);
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v3(catalog->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
        SQLITE_OK)
        return NULL;
    catalog->statements[count].sql = sql;
    catalog->statements[count].statement = statement;
    catalog->statement_count++;
    return statement;
}

/* Returns 0 or an error. */
static int prepare(struct catalog *catalog, sqlite3_stmt **out, struct rtsprec_error *error,
                   const char *sql, const char *types, va_list values)
{
    sqlite3_stmt *statement = find_or_compile(catalog, sql);
    int result = statement ? SQLITE_OK : SQLITE_ERROR;
    for (int i = 1; *types && result == SQLITE_OK; types++, i++) {
        if (*types == 'i') {
            result = sqlite3_bind_int64(statement, i, va_arg(values, int64_t));
        } else {
            const char *text = va_arg(values, const char *);
            int bytes = *types == 'n' ? va_arg(values, int) : -1;
            result = sqlite3_bind_text(statement, i, text, bytes, SQLITE_STATIC);
        }
    }
    *out = statement;
    return result == SQLITE_OK ? 0 : catalog_fail(catalog, error);
}

int catalog_prepare(struct catalog *catalog, sqlite3_stmt **statement, struct rtsprec_error *error,
                    const char *sql, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    int err = prepare(catalog, statement, error, sql, types, values);
    va_end(values);
    return err;
}

int catalog_step(struct catalog *catalog, sqlite3_stmt *statement, struct rtsprec_error *error)
{
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return 1;
    int err = result == SQLITE_DONE ? 0 : catalog_fail(catalog, error);
    sqlite3_reset(statement);
    return err;
}

int catalog_run(struct catalog *catalog, struct rtsprec_error *error, const char *sql,
                const char *types, ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement;
    int result = prepare(catalog, &statement, error, sql, types, values);
    va_end(values);
    if (result < 0)
        return result;
    result = catalog_step(catalog, statement, error);
    if (result == 1)
        sqlite3_reset(statement);
    return result < 0 ? result : 0;
}

int catalog_number(struct catalog *catalog, int64_t *number, struct rtsprec_error *error,
                   const char *sql, const char *types, ...)
{
    va_list values;
    va_start(values, types);
    sqlite3_stmt *statement;
    int result = prepare(catalog, &statement, error, sql, types, values);
    va_end(values);
    if (result < 0)
        return result;
    result = catalog_step(catalog, statement, error);
    if (result == 1) {
        *number = sqlite3_column_int64(statement, 0);
        sqlite3_reset(statement);
    }
    return result;
}

int catalog_begin(struct catalog *catalog, struct rtsprec_error *error)
{
    return catalog_run(catalog, error, "BEGIN IMMEDIATE", "");
}

int catalog_commit(struct catalog *catalog, struct rtsprec_error *error)
{
    return catalog_run(catalog, error, "COMMIT", "");
}

void catalog_rollback(struct catalog *catalog)
{
    /* SQLite has rolled back by itself after some failures. */
    if (!sqlite3_get_autocommit(catalog->db))
        catalog_run(catalog, NULL, "ROLLBACK", "");
}

/* SQLite gives the lock to who asks first, and who waits asks every 100 ms: without a pause they
 * never meet. */
#define TURN_US  US_PER_SECOND
#define PAUSE_MS 110

void catalog_let_others_in(struct catalog *catalog)
{
    int64_t now_us = clock_monotonic_us();
    if (catalog->turn_us != 0 && now_us - catalog->turn_us < TURN_US)
        return;
    if (catalog->turn_us != 0)
        sqlite3_sleep(PAUSE_MS);
    catalog->turn_us = clock_monotonic_us();
}

int catalog_enter(struct catalog *catalog, bool *is_own, struct rtsprec_error *error)
{
    *is_own = sqlite3_get_autocommit(catalog->db) != 0;
    return *is_own ? catalog_begin(catalog, error) : 0;
}

int catalog_leave(struct catalog *catalog, bool is_own, int result, struct rtsprec_error *error)
{
    if (is_own && result >= 0)
        result = catalog_commit(catalog, error);
    if (is_own && result < 0)
        catalog_rollback(catalog);
    return result;
}
