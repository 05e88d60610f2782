/*
 * Which segment a packet belongs to: a pure decision. A segment begins with a key frame of the
 * video, ends before the first key frame at or after the next clock-aligned boundary, and holds
 * what of the other tracks lies between the two in time, whenever it arrives.
 */
#ifndef SEGMENT_SPLITTER_H
#define SEGMENT_SPLITTER_H

#include <stdbool.h>
#include <stdint.h>

enum split {
    SPLIT_DROP,    /* nothing to begin with yet: it comes before the first key frame */
    SPLIT_CUT,     /* a new segment begins with it */
    SPLIT_CURRENT, /* it belongs to the current segment */
    SPLIT_EARLIER, /* it belongs to the segment before the current one */
};

struct splitter {
    int64_t segment_us; /* length of a segment */

    bool has_current, has_earlier;
    int64_t start_us;         /* media time of the current segment's first frame */
    int64_t slot;             /* the interval of the clock that it began in */
    int64_t last_key_wall_us; /* of the last key frame */
};

struct split_packet {
    bool is_video, is_key;
    int64_t pts_us;        /* media time */
    int64_t wall_us;       /* its wall-clock time, UTC */
    int64_t utc_offset_us; /* what local time is ahead of UTC then; for key frames */
};

/* Intervals are counted from local midnight, and midnight always begins one; a boundary that local
 * time passes twice, when clocks go back, is one both times. */
void splitter_init(struct splitter *splitter, int64_t segment_us);

/* Decides; a SPLIT_CUT is remembered as done. */
enum split splitter_decide(struct splitter *splitter, const struct split_packet *packet);

/* The segments are closed (end of a run, new parameters, an error): the next key frame begins one.
 */
void splitter_reset(struct splitter *splitter);

/* The earlier segment is closed: packets later than that are dropped. */
void splitter_close_earlier(struct splitter *splitter);

#endif
