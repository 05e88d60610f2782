/* The file: opening it, its schema, what is done when it is broken. */
#include "archive/catalog_db.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/layout.h"
#include "base/error.h"
#include "base/file.h"

#define SCHEMA_VERSION 1

#define BUSY_TIMEOUT_MS 10000
#define RETRY_MS        10

/* Broken files that are kept; the last place is used again. */
#define MOST_BROKEN 9

/*
 * Times are µs UTC. A segment's path is CAMERA.name/DIRECTORY.day/SEGMENT.name. The totals of a
 * camera are kept by triggers, so that no query has to add up the archive; longest_us, which never
 * shrinks, says how far before an instant a segment can begin that reaches it.
 *
 * directory.mtime_ns is the modification time for which the rows are known to be complete; what
 * adds or removes a row sets is_settled to 0, since what was done to the directory with it may not
 * survive a power cut although the row does.
 */
/* Times of a camera in which segments that are added are protected; of several the last one counts.
 */
#define PROTECTION_TABLE                                                            \
    "CREATE TABLE IF NOT EXISTS protection("                                        \
    "  id INTEGER PRIMARY KEY, camera INTEGER NOT NULL, start_us INTEGER NOT NULL," \
    "  end_us INTEGER NOT NULL, why TEXT NOT NULL);"                                \
    "CREATE INDEX IF NOT EXISTS protection_by_camera ON protection(camera, start_us);"

static const char schema[] =
    "CREATE TABLE state(is_built INTEGER NOT NULL);"
    "INSERT INTO state VALUES(0);"
    "CREATE TABLE camera("
    "  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    "  segments INTEGER NOT NULL DEFAULT 0, bytes INTEGER NOT NULL DEFAULT 0,"
    "  protected_bytes INTEGER NOT NULL DEFAULT 0, longest_us INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE directory("
    "  id INTEGER PRIMARY KEY, camera INTEGER NOT NULL, day TEXT NOT NULL,"
    "  mtime_ns INTEGER NOT NULL DEFAULT 0, is_settled INTEGER NOT NULL DEFAULT 0,"
    "  UNIQUE(camera, day));"
    "CREATE TABLE segment("
    "  id INTEGER PRIMARY KEY, camera INTEGER NOT NULL, directory INTEGER NOT NULL,"
    "  name TEXT NOT NULL, start_us INTEGER NOT NULL, duration_us INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL, frames INTEGER NOT NULL, codec TEXT NOT NULL,"
    "  width INTEGER NOT NULL, height INTEGER NOT NULL, reason INTEGER NOT NULL, why TEXT);"
    "CREATE UNIQUE INDEX segment_by_name ON segment(directory, name);"
    "CREATE INDEX segment_by_time ON segment(camera, start_us, bytes);"
    "CREATE INDEX segment_unprotected ON segment(camera, start_us) WHERE why IS NULL;"
    "CREATE INDEX segment_protected ON segment(camera, start_us) WHERE why IS NOT NULL;"
    "CREATE TRIGGER segment_added AFTER INSERT ON segment BEGIN"
    "  UPDATE camera SET segments = segments + 1, bytes = bytes + new.bytes,"
    "    protected_bytes = protected_bytes + iif(new.why IS NULL, 0, new.bytes),"
    "    longest_us = max(longest_us, new.duration_us) WHERE id = new.camera; END;"
    "CREATE TRIGGER segment_removed AFTER DELETE ON segment BEGIN"
    "  UPDATE camera SET segments = segments - 1, bytes = bytes - old.bytes,"
    "    protected_bytes = protected_bytes - iif(old.why IS NULL, 0, old.bytes)"
    "    WHERE id = old.camera; END;"
    "CREATE TRIGGER segment_changed AFTER UPDATE ON segment BEGIN"
    "  UPDATE camera SET segments = segments - 1, bytes = bytes - old.bytes,"
    "    protected_bytes = protected_bytes - iif(old.why IS NULL, 0, old.bytes)"
    "    WHERE id = old.camera;"
    "  UPDATE camera SET segments = segments + 1, bytes = bytes + new.bytes,"
    "    protected_bytes = protected_bytes + iif(new.why IS NULL, 0, new.bytes),"
    "    longest_us = max(longest_us, new.duration_us) WHERE id = new.camera; END;"
    /* A session reaches to its last sign of life. */
    "CREATE TABLE session("
    "  id INTEGER PRIMARY KEY, start_us INTEGER NOT NULL, alive_us INTEGER NOT NULL,"
    "  is_ended INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX session_by_time ON session(start_us);"
    /* A condition holds until the next one, or the end of its session. */
    "CREATE TABLE condition("
    "  camera INTEGER NOT NULL, start_us INTEGER NOT NULL, reason INTEGER NOT NULL,"
    "  PRIMARY KEY(camera, start_us)) WITHOUT ROWID;"
    /* Holes, and what was deleted or removed. Of one reason they do not touch. */
    "CREATE TABLE missing("
    "  camera INTEGER NOT NULL, reason INTEGER NOT NULL, start_us INTEGER NOT NULL,"
    "  end_us INTEGER NOT NULL, PRIMARY KEY(camera, reason, start_us)) WITHOUT "
    "ROWID;" PROTECTION_TABLE "PRAGMA user_version = 1;";

