#include "segment/mp4_writer.h"

#include <errno.h>
#include <unistd.h>

#include <libavformat/avformat.h>
#include <libavutil/mathematics.h>

#include "base/error.h"
#include "segment/container.h"

/* [ftyp][moov] as libavformat writes it, and the time bases that it has chosen. */
static int make_head(struct mp4_writer *writer, const struct stream *stream, int64_t wall_us,
                     uint8_t **head, int *size)
{
    AVFormatContext *format = NULL;
    AVDictionary *dictionary = NULL;
    int err = container_begin(&format, RTSPREC_CONTAINER_MP4, stream, wall_us);
    if (err >= 0)
        err = avio_open_dyn_buf(&format->pb);
    if (err >= 0)
        err = av_dict_set(&dictionary, "movflags", "frag_custom+empty_moov+default_base_moof", 0);
    if (err >= 0)
        err = avformat_write_header(format, &dictionary);
    if (err >= 0 && av_dict_count(dictionary) > 0)
        err = AVERROR_OPTION_NOT_FOUND;
    for (int i = 0; err >= 0 && i < stream->track_count; i++)
        writer->time_base[i] = format->streams[i]->time_base;
    av_dict_free(&dictionary);
    if (format && format->pb)
        *size = avio_close_dyn_buf(format->pb, head);
    avformat_free_context(format);
    return err < 0 ? err : *head ? 0 : AVERROR(ENOMEM);
}

/* Puts the head room between ftyp and moov. */
static int write_head(struct mp4_writer *writer, const uint8_t *data, size_t size,
                      uint32_t room_bytes)
{
    struct mp4_header ftyp;
    if (!mp4_header_parse(&ftyp, data, size) || ftyp.size >= size)
        return AVERROR_BUG;
    size_t ftyp_bytes = (size_t)ftyp.size, moov_bytes = size - ftyp_bytes;
    struct mp4_buffer head = {0};
    mp4_put(&head, data, ftyp_bytes);
    mp4_put_room(&head, room_bytes);
    mp4_put(&head, data + ftyp_bytes, moov_bytes);
    int err = 0;
    if (head.failed)
        err = AVERROR(ENOMEM);
    else if (!mp4_table_init(&writer->table, data + ftyp_bytes, moov_bytes))
        err = AVERROR_BUG;
    else
        sink_write(writer->sink, head.data, head.size);
    mp4_buffer_uninit(&head);
    writer->part.room_offset = ftyp_bytes;
    writer->part.room_bytes = room_bytes;
    return writer->sink->error ? AVERROR(-writer->sink->error) : err;
}

int mp4_writer_open(struct mp4_writer *writer, struct sink *sink, const struct stream *stream,
                    int64_t wall_us, uint32_t room_bytes)
{
    *writer = (struct mp4_writer){.sink = sink};
    uint8_t *head = NULL;
    int size = 0;
    int err = make_head(writer, stream, wall_us, &head, &size);
    if (err >= 0)
        err = write_head(writer, head, (size_t)size, room_bytes);
    av_free(head);
    return err;
}

/* What would be written of this stream, compared with what there is. */
static bool is_same_stream(struct mp4_writer *writer, const struct stream *stream)
{
    struct mp4_header ftyp;
    struct mp4_table table = {0};
    uint8_t *head = NULL;
    int size = 0;
    bool is_same = make_head(writer, stream, 0, &head, &size) >= 0 &&
                   mp4_header_parse(&ftyp, head, (size_t)size) && ftyp.size < (uint64_t)size &&
                   mp4_table_init(&table, head + ftyp.size, (size_t)size - (size_t)ftyp.size) &&
                   mp4_has_same_samples(&table, &writer->table);
    mp4_table_uninit(&table);
    av_free(head);
    AVRational frame = stream->tracks[0].time_base;
    return is_same &&
           writer->table.tracks[0].last_duration == av_rescale_q(1, frame, writer->time_base[0]);
}

int mp4_writer_reopen(struct mp4_writer *writer, struct sink *sink, const struct stream *stream,
                      int64_t *frames, struct rtsprec_error *error)
{
    *writer = (struct mp4_writer){.sink = sink};
    int err = mp4_read_sealed(sink->fd, &writer->part, &writer->table, error);
    if (err == 0 && !is_same_stream(writer, stream))
        err = error_set(error, RTSPREC_ERROR_UNSUPPORTED, "its video is another");
    if (err == 0 && lseek(sink->fd, (off_t)writer->part.size, SEEK_SET) < 0)
        err = error_set_errno(error, RTSPREC_ERROR_IO, errno, "its end cannot be found");
    sink->size = (int64_t)writer->part.size;
    *frames = (int64_t)mp4_table_samples(&writer->table);
    writer->gather.sequence = (uint32_t)*frames;
    return err;
}

int mp4_writer_unseal(struct mp4_writer *writer, struct rtsprec_error *error)
{
    return mp4_unseal(writer->sink->fd, &writer->part, error);
}

void mp4_writer_uninit(struct mp4_writer *writer)
{
    mp4_table_uninit(&writer->table);
    mp4_gather_uninit(&writer->gather);
}

int mp4_writer_add(struct mp4_writer *writer, AVPacket *packet)
{
    if (mp4_gather_add(&writer->gather, packet))
        return 0;
    av_packet_unref(packet);
    return AVERROR(ENOMEM);
}

int mp4_writer_flush(struct mp4_writer *writer)
{
    struct mp4_gather *gather = &writer->gather;
    if (gather->count == 0)
        return 0;
    struct mp4_fragment fragment = {.offset = (uint64_t)writer->sink->size, .data_end = INT64_MAX};
    int err = 0;
    if (mp4_gather_lay_out(gather)) {
        sink_write_pieces(writer->sink, gather->pieces, gather->piece_count);
        fragment.moof = gather->head.data;
        fragment.size = gather->moof_bytes;
        if (!mp4_table_add(&writer->table, &fragment))
            writer->is_incomplete = true;
    } else {
        err = AVERROR(ENOMEM);
    }
    mp4_gather_clear(gather);
    return writer->sink->error ? AVERROR(-writer->sink->error) : err;
}

int mp4_writer_seal(struct mp4_writer *writer, size_t *moov_bytes, struct rtsprec_error *error)
{
    writer->part.size = (uint64_t)writer->sink->size;
    return mp4_seal(writer->sink->fd, &writer->part, &writer->table, moov_bytes, error);
}
