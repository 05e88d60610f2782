#include "camera/parameter_gate.h"

#include <string.h>

static bool are_same(const AVCodecParameters *a, const AVCodecParameters *b)
{
    return a->codec_id == b->codec_id && a->width == b->width && a->height == b->height &&
           a->extradata_size == b->extradata_size &&
           (a->extradata_size == 0 ||
            !memcmp(a->extradata, b->extradata, (size_t)a->extradata_size));
}

enum parameter_gate_verdict parameter_gate_decide(struct parameter_gate *gate,
                                                  const AVCodecParameters *stream,
                                                  const AVCodecParameters *current, int64_t now_us)
{
    if (are_same(stream, current))
        return gate->is_mixed ? PARAMETER_GATE_IN_BAND : PARAMETER_GATE_KEEP;
    if (gate->has_cut && now_us - gate->last_cut_us < PARAMETER_GATE_US) {
        gate->is_mixed = true;
        return PARAMETER_GATE_IN_BAND;
    }
    *gate = (struct parameter_gate){.has_cut = true, .last_cut_us = now_us};
    return PARAMETER_GATE_CUT;
}
