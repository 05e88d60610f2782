#include "ingest/source.h"

#include "ingest/av_source.h"
#include "ingest/media_source.h"

int source_open(struct source **out, const struct source_options *options,
                struct rtsprec_error *error)
{
    return url_is_rtsp(options->url) ? av_source_open(out, options, error)
                                     : media_source_open(out, options, error);
}

int source_read(struct source *source, struct source_packet *out, struct rtsprec_error *error)
{
    return source->kind->read(source, out, error);
}

void source_close(struct source **source_pointer)
{
    struct source *source = *source_pointer;
    *source_pointer = NULL;
    if (source)
        source->kind->close(source);
}
