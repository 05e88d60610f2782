/*
 * The keys of the settings, and how their values are written.
 */
#ifndef CAMERA_SETTING_KEYS_H
#define CAMERA_SETTING_KEYS_H

#include "settings.h"

/** How a path behaves of which nothing was said. */
extern const struct path_settings setting_defaults;

/** The number of a key; -1: there is none, @p error says which there are. */
int setting_find(const char *key, char *error, size_t error_size);

/** Sets the key's member from @p value, "off" is the default. Returns 0 or -1 without a change. */
int setting_apply(struct path_settings *settings, int key, const char *value);

/** What the key takes, in words. */
const char *setting_expected(int key);

#endif
