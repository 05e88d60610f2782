#include "keeper/ledger.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/disk.h"
#include "base/clock.h"
#include "base/error.h"
#include "camera/describe.h"

/* More than NTP slews between two looks, and what a ledger of gaps need not know. */
#define CLOCK_SET_US (2 * US_PER_SECOND)

void ledger_init(struct ledger *ledger, struct archive_root *root, const char *directory,
                 int64_t real_us, int64_t monotonic_us)
{
    *ledger = (struct ledger){
        .root = root,
        .directory = directory,
        .session_us = real_us,
        .ahead_us = real_us - monotonic_us,
    };
}

bool ledger_is_clock_set(struct ledger *ledger, int64_t real_us, int64_t monotonic_us)
{
    int64_t step_us = real_us - monotonic_us - ledger->ahead_us;
    if (step_us > CLOCK_SET_US || step_us < -CLOCK_SET_US)
        return true;
    ledger->ahead_us += step_us;
    return false;
}

int ledger_follow_clock(struct ledger *ledger, int64_t real_us, int64_t monotonic_us,
                        struct rtsprec_error *error)
{
    int err =
        catalog_move_session(ledger->catalog, monotonic_us + ledger->ahead_us, real_us, error);
    if (err < 0)
        return err;
    ledger->session_us = real_us;
    ledger->ahead_us = real_us - monotonic_us;
    return 0;
}

void ledger_close(struct ledger *ledger)
{
    catalog_close(&ledger->catalog);
}

static bool stat_below(const char *directory, const char *name, struct stat *status)
{
    char *path = NULL;
    if (asprintf(&path, "%s/%s", directory, name) < 0)
        return false;
    bool is_there = stat(path, status) == 0;
    free(path);
    return is_there;
}

/* Somebody who deletes the catalog wants another one: what is open has no name any more. */
static bool is_taken_away(const struct ledger *ledger)
{
    struct stat status;
    return !stat_below(ledger->directory, CATALOG_FILE, &status) ||
           status.st_dev != ledger->device || status.st_ino != ledger->inode;
}

int ledger_open(struct ledger *ledger, enum ledger_state *state, struct rtsprec_error *error)
{
    *state = LEDGER_OPEN;
    int err = archive_root_check(ledger->root, error);
    if (ledger->catalog && (err < 0 || is_taken_away(ledger)))
        ledger_close(ledger);
    if (err < 0 || ledger->catalog)
        return err;
    bool is_empty;
    if ((err = catalog_open(&ledger->catalog, ledger->directory, &is_empty, error)) < 0)
        return err;
    struct stat status = {0};
    if (!stat_below(ledger->directory, CATALOG_FILE, &status))
        err = error_set(error, RTSPREC_ERROR_IO, "%s/" CATALOG_FILE ": is not there",
                        ledger->directory);
    else
        err = catalog_begin_session(ledger->catalog, ledger->session_us, error);
    if (err < 0) {
        ledger_close(ledger);
        return err;
    }
    ledger->device = status.st_dev;
    ledger->inode = status.st_ino;
    *state = is_empty ? LEDGER_BEGUN : LEDGER_OPENED;
    return 0;
}

/* As a rebuild of the catalog would, by what the file says of itself. One that says nothing is gone
 * already, or broken: reading the tree will tell. */
static int add_segment(struct ledger *ledger, const struct note *note, struct rtsprec_error *error)
{
    struct reconcile_row row;
    if (describe_segment_file(&row, ledger->directory, note->path) < 0)
        return RTSPREC_ERROR_INVALID;
    row.segment.camera = note->camera;
    row.segment.reason = note->ended;
    return catalog_add_segment(ledger->catalog, &row.segment, error);
}

static int write_note(struct ledger *ledger, const struct note *note, struct rtsprec_error *error)
{
    switch (note->kind) {
    case NOTE_CONDITION:
        return catalog_set_condition(ledger->catalog, note->camera, note->reason, note->start_us,
                                     error);
    case NOTE_HOLE:
        return catalog_add_hole(ledger->catalog, note->camera, note->start_us, note->end_us,
                                note->reason, error);
    case NOTE_SEGMENT:
        return add_segment(ledger, note, error);
    }
    return 0;
}

int ledger_write(struct ledger *ledger, struct note *notes, int64_t now_us, bool is_end,
                 int *left_out, struct rtsprec_error *error)
{
    struct catalog *catalog = ledger->catalog;
    *left_out = 0;
    int err = catalog_begin(catalog, error);
    if (err < 0)
        return err;
    for (const struct note *note = notes; note && err == 0; note = note->next) {
        err = write_note(ledger, note, error);
        if (err == RTSPREC_ERROR_INVALID) {
            ++*left_out;
            err = 0;
        }
    }
    if (err == 0)
        err = is_end ? catalog_end_session(catalog, now_us, error)
                     : catalog_touch_session(catalog, now_us, error);
    if (err == 0)
        err = catalog_commit(catalog, error);
    if (err < 0)
        catalog_rollback(catalog);
    return err;
}

/* SQLite locks nothing in the log, so that to close it here lets go of no lock. */
int ledger_sync(const struct ledger *ledger, struct rtsprec_error *error)
{
    char *path = NULL;
    if (asprintf(&path, "%s/" CATALOG_FILE "-wal", ledger->directory) < 0)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int err = fd < 0 ? 0 : disk_sync(fd); /* without a log there is nothing to sync */
    if (err < 0)
        err = error_set_errno(error, RTSPREC_ERROR_IO, -err, "%s: cannot be made durable", path);
    if (fd >= 0)
        close(fd);
    free(path);
    return err;
}
