#include "segment/mkv_writer.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/av_glue.h"
#include "segment/container.h"
#include "segment/mkv_tags.h"

#define IO_BYTES (32 * 1024) /* only headers pass through it: payload is written directly */

static int write_data(void *opaque, AV_GLUE_WRITE_DATA *data, int size)
{
    struct sink *sink = opaque;
    sink_write(sink, data, (size_t)size);
    return sink->error ? AVERROR(-sink->error) : size;
}

/* The muxer fills in the beginning at the end. */
static int64_t seek_data(void *opaque, int64_t offset, int whence)
{
    const struct sink *sink = opaque;
    if (whence == AVSEEK_SIZE) {
        struct stat status;
        return fstat(sink->fd, &status) == 0 ? status.st_size : AVERROR(errno);
    }
    int64_t at = lseek(sink->fd, offset, whence & ~AVSEEK_FORCE);
    return at >= 0 ? at : AVERROR(errno);
}

static int open_io(struct mkv_writer *writer)
{
    unsigned char *buffer = av_malloc(IO_BYTES);
    if (!buffer)
        return AVERROR(ENOMEM);
    writer->format->pb =
        avio_alloc_context(buffer, IO_BYTES, 1, writer->sink, NULL, write_data, seek_data);
    if (!writer->format->pb) {
        av_free(buffer);
        return AVERROR(ENOMEM);
    }
    writer->format->flags |= AVFMT_FLAG_CUSTOM_IO;
    writer->format->avoid_negative_ts = 0; /* times are ours to decide */
    return 0;
}

int mkv_writer_open(struct mkv_writer *writer, struct sink *sink, const struct stream *stream,
                    int64_t wall_us, int64_t cluster_us, int64_t room_bytes)
{
    *writer = (struct mkv_writer){.sink = sink};
    AVDictionary *dictionary = NULL;
    int err = container_begin(&writer->format, RTSPREC_CONTAINER_MKV, stream, wall_us);
    if (err >= 0)
        err = av_dict_set(&writer->format->streams[0]->metadata, MKV_FRAMES_TAG, MKV_FRAMES_UNKNOWN,
                          0);
    if (err >= 0)
        err = open_io(writer);
    /* Clusters end with our fragments, or by themselves where a frame lasts longer. */
    if (err >= 0)
        err = av_dict_set_int(&dictionary, "cluster_time_limit", cluster_us / 1000, 0);
    if (err >= 0)
        err = av_dict_set_int(&dictionary, "reserve_index_space", room_bytes, 0);
    if (err >= 0)
        err = avformat_write_header(writer->format, &dictionary);
    if (err >= 0 && av_dict_count(dictionary) > 0)
        err = AVERROR_OPTION_NOT_FOUND;
    av_dict_free(&dictionary);
    if (err < 0)
        return err;
    avio_flush(writer->format->pb);
    /* Not before: the muxer fills in sizes of the header in the buffer. */
    writer->format->pb->direct = AVIO_FLAG_DIRECT;
    return sink->error ? AVERROR(-sink->error) : 0;
}

void mkv_writer_uninit(struct mkv_writer *writer)
{
    if (!writer->format)
        return;
    if (writer->format->pb)
        av_freep(&writer->format->pb->buffer);
    avio_context_free(&writer->format->pb);
    avformat_free_context(writer->format);
    writer->format = NULL;
}

int mkv_writer_add(struct mkv_writer *writer, AVPacket *packet)
{
    int err = av_write_frame(writer->format, packet);
    av_packet_unref(packet);
    return err;
}

int mkv_writer_flush(struct mkv_writer *writer)
{
    int err = av_write_frame(writer->format, NULL);
    avio_flush(writer->format->pb);
    if (writer->sink->error)
        return AVERROR(-writer->sink->error);
    return err < 0 ? err : writer->format->pb->error;
}

int mkv_writer_finish(struct mkv_writer *writer, int64_t frames)
{
    struct sink *sink = writer->sink;
    int err = av_write_trailer(writer->format);
    avio_flush(writer->format->pb);
    /* Not before: the muxer writes its tags once more. */
    if (err >= 0 && !sink->error)
        sink->error = mkv_frames_write(sink->fd, frames);
    return err;
}
