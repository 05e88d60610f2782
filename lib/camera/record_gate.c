#include "camera/record_gate.h"

enum record_gate_verdict record_gate_decide(struct record_gate *gate, bool is_wanted,
                                            bool is_key_frame)
{
    if (is_wanted && is_key_frame && gate->state != RECORD_GATE_OPEN) {
        *gate = (struct record_gate){.state = RECORD_GATE_OPEN, .is_beginning = true};
        return RECORD_GATE_BEGIN;
    }
    if (!is_wanted && gate->state != RECORD_GATE_CLOSED) {
        bool was_open = gate->state == RECORD_GATE_OPEN;
        *gate = (struct record_gate){.state = RECORD_GATE_CLOSED};
        return was_open ? RECORD_GATE_END : RECORD_GATE_STANDBY;
    }
    return RECORD_GATE_KEEP;
}

bool record_gate_passes(struct record_gate *gate, bool is_video, int64_t pts_us)
{
    if (gate->state != RECORD_GATE_OPEN || (gate->is_beginning && !is_video))
        return false;
    if (gate->is_beginning) {
        gate->is_beginning = false;
        gate->begin_us = pts_us;
    }
    return pts_us >= gate->begin_us;
}
