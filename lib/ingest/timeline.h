/*
 * Repaired, increasing timestamps, and the wall-clock time of each packet. One timeline per run
 * (from connecting to losing the camera). Pure: arrival and wall-clock times are arguments.
 *
 * Guarantees, whatever the camera sends:
 *   1. Every packet leaves with pts and dts; dts strictly increases on each track; pts >= dts.
 *   2. The picture's times are the camera's, to the tick, as long as these go on. What jumps by
 *      more than a second, or steps back by more than reordering explains, becomes a discontinuity
 *      and the time that really passed, never a silent clamp. Media that is missing while the
 *      camera's time went on is a discontinuity too, and that time.
 *   3. Packets without a time, or with the one before's for longer, get theirs from arrival,
 *      smoothed. What is announced of a frame rate is believed until two frames have shown it.
 *   4. Frames that need reordering get their dts from a window as deep as the stream says, or as
 *      deep as its times show (ingest/reorder.h).
 *   5. Leading pictures of the run's first key frame, which refer to what was before it, are said
 *      to be so and get no time: no decoder shows them, and whatever times they had would either
 *      lie before the beginning of the recording or be wrong.
 *   6. Sound keeps beside the picture: within 100 ms while their clocks run apart, by slewing
 *      (ingest/av_sync.h), by the sender reports where these are plausible.
 *   7. The wall-clock time of a frame is that of the host's clock when the camera had it, within
 *      100 ms while the network's least delay is below 50 ms: through stalls and bursts, jumps,
 *      drift (ingest/wall_clock.h). The camera's clock has no say in it. When the host's clock is
 *      set, wall-clock times follow at once; media times never do.
 *
 * Arrival may be late by whatever the network and reading in batches make of it: of lateness only
 * the least within seconds counts (ingest/lag.h). It may not be early.
 */
#ifndef INGEST_TIMELINE_H
#define INGEST_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/av_sync.h"
#include "ingest/lag.h"
#include "ingest/reorder.h"
#include "ingest/stream.h"
#include "ingest/wall_clock.h"

struct timeline_track {
    AVRational time_base;
    bool is_video;

    /* Camera's time -> ours, in ticks of the time base, before slewing. */
    bool is_anchored;
    int64_t offset;
    int64_t last_in;  /* the camera's time of the last packet, given or predicted */
    int64_t last_raw; /* the last one given; AV_NOPTS_VALUE before */
    int untimed;      /* packets in a row without a time of their own */
    int64_t first_in; /* of the picture the run begins with, while others may lead it */
    bool may_lead;

    int64_t last_pts; /* the largest given out; INT64_MIN before the first */
    int64_t last_dts;
    int64_t last_arrival_us;
    int64_t duration;      /* of a frame: given with sound, else by the last two */
    bool has_own_duration; /* packets of sound bring theirs */
    int64_t last_gap;      /* distance of the last two when it was too long for a frame, or 0 */

    struct reorder reorder;
    struct lag lag;          /* of times as anchored, before slewing */
    int64_t last_excess_us;  /* how much later than the least the last packet came */
    int64_t usual_excess_us; /* the same, smoothed, of packets that were not held up */
    struct sync_report report;
    struct av_sync sync; /* of sound */
};

struct timeline {
    struct timeline_track tracks[STREAM_MAX_TRACKS];
    int track_count;
    bool has_common_times;

    bool has_begun;
    int64_t start_us; /* arrival of the first packet: our time 0 */
    struct wall_clock wall;
};

struct timeline_stamp {
    int64_t pts, dts, duration; /* ticks of the track's time base */
    int64_t wall_us;            /* of pts */
    bool is_leading; /* cannot be decoded, and has no times: to be thrown away; see guarantee 5 */
    bool discontinuity;
    int64_t camera_us,
        arrival_us; /* of a discontinuity: how far the camera's time went, and ours */
};

/*
 * has_common_times: what comes in is of one clock for all tracks, which begins anywhere
 * (libavformat's demuxers make it so); else each track's times begin anywhere, as RTP times do.
 */
void timeline_init(struct timeline *timeline, const struct stream *stream, bool has_common_times);

/* What the stream says of its reordering, once it is known; see struct sps. */
void timeline_set_reorder(struct timeline *timeline, int track, int frames);

/*
 * Stamps the next packet of a track, in order of arrival. in_pts is the camera's time without wraps
 * (which it may still contain, as jumps) or AV_NOPTS_VALUE; duration in ticks, 0 when unknown;
 * arrival_us on the monotonic clock, real_us the wall clock at that moment.
 */
void timeline_stamp(struct timeline *timeline, int track, int64_t in_pts, int64_t duration,
                    int64_t arrival_us, int64_t real_us, struct timeline_stamp *stamp);

/*
 * A sender report: at in_pts, in the track's times as timeline_stamp() takes them, the camera's
 * clock said ntp_us. One that lies more than a second off what arrives is ignored, and so are
 * reports of two tracks while the camera's clock has been set between them.
 */
void timeline_report(struct timeline *timeline, int track, int64_t in_pts, int64_t ntp_us,
                     int64_t arrival_us);

#endif
