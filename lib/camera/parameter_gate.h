/*
 * Cut now, or keep writing? When the video's codec parameters change, the segment ends and the next
 * one begins with them: a pure decision, made at each key frame. A camera that goes back and forth
 * between sets of parameters would make a file of every key frame; it gets a file every 10 s, and
 * what lies between is written on with the parameter sets in its frames, which decoders follow.
 */
#ifndef CAMERA_PARAMETER_GATE_H
#define CAMERA_PARAMETER_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/codec_par.h>

/* The least from one cut by parameters to the next: 8,640 files a day at worst, where rotation may
 * make 1,440; and a camera that is being set up by hand still gets a file per setting. */
#define PARAMETER_GATE_US INT64_C(10000000)

enum parameter_gate_verdict {
    PARAMETER_GATE_KEEP,    /* as the stream says */
    PARAMETER_GATE_IN_BAND, /* written on; this key frame is to carry its own sets */
    PARAMETER_GATE_CUT,     /* a new stream begins with this key frame */
};

/* Of a run. {0}: nothing has been cut yet. */
struct parameter_gate {
    bool has_cut;
    int64_t last_cut_us; /* monotonic */
    bool is_mixed;       /* frames since the last cut have brought sets of their own */
};

/*
 * Decides about a key frame. stream: the parameters the open stream was announced with; current:
 * the key frame's; now_us: its arrival, monotonic. PARAMETER_GATE_CUT is remembered as done.
 *
 * Once one key frame has been written in band, each one is until the next cut, also when the
 * parameters have gone back to the stream's: a decoder has to be told, and a player that seeks sees
 * no other frame. What reordering needs changes with the key frame in any case
 * (timeline_set_reorder()).
 */
enum parameter_gate_verdict parameter_gate_decide(struct parameter_gate *gate,
                                                  const AVCodecParameters *stream,
                                                  const AVCodecParameters *current, int64_t now_us);

#endif
