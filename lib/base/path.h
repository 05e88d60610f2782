/* Paths as text and what they lead to. */
#ifndef BASE_PATH_H
#define BASE_PATH_H

#include <stdbool.h>

/*
 * The absolute path to it, without ".", ".." and links as far as it exists; what does not exist yet
 * is taken as it stands. Freed by the caller; NULL without memory or a current directory.
 */
char *path_resolve(const char *path);

/* Whether a resolved path is the directory, resolved too, or lies in it. */
bool path_is_within(const char *path, const char *directory);

#endif
