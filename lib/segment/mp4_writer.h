/*
 * An mp4 while it is open: [ftyp][head room][moov, empty][moof][mdat]… libavformat writes the
 * beginning, which is where codecs differ; the fragments are ours: their payload goes from the
 * packets to the file without being copied, and their tables are kept for sealing.
 */
#ifndef SEGMENT_MP4_WRITER_H
#define SEGMENT_MP4_WRITER_H

#include "segment/mp4_gather.h"
#include "segment/mp4_seal.h"
#include "segment/sink.h"

struct mp4_writer {
    struct sink *sink;
    struct mp4_part part;
    struct mp4_table table;
    bool is_incomplete; /* the table: the file has to be read to be sealed */
    struct mp4_gather gather;
    AVRational time_base[STREAM_MAX_TRACKS]; /* in the file */
};

/* All return 0 or an AVERROR; what the sink has met with is in sink->error. */

/* Writes the beginning. Frames of H.264 and H.265 have to be length-prefixed. */
int mp4_writer_open(struct mp4_writer *writer, struct sink *sink, const struct stream *stream,
                    int64_t wall_us, uint32_t room_bytes);

/*
 * Goes on with a sealed file (mp4_read_sealed()) that holds *frames of the same kind, each of which
 * lasts one tick of the stream's one track. The sink has the descriptor only.
 *
 * Changes nothing before mp4_writer_unseal(). Both return 0 or an rtsprec code;
 * RTSPREC_ERROR_UNSUPPORTED: the file is another.
 */
int mp4_writer_reopen(struct mp4_writer *writer, struct sink *sink, const struct stream *stream,
                      int64_t *frames, struct rtsprec_error *error);
int mp4_writer_unseal(struct mp4_writer *writer, struct rtsprec_error *error);

void mp4_writer_uninit(struct mp4_writer *writer);

/* Takes a packet over, in any case; its times are in the file's time base. */
int mp4_writer_add(struct mp4_writer *writer, AVPacket *packet);

/* Writes what was added as one fragment, if anything was. */
int mp4_writer_flush(struct mp4_writer *writer);

/* Seals the file, see mp4_seal(). Returns 0 or an rtsprec code. */
int mp4_writer_seal(struct mp4_writer *writer, size_t *moov_bytes, struct rtsprec_error *error);

#endif
