/* The catalog's files among themselves: statements and errors of SQLite. */
#ifndef ARCHIVE_CATALOG_DB_H
#define ARCHIVE_CATALOG_DB_H

#include <sqlite3.h>

#include "archive/catalog.h"
#include "archive/protection.h"

#define CATALOG_MAX_STATEMENTS 96

/* A session without an end is believed to run for so long after its last sign of life. */
#define CATALOG_SESSION_GRACE_US (CATALOG_SIGN_OF_LIFE_US * 3 / 2)

struct catalog {
    sqlite3 *db;
    char *directory, *path; /* the archive's root, the file; owned */
    struct {
        const char *sql; /* a literal: found by its address */
        sqlite3_stmt *statement;
    } statements[CATALOG_MAX_STATEMENTS];
    int statement_count;
    int64_t session;             /* that this catalog began; 0: none */
    int64_t session_us, told_us; /* its begin, and the latest condition that was told in it */
    bool is_broken;              /* SQLite found it corrupt */
    int64_t turn_us;             /* when others were let in; monotonic */
};

/* Fills in the error of SQLite's last failure and returns its code. */
int catalog_fail(struct catalog *catalog, struct rtsprec_error *error);

/*
 * A statement that is ready to be stepped, with its parameters bound: 'i' int64_t, 't' text that
 * lives until the reset, NULL for none, 'n' the same and its length, an int. It is the catalog's.
 * Returns 0 or an error.
 */
int catalog_prepare(struct catalog *catalog, sqlite3_stmt **statement, struct rtsprec_error *error,
                    const char *sql, const char *types, ...);

/* 1: a row, 0: the end, or an error. Once it is not 1 the statement is reset; to leave it before,
 * sqlite3_reset(). */
int catalog_step(struct catalog *catalog, sqlite3_stmt *statement, struct rtsprec_error *error);

/* Runs a statement that returns no rows. */
int catalog_run(struct catalog *catalog, struct rtsprec_error *error, const char *sql,
                const char *types, ...);

/* The first column of the first row. 1: there is one, 0: none, or an error. */
int catalog_number(struct catalog *catalog, int64_t *number, struct rtsprec_error *error,
                   const char *sql, const char *types, ...);

/*
 * Around the statements of one change: a transaction of its own unless one is open. leave() takes
 * their result, commits or rolls back, and returns the result of all.
 */
int catalog_enter(struct catalog *catalog, bool *is_own, struct rtsprec_error *error);
int catalog_leave(struct catalog *catalog, bool is_own, int result, struct rtsprec_error *error);

/* A camera's id; with create it is made when there is none. 1: found, 0: none, or an error. */
int catalog_camera_id(struct catalog *catalog, const char *name, int name_bytes, bool create,
                      int64_t *id, struct rtsprec_error *error);

/* The same of a camera's directory of a day. */
int catalog_directory_id(struct catalog *catalog, int64_t camera, const char *day, int day_bytes,
                         bool create, int64_t *id, struct rtsprec_error *error);

/* Adds [start_us, end_us) to what is missing for a reason, joined with what touches it, or is less
 * than near_us away. */
int catalog_add_missing(struct catalog *catalog, int64_t camera, int64_t start_us, int64_t end_us,
                        enum rtsprec_coverage_reason reason, int64_t near_us,
                        struct rtsprec_error *error);

/* Adds the time of a segment that is gone: pieces deleted one after the other become one, unless
 * something else says what was the matter between them. */
int catalog_add_gone(struct catalog *catalog, int64_t camera, int64_t start_us, int64_t end_us,
                     enum rtsprec_coverage_reason reason, struct rtsprec_error *error);

/* Whether any of that time has a reason other than being recorded, or unknown. */
int catalog_is_explained(struct catalog *catalog, int64_t camera, int64_t from_us, int64_t to_us,
                         bool *is_explained, struct rtsprec_error *error);

/* What is noted to protect a segment of that time; "": nothing. Returns 0 or an error. */
int catalog_noted_protection(struct catalog *catalog, int64_t camera, int64_t start_us,
                             int64_t end_us, char why[PROTECTION_MOST_BYTES + 1],
                             struct rtsprec_error *error);

/* So far in the past or the future that nothing is there, and sums do not overflow. */
int64_t catalog_clamp(int64_t time_us);

#endif
