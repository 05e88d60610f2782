/*
 * The command line.
 */
#ifndef RTSPRECD_ARGUMENTS_H
#define RTSPRECD_ARGUMENTS_H

#include <stdbool.h>
#include <stdio.h>

enum arguments_action {
    ARGUMENTS_RUN,
    ARGUMENTS_CHECK_CONFIG,
    ARGUMENTS_VERSION,
    ARGUMENTS_HELP,
};

struct arguments {
    enum arguments_action action;
    const char *config; /* NULL: not given */
    int log_level;      /* enum rtsprec_log_level; 0: not given */
};

/* Returns 0, or -1 after one line to @messages. Not reentrant, as getopt_long(). */
int arguments_parse(struct arguments *arguments, int argc, char **argv, FILE *messages);

/* What --help prints. */
extern const char arguments_help[];

#endif
