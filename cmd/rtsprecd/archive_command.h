/*
 * rtsprecd repair DIRECTORY, rtsprecd verify DIRECTORY|FILE: a line per file to stdout, a closing
 * line.
 */
#ifndef RTSPRECD_ARCHIVE_COMMAND_H
#define RTSPRECD_ARCHIVE_COMMAND_H

/* Return the exit code: 0, 1, 64. */
int repair_command_run(int argc, char **argv);
int verify_command_run(int argc, char **argv);

#endif
