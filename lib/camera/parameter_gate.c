#include "camera/parameter_gate.h"

#include "ingest/parameters.h"

enum parameter_gate_verdict parameter_gate_decide(struct parameter_gate *gate,
                                                  const AVCodecParameters *stream,
                                                  const AVCodecParameters *current, int64_t now_us)
{
    if (parameters_are_same(stream, current))
        return gate->is_mixed ? PARAMETER_GATE_IN_BAND : PARAMETER_GATE_KEEP;
    if (gate->has_cut && now_us - gate->last_cut_us < PARAMETER_GATE_US) {
        gate->is_mixed = true;
        return PARAMETER_GATE_IN_BAND;
    }
    *gate = (struct parameter_gate){.has_cut = true, .last_cut_us = now_us};
    return PARAMETER_GATE_CUT;
}
