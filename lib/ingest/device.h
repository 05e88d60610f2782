/* libavdevice, loaded when a camera of this machine is wanted. */
#ifndef INGEST_DEVICE_H
#define INGEST_DEVICE_H

#include <libavformat/avformat.h>

#include <rtsprec/error.h>

/*
 * The demuxer of that name ("v4l2"). Loads the library the first time and keeps it: it takes 80
 * further libraries and 16 MB of memory, which those who record from the network only do not pay.
 *
 * Returns 0 or RTSPREC_ERROR_UNSUPPORTED.
 *
 * Thread-safety: from any thread.
 */
int device_find(const AVInputFormat **out, const char *name, struct rtsprec_error *error);

#endif
