/*
 * How the value of each kind of key is read: checked, expanded, put into the settings.
 */
#ifndef RTSPRECD_VALUES_H
#define RTSPRECD_VALUES_H

#include <stdbool.h>

#include "keys.h"

/* Reports a value of another kind, "a number, expected an object". */
bool value_is(struct reader *reader, const struct node *value, enum node_kind kind);

key_read_fn value_read_whole;
key_read_fn value_read_number;
key_read_fn value_read_boolean;
key_read_fn value_read_switch; /* an object says yes, too; its members are not read */
key_read_fn value_read_choice;
key_read_fn value_read_text;

key_read_fn value_read_name;
key_read_fn value_read_url;
key_read_fn value_read_username;
key_read_fn value_read_password;
key_read_fn value_read_password_file;
key_read_fn value_read_ca_file;
key_read_fn value_read_mode;
key_read_fn value_read_time_zone;
key_read_fn value_read_output_directory;
key_read_fn value_read_also_keep_directory;

#endif