static int execute(struct catalog *catalog, const char *sql, struct rtsprec_error *error)
{
    return sqlite3_exec(catalog->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : catalog_fail(catalog, error);
}

/* A file that is whole may be somebody else's nevertheless. */
static int check_foreign(struct catalog *catalog, struct rtsprec_error *error)
{
    int64_t tables;
    int result = catalog_number(catalog, &tables, error, "SELECT count(*) FROM sqlite_master", "");
    if (result < 0 || tables == 0)
        return result < 0 ? result : 0;
    catalog->is_broken = true;
    return error_set(error, RTSPREC_ERROR_IO, "%s: it is no catalog", catalog->path);
}

static int make_schema(struct catalog *catalog, struct rtsprec_error *error)
{
    int64_t version;
    int err = catalog_begin(catalog, error);
    if (err < 0)
        return err;
    /* Somebody else may have been faster. */
    err = catalog_number(catalog, &version, error, "PRAGMA user_version", "");
    if (err >= 0 && version == 0)
        err = check_foreign(catalog, error);
    if (err >= 0 && version == 0)
        err = execute(catalog, schema, error);
    if (err >= 0)
        err = catalog_commit(catalog, error);
    if (err < 0)
        catalog_rollback(catalog);
    return err < 0 ? err : 0;
}

/* The first ones had none. */
static int add_protection(struct catalog *catalog, struct rtsprec_error *error)
{
    int64_t found;
    int result = catalog_number(catalog, &found, error,
                                "SELECT count(*) FROM sqlite_master WHERE name = 'protection'", "");
    if (result < 0 || found > 0 || sqlite3_db_readonly(catalog->db, "main") == 1)
        return result < 0 ? result : 0;
    return execute(catalog, PROTECTION_TABLE, error);
}

static int check_schema(struct catalog *catalog, struct rtsprec_error *error)
{
    int64_t version = 0;
    int err = catalog_number(catalog, &version, error, "PRAGMA user_version", "");
    if (err < 0)
        return err;
    if (version == 0)
        return make_schema(catalog, error);
    if (version != SCHEMA_VERSION)
        return error_set(error, RTSPREC_ERROR_IO,
                         "%s: its version is %lld, expected %d: another version of rtsprec has "
                         "made it",
                         catalog->path, (long long)version, SCHEMA_VERSION);
    return add_protection(catalog, error);
}

static int check_pages(struct catalog *catalog, struct rtsprec_error *error)
{
    sqlite3_stmt *statement;
    int err = catalog_prepare(catalog, &statement, error, "PRAGMA quick_check(1)", "");
    if (err < 0 || (err = catalog_step(catalog, statement, error)) < 0)
        return err;
    const char *text = err == 1 ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    catalog->is_broken = !text || strcmp(text, "ok") != 0;
    err = catalog->is_broken ? error_set(error, RTSPREC_ERROR_IO, "%s: %s", catalog->path,
                                         text ? text : "it is corrupt")
                             : 0;
    sqlite3_reset(statement);
    return err;
}

/*
 * Of a catalog that may only be read SQLite needs files beside it, which whoever writes to it has
 * made; without a writer it is taken as it stands.
 */
static int open_as_it_stands(struct catalog *catalog, struct rtsprec_error *error)
{
    const char *path = catalog->path;
    while (path[0] == '/' && path[1] == '/') /* two would begin a host */
        path++;
    char *uri = sqlite3_mprintf("file:"), *longer;
    for (const char *c = path; uri && *c; c++, uri = longer) {
        bool is_special = *c == '%' || *c == '?' || *c == '#';
        longer = sqlite3_mprintf(is_special ? "%s%%%02x" : "%s%c", uri, (unsigned char)*c);
        sqlite3_free(uri);
    }
    longer = uri ? sqlite3_mprintf("%s?immutable=1", uri) : NULL;
    sqlite3_free(uri);
    if (!longer)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
    int result = sqlite3_open_v2(longer, &catalog->db, flags, NULL);
    sqlite3_free(longer);
    if (result != SQLITE_OK)
        return catalog->db ? catalog_fail(catalog, error)
                           : error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    return check_schema(catalog, error);
}

static bool may_only_read(const struct catalog *catalog)
{
    return access(catalog->path, W_OK) != 0 && access(catalog->path, R_OK) == 0;
}

/* While several open a file that is new, SQLite refuses this at once instead of waiting. */
static int use_log(struct catalog *catalog, struct rtsprec_error *error)
{
    for (int waited_ms = 0;; waited_ms += RETRY_MS) {
        int err = execute(catalog, "PRAGMA journal_mode = WAL", error);
        if (err != RTSPREC_ERROR_BUSY || waited_ms >= BUSY_TIMEOUT_MS)
            return err;
        sqlite3_sleep(RETRY_MS);
    }
}

/* As coverage judges it: the last session gives signs of life. */
static bool is_recorder_alive(struct catalog *catalog, int64_t now_us)
{
    int64_t alive_us;
    if (catalog_number(catalog, &alive_us, NULL,
                       "SELECT alive_us FROM session WHERE id = (SELECT max(id) FROM session)"
                       " AND NOT is_ended",
                       "") != 1)
        return false;
    int64_t ago_us = now_us - alive_us;
    return ago_us > -CATALOG_SESSION_GRACE_US && ago_us < CATALOG_SESSION_GRACE_US;
}

/* Whose pages are to be checked. */
enum check { CHECK_NONE, CHECK_UNLESS_RECORDED, CHECK_ALL };

/* now_us: for UNLESS_RECORDED. */
static int open_file(struct catalog *catalog, enum check check, int64_t now_us,
                     struct rtsprec_error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(catalog->path, &catalog->db, flags, NULL) != SQLITE_OK)
        return catalog->db ? catalog_fail(catalog, error)
                           : error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    sqlite3_busy_timeout(catalog->db, BUSY_TIMEOUT_MS);
    int err = use_log(catalog, error);
    if (err == 0)
        err = execute(catalog,
                      "PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216;"
                      "PRAGMA cache_size = -8192;",
                      error);
    if (err == 0 && (check == CHECK_ALL ||
                     (check == CHECK_UNLESS_RECORDED && !is_recorder_alive(catalog, now_us))))
        err = check_pages(catalog, error);
    return err < 0 ? err : check_schema(catalog, error);
}

