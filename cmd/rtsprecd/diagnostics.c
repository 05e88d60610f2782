#include "diagnostics.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "heap.h"

struct place place_of_offset(const struct node *node, size_t offset)
{
    return (struct place){.node = node, .offset = offset};
}

struct place place_of_value(const struct node *node)
{
    return place_of_offset(node, node->offset);
}

struct place place_of_key(const struct node *node)
{
    return place_of_offset(node, node->key_offset);
}

struct place place_of_missing(const struct node *object, const char *member)
{
    return (struct place){.node = object, .member = member, .offset = object->offset};
}

static void RTSPREC_PRINTF(4, 0) add(struct diagnostics *diagnostics, struct place place,
                                     const char *severity, const char *format, va_list arguments)
{
    struct buffer line = {0};
    char text[1024];
    char *path = place.node != NULL ? node_path(place.node, place.member) : heap_copy("$", 1);

    vsnprintf(text, sizeof(text), format, arguments);
    buffer_append_string(&line, path);
    buffer_append_string(&line, ": ");
    buffer_append_string(&line, severity);
    buffer_append_string(&line, text);
    free(path);

    if (diagnostics->count == diagnostics->capacity) {
        size_t capacity = 2 * diagnostics->capacity + 16;
        struct diagnostic *grown = heap_allocate(capacity, sizeof(*grown));

        if (diagnostics->count > 0)
            memcpy(grown, diagnostics->entries, diagnostics->count * sizeof(*grown));
        free(diagnostics->entries);
        diagnostics->entries = grown;
        diagnostics->capacity = capacity;
    }
    diagnostics->entries[diagnostics->count] = (struct diagnostic){
        .offset = place.offset, .order = diagnostics->count, .text = buffer_take(&line)};
    diagnostics->count++;
}

void diagnostics_error(struct diagnostics *diagnostics, struct place place, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(diagnostics, place, "", format, arguments);
    va_end(arguments);
    diagnostics->errors++;
}

void diagnostics_warning(struct diagnostics *diagnostics, struct place place, const char *format,
                         ...)
{
    va_list arguments;

    va_start(arguments, format);
    add(diagnostics, place, "warning: ", format, arguments);
    va_end(arguments);
}

static int compare(const void *left, const void *right)
{
    const struct diagnostic *a = left, *b = right;

    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

void diagnostics_print(struct diagnostics *diagnostics, FILE *out, const char *file,
                       const char *text, size_t size)
{
    size_t at = 0, line = 1, column = 1;
    struct buffer name = {0};

    buffer_append_escaped(&name, file, strlen(file));
    if (diagnostics->count > 0)
        qsort(diagnostics->entries, diagnostics->count, sizeof(*diagnostics->entries), compare);
    for (size_t i = 0; i < diagnostics->count; i++) {
        const struct diagnostic *entry = &diagnostics->entries[i];

        for (; at < entry->offset && at < size; at++) {
            if (text[at] == '\n') {
                line++;
                column = 1;
            } else if (((unsigned char)text[at] & 0xc0) != 0x80) {
                column++;
            }
        }
        fprintf(out, "%s:%zu:%zu: %s\n", name.text != NULL ? name.text : "", line, column,
                entry->text);
    }
    buffer_forget(&name);
}

void diagnostics_uninit(struct diagnostics *diagnostics)
{
    for (size_t i = 0; i < diagnostics->count; i++)
        free(diagnostics->entries[i].text);
    free(diagnostics->entries);
    *diagnostics = (struct diagnostics){0};
}
