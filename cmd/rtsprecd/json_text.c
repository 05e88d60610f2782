#include "json_text.h"

#include <jansson.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"
#include "json_scan.h"
#include "text_file.h"

struct json_text {
    json_t *values; /* what the nodes' strings live in */
    struct node *root;
};

/* Jansson's memory knows its size, so that it can be overwritten: its strings are passwords. */
union block {
    size_t size;
    max_align_t aligned;
};

static void *allocate_known(size_t size)
{
    union block *block = heap_allocate(1, sizeof(*block) + size);

    block->size = size;
    return block + 1;
}

static void free_known(void *memory)
{
    union block *block = memory;

    if (block == NULL)
        return;
    block--;
    explicit_bzero(block + 1, block->size);
    free(block);
}

/* Gives each node its value; duplicate keys were reported, Jansson keeps their last value. */
static void attach(struct node *node, const json_t *value)
{
    switch (node->kind) {
    case NODE_STRING:
        node->string = json_string_value(value);
        break;
    case NODE_NUMBER:
        node->number = json_number_value(value);
        break;
    case NODE_BOOLEAN:
        node->boolean = json_is_true(value);
        break;
    case NODE_OBJECT:
    case NODE_ARRAY:
    case NODE_NULL:
        break;
    }
    for (struct node *child = node->first; child != NULL; child = child->next)
        attach(child, node->kind == NODE_OBJECT ? json_object_get(value, child->key)
                                                : json_array_get(value, child->index));
}

/* What our scanner cannot see, such as a number beyond a double. */
static void report(struct diagnostics *diagnostics, const json_error_t *error, size_t size)
{
    size_t at = error->position > 0 ? (size_t)error->position - 1 : 0;

    if (json_error_code(error) == json_error_numeric_overflow)
        diagnostics_error(diagnostics, place_of_offset(NULL, at < size ? at : size),
                          "a number that is too large, expected one below 1e308");
    else
        diagnostics_error(diagnostics, place_of_offset(NULL, at < size ? at : size),
                          "no valid JSON, expected RFC 8259");
}

static bool has_only_characters(const char *text, size_t size, struct diagnostics *diagnostics)
{
    const char *nul = memchr(text, '\0', size);
    size_t invalid = text_find_invalid_utf8(text, size);

    if (invalid < size)
        diagnostics_error(diagnostics, place_of_offset(NULL, invalid),
                          "a byte that is no UTF-8, expected a text in UTF-8");
    if (nul != NULL)
        diagnostics_error(diagnostics, place_of_offset(NULL, (size_t)(nul - text)),
                          "a NUL byte, expected a text");
    return invalid == size && nul == NULL;
}

struct json_text *json_text_parse(const char *text, size_t size, struct diagnostics *diagnostics)
{
    struct json_text *json = NULL;
    size_t errors = diagnostics->errors;
    char *plain = NULL;
    json_error_t error;

    if (!has_only_characters(text, size, diagnostics))
        return NULL;
    json_set_alloc_funcs(allocate_known, free_known);
    json = heap_allocate(1, sizeof(*json));
    plain = heap_copy(text, size);
    json_blank_comments(plain, size, diagnostics);
    if (diagnostics->errors > errors)
        goto fail;
    json->root = json_scan(plain, size, diagnostics);
    if (json->root == NULL)
        goto fail;
    if (json->root->kind != NODE_OBJECT) {
        diagnostics_error(diagnostics, place_of_value(json->root), "%s, expected an object",
                          node_kind_name(json->root->kind));
        goto fail;
    }
    json->values = json_loadb(plain, size, JSON_DECODE_INT_AS_REAL, &error);
    if (json->values == NULL) {
        report(diagnostics, &error, size);
        goto fail;
    }
    attach(json->root, json->values);
    goto done;

fail:
    json_text_destroy(&json);
done:
    heap_forget(&plain);
    return json;
}

const struct node *json_text_root(const struct json_text *json)
{
    return json->root;
}

void json_text_destroy(struct json_text **json)
{
    if (*json == NULL)
        return;
    node_destroy(&(*json)->root);
    json_decref((*json)->values);
    free(*json);
    *json = NULL;
}
