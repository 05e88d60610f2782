/* What a camera or the network did, in our terms. */
#ifndef INGEST_FAILURE_H
#define INGEST_FAILURE_H

#include <rtsprec/error.h>

#include "base/cancel.h"

/* A status of RTSP or HTTP that is no success. Fills *error and returns its code. */
int failure_of_status(int status, const char *what, struct rtsprec_error *error);

/*
 * What ended a call of libavformat or of a socket (AVERROR(errno)). The cause of an interruption is
 * taken from cancel: libavformat's codes for it mean nothing.
 */
int failure_of_averror(struct cancel *cancel, int averror, const char *what,
                       struct rtsprec_error *error);

/* A stop or the deadline of the call in progress, whichever it was. */
int failure_of_interruption(struct cancel *cancel, const char *what, struct rtsprec_error *error);

#endif
