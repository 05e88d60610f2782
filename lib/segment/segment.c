#include "segment/segment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/mathematics.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/disk.h"
#include "segment/mkv_repair.h"
#include "segment/mkv_writer.h"
#include "segment/mp4_writer.h"
#include "segment/sink.h"

#define FRAGMENT_BYTES (256 * 1024) /* bounds memory: a fragment is held until it is whole */

/* Space for the index: 4 bytes a sample plus what varies, at 25 frames and 16 packets of sound a
 * second in the mp4; 24 bytes for each of two key frames a second in the mkv. Sealing tells what it
 * really took. */
#define MP4_INDEX_BYTES_PER_SECOND 400
#define MKV_INDEX_BYTES_PER_SECOND 48
#define INDEX_BYTES_LEAST          4096
#define INDEX_BYTES_MOST           (64 * 1024 * 1024)

struct segment {
    enum rtsprec_container container;
    struct stream *stream; /* a reference */
    int64_t start_pts;
    int64_t fragment_us;

    struct sink sink;
    struct mp4_writer mp4; /* one of both */
    struct mkv_writer mkv;
    struct durable_file *durable; /* NULL: nobody syncs */

    /*
     * Of each track the last packet is held until the next one tells how long it lasts: what a
     * fragment says of its last packet would otherwise be a guess.
     */
    AVPacket *held[STREAM_MAX_TRACKS]; /* owned; empty: none */

    int64_t frame_us;          /* how long the last frame of the video lasted */
    int64_t fragment_start_us; /* media time; INT64_MIN: no fragment is begun */
    int64_t fragment_bytes;
    struct segment_summary summary;
};

static bool is_mp4(const struct segment *segment)
{
    return segment->container == RTSPREC_CONTAINER_MP4;
}

/* The reason of a failure: the file's own when it had one, else libavformat's. */
static int explain(const struct segment *segment, int averror, const char *what,
                   struct rtsprec_error *error)
{
    int errnum = segment->sink.error ? -segment->sink.error : AVUNERROR(averror);
    int code = error_code_of_errno(errnum);
    if (segment->sink.error)
        return error_set_errno(error, code, errnum, "%s", what);
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(averror, text, sizeof(text));
    return error_set(error, code, "%s: %s", what, text);
}

static int64_t index_room(const struct segment_options *options)
{
    bool is_mkv = options->container == RTSPREC_CONTAINER_MKV;
    int64_t per_second = is_mkv ? MKV_INDEX_BYTES_PER_SECOND : MP4_INDEX_BYTES_PER_SECOND;
    int64_t bytes = options->index_bytes;
    if (bytes == 0)
        bytes = INDEX_BYTES_LEAST + options->duration_us / US_PER_SECOND * per_second;
    bytes = bytes < INDEX_BYTES_LEAST ? INDEX_BYTES_LEAST : bytes;
    return bytes < INDEX_BYTES_MOST ? bytes : INDEX_BYTES_MOST;
}

/* Frees all but the descriptor. */
static void destroy(struct segment *segment)
{
    durable_remove(&segment->durable);
    for (int i = 0; i < STREAM_MAX_TRACKS; i++)
        av_packet_free(&segment->held[i]);
    mp4_writer_uninit(&segment->mp4);
    mkv_writer_uninit(&segment->mkv);
    stream_unref(&segment->stream);
    free(segment);
}

static int open_writer(struct segment *segment, const struct segment_options *options)
{
    int64_t room_bytes = index_room(options);
    if (is_mp4(segment))
        return mp4_writer_open(&segment->mp4, &segment->sink, segment->stream,
                               options->start_wall_us, (uint32_t)room_bytes);
    return mkv_writer_open(&segment->mkv, &segment->sink, segment->stream, options->start_wall_us,
                           options->fragment_us, room_bytes);
}

