/*
 * rtsprecd rescan: makes the catalogs agree with the files.
 */
#ifndef RTSPRECD_RESCAN_COMMAND_H
#define RTSPRECD_RESCAN_COMMAND_H

int rescan_command_run(int argc, char **argv);

#endif
