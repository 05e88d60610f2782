#include "keeper/notes.h"

#include <stdlib.h>
#include <string.h>

void notes_init(struct notes *notes, int most)
{
    *notes = (struct notes){.most = most};
}

void notes_uninit(struct notes *notes)
{
    note_list_free(notes->first);
    notes->first = NULL;
}

void note_list_free(struct note *list)
{
    while (list) {
        struct note *next = list->next;
        free(list);
        list = next;
    }
}

static size_t size_of(const char *text)
{
    return text ? strlen(text) + 1 : 0;
}

/* Copies a string to *end and moves that behind it; NULL stays NULL. */
static const char *take_string(const char *text, char **end)
{
    if (!text)
        return NULL;
    size_t size = size_of(text);
    char *copy = memcpy(*end, text, size);
    *end += size;
    return copy;
}

struct note *note_create(const struct note *note)
{
    struct note *copy = malloc(sizeof(*copy) + size_of(note->camera) + size_of(note->path));
    if (!copy)
        return NULL;
    *copy = *note;
    char *end = copy->strings;
    copy->next = NULL;
    copy->camera = take_string(note->camera, &end);
    copy->path = take_string(note->path, &end);
    return copy;
}

/* The last two notes of the same camera and kind; NULL where there is none. */
static void find_last(struct notes *notes, const struct note *like, struct note **last,
                      struct note **before)
{
    *last = *before = NULL;
    for (struct note *note = notes->first; note; note = note->next) {
        if (note->kind != like->kind || strcmp(note->camera, like->camera) != 0)
            continue;
        *before = *last;
        *last = note;
    }
}

/* Puts into a full list what must not be missing there; false: it is to be appended all the same,
 * which happens at most twice for each camera. */
static bool merge(struct notes *notes, const struct note *note)
{
    struct note *last, *before;
    find_last(notes, note, &last, &before);
    notes->is_lossy = true;
    if (!last)
        return false;
    if (note->kind == NOTE_HOLE) {
        last->start_us = note->start_us < last->start_us ? note->start_us : last->start_us;
        last->end_us = note->end_us > last->end_us ? note->end_us : last->end_us;
        return true;
    }
    /* What it was before is not known any more; what it is now has to stay right. */
    if (!before || before->reason != RTSPREC_COVERAGE_UNKNOWN) {
        last->reason = RTSPREC_COVERAGE_UNKNOWN;
        return false;
    }
    last->reason = note->reason;
    last->start_us = note->start_us;
    return true;
}

struct note *notes_append(struct notes *notes, struct note *note)
{
    if (notes->count + notes->taken >= notes->most) {
        if (note->kind == NOTE_SEGMENT) {
            notes->is_torn = true;
            return note;
        }
        if (merge(notes, note))
            return note;
    }
    struct note **end = &notes->first;
    while (*end)
        end = &(*end)->next;
    *end = note;
    notes->count++;
    return NULL;
}

void notes_prepend(struct notes *notes, struct note *note)
{
    note->next = notes->first;
    notes->first = note;
    notes->count++;
}

struct note *notes_take(struct notes *notes)
{
    struct note *list = notes->first;
    notes->first = NULL;
    notes->taken = notes->count;
    notes->count = 0;
    return list;
}

void notes_done(struct notes *notes)
{
    notes->taken = 0;
}

void notes_put_back(struct notes *notes, struct note *list)
{
    struct note **end = &list;
    while (*end)
        end = &(*end)->next;
    *end = notes->first;
    notes->first = list;
    notes->count += notes->taken;
    notes->taken = 0;
}
