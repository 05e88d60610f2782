/*
 * Is what the camera sends recorded, as the program wants it? A pure decision, made at each packet
 * of a run by the packet's own time: recording begins with a key frame, and ends before whatever
 * comes next.
 */
#ifndef CAMERA_RECORD_GATE_H
#define CAMERA_RECORD_GATE_H

#include <stdbool.h>
#include <stdint.h>

enum record_gate_verdict {
    RECORD_GATE_KEEP,    /* as it was */
    RECORD_GATE_BEGIN,   /* what is recorded begins with this key frame */
    RECORD_GATE_STANDBY, /* it is not recorded, and was not before */
    RECORD_GATE_END,     /* it is not recorded any more */
};

/* Of a run. {0}: nothing is wanted, and nothing has come yet. */
struct record_gate {
    bool is_wanted, was_wanted; /* from an instant on, and before */
    bool is_settled;            /* that instant is past */
    int64_t from_us;            /* it, wall-clock time */
    int64_t until_us;           /* it is past from then on in any case, monotonic */

    enum { RECORD_GATE_NEW, RECORD_GATE_CLOSED, RECORD_GATE_OPEN } state;
    bool is_beginning; /* the first picture's time is not known yet */
    int64_t begin_us;  /* it, media time */
};

/*
 * From wall-clock time from_us on the camera is to be recorded, or not; before, it is as it was.
 * real_us and now_us: wall-clock and monotonic time of this moment, which is not before from_us but
 * for a clock that has been set.
 */
void record_gate_set(struct record_gate *gate, bool is_wanted, int64_t from_us, int64_t real_us,
                     int64_t now_us);

/* Decides about a packet of wall-clock time wall_us, at now_us; a verdict but KEEP is remembered as
 * done. */
enum record_gate_verdict record_gate_decide(struct record_gate *gate, bool is_key_frame,
                                            int64_t wall_us, int64_t now_us);

/*
 * Whether the packet passes, by its pts. Before the first picture lie its leading pictures and
 * sound that is late, which nobody could decode or place.
 */
bool record_gate_passes(struct record_gate *gate, bool is_video, int64_t pts_us);

#endif
