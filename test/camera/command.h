/*
 * The commands that a running camera takes on stdin, one per line.
 */
#ifndef CAMERA_COMMAND_H
#define CAMERA_COMMAND_H

#include "server.h"

/** `set PATH KEY VALUE` or `kick PATH`. What is wrong with it goes to stderr. Changes @p line. */
void command_run(struct server *server, char *line);

#endif
