/*
 * ${NAME} in the strings of a configuration: the environment variable's value. $${ is a plain ${.
 */
#ifndef RTSPRECD_EXPAND_H
#define RTSPRECD_EXPAND_H

#include <stddef.h>

/* Bytes of a text in which values are percent-encoded (RFC 3986, 2.1); begin == end: nowhere. */
struct expand_encoded {
    size_t begin, end;
};

/*
 * @param[out] out      the expanded text, freed by the caller; NULL after an error
 * @param[out] problem  "what, expected what", freed by the caller; NULL when there is none. It
 *                      names a variable, never the text or a value.
 */
void expand(char **out, const char *text, struct expand_encoded encoded, char **problem);

#endif
