/* How URLs other than those of RTSP are opened and read. */
#ifndef INGEST_MEDIA_KIND_H
#define INGEST_MEDIA_KIND_H

#include <stdbool.h>

#include <libavutil/dict.h>

#include "ingest/source.h"

struct media_kind {
    const char *scheme;
    /* All that may be opened for it, whatever a playlist or a redirect asks for. */
    const char *protocols;
    bool is_device; /* the scheme is the name of a demuxer of libavdevice */
    bool is_paced;  /* could be read faster than it plays */
    int ahead_ppm;  /* see pace.h */
};

/* The kind of a URL; NULL: none of these. */
const struct media_kind *media_kind_of(const char *scheme);

/*
 * Adds the options with which each connection of a medium is opened, those of a playlist too: a
 * user agent, whose certificates are trusted, the protocols. Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int media_kind_connection(const struct media_kind *kind, const struct source_options *options,
                          AVDictionary **dictionary);

/*
 * Takes "?name=value&name=value" off a device's path, in *out, allocated: the options of its
 * demuxer. Returns 0, RTSPREC_ERROR_INVALID or RTSPREC_ERROR_NO_MEMORY.
 */
int media_kind_device(char **out, const char *path, AVDictionary **dictionary);

#endif
