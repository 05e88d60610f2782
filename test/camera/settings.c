#include "settings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char *path;
    struct path_settings values;
    struct entry *next;
};

struct settings {
    struct path_settings defaults;
    struct entry *entries;
};

static const struct path_settings built_in = {
    .speed = 1,
    .stall_us = SETTINGS_NEVER,
    .close_us = SETTINGS_NEVER,
    .jump_us = SETTINGS_NEVER,
    .switch_us = SETTINGS_NEVER,
};

/* Reads seconds up to `end`; NULL: not a number. */
static const char *parse_seconds(const char *text, int64_t *out_us)
{
    char *end;
    double seconds = strtod(text, &end);

    if (end == text || !isfinite(seconds) || fabs(seconds) > 1e9)
        return NULL;
    *out_us = (int64_t)llround(seconds * 1e6);
    return end;
}

static int parse_moment(const char *text, int64_t *out_us)
{
    int64_t us;
    const char *end = parse_seconds(text, &us);

    if (end == NULL || *end != '\0' || us < 0)
        return -1;
    *out_us = us;
    return 0;
}

/* Each of these takes a value that is not "off" and returns 0 or -1. */

static int set_answer(struct path_settings *s, const char *value)
{
    s->no_answer = strcmp(value, "no") == 0;
    return s->no_answer || strcmp(value, "yes") == 0 ? 0 : -1;
}

static int set_start(struct path_settings *s, const char *value)
{
    s->start_live = strcmp(value, "live") == 0;
    return s->start_live || strcmp(value, "0") == 0 ? 0 : -1;
}

static int set_speed(struct path_settings *s, const char *value)
{
    char *end;

    s->speed = strtod(value, &end);
    return end != value && *end == '\0' && s->speed >= 0.01 && s->speed <= 1000 ? 0 : -1;
}

static int set_status(struct path_settings *s, const char *value)
{
    char *end;
    long status = strtol(value, &end, 10);

    s->status = (int)status;
    return end != value && *end == '\0' && status >= 200 && status <= 599 ? 0 : -1;
}

static int set_stall(struct path_settings *s, const char *value)
{
    int all = strncmp(value, "all:", 4) == 0, sound = strncmp(value, "sound:", 6) == 0;
    s->stall_video = !sound;
    s->stall_sound = all || sound;
    return parse_moment(all ? value + 4 : sound ? value + 6 : value, &s->stall_us);
}

static int set_close(struct path_settings *s, const char *value)
{
    return parse_moment(value, &s->close_us);
}

static int set_jump(struct path_settings *s, const char *value)
{
    const char *end = parse_seconds(value, &s->jump_us);

    if (end == NULL || *end != ':' || s->jump_us < 0)
        return -1;
    end = parse_seconds(end + 1, &s->jump_by_us);
    return end != NULL && *end == '\0' ? 0 : -1;
}

static int set_switch(struct path_settings *s, const char *value)
{
    const char *end = parse_seconds(value, &s->switch_us);

    if (end == NULL || *end != ':' || s->switch_us < 0 || end[1] == '\0' ||
        strlen(end + 1) >= sizeof(s->switch_clip))
        return -1;
    strcpy(s->switch_clip, end + 1);
    return 0;
}

/* A new fault: a member of path_settings, a row here, and the question where it acts. */
static const struct {
    const char *key;
    int (*set)(struct path_settings *s, const char *value);
    const char *off;
    const char *expected;
} keys[] = {
    {"start", set_start, "0", "0 or live"},
    {"speed", set_speed, "1", "a factor from 0.01 to 1000"},
    {"answer", set_answer, "yes", "yes or no"},
    {"status", set_status, NULL, "a status from 200 to 599"},
    {"stall", set_stall, NULL, "SECONDS, all:SECONDS or sound:SECONDS"},
    {"close", set_close, NULL, "SECONDS"},
    {"jump", set_jump, NULL, "SECONDS:DELTA_SECONDS"},
    {"switch", set_switch, NULL, "SECONDS:CLIP"},
};

enum { KEYS = sizeof(keys) / sizeof(keys[0]) };

/* Keys without a neutral value: what they set goes back to the built-in. */
static void switch_off(struct path_settings *s, const char *key)
{
    if (strcmp(key, "status") == 0)
        s->status = built_in.status;
    else if (strcmp(key, "stall") == 0)
        s->stall_us = built_in.stall_us;
    else if (strcmp(key, "close") == 0)
        s->close_us = built_in.close_us;
    else if (strcmp(key, "jump") == 0)
        s->jump_us = built_in.jump_us;
    else if (strcmp(key, "switch") == 0)
        s->switch_us = built_in.switch_us;
}

static int apply(struct path_settings *s, int key, const char *value)
{
    struct path_settings changed = *s;

    if (strcmp(value, "off") != 0) {
        if (keys[key].set(&changed, value) < 0)
            return -1;
    } else if (keys[key].off != NULL) {
        keys[key].set(&changed, keys[key].off);
    } else {
        switch_off(&changed, keys[key].key);
    }
    *s = changed;
    return 0;
}

struct settings *settings_create(void)
{
    struct settings *settings = calloc(1, sizeof(*settings));

    if (settings != NULL)
        settings->defaults = built_in;
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

static int find_key(const char *key, char *error, size_t error_size)
{
    int used;

    for (int i = 0; i < KEYS; i++) {
        if (strcmp(keys[i].key, key) == 0)
            return i;
    }
    used = snprintf(error, error_size, "unknown key '%s', expected one of", key);
    for (int i = 0; i < KEYS && used > 0 && (size_t)used < error_size; i++)
        used += snprintf(error + used, error_size - (size_t)used, " %s", keys[i].key);
    return -1;
}

int settings_set(struct settings *settings, const char *path, const char *key, const char *value,
                 char *error, size_t error_size)
{
    int index = find_key(key, error, error_size);
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
        if (apply(&entry->values, index, value) == 0)
            return 0;
    } else if (apply(&settings->defaults, index, value) == 0) {
        for (entry = settings->entries; entry != NULL; entry = entry->next)
            apply(&entry->values, index, value);
        return 0;
    }
    snprintf(error, error_size, "%s=%s: expected %s, or off", key, value, keys[index].expected);
    return -1;
}
