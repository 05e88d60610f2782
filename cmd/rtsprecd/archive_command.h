/*
 * The subcommands that look after what is on disk: repair and verify.
 */
#ifndef RTSPRECD_ARCHIVE_COMMAND_H
#define RTSPRECD_ARCHIVE_COMMAND_H

#include <stdbool.h>

/* Whether the command line begins with one of them. */
bool archive_command_is_given(int argc, char **argv);

/* Runs it: a line per file to stdout, a closing line. Returns the exit code: 0, 1, 64. */
int archive_command_run(int argc, char **argv);

#endif