static void close_file(struct catalog *catalog)
{
    for (int i = 0; i < catalog->statement_count; i++)
        sqlite3_finalize(catalog->statements[i].statement);
    catalog->statement_count = 0;
    sqlite3_close(catalog->db);
    catalog->db = NULL;
}

static void move_aside(const char *path, const char *suffix, int number)
{
    char *from = NULL, *to = NULL;
    if (asprintf(&from, "%s%s", path, suffix) >= 0 &&
        asprintf(&to, "%s.broken-%d%s", path, number, suffix) >= 0)
        rename(from, to);
    free(from);
    free(to);
}

/*
 * Whether another process has the file open, which in WAL mode is a lock on the file beside it for
 * as long as it has (https://www.sqlite.org/walformat.html, 2.3.2): it must not lose it unnoticed.
 */
#define DEADMAN_SWITCH_AT 128

static bool is_open_elsewhere(const struct catalog *catalog)
{
    char *path = NULL;
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = DEADMAN_SWITCH_AT, .l_len = 1};
    int fd = asprintf(&path, "%s-shm", catalog->path) >= 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;
    bool is_locked = fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    if (fd >= 0)
        close(fd);
    free(path);
    return is_locked;
}

static void put_aside(const struct catalog *catalog)
{
    int number = 1;
    struct stat status;
    for (; number < MOST_BROKEN; number++) {
        char *path = NULL;
        bool is_free = asprintf(&path, "%s.broken-%d", catalog->path, number) >= 0 &&
                       lstat(path, &status) != 0 && errno == ENOENT;
        free(path);
        if (is_free)
            break;
    }
    /* A log without its file would be taken for the next one's. */
    move_aside(catalog->path, "-wal", number);
    move_aside(catalog->path, "-shm", number);
    move_aside(catalog->path, "", number);
}

