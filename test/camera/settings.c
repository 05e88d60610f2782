#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "setting_keys.h"

struct entry {
    char *path;
    struct path_settings values;
    struct entry *next;
};

struct settings {
    struct path_settings defaults;
    struct entry *entries;
};

struct settings *settings_create(void)
{
    struct settings *settings = calloc(1, sizeof(*settings));

    if (settings != NULL)
        settings->defaults = setting_defaults;
    return settings;
}

void settings_destroy(struct settings **settings)
{
    if (*settings == NULL)
        return;
    for (struct entry *entry = (*settings)->entries, *next; entry != NULL; entry = next) {
        next = entry->next;
        free(entry->path);
        free(entry);
    }
    free(*settings);
    *settings = NULL;
}

static struct entry *entry_of(struct settings *settings, const char *path)
{
    struct entry *entry;

    for (entry = settings->entries; entry != NULL; entry = entry->next) {
        if (strcmp(entry->path, path) == 0)
            return entry;
    }
    if ((entry = calloc(1, sizeof(*entry))) == NULL)
        return NULL;
    if ((entry->path = strdup(path)) == NULL) {
        free(entry);
        return NULL;
    }
    entry->values = settings->defaults;
    entry->next = settings->entries;
    settings->entries = entry;
    return entry;
}

const struct path_settings *settings_of(struct settings *settings, const char *path)
{
    struct entry *entry = entry_of(settings, path);

    return entry != NULL ? &entry->values : NULL;
}

int settings_set(struct settings *settings, const char *path, const char *key, const char *value,
                 char *error, size_t error_size)
{
    int index = setting_find(key, error, error_size);
    struct entry *entry;

    if (index < 0)
        return -1;
    if (strcmp(path, "*") != 0 && path[0] != '/') {
        snprintf(error, error_size, "path '%s' does not begin with / and is not *", path);
        return -1;
    }
    if (strcmp(path, "*") != 0) {
        if ((entry = entry_of(settings, path)) == NULL) {
            snprintf(error, error_size, "out of memory");
            return -1;
        }
        if (setting_apply(&entry->values, index, value) == 0)
            return 0;
    } else if (setting_apply(&settings->defaults, index, value) == 0) {
        for (entry = settings->entries; entry != NULL; entry = entry->next)
            setting_apply(&entry->values, index, value);
        return 0;
    }
    snprintf(error, error_size, "%s=%s: expected %s, or off", key, value, setting_expected(index));
    return -1;
}
