/* Text as it lies in a received message. Pure. */
#ifndef INGEST_TEXT_H
#define INGEST_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of a buffer, not terminated; valid as long as the buffer. {0}: absent, which is not the
 * same as empty. */
struct text {
    const char *data;
    size_t size;
};

bool text_equals(struct text text, const char *string); /* without case; absent equals nothing */
struct text text_trim(struct text text);                /* without white space around it */

/* Text to number, decimal; fallback when it is none or beyond int64. */
int64_t text_number(struct text text, int64_t fallback);

/* Takes the text up to the separator off *rest. Once all is taken *rest is absent, and so is what
 * is taken of it. */
struct text text_split(struct text *rest, char separator);

#endif
