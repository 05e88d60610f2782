#include "ingest/source.h"

#include <assert.h>

#include "ingest/av_source.h"
#include "ingest/media_source.h"
#include "ingest/rtsp_source.h"

int source_open(struct source **out, const struct source_options *options,
                struct rtsprec_error *error)
{
    if (!url_is_rtsp(options->url))
        return media_source_open(out, options, error);
    return options->ingest == RTSPREC_INGEST_OWN ? rtsp_source_open(out, options, error)
                                                 : av_source_open(out, options, error);
}

int source_read(struct source *source, struct source_packet *out, struct rtsprec_error *error)
{
    return source->kind->read(source, out, error);
}

void source_begin_turn(struct source *source, uint8_t *buffer, bool waits)
{
    assert(source->takes_turns);
    source->kind->begin_turn(source, buffer, waits);
}

bool source_end_turn(struct source *source)
{
    return source->kind->end_turn(source);
}

void source_close(struct source **source_pointer)
{
    struct source *source = *source_pointer;
    *source_pointer = NULL;
    if (source)
        source->kind->close(source);
}
