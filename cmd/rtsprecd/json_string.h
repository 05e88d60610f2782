/*
 * One string literal of JSON.
 */
#ifndef RTSPRECD_JSON_STRING_H
#define RTSPRECD_JSON_STRING_H

#include <stddef.h>

#include "heap.h"

/*
 * Scans the literal whose opening quote stands at *at and moves *at behind its closing quote.
 * @decoded receives its characters; NULL: they are not wanted.
 *
 * Returns NULL, or what is wrong at *at, "what, expected what": a constant string.
 */
const char *json_string_scan(const char *text, size_t size, size_t *at, struct buffer *decoded);

#endif
