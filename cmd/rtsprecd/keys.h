/*
 * The table of all keys a configuration may have. A new key is one row of it, a member of struct
 * settings, a line in config/rtsprecd.example.json, in config/rtsprecd.schema.json and in
 * docs/configuration.md; a test compares them.
 */
#ifndef RTSPRECD_KEYS_H
#define RTSPRECD_KEYS_H

#include <stddef.h>

#include "diagnostics.h"
#include "json_node.h"
#include "settings.h"

/* The objects a key may stand in. */
enum key_level {
    KEY_LEVEL_TOP = 1,
    KEY_LEVEL_GLOBAL = 2,
    KEY_LEVEL_CAMERA = 4,
    KEY_LEVEL_RECORDING = 8,
    KEY_LEVEL_TRANSCODE = 16,
    KEY_LEVEL_TIMELAPSE = 32,
};

/* One of the words a value may be. */
struct choice {
    const char *name;
    int value;
};

/* What reading needs besides the value. */
struct reader {
    struct diagnostics *diagnostics;
    const char *directory; /* of the configuration file, with its slash; "" when it has none */
};

struct key;

/* Checks @value and sets the key's member of @settings, or reports what is wrong. */
typedef void key_read_fn(struct reader *reader, const struct key *key, const struct node *value,
                         struct settings *settings);

struct key {
    const char *name;
    unsigned levels;   /* enum key_level, or-ed */
    key_read_fn *read; /* NULL: an object or array that the caller walks into */
    size_t offset;     /* of the member of struct settings */
    double least, most;
    const struct choice *choices; /* ends with a NULL name */
};

extern const struct key keys[]; /* ends with a NULL name */

/*
 * Reads the members of @object, which belong to @level, into @settings; those of "recording",
 * "transcode" and "timelapse" included.
 * Members without a reader are left to the caller; unknown ones are reported.
 */
void keys_read(struct reader *reader, const struct node *object, enum key_level level,
               struct settings *settings);

#endif
