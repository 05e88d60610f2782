/*
 * The daemon's configuration file. docs/configuration.md describes it.
 */
#ifndef RTSPRECD_CONFIG_H
#define RTSPRECD_CONFIG_H

#include <stddef.h>
#include <stdio.h>

#include "settings.h"

/* {0} is an empty configuration. */
struct config {
    struct settings global;
    struct settings *cameras;
    size_t count;
};

#define CONFIG_HERE   "config.json"
#define CONFIG_SYSTEM "/etc/rtsprec/config.json"

/* The file that counts: the given one, CONFIG_HERE or CONFIG_SYSTEM. NULL: there is none. */
const char *config_find(const char *given);

/*
 * Reads @path. Everything that is wrong with it goes to @messages, one line each; so do warnings,
 * which do not make it fail.
 *
 * Returns 0, or -1 after errors: @config is then empty.
 */
int config_load(struct config *config, const char *path, FILE *messages);

/* Makes its time zone that of the process; before there is a second thread. */
void config_use_time_zone(const struct config *config);

/* Overwrites URLs, user names and passwords, once nobody needs them any more. */
void config_forget_secrets(struct config *config);

void config_uninit(struct config *config);

#endif
