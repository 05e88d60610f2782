/*
 * rtsprecd retention: keeps archives within the limits of the configuration, or says what it would
 * delete.
 */
#ifndef RTSPRECD_RETENTION_COMMAND_H
#define RTSPRECD_RETENTION_COMMAND_H

#include "command_options.h"

int retention_command_run(int argc, char **argv);

/* The limits of an archive; NULL after a line on stderr. */
const struct archive_limits *retention_command_limits(const struct command_options *options,
                                                      const char *directory);

/* A reason in the words of the configuration. */
const char *retention_command_reason(int reason);

#endif
