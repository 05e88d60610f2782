/*
 * The cameras of a configuration, recording.
 */
#ifndef RTSPRECD_SUPERVISOR_H
#define RTSPRECD_SUPERVISOR_H

#include <stdint.h>

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

/*
 * Brings every camera into the state that its schedule wants at this moment; never waits. Returns
 * after how long it is to be called again at the latest, µs; -1: no schedule ever changes. That is
 * a second at most, because the clock may be set at any time.
 */
int64_t supervisor_follow_schedules(struct supervisor *supervisor);

/* Asks every camera to stop, returns at once. */
void supervisor_request_stop(struct supervisor *supervisor);

/* Stops the cameras, returns when every file is closed. NULL is ignored. */
void supervisor_destroy(struct supervisor *supervisor);

#endif
