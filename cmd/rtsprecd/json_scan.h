/*
 * The grammar of JSON (RFC 8259) with the place of every value, and comments.
 */
#ifndef RTSPRECD_JSON_SCAN_H
#define RTSPRECD_JSON_SCAN_H

#include <stddef.h>

#include "diagnostics.h"
#include "json_node.h"

/* Objects and arrays inside one another; a configuration needs five. */
#define JSON_DEPTH_MAX 32
/* Values in a text, so that a hostile file costs little memory. */
#define JSON_VALUES_MAX 100000

/*
 * Overwrites comments (two slashes to the end of the line, or C's) with blanks; lines and offsets
 * stay. An unclosed comment is an error.
 */
void json_blank_comments(char *text, size_t size, struct diagnostics *diagnostics);

/*
 * Scans a text without comments: kinds, keys and places are set, values are not. Returns the root,
 * freed with node_destroy(), or NULL after the first error of syntax. Duplicate keys are errors
 * too, but do not end the scan.
 */
struct node *json_scan(const char *text, size_t size, struct diagnostics *diagnostics);

#endif
