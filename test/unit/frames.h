/* What libavformat reads from a file, packet by packet; and a file that a crash left. */
#ifndef FRAMES_H
#define FRAMES_H

#include "recording.h"

#include <libavformat/avformat.h>

#define FRAMES_TRACKS 4

struct frame {
    int64_t pts, dts, duration; /* ticks of the track's time base */
    int64_t pos;                /* in the file */
    int size;
    uint64_t hash;
    bool is_key;
};

struct frame_list {
    struct frame *items; /* owned */
    size_t count, capacity;
    AVRational time_base;
};

struct frames {
    struct frame_list tracks[FRAMES_TRACKS];
    int track_count;
    int64_t duration_us; /* that the container says */
    bool is_open;        /* it is a media file */
    int result;          /* of the last read: AVERROR_EOF when it was read to its end */
};

static inline void frames_uninit(struct frames *frames)
{
    for (int i = 0; i < FRAMES_TRACKS; i++)
        free(frames->tracks[i].items);
    *frames = (struct frames){0};
}

static inline void frames_add(struct frame_list *list, const AVPacket *packet)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity * 2 + 256;
        list->items = realloc(list->items, list->capacity * sizeof(*list->items));
        assert_non_null(list->items);
    }
    list->items[list->count++] = (struct frame){
        .pts = packet->pts,
        .dts = packet->dts,
        .duration = packet->duration,
        .pos = packet->pos,
        .size = packet->size,
        .hash = hash_bytes(packet->data, (size_t)packet->size),
        .is_key = packet->flags & AV_PKT_FLAG_KEY,
    };
}

static inline struct frames frames_read(const char *path)
{
    struct frames frames = {0};
    AVFormatContext *format = NULL;
    AVPacket *packet = av_packet_alloc();
    if (avformat_open_input(&format, path, NULL, NULL) == 0) {
        frames.is_open = true;
        frames.track_count = (int)format->nb_streams;
        frames.duration_us = format->duration;
        assert_true(format->nb_streams <= FRAMES_TRACKS);
        while ((frames.result = av_read_frame(format, packet)) >= 0) {
            if (packet->stream_index < FRAMES_TRACKS)
                frames_add(&frames.tracks[packet->stream_index], packet);
            av_packet_unref(packet);
        }
        for (unsigned i = 0; i < format->nb_streams; i++)
            frames.tracks[i].time_base = format->streams[i]->time_base;
    }
    av_packet_free(&packet);
    avformat_close_input(&format);
    return frames;
}

static inline struct frames frames_read_fd(int fd)
{
    return frames_read(path_of_fd(fd));
}

/* The first frame of a track, of which there has to be one. */
static inline const struct frame *frames_first(const struct frames *frames, int track)
{
    if (frames->tracks[track].count == 0)
        abort();
    return &frames->tracks[track].items[0];
}

/*
 * Whether the first `count` frames of two lists are the same: bytes, key, and pts from the first
 * frame on. Returns their number, or the index of the first that differs.
 */
static inline size_t frames_same(const struct frame_list *a, const struct frame_list *b,
                                 size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (i >= a->count || i >= b->count)
            return i;
        const struct frame *one = &a->items[i], *other = &b->items[i];
        if (one->size != other->size || one->hash != other->hash || one->is_key != other->is_key ||
            one->pts - a->items[0].pts != other->pts - b->items[0].pts ||
            one->dts - a->items[0].dts != other->dts - b->items[0].dts)
            return i;
    }
    return count;
}

/* How many frames of a track, with so many bytes in front of each that belong to it, end before an
 * offset, and where the last of all tracks ends. */
static inline size_t frames_whole(const struct frame_list *list, size_t header_bytes, size_t size,
                                  uint64_t *end)
{
    size_t count = 0;
    for (; count < list->count; count++) {
        const struct frame *frame = &list->items[count];
        uint64_t frame_end = (uint64_t)frame->pos + header_bytes + (uint64_t)frame->size;
        if (frame_end > size)
            break;
        *end = frame_end > *end ? frame_end : *end;
    }
    return count;
}

/* A file as it was left open and what is in it. */
struct source {
    struct recording recording;
    struct frames frames;
    int fd; /* for what becomes of it */
};

static inline void source_init(struct source *source, const char *clip,
                               enum rtsprec_container container, int64_t duration_us)
{
    struct recording_options options = {
        .clip = clip,
        .container = container,
        .duration_us = duration_us,
    };
    recording_make(&source->recording, &options);
    source->fd = memory_file();
    image_store(source->fd, source->recording.open.data, source->recording.open.size);
    source->frames = frames_read_fd(source->fd);
    assert_int_equal(source->frames.result, AVERROR_EOF);
    /* What was not yet written out is at most a fragment. */
    require(source->frames.tracks[0].count + 13 >= (size_t)source->recording.count[0], "%zu of %d",
            source->frames.tracks[0].count, source->recording.count[0]);
}

static inline void source_uninit(struct source *source)
{
    close(source->fd);
    frames_uninit(&source->frames);
    recording_uninit(&source->recording);
}

#endif
