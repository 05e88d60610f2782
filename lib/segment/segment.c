#include "segment/segment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/mathematics.h>

#include "base/av_glue.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/disk.h"
#include "base/file.h"
#include "segment/mkv_repair.h"
#include "segment/container.h"
#include "segment/mp4_seal.h"
#include "segment/mp4_tap.h"

#define IO_BYTES (32 * 1024) /* only headers pass through it: payload is written directly */
#define FRAGMENT_BYTES \
    (256 * 1024) /* bounds memory: the muxer holds a fragment until it is whole */
#define RESERVE_BYTES (INT64_C(4) * 1024 * 1024) /* how much disk space is taken ahead */

/* Space for the index: 4 bytes a sample plus what varies, at 25 frames and 16 packets of sound a
 * second in the mp4; 24 bytes for each of two key frames a second in the mkv. Sealing tells what it
 * really took. */
#define MP4_INDEX_BYTES_PER_SECOND 400
#define MKV_INDEX_BYTES_PER_SECOND 48
#define INDEX_BYTES_LEAST          4096
#define INDEX_BYTES_MOST           (64 * 1024 * 1024)

struct segment {
    int fd;
    enum rtsprec_container container;
    struct stream *stream; /* a reference */
    int64_t start_pts;
    int64_t fragment_us;

    AVFormatContext *format;
    int error;                    /* negative errno of the file's first failure */
    int64_t size;                 /* of the file */
    int64_t reserved;             /* up to here disk space is taken */
    struct durable_file *durable; /* NULL: nobody syncs */

    /* mp4 */
    bool is_gathering; /* the header, into which the head room is still to be put */
    struct mp4_buffer head;
    struct mp4_part part;
    struct mp4_tap tap;

    /*
     * Of each track the last packet is held until the next one tells how long it lasts: a duration
     * that is too long would push the next fragment's times back in libavformat.
     */
    AVPacket *held[STREAM_MAX_TRACKS]; /* owned; empty: none */

    int64_t fragment_start_us; /* media time; INT64_MIN: no fragment is begun */
    int64_t fragment_bytes;
    struct segment_summary summary;
};

/* libavformat's callbacks. They keep the first failure, which it would otherwise report late or
 * not. */

static void write_bytes(struct segment *segment, const uint8_t *data, size_t size)
{
    if (segment->error)
        return;
    if (segment->size + (int64_t)size > segment->reserved) {
        segment->reserved = segment->size + (int64_t)size + RESERVE_BYTES;
        disk_reserve(segment->fd, segment->size, segment->reserved - segment->size);
    }
    segment->error = file_write_all(segment->fd, data, size);
    if (segment->error == 0)
        segment->size += (int64_t)size;
}

static int write_data(void *opaque, AV_GLUE_WRITE_DATA *data, int size)
{
    struct segment *segment = opaque;
    if (segment->is_gathering) {
        mp4_put(&segment->head, data, (size_t)size);
        return segment->head.failed ? AVERROR(ENOMEM) : size;
    }
    write_bytes(segment, data, (size_t)size);
    if (segment->error)
        return AVERROR(-segment->error);
    if (segment->container == RTSPREC_CONTAINER_MP4)
        mp4_tap_feed(&segment->tap, data, (size_t)size);
    return size;
}

/* For mkv, whose muxer fills in the beginning at the end. */
static int64_t seek_data(void *opaque, int64_t offset, int whence)
{
    struct segment *segment = opaque;
    if (whence == AVSEEK_SIZE) {
        struct stat status;
        return fstat(segment->fd, &status) == 0 ? status.st_size : AVERROR(errno);
    }
    int64_t at = lseek(segment->fd, offset, whence & ~AVSEEK_FORCE);
    return at >= 0 ? at : AVERROR(errno);
}

