/*
 * The answer to DESCRIBE, and all the ways in which cameras write it.
 */
#ifndef CAMERA_DESCRIBE_H
#define CAMERA_DESCRIBE_H

#include "reply.h"

/** Extra media are called streamid=100 and so on. */
enum { DESCRIBE_EXTRA = 100 };

/** Queues the answer. Returns 0, or -1 to close the connection. */
int describe(struct exchange *ex);

#endif
