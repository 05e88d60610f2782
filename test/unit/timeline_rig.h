/* A timeline with a video and an audio track, and what it must keep to. */
#ifndef TIMELINE_RIG_H
#define TIMELINE_RIG_H

#include "unit.h"

#include <inttypes.h>

#include <libavutil/avutil.h>

#include "ingest/timeline.h"

#define START (100 * HOUR)                   /* of the monotonic clock */
#define REAL  (INT64_C(1700000000) * SECOND) /* of the wall clock at that moment */
#define HERTZ 90000                          /* of the video's time base */
#define FRAME 3600                           /* 25 fps, in ticks */
#define AUDIO INT64_C(16000)                 /* of the audio's time base */

struct rig {
    struct timeline timeline;
    int64_t last_dts[2];
    int discontinuities, leading;
};

static inline void rig_init_with(struct rig *rig, int reorder_frames, bool has_common_times)
{
    struct stream *stream = stream_create();
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    parameters->codec_type = AVMEDIA_TYPE_VIDEO;
    assert_int_equal(stream_add_track(stream, parameters, (AVRational){1, HERTZ}, reorder_frames),
                     0);
    parameters->codec_type = AVMEDIA_TYPE_AUDIO;
    assert_int_equal(stream_add_track(stream, parameters, (AVRational){1, (int)AUDIO}, -1), 0);
    avcodec_parameters_free(&parameters);
    *rig = (struct rig){.last_dts = {INT64_MIN, INT64_MIN}};
    timeline_init(&rig->timeline, stream, has_common_times);
    stream_unref(&stream);
}

/* As libavformat's demuxers give times. */
static inline void rig_init(struct rig *rig, int reorder_frames)
{
    rig_init_with(rig, reorder_frames, true);
}

/* Each track's times begin anywhere. */
static inline void rig_init_rtp(struct rig *rig, int reorder_frames)
{
    rig_init_with(rig, reorder_frames, false);
}

/* Stamps, with the first guarantee checked. Times are relative to START and REAL. */
static inline struct timeline_stamp stamp_at(struct rig *rig, int track, int64_t pts,
                                             int64_t duration, int64_t arrival_us, int64_t real_us)
{
    struct timeline_stamp stamp;
    timeline_stamp(&rig->timeline, track, pts, duration, START + arrival_us, REAL + real_us,
                   &stamp);
    rig->leading += stamp.is_leading;
    if (stamp.is_leading)
        return stamp;
    require(stamp.pts != AV_NOPTS_VALUE && stamp.dts != AV_NOPTS_VALUE, "pts %" PRId64, pts);
    require(stamp.pts >= stamp.dts, "pts %" PRId64 " < dts %" PRId64, stamp.pts, stamp.dts);
    require(rig->last_dts[track] == INT64_MIN || stamp.dts > rig->last_dts[track],
            "dts %" PRId64 " after %" PRId64, stamp.dts, rig->last_dts[track]);
    rig->last_dts[track] = stamp.dts;
    rig->discontinuities += stamp.discontinuity;
    return stamp;
}

static inline struct timeline_stamp video(struct rig *rig, int64_t pts, int64_t arrival_us)
{
    return stamp_at(rig, 0, pts, 0, arrival_us, arrival_us);
}

static inline struct timeline_stamp audio(struct rig *rig, int64_t pts, int64_t arrival_us)
{
    return stamp_at(rig, 1, pts, 1024, arrival_us, arrival_us);
}

#endif
