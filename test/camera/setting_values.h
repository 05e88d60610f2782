/*
 * How the values of settings are written.
 */
#ifndef CAMERA_SETTING_VALUES_H
#define CAMERA_SETTING_VALUES_H

#include "settings.h"

/** One key of the settings. */
struct setting_key {
    const char *name;
    /** Reads a value that is not "off" into the member. Returns 0 or -1. */
    int (*parse)(void *member, const char *value, const struct setting_key *key);
    size_t offset, size; /**< of the member in path_settings */
    const char *expected;
    double min, max;            /**< of numbers */
    const char *const *choices; /**< words; the first is the default */
};

/* The readers of values: each into a member of the type that path_settings has for its keys. */
int value_moment(void *member, const char *value, const struct setting_key *key);
int value_timed_seconds(void *member, const char *value, const struct setting_key *key);
int value_timed_number(void *member, const char *value, const struct setting_key *key);
int value_choice(void *member, const char *value, const struct setting_key *key);
int value_integer(void *member, const char *value, const struct setting_key *key);
int value_number(void *member, const char *value, const struct setting_key *key);
int value_stall(void *member, const char *value, const struct setting_key *key);
int value_switch(void *member, const char *value, const struct setting_key *key);
int value_delay(void *member, const char *value, const struct setting_key *key);
int value_redirect(void *member, const char *value, const struct setting_key *key);
int value_auth(void *member, const char *value, const struct setting_key *key);
int value_stale(void *member, const char *value, const struct setting_key *key);
int value_set(void *member, const char *value, const struct setting_key *key);
int value_flood(void *member, const char *value, const struct setting_key *key);
int value_length(void *member, const char *value, const struct setting_key *key);
int value_timeout(void *member, const char *value, const struct setting_key *key);
int value_multicast(void *member, const char *value, const struct setting_key *key);
int value_in_band(void *member, const char *value, const struct setting_key *key);
int value_reports(void *member, const char *value, const struct setting_key *key);
int value_rtp_time(void *member, const char *value, const struct setting_key *key);
int value_request(void *member, const char *value, const struct setting_key *key);
int value_base(void *member, const char *value, const struct setting_key *key);
int value_extra(void *member, const char *value, const struct setting_key *key);
int value_text(void *member, const char *value, const struct setting_key *key);

#endif
