#include "segment/segment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/mathematics.h>

#include "base/av_glue.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"

#define FRAGMENT_US (US_PER_SECOND / 2) /* what a crash can cost; 0.1 % of overhead at 1 Mbit/s */
#define IO_BYTES    (32 * 1024) /* only headers pass through it: payload is written directly */

struct segment {
    int fd;
    enum rtsprec_container container;
    struct stream *stream; /* a reference */
    int64_t start_pts;

    AVFormatContext *format;
    int error; /* negative errno of the file's first failure */

    int64_t fragment_start_us; /* media time; INT64_MIN: no fragment is begun */
    struct segment_summary summary;
};

static const char *muxer_name(enum rtsprec_container container)
{
    return container == RTSPREC_CONTAINER_MKV ? "matroska" : "mp4";
}

bool segment_accepts(enum rtsprec_container container, enum AVCodecID codec)
{
    const AVOutputFormat *format = av_guess_format(muxer_name(container), NULL, NULL);
    /* mkv files hold G.711 by the codec numbers of WAV, which libavformat counts as unofficial. */
    int compliance =
        container == RTSPREC_CONTAINER_MKV ? FF_COMPLIANCE_UNOFFICIAL : FF_COMPLIANCE_NORMAL;
    return format && avformat_query_codec(format, codec, compliance) == 1;
}

const char *segment_extension(enum rtsprec_container container)
{
    return container == RTSPREC_CONTAINER_MKV ? "mkv" : "mp4";
}

/* libavformat's callbacks. They keep the first failure, which it would otherwise report late or
 * not. */

static int write_data(void *opaque, AV_GLUE_WRITE_DATA *data, int size)
{
    struct segment *segment = opaque;
    if (!segment->error)
        segment->error = file_write_all(segment->fd, data, (size_t)size);
    return segment->error ? AVERROR(-segment->error) : size;
}

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
        /* Each container has tags of its own; hvc1 is what Apple's players insist on. */
        out->codecpar->codec_tag = 0;
        if (out->codecpar->codec_id == AV_CODEC_ID_HEVC &&
            segment->container == RTSPREC_CONTAINER_MP4)
            out->codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');
    }
    return 0;
}

static int write_header(struct segment *segment)
{
    AVDictionary *options = NULL;
    int err;
    if (segment->container == RTSPREC_CONTAINER_MKV)
        /* Clusters end with our fragments, or by themselves where a frame lasts longer. */
        err = av_dict_set_int(&options, "cluster_time_limit", FRAGMENT_US / 1000, 0);
    else
        /* frag_discont: a track that begins later keeps its time although the moov is written. */
        err = av_dict_set(&options, "movflags",
                          "frag_custom+empty_moov+default_base_moof+negative_cts_offsets+"
                          "frag_discont",
                          0);
    if (err >= 0)
        err = avformat_write_header(segment->format, &options);
    if (err >= 0 && av_dict_count(options) > 0)
        err = AVERROR_OPTION_NOT_FOUND;
    av_dict_free(&options);
    return err;
}

static int open_muxer(struct segment *segment)
{
    int err = avformat_alloc_output_context2(&segment->format, NULL, muxer_name(segment->container),
                                             NULL);
    if (err < 0)
        return err;
    unsigned char *buffer = av_malloc(IO_BYTES);
    if (!buffer)
        return AVERROR(ENOMEM);
    AVIOContext *io = avio_alloc_context(buffer, IO_BYTES, 1, segment, NULL, write_data, seek_data);
    if (!io) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    io->direct = AVIO_FLAG_DIRECT;
    segment->format->pb = io;
    segment->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    segment->format->avoid_negative_ts = 0; /* times are ours to decide */
    if ((err = add_streams(segment)) < 0 || (err = write_header(segment)) < 0)
        return err;
    avio_flush(io);
    return segment->error ? AVERROR(-segment->error) : 0;
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
    close_muxer(segment);
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
    segment->fragment_start_us = INT64_MIN;

    int err = open_muxer(segment);
    if (err < 0) {
        err = explain(segment, err, "the header cannot be written", error);
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
    if (segment->error)
        return AVERROR(-segment->error);
    return err < 0 ? err : segment->format->pb->error;
}

int segment_write(struct segment *segment, AVPacket *packet, struct rtsprec_error *error)
{
    const struct track *track = &segment->stream->tracks[packet->stream_index];
    const struct track *video = &segment->stream->tracks[0];
    bool is_video = packet->stream_index == 0;
    AVRational us = {1, 1000000};

    int64_t origin = av_rescale_q(segment->start_pts, video->time_base, track->time_base);
    packet->pts -= origin;
    packet->dts -= origin;
    int64_t dts_us = av_rescale_q(packet->dts, track->time_base, us);
    int64_t duration_us = av_rescale_q(packet->duration, track->time_base, us);
    int64_t end_us = av_rescale_q(packet->pts, track->time_base, us) + duration_us;

    int err = 0;
    if (segment->fragment_start_us == INT64_MIN)
        segment->fragment_start_us = dts_us;
    else if (dts_us + duration_us - segment->fragment_start_us > FRAGMENT_US) {
        err = end_fragment(segment);
        segment->fragment_start_us = dts_us;
    }
    if (err >= 0) {
        av_packet_rescale_ts(packet, track->time_base,
                             segment->format->streams[packet->stream_index]->time_base);
        err = av_write_frame(segment->format, packet);
    }
    if (err < 0)
        return explain(segment, err, "writing failed", error);

    segment->summary.packets++;
    segment->summary.frames += is_video;
    if (is_video && end_us > segment->summary.duration_us)
        segment->summary.duration_us = end_us;
    return 0;
}

int segment_close(struct segment **segment_pointer, struct segment_summary *summary,
                  struct rtsprec_error *error)
{
    struct segment *segment = *segment_pointer;
    *segment_pointer = NULL;
    int result = 0;
    int err = end_fragment(segment);
    int trailer = av_write_trailer(segment->format);
    avio_flush(segment->format->pb);
    err = err < 0 ? err : trailer;
    if (err < 0 || segment->error)
        result = explain(segment, err, "the end of the file cannot be written", error);

    struct stat status;
    if (fstat(segment->fd, &status) == 0)
        segment->summary.bytes = status.st_size;
    if (close(segment->fd) != 0 && result == 0) {
        segment->error = -errno;
        result = explain(segment, 0, "closing failed", error);
    }
    *summary = segment->summary;
    destroy(segment);
    return result;
}
