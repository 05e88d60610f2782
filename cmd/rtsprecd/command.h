/*
 * The subcommands: what rtsprecd does besides recording.
 */
#ifndef RTSPRECD_COMMAND_H
#define RTSPRECD_COMMAND_H

/* Exit codes besides 0; 64 and 78 are those of sysexits.h. */
#define EXIT_RUNTIME 1
#define EXIT_USAGE   64
#define EXIT_CONFIG  78

struct command {
    const char *name;
    int (*run)(int argc, char **argv); /* argv[0] is the name; returns the exit code */
};

/* The command that a command line begins with; NULL: none, it is the daemon's. */
const struct command *command_find(int argc, char **argv);

#endif
