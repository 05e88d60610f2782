/*
 * Keeps sound beside the picture. The picture's times are the camera's; sound is slewed against
 * them, by at most 0.5 % of its own time (5 ms a second), towards where both were taken at once:
 *   - where the sender reports say so (RTCP: a wall-clock time of the camera for an RTP time of
 *     each track; only the difference between two tracks' counts), or
 *   - where sound arrives as late as the picture, or later by what reports have said before.
 * Nothing is done about less than 30 ms. Half a second or more that sound has to go forward is
 * stepped over, as a gap is; it never steps back.
 */
#ifndef INGEST_AV_SYNC_H
#define INGEST_AV_SYNC_H

#include <stdbool.h>
#include <stdint.h>

/* The latest sender report of a track. {0}: none. */
struct sync_report {
    bool is_valid;
    int64_t in;         /* RTP time, ticks */
    int64_t ntp_us;     /* the camera's clock at that time */
    int64_t arrival_us; /* monotonic */
};

/* Whether the camera's clock has been set between two reports of a track; in_us is what its RTP
 * time says has passed. What other tracks reported before does not go together with the newer. */
bool sync_report_is_step(const struct sync_report *earlier, const struct sync_report *later,
                         int64_t in_us);

/* Of a track of sound. {0}, or with latency_is_unknown. */
struct av_sync {
    int64_t slew_us;   /* in force: added to the track's media times */
    int64_t target_us; /* where it goes */
    bool is_slewing;
    int64_t latency_us;      /* how much later than the picture the sound of a moment arrives */
    bool latency_is_unknown; /* the tracks share a clock: the first seconds show it */
};

/* What is known of sound and picture at a moment, before slewing. */
struct sync_view {
    int64_t behind_us;     /* sound's least lag minus the picture's */
    bool is_settled;       /* that is of 8 s of both */
    bool has_reports;      /* of both tracks, of one clock, not old */
    int64_t by_reports_us; /* what they say that has to be added to the sound's media times */
};

/* Sets the target anew. */
void av_sync_aim(struct av_sync *sync, const struct sync_view *view);

/* Goes on to the target while distance_us of sound pass. Returns whether that was a step. */
bool av_sync_move(struct av_sync *sync, int64_t distance_us);

#endif