/* The reason of a failure: the file's own when it had one, else libavformat's. */
static int explain(const struct segment *segment, int averror, const char *what,
                   struct rtsprec_error *error)
{
    int errnum = segment->error ? -segment->error : AVUNERROR(averror);
    int code = error_code_of_errno(errnum);
    if (segment->error)
        return error_set_errno(error, code, errnum, "%s", what);
    char text[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(averror, text, sizeof(text));
    return error_set(error, code, "%s: %s", what, text);
}

static int add_streams(struct segment *segment)
{
    for (int i = 0; i < segment->stream->track_count; i++) {
        const struct track *track = &segment->stream->tracks[i];
        AVStream *out = avformat_new_stream(segment->format, NULL);
        if (!out || avcodec_parameters_copy(out->codecpar, track->parameters) < 0)
            return AVERROR(ENOMEM);
        out->time_base = track->time_base;
        /* Each container has tags of its own; hvc1 is what Apple's players insist on. Of raw video
         * the tag says how its pixels lie. */
        if (out->codecpar->codec_id != AV_CODEC_ID_RAWVIDEO)
            out->codecpar->codec_tag = 0;
        if (out->codecpar->codec_id == AV_CODEC_ID_HEVC &&
            segment->container == RTSPREC_CONTAINER_MP4)
            out->codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');
    }
    return 0;
}

static int set_creation_time(AVFormatContext *format, int64_t wall_us)
{
    time_t seconds = (time_t)floor_div(wall_us, US_PER_SECOND);
    struct tm utc;
    char date[32], text[48];
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, sizeof(text), "%s.%06dZ", date,
             (int)(wall_us - (int64_t)seconds * US_PER_SECOND));
    return av_dict_set(&format->metadata, "creation_time", text, 0);
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

static int write_header(struct segment *segment, const struct segment_options *options)
{
    AVDictionary *dictionary = NULL;
    int err = set_creation_time(segment->format, options->start_wall_us);
    if (err >= 0 && segment->container == RTSPREC_CONTAINER_MKV) {
        /* Clusters end with our fragments, or by themselves where a frame lasts longer. */
        err = av_dict_set_int(&dictionary, "cluster_time_limit", options->fragment_us / 1000, 0);
        if (err >= 0)
            err = av_dict_set_int(&dictionary, "reserve_index_space", index_room(options), 0);
    } else if (err >= 0) {
        /* frag_discont: a track that begins later keeps its time although the moov is written. */
        err = av_dict_set(&dictionary, "movflags",
                          "frag_custom+empty_moov+default_base_moof+negative_cts_offsets+"
                          "frag_discont+skip_trailer",
                          0);
    }
    if (err >= 0)
        err = avformat_write_header(segment->format, &dictionary);
    if (err >= 0 && av_dict_count(dictionary) > 0)
        err = AVERROR_OPTION_NOT_FOUND;
    av_dict_free(&dictionary);
    avio_flush(segment->format->pb);
    return err;
}

/* [ftyp][moov] as the muxer wrote it becomes [ftyp][head room][moov]. */
static int write_mp4_head(struct segment *segment, uint32_t room_bytes)
{
    struct mp4_header ftyp;
    if (!mp4_header_parse(&ftyp, segment->head.data, segment->head.size) ||
        ftyp.size >= segment->head.size)
        return AVERROR_BUG;
    size_t ftyp_bytes = (size_t)ftyp.size, moov_bytes = segment->head.size - ftyp_bytes;
    const uint8_t *moov = segment->head.data + ftyp_bytes;

    struct mp4_buffer head = {0};
    mp4_put(&head, segment->head.data, ftyp_bytes);
    mp4_put_room(&head, room_bytes);
    mp4_put(&head, moov, moov_bytes);
    if (head.failed) {
        mp4_buffer_uninit(&head);
        return AVERROR(ENOMEM);
    }
    segment->part.room_offset = ftyp_bytes;
    segment->part.room_bytes = room_bytes;
    mp4_tap_init(&segment->tap, moov, moov_bytes, head.size);
    write_bytes(segment, head.data, head.size);
    mp4_buffer_uninit(&head);
    mp4_buffer_uninit(&segment->head);
    if (segment->tap.failed)
        return AVERROR_BUG;
    return segment->error ? AVERROR(-segment->error) : 0;
}

static int open_muxer(struct segment *segment, const struct segment_options *options)
{
    bool is_mp4 = segment->container == RTSPREC_CONTAINER_MP4;
    int err = avformat_alloc_output_context2(&segment->format, NULL,
                                             container_muxer(segment->container), NULL);
    if (err < 0)
        return err;
    unsigned char *buffer = av_malloc(IO_BYTES);
    if (!buffer)
        return AVERROR(ENOMEM);
    AVIOContext *io = avio_alloc_context(buffer, IO_BYTES, 1, segment, NULL, write_data,
                                         is_mp4 ? NULL : seek_data);
    if (!io) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    segment->format->pb = io;
    segment->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    segment->format->avoid_negative_ts = 0; /* times are ours to decide */
    segment->is_gathering = is_mp4;
    if ((err = add_streams(segment)) < 0 || (err = write_header(segment, options)) < 0)
        return err;
    segment->is_gathering = false;
    io->direct =
        AVIO_FLAG_DIRECT; /* not before: the muxer fills in sizes of the header in the buffer */
    if (is_mp4)
        err = write_mp4_head(segment, (uint32_t)index_room(options));
    return segment->error ? AVERROR(-segment->error) : err;
}

static void close_muxer(struct segment *segment)
{
    if (!segment->format)
        return;
    if (segment->format->pb)
        av_freep(&segment->format->pb->buffer);
    avio_context_free(&segment->format->pb);
    avformat_free_context(segment->format);
    segment->format = NULL;
}

/* Frees all but the descriptor. */
static void destroy(struct segment *segment)
{
    durable_remove(&segment->durable);
    for (int i = 0; i < STREAM_MAX_TRACKS; i++)
        av_packet_free(&segment->held[i]);
    close_muxer(segment);
    mp4_tap_uninit(&segment->tap);
    mp4_buffer_uninit(&segment->head);
    stream_unref(&segment->stream);
    free(segment);
}

int segment_open(struct segment **out, const struct segment_options *options,
                 struct rtsprec_error *error)
{
    *out = NULL;
    struct segment *segment = calloc(1, sizeof(*segment));
    if (!segment)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    segment->fd = options->fd;
    segment->container = options->container;
    segment->stream = stream_ref(options->stream);
    segment->start_pts = options->start_pts;
    segment->fragment_us = options->fragment_us;
    segment->fragment_start_us = INT64_MIN;

