#include "ingest/stream.h"

#include <assert.h>
#include <stdlib.h>

#include <rtsprec/error.h>

struct stream *stream_create(void)
{
    struct stream *stream = calloc(1, sizeof(*stream));
    if (stream)
        atomic_init(&stream->references, 1);
    return stream;
}

int stream_add_track(struct stream *stream, const AVCodecParameters *parameters,
                     AVRational time_base, int reorder_frames)
{
    assert(stream->track_count < STREAM_MAX_TRACKS);
    AVCodecParameters *copy = avcodec_parameters_alloc();
    if (!copy || avcodec_parameters_copy(copy, parameters) < 0) {
        avcodec_parameters_free(&copy);
        return RTSPREC_ERROR_NO_MEMORY;
    }
    stream->tracks[stream->track_count++] = (struct track){
        .parameters = copy,
        .time_base = time_base,
        .reorder_frames = reorder_frames,
    };
    return 0;
}

struct stream *stream_ref(struct stream *stream)
{
    atomic_fetch_add(&stream->references, 1);
    return stream;
}

void stream_unref(struct stream **stream_pointer)
{
    struct stream *stream = *stream_pointer;
    *stream_pointer = NULL;
    if (!stream || atomic_fetch_sub(&stream->references, 1) > 1)
        return;
    for (int i = 0; i < stream->track_count; i++)
        avcodec_parameters_free(&stream->tracks[i].parameters);
    free(stream);
}
