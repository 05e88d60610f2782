/* The source for rtsp:// and rtsps://: our session and the depacketisers. */
#ifndef INGEST_RTSP_SOURCE_H
#define INGEST_RTSP_SOURCE_H

#include "ingest/source.h"

/* As source_open(). */
int rtsp_source_open(struct source **out, const struct source_options *options,
                     struct rtsprec_error *error);

#endif
