/*
 * Repaired, increasing timestamps, and the wall-clock time of each packet. One timeline per run
 * (from connecting to losing the camera). Pure: arrival and wall-clock times are arguments.
 *
 * Guarantees, whatever the camera sends:
 *   1. every packet leaves with pts and dts; dts strictly increases on each track; pts >= dts;
 *   2. where the camera's times run on, so do ours, to the tick; a jump of more than a second
 * becomes a discontinuity and the time that really passed, never a silent clamp;
 *   3. frames that need reordering get their dts from a window as deep as the stream says, or as
 * deep as its timestamps show;
 *   4. wall-clock time is the host's real-time clock at the first packet plus the media time since;
 * it follows the host's clock by at most 500 ppm, except when that clock is set or media and
 * arrival have come apart by more than a second: then it steps. Media times never do.
 */
#ifndef INGEST_TIMELINE_H
#define INGEST_TIMELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "ingest/stream.h"

#define TIMELINE_MAX_REORDER 16 /* the most that H.264 and H.265 allow */

struct timeline_track {
    AVRational time_base;
    bool is_video;

    /* Camera's time -> ours, in ticks of the time base. */
    bool anchored;
    int64_t offset;
    int64_t last_in, last_arrival_us;
    int64_t last_pts, last_dts; /* given out; INT64_MIN before the first */
    int64_t duration;           /* of a frame, by the last two */
    int64_t last_gap; /* distance of the last two when it was too long for a frame, or 0 */

    /* The latest pictures in output order: as many follow a picture there as its dts is early. */
    int depth; /* how many; grows when the stream does not say */
    bool depth_is_known;
    int64_t latest[TIMELINE_MAX_REORDER + 1]; /* the largest pts since the anchor, sorted */
    int latest_count;
};

struct timeline {
    struct timeline_track tracks[STREAM_MAX_TRACKS];
    int track_count;

    bool started;
    int64_t start_us; /* arrival of the first packet: our time 0 */

    int64_t wall_offset_us;  /* our time -> wall-clock time */
    int64_t clock_offset_us; /* real-time clock minus monotonic clock at the last packet */
    int64_t least_lag_us;    /* the least delay against the wall clock within the current window */
    int64_t window_start_us; /* monotonic */
};

struct timeline_stamp {
    int64_t pts, dts, duration; /* ticks of the track's time base */
    int64_t wall_us;            /* of pts */
    bool discontinuity;
    int64_t camera_us,
        arrival_us; /* of a discontinuity: how far the camera's time went, and ours */
};

void timeline_init(struct timeline *timeline, const struct stream *stream);

/* What the stream says of its reordering, once it is known; see struct sps. */
void timeline_set_reorder(struct timeline *timeline, int track, int frames);

/*
 * Stamps the next packet of a track, in order of arrival. in_pts may be AV_NOPTS_VALUE; duration in
 * ticks, 0 when unknown; arrival_us on the monotonic clock, real_us the wall clock at that moment.
 */
void timeline_stamp(struct timeline *timeline, int track, int64_t in_pts, int64_t duration,
                    int64_t arrival_us, int64_t real_us, struct timeline_stamp *stamp);

#endif
