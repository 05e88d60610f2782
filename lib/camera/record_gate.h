/*
 * Is what the camera sends recorded, as the program wants it? A pure decision, made at each packet
 * of a run: recording begins with a key frame, and ends before whatever comes next.
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

/* Of a run. {0}: nothing has come yet. */
struct record_gate {
    enum { RECORD_GATE_NEW, RECORD_GATE_CLOSED, RECORD_GATE_OPEN } state;
    bool is_beginning; /* the first picture's time is not known yet */
    int64_t begin_us;  /* it, media time */
};

/* Decides about a packet; a verdict but KEEP is remembered as done. */
enum record_gate_verdict record_gate_decide(struct record_gate *gate, bool is_wanted,
                                            bool is_key_frame);

/*
 * Whether a packet passes, by its pts. Before the first picture lie its leading pictures and sound
 * that is late, which nobody could decode or place.
 */
bool record_gate_passes(struct record_gate *gate, bool is_video, int64_t pts_us);

#endif
