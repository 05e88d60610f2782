/*
 * Values for what is printed as JSON.
 */
#ifndef RTSPRECD_JSON_VALUE_H
#define RTSPRECD_JSON_VALUE_H

#include <stdint.h>

#include <jansson.h>

/* A string; what is no UTF-8, as a file's name may be, has '?' for each byte beyond ASCII. NULL is
 * null. */
json_t *json_value_text(const char *text);

/* "2026-11-22T21:45:00.123456Z" */
json_t *json_value_time(int64_t time_us);

/* Prints {NAME: LIST} as a document of its own, and gives the list back. Returns 0, or -1 when it
 * could not be printed. */
int json_value_print(const char *name, json_t *list);

#endif
