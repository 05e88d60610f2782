/*
 * The catalog of an archive as a recorder writes to it: opened when the right disk is there, one
 * session of the ledger from its begin to its end, whatever happens to the disk in between.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef KEEPER_LEDGER_H
#define KEEPER_LEDGER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <rtsprec/error.h>

#include "archive/catalog.h"
#include "archive/root.h"
#include "keeper/notes.h"

struct ledger {
    /* constant */
    struct archive_root *root;
    const char *directory;

    int64_t session_us; /* when the session began, UTC */
    int64_t ahead_us;   /* what the real-time clock is ahead of the monotonic one */

    struct catalog *catalog; /* NULL: not open */
    dev_t device;            /* of the catalog's file */
    ino_t inode;
};

void ledger_init(struct ledger *ledger, struct archive_root *root, const char *directory,
                 int64_t real_us, int64_t monotonic_us);

/* Without ending the session. */
void ledger_close(struct ledger *ledger);

/* Whether the clock was set since it was last asked, by more than a slew or a leap second makes. */
bool ledger_is_clock_set(struct ledger *ledger, int64_t real_us, int64_t monotonic_us);

/*
 * The session goes on at the time that the clock was set to; what the cameras are doing has to be
 * told again. It has to be open.
 *
 * Returns 0 or what the catalog's functions return: it is to be tried again.
 */
int ledger_follow_clock(struct ledger *ledger, int64_t real_us, int64_t monotonic_us,
                        struct rtsprec_error *error);

enum ledger_state {
    LEDGER_OPEN,   /* as before */
    LEDGER_OPENED, /* the tree may have changed since it was last read */
    LEDGER_BEGUN,  /* the same, and what the cameras are doing has to be told again */
};

/*
 * Opens the catalog unless it is open, and begins the session in it, or goes on with it. One whose
 * file was taken away is begun anew.
 *
 * Returns 0 or what archive_root_check() and the catalog's functions return: it is closed then.
 */
int ledger_open(struct ledger *ledger, enum ledger_state *state, struct rtsprec_error *error);

/*
 * Writes notes, and that the session is alive, or with is_end that it has ended: all of it or
 * nothing. A note that can never be written is left out: *left_out says how many.
 *
 * Returns 0 or a negative code: the notes are as they were.
 */
int ledger_write(struct ledger *ledger, struct note *notes, int64_t now_us, bool is_end,
                 int *left_out, struct rtsprec_error *error);

/*
 * Makes durable what was written, which a commit alone does not: a power cut would take back what
 * the kernel has not yet written out by itself.
 *
 * Returns 0 or RTSPREC_ERROR_IO.
 */
int ledger_sync(const struct ledger *ledger, struct rtsprec_error *error);

#endif
