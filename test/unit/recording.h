/* A clip recorded by segment.c: the file as a crash would leave it, and as it is closed. */
#ifndef RECORDING_H
#define RECORDING_H

#include "clip.h"
#include "image.h"

#include "segment/segment.h"

#define RECORDING_START_US INT64_C(1750000000123457)

struct recording_options {
    const char *clip;
    enum rtsprec_container container;
    int64_t duration_us;   /* how much of the clip */
    int64_t fragment_us;   /* 0: half a second */
    int64_t index_bytes;   /* of head room; 0: by itself */
    int64_t sound_from_us; /* sound before that is left out */
};

struct recording {
    struct image open, closed; /* owned */
    int count[2];              /* packets written of each track */
    int64_t first_us[2];       /* their first pts */
    struct segment_summary summary;
};

static inline void recording_make(struct recording *recording,
                                  const struct recording_options *options)
{
    struct clip clip;
    struct segment *segment;
    struct rtsprec_error error = {0};
    enum segment_end end;
    AVPacket *packet;
    *recording = (struct recording){0};
    clip_open(&clip, options->clip);
    int fd = memory_file(), copy = dup(fd);
    struct segment_options segment_options = {
        .fd = fd,
        .container = options->container,
        .stream = clip.stream,
        .start_wall_us = RECORDING_START_US,
        .duration_us = options->duration_us,
        .fragment_us = options->fragment_us ? options->fragment_us : SECOND / 2,
        .index_bytes = options->index_bytes,
    };
    require(segment_open(&segment, &segment_options, &error) == 0, "%s", error.text);
    while ((packet = clip_read(&clip, 0, options->duration_us)) != NULL) {
        int track = packet->stream_index;
        int64_t pts_us = av_rescale_q(packet->pts, clip.stream->tracks[track].time_base, us);
        if (track == 0 || pts_us >= options->sound_from_us) {
            if (recording->count[track]++ == 0)
                recording->first_us[track] = pts_us;
            require(segment_write(segment, packet, &error) == 0, "%s", error.text);
        }
        av_packet_free(&packet);
    }
    recording->open = image_of_fd(copy);
    require(segment_close(&segment, &recording->summary, &end, &error) == 0, "%s", error.text);
    assert_int_equal(end, SEGMENT_COMPLETE);
    recording->closed = image_of_fd(copy);
    close(copy);
    clip_close(&clip);
}

static inline void recording_uninit(struct recording *recording)
{
    image_uninit(&recording->open);
    image_uninit(&recording->closed);
}

#endif
