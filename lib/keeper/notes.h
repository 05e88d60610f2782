/*
 * What cameras told the keeper and the catalog does not hold yet, in the order in which it came. It
 * is bounded: a disk that hangs or is full must not eat the memory. What does not fit is not lost
 * silently: of conditions the latest stays and what was before it becomes unknown, holes grow
 * together, and for segments the tree has to be read.
 *
 * Thread-safety: none; the keeper's lock guards it.
 */
#ifndef KEEPER_NOTES_H
#define KEEPER_NOTES_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/archive.h>

enum note_kind {
    NOTE_CONDITION, /* reason, from start_us on */
    NOTE_HOLE,      /* reason, [start_us, end_us) */
    NOTE_SEGMENT,   /* path, ended; the rest stands in the file */
};

struct note {
    struct note *next;
    enum note_kind kind;
    const char *camera;
    enum rtsprec_coverage_reason reason;
    int64_t start_us, end_us;
    const char *path; /* below the archive's directory; NULL: of no file */
    enum rtsprec_segment_reason ended;
    char strings[];
};

struct notes {
    struct note *first;
    int count; /* of those */
    int taken; /* out of the list, not yet done with */
    int most;
    bool is_torn;  /* a segment did not fit */
    bool is_lossy; /* conditions or holes did not fit */
};

void notes_init(struct notes *notes, int most);
void notes_uninit(struct notes *notes);

/* A copy with its strings; NULL when there is no memory. */
struct note *note_create(const struct note *note);

/* Takes a note over. Returns one that is to be freed, or NULL. */
struct note *notes_append(struct notes *notes, struct note *note);

/* Puts one before all others. */
void notes_prepend(struct notes *notes, struct note *note);

/* Takes all out: a list, NULL when there are none. It ends with notes_done() or notes_put_back().
 */
struct note *notes_take(struct notes *notes);
void notes_done(struct notes *notes);
void notes_put_back(struct notes *notes, struct note *list);

void note_list_free(struct note *list);

#endif
