/*
 * Memory of the daemon's start-up. Whoever cannot get the few kilobytes of a configuration cannot
 * record either: these functions end the process with exit code 1 instead of failing.
 */
#ifndef RTSPRECD_HEAP_H
#define RTSPRECD_HEAP_H

#include <stddef.h>

/* Zeroed; freed by the caller with free(). Never NULL. */
void *heap_allocate(size_t count, size_t size);

/* The first @size bytes of @text and a NUL; freed by the caller. Never NULL. */
char *heap_copy(const char *text, size_t size);

/* Overwrites and frees a string that may be secret, sets *text to NULL. NULL is ignored. */
void heap_forget(char **text);

/* A growing string; {0} is the empty one. What it outgrows is overwritten. */
struct buffer {
    char *text; /* ends with a NUL once something was appended; else NULL */
    size_t size;
    size_t capacity;
};

void buffer_append(struct buffer *buffer, const char *text, size_t size);

/* Appends @text up to its NUL. */
void buffer_append_string(struct buffer *buffer, const char *text);

/*
 * Appends @text with control characters, quotes and backslashes escaped, at most @limit bytes of
 * it, then "...": fit for one line of a message.
 */
void buffer_append_escaped(struct buffer *buffer, const char *text, size_t limit);

/* Hands the string over; freed by the caller. Never NULL; the buffer is empty again. */
char *buffer_take(struct buffer *buffer);

void buffer_forget(struct buffer *buffer);

#endif
