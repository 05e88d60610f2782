/*
 * rtsprecd list [CAMERA]: the segments of the archives.
 */
#ifndef RTSPRECD_LIST_COMMAND_H
#define RTSPRECD_LIST_COMMAND_H

int list_command_run(int argc, char **argv);

#endif
