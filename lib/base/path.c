#include "base/path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One name further; takes the directory, which is resolved. */
static char *descend(char *directory, const char *name, size_t length)
{
    if (length == 0 || (length == 1 && name[0] == '.'))
        return directory;
    if (length == 2 && strncmp(name, "..", 2) == 0) {
        char *slash = strrchr(directory, '/');
        slash[slash == directory] = '\0';
        return directory;
    }
    char *joined = NULL;
    const char *parent = strcmp(directory, "/") == 0 ? "" : directory;
    if (asprintf(&joined, "%s/%.*s", parent, (int)length, name) < 0)
        joined = NULL;
    free(directory);
    char *real = joined ? realpath(joined, NULL) : NULL;
    if (!real)
        return joined;
    free(joined);
    return real;
}

char *path_resolve(const char *path)
{
    char *resolved = realpath(*path == '/' ? "/" : ".", NULL);
    while (resolved && *path) {
        size_t length = strcspn(path, "/");
        resolved = descend(resolved, path, length);
        path += length + (path[length] == '/');
    }
    return resolved;
}

bool path_is_within(const char *path, const char *directory)
{
    size_t length = strlen(directory);
    if (strcmp(directory, "/") == 0)
        return true;
    return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}
