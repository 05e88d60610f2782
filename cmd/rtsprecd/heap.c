#include "heap.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *heap_allocate(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    if (memory == NULL) {
        fputs("rtsprecd: out of memory\n", stderr);
        exit(EXIT_FAILURE);
    }
    return memory;
}

char *heap_copy(const char *text, size_t size)
{
    char *copy = heap_allocate(size + 1, 1);

    memcpy(copy, text, size);
    return copy;
}

void heap_forget(char **text)
{
    if (*text == NULL)
        return;
    explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void buffer_append(struct buffer *buffer, const char *text, size_t size)
{
    if (buffer->size + size + 1 > buffer->capacity) {
        size_t capacity = 2 * (buffer->size + size) + 64;
        char *grown = heap_allocate(capacity, 1);

        if (buffer->text != NULL) {
            memcpy(grown, buffer->text, buffer->size);
            explicit_bzero(buffer->text, buffer->size);
            free(buffer->text);
        }
        buffer->text = grown;
        buffer->capacity = capacity;
    }
    memcpy(buffer->text + buffer->size, text, size);
    buffer->size += size;
    buffer->text[buffer->size] = '\0';
}

void buffer_append_string(struct buffer *buffer, const char *text)
{
    buffer_append(buffer, text, strlen(text));
}

void buffer_append_escaped(struct buffer *buffer, const char *text, size_t limit)
{
    for (size_t i = 0; text[i] != '\0'; i++) {
        unsigned char c = (unsigned char)text[i];

        /* Only between characters: a byte 10xxxxxx continues the one before it. */
        if (i >= limit && (c & 0xc0) != 0x80) {
            buffer_append_string(buffer, "...");
            return;
        }
        if (c < 0x20 || c == 0x7f) {
            char escape[8];

            snprintf(escape, sizeof(escape), "\\x%02x", (unsigned)c);
            buffer_append_string(buffer, escape);
            continue;
        }
        if (c == '"' || c == '\\')
            buffer_append(buffer, "\\", 1);
        buffer_append(buffer, text + i, 1);
    }
}

char *buffer_take(struct buffer *buffer)
{
    char *text = buffer->text != NULL ? buffer->text : heap_copy("", 0);

    *buffer = (struct buffer){0};
    return text;
}

void buffer_forget(struct buffer *buffer)
{
    if (buffer->text != NULL)
        explicit_bzero(buffer->text, buffer->capacity);
    free(buffer->text);
    *buffer = (struct buffer){0};
}
