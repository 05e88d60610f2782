#include "json_node.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rtsprec/log.h>

#include "heap.h"

/* Bytes of a key shown in a path. */
#define KEY_SHOWN_MAX 64

struct node *node_create(struct node *parent, enum node_kind kind, size_t offset)
{
    struct node *node = heap_allocate(1, sizeof(*node));

    node->kind = kind;
    node->offset = offset;
    node->parent = parent;
    if (parent == NULL)
        return node;
    if (parent->last != NULL) {
        node->index = parent->last->index + 1;
        parent->last->next = node;
    } else {
        parent->first = node;
    }
    parent->last = node;
    return node;
}

/* Recursion ends: the scanner bounds the depth. */
void node_destroy(struct node **node)
{
    struct node *child, *next;

    if (*node == NULL)
        return;
    for (child = (*node)->first; child != NULL; child = next) {
        next = child->next;
        node_destroy(&child);
    }
    heap_forget(&(*node)->key);
    free(*node);
    *node = NULL;
}

const struct node *node_find(const struct node *object, const char *key)
{
    const struct node *found = NULL;

    for (const struct node *child = object->first; child != NULL; child = child->next) {
        if (child->key != NULL && strcmp(child->key, key) == 0)
            found = child;
    }
    return found;
}

const char *node_kind_name(enum node_kind kind)
{
    switch (kind) {
    case NODE_OBJECT:
        return "an object";
    case NODE_ARRAY:
        return "an array";
    case NODE_STRING:
        return "a string";
    case NODE_NUMBER:
        return "a number";
    case NODE_BOOLEAN:
        return "true or false";
    case NODE_NULL:
        break;
    }
    return "null";
}

static bool is_plain(const char *key)
{
    if (*key == '\0')
        return false;
    for (; *key != '\0'; key++) {
        if (!isalnum((unsigned char)*key) && *key != '_' && *key != '-')
            return false;
    }
    return true;
}

static void append_key(struct buffer *path, const char *key)
{
    char masked[512];

    if (is_plain(key) && strlen(key) <= KEY_SHOWN_MAX) {
        buffer_append_string(path, ".");
        buffer_append_string(path, key);
        return;
    }
    rtsprec_log_redact(masked, sizeof(masked), key);
    buffer_append_string(path, "[\"");
    buffer_append_escaped(path, masked, KEY_SHOWN_MAX);
    buffer_append_string(path, "\"]");
}

static void append_node(struct buffer *path, const struct node *node)
{
    char index[32];

    if (node->parent == NULL) {
        buffer_append_string(path, "$");
        return;
    }
    append_node(path, node->parent);
    if (node->key != NULL) {
        append_key(path, node->key);
        return;
    }
    snprintf(index, sizeof(index), "[%zu]", node->index);
    buffer_append_string(path, index);
}

char *node_path(const struct node *node, const char *member)
{
    struct buffer path = {0};

    append_node(&path, node);
    if (member != NULL) {
        buffer_append_string(&path, ".");
        buffer_append_string(&path, member);
    }
    return buffer_take(&path);
}
