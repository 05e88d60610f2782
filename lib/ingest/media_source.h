/* The source of all that is no RTSP: HTTP, HLS, SRT, RTMP, files, devices of this machine. */
#ifndef INGEST_MEDIA_SOURCE_H
#define INGEST_MEDIA_SOURCE_H

#include "ingest/source.h"

/* As source_open(). */
int media_source_open(struct source **out, const struct source_options *options,
                      struct rtsprec_error *error);

#endif
