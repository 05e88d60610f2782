/*
 * A clip as RTP packets that are ready to be sent over an RTSP connection, round and round.
 */
#ifndef BENCH_LOAD_STREAM_H
#define BENCH_LOAD_STREAM_H

#include <stddef.h>
#include <stdint.h>

struct load_frame {
    size_t offset, size; /**< in the block, of all its packets with their interleaved headers */
    int first_packet, packet_count;
    int video_bytes; /**< of the access unit itself */
    int key;
    int64_t send_us; /**< from the start of a round */
    uint32_t time;   /**< RTP time, from the start of a round */
};

struct load_stream {
    uint8_t *block; /**< "$", channel 0, length, packet; all packets of the clip in order */
    size_t size, capacity;
    size_t *packets; /**< where each packet's "$" is */
    int packet_count, packet_capacity;
    struct load_frame *frames;
    int frame_count;
    int64_t duration_us;     /**< of a round */
    int64_t key_interval_us; /**< between the first two key frames; a round when there is one */
    char sdp[8192];
};

/**
 * Cuts the video of @p file into packets of at most 1400 bytes.
 *
 * @return 0 or a negative AVERROR; the reason stands on stderr
 */
int load_stream_open(struct load_stream **out, const char *file);

/** Frees *stream and sets it to NULL; NULL is ignored. */
void load_stream_close(struct load_stream **stream);

/** What the packets of one connection are numbered from. */
struct load_start {
    uint32_t sequence; /**< of its first packet */
    uint32_t time;     /**< of its first frame */
};

/**
 * Gives packets of @p frame the sequence numbers and the time that they have in round @p round:
 * from its packet @p first on, those that begin before byte @p end of the frame. Connections share
 * the block, so this goes ahead of every send.
 */
void load_stream_patch(struct load_stream *stream, const struct load_frame *frame,
                       const struct load_start *start, int64_t round, int first, size_t end);

/** The packet of @p frame, from its packet @p first on, that byte @p at of the frame is in. */
int load_stream_packet_at(const struct load_stream *stream, const struct load_frame *frame,
                          int first, size_t at);

#endif
