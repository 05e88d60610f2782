/*
 * JSON with comments, parsed by Jansson, each value with its place.
 */
#ifndef RTSPRECD_JSON_TEXT_H
#define RTSPRECD_JSON_TEXT_H

#include <stddef.h>

#include "diagnostics.h"
#include "json_node.h"

struct json_text;

/*
 * Parses @text, which is not changed and not kept. The values may be secret: what was copied of
 * them is overwritten when it is freed.
 *
 * Returns NULL after errors, which are in @diagnostics; freed with json_text_destroy().
 */
struct json_text *json_text_parse(const char *text, size_t size, struct diagnostics *diagnostics);

/* An object; lives as long as the text. */
const struct node *json_text_root(const struct json_text *json);

/* Sets *json to NULL; NULL is ignored. */
void json_text_destroy(struct json_text **json);

#endif
