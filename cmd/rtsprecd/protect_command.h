/*
 * rtsprecd protect CAMERA FROM TO --why TEXT, rtsprecd unprotect CAMERA FROM TO.
 */
#ifndef RTSPRECD_PROTECT_COMMAND_H
#define RTSPRECD_PROTECT_COMMAND_H

int protect_command_run(int argc, char **argv);
int unprotect_command_run(int argc, char **argv);

#endif
