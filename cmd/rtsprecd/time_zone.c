#include "time_zone.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ZONES "/usr/share/zoneinfo"

/* Longer than any name there is. */
#define NAME_MAX_BYTES 100

/* A name, not a path to somewhere else nor a rule written out, which would be taken for UTC when it
 * is wrong. */
static bool is_name(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > NAME_MAX_BYTES || !isalpha((unsigned char)name[0]))
        return false;
    for (const char *at = name; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && strchr("/_+-", *at) == NULL)
            return false;
    }
    return true;
}

/* As the C library looks for it: a file that begins with "TZif". */
static bool is_known(const char *name)
{
    const char *directory = getenv("TZDIR");
    char path[4096], magic[4] = "";
    FILE *file;
    bool is_zone;

    if (strcmp(name, "UTC") == 0)
        return true;
    snprintf(path, sizeof(path), "%s/%s", directory != NULL ? directory : ZONES, name);
    file = fopen(path, "rbe");
    if (file == NULL)
        return false;
    is_zone = fread(magic, 1, sizeof(magic), file) == sizeof(magic) &&
              memcmp(magic, "TZif", sizeof(magic)) == 0;
    (void)fclose(file);
    return is_zone;
}

const char *time_zone_problem(const char *name)
{
    if (!is_name(name))
        return "is no name of a time zone, expected one such as \"Europe/Berlin\" or \"UTC\"";
    if (!is_known(name))
        return "is no time zone that this system knows, expected one such as \"Europe/Berlin\" "
               "or \"UTC\": a file in " ZONES " (Debian: tzdata)";
    return NULL;
}

void time_zone_use(const char *name)
{
    setenv("TZ", name, 1);
    tzset();
}