/* NULL: no memory. */
static struct segment *create(const struct segment_options *options)
{
    struct segment *segment = calloc(1, sizeof(*segment));
    if (!segment)
        return NULL;
    segment->sink.fd = options->fd;
    segment->container = options->container;
    segment->stream = stream_ref(options->stream);
    segment->start_pts = options->start_pts;
    segment->fragment_us = options->fragment_us;
    segment->fragment_start_us = INT64_MIN;
    for (int i = 0; i < STREAM_MAX_TRACKS; i++) {
        segment->held[i] = av_packet_alloc();
        if (!segment->held[i]) {
            destroy(segment);
            return NULL;
        }
    }
    return segment;
}

/* err: what became of its file so far; after a failure there is no segment. */
static int complete(struct segment **out, struct segment *segment,
                    const struct segment_options *options, int err, struct rtsprec_error *error)
{
    if (err == 0 && options->durable)
        err = durable_add(&segment->durable, options->durable, segment->sink.fd,
                          options->sync_interval_us, error);
    if (err < 0)
        destroy(segment);
    else
        *out = segment;
    return err;
}

int segment_open(struct segment **out, const struct segment_options *options,
                 struct rtsprec_error *error)
{
    *out = NULL;
    struct segment *segment = create(options);
    if (!segment)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    int averror = open_writer(segment, options);
    int err = averror < 0 ? explain(segment, averror, "the header cannot be written", error) : 0;
    return complete(out, segment, options, err, error);
}

int segment_reopen(struct segment **out, const struct segment_options *options, int64_t *frames,
                   struct rtsprec_error *error)
{
    *out = NULL;
    *frames = 0;
    if (options->container != RTSPREC_CONTAINER_MP4)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "an mkv does not go on");
    struct segment *segment = create(options);
    if (!segment)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    int err = mp4_writer_reopen(&segment->mp4, &segment->sink, segment->stream, frames, error);
    segment->summary.frames = segment->summary.packets = *frames;
    return complete(out, segment, options, err, error);
}

int segment_unseal(struct segment *segment, struct rtsprec_error *error)
{
    return mp4_writer_unseal(&segment->mp4, error);
}

/* Writes out what was gathered, as one fragment or cluster. */
static int end_fragment(struct segment *segment)
{
    int err = is_mp4(segment) ? mp4_writer_flush(&segment->mp4) : mkv_writer_flush(&segment->mkv);
    segment->fragment_start_us = INT64_MIN;
    segment->fragment_bytes = 0;
    if (err >= 0 && segment->durable)
        durable_written(segment->durable, segment->sink.size);
    return err;
}

/* Ends the fragment when the next packet would make it too long or too large. */
static int begin_packet(struct segment *segment, int64_t dts_us, int64_t end_us, int64_t bytes)
{
    int err = 0;
    if (segment->durable && !segment->sink.error)
        segment->sink.error = durable_error(segment->durable);
    if (segment->sink.error)
        return AVERROR(-segment->sink.error);
    if (segment->fragment_start_us != INT64_MIN &&
        (end_us - segment->fragment_start_us > segment->fragment_us ||
         segment->fragment_bytes + bytes > FRAGMENT_BYTES))
        err = end_fragment(segment);
    if (segment->fragment_start_us == INT64_MIN)
        segment->fragment_start_us = dts_us;
    segment->fragment_bytes += bytes;
    return err;
}

