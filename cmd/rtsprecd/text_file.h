/*
 * Small text files, read whole and bounded: the configuration, a password.
 */
#ifndef RTSPRECD_TEXT_FILE_H
#define RTSPRECD_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>

/* {0} is a file that was not read. */
struct text_file {
    char *text; /* owned, a NUL follows; NULL when nothing was read */
    size_t size;
    bool world_readable;
};

/*
 * Reads @path, at most @limit bytes.
 *
 * Returns NULL, or what is wrong in words: a constant string, or strerror()'s, valid until its next
 * call.
 */
const char *text_file_read(struct text_file *file, const char *path, size_t limit);

/* Overwrites and frees; {0} and a second call are fine. */
void text_file_forget(struct text_file *file);

/* Offset of the first byte that is not part of a UTF-8 character, or @size. */
size_t text_find_invalid_utf8(const char *text, size_t size);

#endif