/* A log is left by those who have crashed; there is one, too, while others have it open. */
static bool has_log(const struct catalog *catalog)
{
    char *path = NULL;
    struct stat status;
    bool found = asprintf(&path, "%s-wal", catalog->path) >= 0 && stat(path, &status) == 0;
    free(path);
    return found;
}

static void destroy(struct catalog *catalog)
{
    close_file(catalog);
    free(catalog->directory);
    free(catalog->path);
    free(catalog);
}

/* Takes its file's path over. NULL when there is no memory, as is path then, perhaps. */
static struct catalog *create(const char *archive_directory, char *path,
                              struct rtsprec_error *error)
{
    struct catalog *catalog = calloc(1, sizeof(*catalog));
    char *directory = strdup(archive_directory);
    if (!catalog || !directory || !path) {
        free(catalog);
        free(directory);
        free(path);
        error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
        return NULL;
    }
    catalog->directory = directory;
    catalog->path = path;
    return catalog;
}

int catalog_open_in_memory(struct catalog **out, const char *archive_directory,
                           struct rtsprec_error *error)
{
    *out = NULL;
    struct catalog *catalog = create(archive_directory, strdup(":memory:"), error);
    if (!catalog)
        return RTSPREC_ERROR_NO_MEMORY;
    int err;
    if ((err = open_file(catalog, CHECK_NONE, 0, error)) < 0)
        destroy(catalog);
    else
        *out = catalog;
    return err;
}

static int open_or_create(struct catalog **out, const char *archive_directory, enum check check,
                          int64_t now_us, bool *is_new, struct rtsprec_error *error)
{
    *out = NULL;
    *is_new = false;
    char *path = NULL;
    if (asprintf(&path, "%s/" CATALOG_FILE, archive_directory) < 0)
        path = NULL;
    struct catalog *catalog = create(archive_directory, path, error);
    if (!catalog)
        return RTSPREC_ERROR_NO_MEMORY;
    int err = open_file(catalog, has_log(catalog) ? check : CHECK_NONE, now_us, error);
    if (err == RTSPREC_ERROR_IO && !catalog->is_broken && !has_log(catalog) &&
        may_only_read(catalog)) {
        close_file(catalog);
        err = open_as_it_stands(catalog, error);
    }
    if (err < 0 && catalog->is_broken) {
        close_file(catalog);
        if (is_open_elsewhere(catalog)) {
            destroy(catalog);
            return err;
        }
        put_aside(catalog);
        catalog->is_broken = false;
        err = open_file(catalog, CHECK_NONE, 0, error);
    }
    int64_t is_built = 0;
    if (err == 0)
        err = catalog_number(catalog, &is_built, error, "SELECT is_built FROM state", "");
    if (err < 0) {
        destroy(catalog);
        return err;
    }
    *is_new = is_built == 0;
    *out = catalog;
    return 0;
}

void catalog_keep_small(struct catalog *catalog)
{
    struct rtsprec_error error; /* then it stays as it is */
    execute(catalog, "PRAGMA cache_size = -128; PRAGMA shrink_memory;", &error);
}

int catalog_open(struct catalog **out, const char *archive_directory, bool *is_new,
                 struct rtsprec_error *error)
{
    return open_or_create(out, archive_directory, CHECK_ALL, 0, is_new, error);
}

int catalog_open_beside(struct catalog **out, const char *archive_directory, int64_t now_us,
                        bool *is_new, struct rtsprec_error *error)
{
    return open_or_create(out, archive_directory, CHECK_UNLESS_RECORDED, now_us, is_new, error);
}

bool catalog_is_broken(const struct catalog *catalog)
{
    return catalog->is_broken;
}

void catalog_close(struct catalog **catalog_pointer)
{
    struct catalog *catalog = *catalog_pointer;
    *catalog_pointer = NULL;
    if (!catalog)
        return;
    close_file(catalog);
    if (catalog->is_broken && !is_open_elsewhere(catalog))
        put_aside(catalog);
    destroy(catalog);
}
