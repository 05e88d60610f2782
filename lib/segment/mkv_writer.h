/* An mkv while it is open: libavformat's muxer on the segment's file. */
#ifndef SEGMENT_MKV_WRITER_H
#define SEGMENT_MKV_WRITER_H

#include <libavcodec/packet.h>
#include <libavformat/avformat.h>

#include "ingest/stream.h"
#include "segment/sink.h"

struct mkv_writer {
    struct sink *sink;
    AVFormatContext *format; /* owned */
};

/* All return 0 or an AVERROR; what the sink has met with is in sink->error. */

/* Writes the beginning, with room for the cues. */
int mkv_writer_open(struct mkv_writer *writer, struct sink *sink, const struct stream *stream,
                    int64_t wall_us, int64_t cluster_us, int64_t room_bytes);
void mkv_writer_uninit(struct mkv_writer *writer);

/* Takes a packet over, in any case; its times are in the file's time base. */
int mkv_writer_add(struct mkv_writer *writer, AVPacket *packet);

/* Ends the cluster. */
int mkv_writer_flush(struct mkv_writer *writer);

/* Writes the cues and the header's last values, of which the frames of the video are one. */
int mkv_writer_finish(struct mkv_writer *writer, int64_t frames);

#endif
