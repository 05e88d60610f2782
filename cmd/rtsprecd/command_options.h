/*
 * What subcommands that look at archives have in common: options, and which archives are meant.
 */
#ifndef RTSPRECD_COMMAND_OPTIONS_H
#define RTSPRECD_COMMAND_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/archive.h>

#include "command.h"
#include "config.h"
#include "limits.h"

#define COMMAND_MOST_ARGUMENTS 3

/* Options that a command may take besides --config, --archive and --help. */
enum command_option {
    COMMAND_OPTION_TIMES = 1,   /* --from, --to */
    COMMAND_OPTION_JSON = 2,    /* --json */
    COMMAND_OPTION_ASCII = 4,   /* --ascii */
    COMMAND_OPTION_WHY = 8,     /* --why */
    COMMAND_OPTION_DRY_RUN = 16 /* --dry-run */
};

/* What a command takes. */
struct command_usage {
    const char *help; /* what --help prints */
    int options;      /* of enum command_option */
    int least, most;  /* arguments that are no options */
};

struct command_options {
    const char *arguments[COMMAND_MOST_ARGUMENTS]; /* those that are not given are NULL */
    const char *archive;                           /* --archive; NULL: those of the configuration */
    const char *why;                               /* NULL: not given */
    int64_t from_us, to_us;                        /* INT64_MIN, INT64_MAX: not given */
    bool json, ascii, dry_run;

    struct config config; /* {0} with --archive and no --config */
    struct limits_list list;
    const char **directories; /* of the archives, each once */
    size_t directory_count;
};

/* The command goes on. */
#define COMMAND_GO_ON (-1)

/*
 * Reads the command line and the configuration, whose time zone is in force then.
 *
 * Returns COMMAND_GO_ON, or the exit code after --help or a line on stderr; forgotten in any case.
 */
int command_options_parse(struct command_options *options, const struct command_usage *usage,
                          int argc, char **argv);
void command_options_forget(struct command_options *options);

/* Does something with each archive, opened. Returns the exit code: 0, or EXIT_RUNTIME when one of
 * them could not be opened or do() said so, after a line on stderr. */
int command_each_archive(const struct command_options *options,
                         int (*act)(void *user, struct rtsprec_archive *archive,
                                    const char *directory),
                         void *user);

/* The same with those archives only that know the camera of that name, if there is one; that none
 * does is a failure. */
int command_each_archive_of(const struct command_options *options, const char *camera,
                            int (*act)(void *user, struct rtsprec_archive *archive,
                                       const char *directory),
                            void *user);

/* "rtsprecd: " and what is wrong, to stderr. Returns EXIT_RUNTIME. */
int command_fail(const struct rtsprec_error *error);

#endif