/* Times of the run; the packet is to be unreferenced afterwards. */
static int write_packet(struct segment *segment, AVPacket *packet)
{
    const struct track *track = &segment->stream->tracks[packet->stream_index];
    const struct track *video = &segment->stream->tracks[0];
    bool is_video = packet->stream_index == 0;
    AVRational us = {1, US_PER_SECOND};

    int64_t origin = av_rescale_q(segment->start_pts, video->time_base, track->time_base);
    packet->pts -= origin;
    packet->dts -= origin;
    int64_t dts_us = av_rescale_q(packet->dts, track->time_base, us);
    int64_t duration_us = av_rescale_q(packet->duration, track->time_base, us);
    int64_t end_us = av_rescale_q(packet->pts, track->time_base, us) + duration_us;

    int err = begin_packet(segment, dts_us, dts_us + duration_us, packet->size);
    if (err < 0)
        return err;
    AVRational file_base = is_mp4(segment)
                               ? segment->mp4.time_base[packet->stream_index]
                               : segment->mkv.format->streams[packet->stream_index]->time_base;
    av_packet_rescale_ts(packet, track->time_base, file_base);
    err = is_mp4(segment) ? mp4_writer_add(&segment->mp4, packet)
                          : mkv_writer_add(&segment->mkv, packet);
    if (err < 0)
        return err;

    segment->summary.packets++;
    segment->summary.frames += is_video;
    if (is_video)
        segment->frame_us = duration_us;
    if (is_video && end_us > segment->summary.duration_us)
        segment->summary.duration_us = end_us;
    return 0;
}

/* Writes what is held of a track, if anything. */
static int write_held(struct segment *segment, int track)
{
    AVPacket *held = segment->held[track];
    int err = held->data ? write_packet(segment, held) : 0;
    av_packet_unref(held);
    return err;
}

/*
 * Media time of the first frame that will not fit into the fragment, as long as frames last as long
 * as the last one did: what waits for it to end would be lost in a crash for nothing.
 */
static int64_t first_beyond_us(const struct segment *segment)
{
    return segment->fragment_start_us + segment->fragment_us - segment->frame_us + 1;
}

/* When the frame that is held now is the first of the next fragment, this one is whole. */
static int end_whole_fragment(struct segment *segment)
{
    const AVPacket *held = segment->held[0];
    if (!held->data || segment->fragment_start_us == INT64_MIN)
        return 0;
    int64_t dts_us =
        av_rescale_q(held->dts - segment->start_pts, segment->stream->tracks[0].time_base,
                     (AVRational){1, US_PER_SECOND});
    return dts_us >= first_beyond_us(segment) ? end_fragment(segment) : 0;
}

int segment_write(struct segment *segment, AVPacket *packet, struct rtsprec_error *error)
{
    int err = segment->sink.error, track = packet->stream_index;
    AVPacket *held = segment->held[track];
    if (held->data)
        held->duration = packet->dts - held->dts;
    if (err == 0)
        err = write_held(segment, track);
    av_packet_unref(held);
    av_packet_move_ref(held, packet);
    /* An mkv file holds no durations, but the order in which packets are written. */
    if (err == 0 && segment->container == RTSPREC_CONTAINER_MKV)
        err = write_held(segment, track);
    if (err == 0)
        err = end_whole_fragment(segment);
    return err < 0 ? explain(segment, err, "writing failed", error) : 0;
}

void segment_fragment_end(const struct segment *segment, int64_t *media_us, int64_t *bytes)
{
    *media_us = *bytes = 0;
    if (segment->fragment_start_us == INT64_MIN)
        return;
    int64_t left = FRAGMENT_BYTES - segment->fragment_bytes;
    for (int i = 0; i < segment->stream->track_count; i++)
        left -= segment->held[i]->size;
    int64_t origin_us = av_rescale_q(segment->start_pts, segment->stream->tracks[0].time_base,
                                     (AVRational){1, US_PER_SECOND});
    *media_us = origin_us + first_beyond_us(segment);
    *bytes = left > 0 ? left : 0;
}

/* The last packets of all tracks, in the order of their times, as long as they claim to be. */
static int write_all_held(struct segment *segment)
{
    for (;;) {
        int next = -1;
        for (int i = 0; i < segment->stream->track_count; i++) {
            const struct track *tracks = segment->stream->tracks;
            if (segment->held[i]->data &&
                (next < 0 || av_compare_ts(segment->held[i]->dts, tracks[i].time_base,
                                           segment->held[next]->dts, tracks[next].time_base) < 0))
                next = i;
        }
        if (next < 0)
            return 0;
        int err = write_held(segment, next);
        if (err < 0)
            return err;
    }
}

