/*
 * Everything that is wrong with a configuration, in the order of its text.
 */
#ifndef RTSPRECD_DIAGNOSTICS_H
#define RTSPRECD_DIAGNOSTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <rtsprec/version.h>

#include "json_node.h"

struct diagnostic {
    size_t offset; /* in the text */
    size_t order;  /* of its coming, for equal offsets */
    char *text;    /* "$.path: what, expected what" */
};

/* {0} is the empty list. */
struct diagnostics {
    struct diagnostic *entries;
    size_t count, capacity;
    size_t errors; /* of them errors; the others are warnings */
};

/* Where something is wrong, and how that place is called. */
struct place {
    const struct node *node; /* NULL: the file as a whole */
    const char *member;      /* of the node, the one that is missing; else NULL */
    size_t offset;
};

struct place place_of_offset(const struct node *node, size_t offset);
struct place place_of_value(const struct node *node);
struct place place_of_key(const struct node *node);
struct place place_of_missing(const struct node *object, const char *member);

/* The text is "what, expected what": one line, no secret in it. */
void diagnostics_error(struct diagnostics *diagnostics, struct place place, const char *format, ...)
    RTSPREC_PRINTF(3, 4);
void diagnostics_warning(struct diagnostics *diagnostics, struct place place, const char *format,
                         ...) RTSPREC_PRINTF(3, 4);

/*
 * Writes "FILE:LINE:COLUMN: TEXT" for each, sorted by place; columns count characters from 1.
 * @text is what the offsets refer to.
 */
void diagnostics_print(struct diagnostics *diagnostics, FILE *out, const char *file,
                       const char *text, size_t size);

void diagnostics_uninit(struct diagnostics *diagnostics);

#endif
