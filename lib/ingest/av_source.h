/* The source that libavformat opens. */
#ifndef INGEST_AV_SOURCE_H
#define INGEST_AV_SOURCE_H

#include "ingest/source.h"

/* As source_open(). */
int av_source_open(struct source **out, const struct source_options *options,
                   struct rtsprec_error *error);

#endif
