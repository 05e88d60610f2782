#include "camera/record_gate.h"

#include "base/clock.h"

/* Packets of before are still to come for so long: more than any network is late. A clock that is
 * set back in between would else make an hour of it. */
#define SETTLE_US (5 * US_PER_SECOND)

void record_gate_set(struct record_gate *gate, bool is_wanted, int64_t from_us, int64_t real_us,
                     int64_t now_us)
{
    gate->was_wanted = gate->is_wanted;
    gate->is_wanted = is_wanted;
    gate->from_us = from_us;
    gate->until_us = now_us + SETTLE_US;
    gate->is_settled = real_us < from_us;
}

enum record_gate_verdict record_gate_decide(struct record_gate *gate, bool is_key_frame,
                                            int64_t wall_us, int64_t now_us)
{
    gate->is_settled = gate->is_settled || wall_us >= gate->from_us || now_us >= gate->until_us;
    bool is_wanted = gate->is_settled ? gate->is_wanted : gate->was_wanted;
    if (is_wanted && is_key_frame && gate->state != RECORD_GATE_OPEN) {
        gate->state = RECORD_GATE_OPEN;
        gate->is_beginning = true;
        return RECORD_GATE_BEGIN;
    }
    if (!is_wanted && gate->state != RECORD_GATE_CLOSED) {
        bool was_open = gate->state == RECORD_GATE_OPEN;
        gate->state = RECORD_GATE_CLOSED;
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