/* A write that failed has left a piece of a fragment: what counts is what is in the file. */
static int seal_by_repair(struct segment *segment, enum segment_end *end,
                          struct rtsprec_error *error)
{
    bool is_empty;
    int err;
    if (segment->container == RTSPREC_CONTAINER_MKV) {
        struct mkv_repaired repaired;
        err = mkv_repair(segment->sink.fd, NULL, &repaired, error);
        is_empty = repaired.is_empty;
    } else {
        struct mp4_repaired repaired;
        err = mp4_repair(segment->sink.fd, NULL, &repaired, error);
        is_empty = repaired.is_empty;
    }
    if (is_empty)
        *end = SEGMENT_EMPTY;
    return err;
}

int segment_flush(struct segment *segment, struct rtsprec_error *error)
{
    /* Of sound more may come, which tells how long the last packet lasts. */
    int err = segment->sink.error ? AVERROR(-segment->sink.error) : write_held(segment, 0);
    if (err >= 0 && segment->fragment_start_us != INT64_MIN)
        err = end_fragment(segment);
    return err < 0 ? explain(segment, err, "writing failed", error) : 0;
}

/* Makes the file complete and durable. Returns 0 or a code. */
static int seal(struct segment *segment, enum segment_end *end, struct rtsprec_error *error)
{
    int err;
    if (segment->summary.packets == 0) {
        *end = SEGMENT_EMPTY;
        return 0;
    } else if (segment->sink.error || (is_mp4(segment) && segment->mp4.is_incomplete)) {
        err = seal_by_repair(segment, end, error);
    } else if (segment->container == RTSPREC_CONTAINER_MKV) {
        err = disk_sync(segment->sink.fd);
        if (err < 0)
            return error_set_errno(error, error_code_of_errno(-err), -err, "syncing failed");
    } else {
        size_t moov_bytes = 0;
        err = mp4_writer_seal(&segment->mp4, &moov_bytes, error);
        segment->summary.index_bytes = (int64_t)moov_bytes;
    }
    if (err == 0)
        *end = SEGMENT_COMPLETE;
    return err;
}

/* After a failed write or sync of the device nothing the kernel says of the file can be trusted. */
static bool may_seal(const struct segment *segment)
{
    return segment->sink.error == 0 || segment->sink.error == -ENOSPC ||
           segment->sink.error == -EDQUOT || segment->sink.error == -EFBIG;
}

int segment_close(struct segment **segment_pointer, struct segment_summary *summary,
                  enum segment_end *end, struct rtsprec_error *error)
{
    struct segment *segment = *segment_pointer;
    *segment_pointer = NULL;
    struct rtsprec_error later;
    int result = 0;
    *end = SEGMENT_TORN;

    int err = segment->sink.error ? 0 : write_all_held(segment);
    if (err == 0 && !segment->sink.error)
        err = end_fragment(segment);
    int trailer = is_mp4(segment) ? 0 : mkv_writer_finish(&segment->mkv, segment->summary.frames);
    err = err < 0 ? err : trailer;
    /* From here on nobody else syncs the file. */
    if (segment->durable && !segment->sink.error)
        segment->sink.error = durable_error(segment->durable);
    durable_remove(&segment->durable);
    if (err < 0 || segment->sink.error)
        result = explain(segment, err, "the file could not be written to its end", error);

    disk_trim(segment->sink.fd);
    if (may_seal(segment)) {
        err = seal(segment, end, result ? &later : error);
        result = result ? result : err;
    }
    struct stat status;
    if (fstat(segment->sink.fd, &status) == 0)
        segment->summary.bytes = status.st_size;
    disk_drop_cache(segment->sink.fd, 0, segment->summary.bytes);
    if (close(segment->sink.fd) != 0 && result == 0) {
        segment->sink.error = -errno;
        result = explain(segment, 0, "closing failed", error);
    }
    *summary = segment->summary;
    destroy(segment);
    return result;
}
