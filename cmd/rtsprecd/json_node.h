/*
 * The values of a JSON text with their places: what Jansson does not keep.
 */
#ifndef RTSPRECD_JSON_NODE_H
#define RTSPRECD_JSON_NODE_H

#include <stdbool.h>
#include <stddef.h>

enum node_kind {
    NODE_OBJECT,
    NODE_ARRAY,
    NODE_STRING,
    NODE_NUMBER,
    NODE_BOOLEAN,
    NODE_NULL,
};

/* A value. The tree belongs to the struct json_text that holds its root. */
struct node {
    enum node_kind kind;
    size_t offset; /* of its first byte in the text */

    struct node *parent; /* NULL: the root */
    char *key;           /* in an object; else NULL */
    size_t key_offset;
    size_t key_size; /* in the text, quotes included */
    size_t index;    /* in an array, from 0 */

    struct node *first, *last; /* children in the order of the text, duplicate keys among them */
    struct node *next;
    bool superseded; /* the same key comes again: not to be read */

    /* Borrowed from Jansson; the one that belongs to the kind. */
    const char *string;
    double number;
    bool boolean;
};

/* A new last child of @parent (NULL: a root). */
struct node *node_create(struct node *parent, enum node_kind kind, size_t offset);

/* Destroys it with its children and sets *node to NULL; NULL is ignored. */
void node_destroy(struct node **node);

/* The member @key, the last of duplicates; NULL: there is none or it is no object. */
const struct node *node_find(const struct node *object, const char *key);

/* A kind with its article: "an object". */
const char *node_kind_name(enum node_kind kind);

/*
 * "$.cameras[2].recording.mode", with @member, when not NULL, behind it; freed by the caller.
 * Credentials in a key that is really a URL are masked.
 */
char *node_path(const struct node *node, const char *member);

#endif