    int err = 0;
    int averror = 0;
    for (int i = 0; i < STREAM_MAX_TRACKS && averror == 0; i++) {
        segment->held[i] = av_packet_alloc();
        averror = segment->held[i] ? 0 : AVERROR(ENOMEM);
    }
    if (averror == 0)
        averror = open_muxer(segment, options);
    if (averror < 0)
        err = explain(segment, averror, "the header cannot be written", error);
    else if (options->durable)
        err = durable_add(&segment->durable, options->durable, segment->fd,
                          options->sync_interval_us, error);
    if (err < 0) {
        destroy(segment);
        return err;
    }
    *out = segment;
    return 0;
}

/* Writes out what was gathered, as one fragment or cluster. */
static int end_fragment(struct segment *segment)
{
    int err = av_write_frame(segment->format, NULL);
    avio_flush(segment->format->pb);
    segment->fragment_start_us = INT64_MIN;
    segment->fragment_bytes = 0;
    if (segment->error)
        return AVERROR(-segment->error);
    if (segment->durable)
        durable_written(segment->durable, segment->size);
    return err < 0 ? err : segment->format->pb->error;
}

/* Ends the fragment when the next packet would make it too long or too large. */
static int begin_packet(struct segment *segment, int64_t dts_us, int64_t end_us, int64_t bytes)
{
    int err = 0;
    if (segment->durable && !segment->error)
        segment->error = durable_error(segment->durable);
    if (segment->error)
        return AVERROR(-segment->error);
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
    if (err >= 0) {
        av_packet_rescale_ts(packet, track->time_base,
                             segment->format->streams[packet->stream_index]->time_base);
        err = av_write_frame(segment->format, packet);
    }
    if (err < 0)
        return err;

    segment->summary.packets++;
    segment->summary.frames += is_video;
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

int segment_write(struct segment *segment, AVPacket *packet, struct rtsprec_error *error)
{
    int err = segment->error, track = packet->stream_index;
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
    *media_us = origin_us + segment->fragment_start_us + segment->fragment_us;
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
        err = mkv_repair(segment->fd, &repaired, error);
        is_empty = repaired.is_empty;
    } else {
        struct mp4_repaired repaired;
        err = mp4_repair(segment->fd, &repaired, error);
        is_empty = repaired.is_empty;
    }
    if (is_empty)
        *end = SEGMENT_EMPTY;
    return err;
}

int segment_flush(struct segment *segment, struct rtsprec_error *error)
{
    /* Of sound more may come, which tells how long the last packet lasts. */
    int err = segment->error ? AVERROR(-segment->error) : write_held(segment, 0);
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
    } else if (segment->error || segment->tap.failed) {
        err = seal_by_repair(segment, end, error);
    } else if (segment->container == RTSPREC_CONTAINER_MKV) {
        err = disk_sync(segment->fd);
        if (err < 0)
            return error_set_errno(error, error_code_of_errno(-err), -err, "syncing failed");
    } else {
        size_t moov_bytes = 0;
        segment->part.size = (uint64_t)segment->size;
        err = mp4_seal(segment->fd, &segment->part, &segment->tap.table, &moov_bytes, error);
        segment->summary.index_bytes = (int64_t)moov_bytes;
    }
    if (err == 0)
        *end = SEGMENT_COMPLETE;
    return err;
}

/* After a failed write or sync of the device nothing the kernel says of the file can be trusted. */
static bool may_seal(const struct segment *segment)
{
    return segment->error == 0 || segment->error == -ENOSPC || segment->error == -EDQUOT ||
           segment->error == -EFBIG;
}

int segment_close(struct segment **segment_pointer, struct segment_summary *summary,
                  enum segment_end *end, struct rtsprec_error *error)
{
    struct segment *segment = *segment_pointer;
    *segment_pointer = NULL;
    struct rtsprec_error later;
    int result = 0;
    *end = SEGMENT_TORN;

    int err = segment->error ? 0 : write_all_held(segment);
    if (err == 0 && !segment->error)
        err = end_fragment(segment);
    int trailer = av_write_trailer(segment->format);
    avio_flush(segment->format->pb);
    err = err < 0 ? err : trailer;
    /* From here on nobody else syncs the file. */
    if (segment->durable && !segment->error)
        segment->error = durable_error(segment->durable);
    durable_remove(&segment->durable);
    if (err < 0 || segment->error)
        result = explain(segment, err, "the file could not be written to its end", error);

    disk_trim(segment->fd);
    if (may_seal(segment)) {
        err = seal(segment, end, result ? &later : error);
        result = result ? result : err;
    }
    struct stat status;
    if (fstat(segment->fd, &status) == 0)
        segment->summary.bytes = status.st_size;
    disk_drop_cache(segment->fd, 0, segment->summary.bytes);
    if (close(segment->fd) != 0 && result == 0) {
        segment->error = -errno;
        result = explain(segment, 0, "closing failed", error);
    }
    *summary = segment->summary;
    destroy(segment);
    return result;
}
