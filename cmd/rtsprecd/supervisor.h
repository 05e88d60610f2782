/*
 * The cameras of a configuration, recording.
 */
#ifndef RTSPRECD_SUPERVISOR_H
#define RTSPRECD_SUPERVISOR_H

#include "config.h"
#include "log_sink.h"

/*
 * Thread-safety: one thread at a time. It leaves signal masks alone: its threads inherit the
 * caller's.
 */
struct supervisor;

/*
 * Starts every camera that the configuration wants recorded. What happens to them goes to @sink,
 * and so does the reason of a failure. Both must outlive the supervisor; the configuration's
 * secrets are not needed any more.
 *
 * Returns NULL after a failure: nothing runs then.
 */
struct supervisor *supervisor_create(const struct config *config, struct log_sink *sink);

/* Asks every camera to stop, returns at once. */
void supervisor_request_stop(struct supervisor *supervisor);

/* Stops the cameras, returns when every file is closed. NULL is ignored. */
void supervisor_destroy(struct supervisor *supervisor);

#endif
