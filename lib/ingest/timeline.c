#include "ingest/timeline.h"

#include <stdlib.h>

#include <libavutil/avutil.h>
#include <libavutil/mathematics.h>

#include "base/clock.h"

/* Beyond this, two timestamps do not belong together; reordering and bursts stay well below it. */
#define JUMP_US US_PER_SECOND

/* A packet that came this much later than others was held up: its arrival says little. */
#define HELD_UP_US (US_PER_SECOND / 5)

/* Half of what networks and batches usually add to the least delay. */
#define JITTER_US (US_PER_SECOND / 16)

/* A frame without a time that comes this much later than expected was taken later. */
#define LATE_US (US_PER_SECOND / 8)

/* Sender reports come every few seconds; between two of them clocks may run 200 ppm apart. */
#define REPORT_AGE_US (60 * US_PER_SECOND)

/* Until two frames have told better. */
#define FIRST_FRAME_US (US_PER_SECOND / 25)

/* Without a time of their own, so many in a row follow each other by their duration. */
#define MAX_PREDICTED 4
#define MAX_UNTIMED   100000 /* counted */

static const AVRational us_base = {1, 1000000};

static int64_t to_ticks(const struct timeline_track *track, int64_t us)
{
    return av_rescale_q(us, us_base, track->time_base);
}

static int64_t to_us(const struct timeline_track *track, int64_t ticks)
{
    return av_rescale_q(ticks, track->time_base, us_base);
}

/* Without overflow, for times from the wire. */
static int64_t difference(int64_t a, int64_t b)
{
    int64_t result;
    if (__builtin_sub_overflow(a, b, &result))
        return a > b ? INT64_MAX / 2 : INT64_MIN / 2;
    return result;
}

static int64_t sum(int64_t a, int64_t b)
{
    int64_t result;
    if (__builtin_add_overflow(a, b, &result))
        return a > 0 ? INT64_MAX / 2 : INT64_MIN / 2;
    return result;
}

static bool is_jump(int64_t us)
{
    return us > JUMP_US || us < -JUMP_US;
}

/* Far beyond any clock, a time would overflow what is computed from it. */
static int64_t bounded(int64_t in)
{
    return in % (INT64_C(1) << 60);
}

void timeline_init(struct timeline *timeline, const struct stream *stream, bool has_common_times)
{
    *timeline = (struct timeline){
        .track_count = stream->track_count,
        .has_common_times = has_common_times,
    };
    for (int i = 0; i < stream->track_count; i++) {
        struct timeline_track *track = &timeline->tracks[i];
        track->time_base = stream->tracks[i].time_base;
        track->is_video = stream->tracks[i].parameters->codec_type == AVMEDIA_TYPE_VIDEO;
        track->duration = to_ticks(track, FIRST_FRAME_US);
        track->last_raw = AV_NOPTS_VALUE;
        track->last_pts = track->last_dts = INT64_MIN;
        track->sync.latency_is_unknown = has_common_times;
        reorder_init(&track->reorder, track->is_video);
        timeline_set_reorder(timeline, i, stream->tracks[i].reorder_frames);
    }
}

void timeline_set_reorder(struct timeline *timeline, int index, int frames)
{
    struct timeline_track *track = &timeline->tracks[index];
    if (track->is_video)
        reorder_set_depth(&track->reorder, frames);
}

/* The camera's time in ours. */
static int64_t map(const struct timeline_track *track, int64_t in)
{
    return sum(in, track->offset) + to_ticks(track, track->sync.slew_us);
}

/* How late a packet of that time comes, which lag_least_us() can be compared with. */
static int64_t lag_of(const struct timeline *timeline, const struct timeline_track *track,
                      int64_t in, int64_t arrival_us)
{
    int64_t media_us = to_us(track, sum(in, track->offset));
    return difference(arrival_us - timeline->start_us, media_us);
}

/* Where our time of the track stands when a packet arrives now that was not held up. */
static int64_t by_arrival(const struct timeline *timeline, const struct timeline_track *track,
                          int64_t arrival_us)
{
    int64_t lag_us = lag_least_us(&track->lag) - track->sync.slew_us;
    /* A track that begins comes in as late as the one that is there. */
    for (int i = 0; i < timeline->track_count && track->lag.count == 0; i++) {
        const struct timeline_track *other = &timeline->tracks[i];
        if (other->lag.count > 0) {
            lag_us = lag_least_us(&other->lag) - other->sync.slew_us;
            break;
        }
    }
    return to_ticks(track, arrival_us - timeline->start_us - lag_us);
}

static int64_t behind_last(const struct timeline_track *track, int64_t pts)
{
    if (track->last_pts == INT64_MIN || pts >= track->last_pts + track->duration)
        return pts;
    return track->last_pts + track->duration;
}

static void anchor(struct timeline_track *track, int64_t in, int64_t out)
{
    track->offset = difference(out - to_ticks(track, track->sync.slew_us), in);
    track->is_anchored = true;
    track->report.is_valid = false;
    reorder_restart(&track->reorder);
}

/* What of two tracks' times has to be the same, in our time of a track that is not anchored yet;
 * false when nothing is known. */
static bool find_shared(const struct timeline *timeline, const struct timeline_track *track,
                        int64_t in, int64_t *out)
{
    for (int i = 0; i < timeline->track_count; i++) {
        const struct timeline_track *other = &timeline->tracks[i];
        if (other == track || !other->is_anchored)
            continue;
        if (timeline->has_common_times) {
            *out = sum(in, to_ticks(track, to_us(other, other->offset)));
            return true;
        }
        if (!track->report.is_valid || !other->report.is_valid)
            continue;
        int64_t since_us = difference(track->report.ntp_us, other->report.ntp_us);
        int64_t there_us = sum(to_us(other, map(other, other->report.in)), since_us);
        int64_t at_report = to_ticks(track, there_us);
        *out = difference(at_report, difference(track->report.in, in));
        return true;
    }
    return false;
}

static void anchor_first(struct timeline *timeline, struct timeline_track *track, int64_t in,
                         int64_t arrival_us)
{
    int64_t shared, out = by_arrival(timeline, track, arrival_us);
    if (find_shared(timeline, track, in, &shared) &&
        !is_jump(to_us(track, difference(shared, out))))
        out = shared;
    struct sync_report report = track->report;
    track->may_lead = track->is_video && track->last_pts == INT64_MIN;
    track->first_in = in;
    anchor(track, in, behind_last(track, out));
    track->report = report;
}

/* The most that frames overtake others by, in ticks, as far as that is no jump. */
static int64_t lead_of(const struct timeline_track *track)
{
    int64_t most = to_ticks(track, JUMP_US);
    return track->reorder.lead < most ? track->reorder.lead : most;
}

/* Frames that others overtake come late, but were not held up. */
static bool is_held_up(const struct timeline_track *track)
{
    return track->last_excess_us > HELD_UP_US + to_us(track, lead_of(track));
}

/* The camera's times have broken off: they are continued by the time that passed. */
static void anchor_again(const struct timeline *timeline, struct timeline_track *track, int64_t in,
                         int64_t arrival_us)
{
    int64_t out = by_arrival(timeline, track, arrival_us - track->usual_excess_us);
    out += lead_of(track); /* lags are those of dts */
    /* In a burst arrival says only how much later than the packet before. */
    int64_t passed = to_ticks(track, arrival_us - track->last_arrival_us);
    if (is_held_up(track))
        out = track->last_pts + passed;
    /* As far as arrival can tell, nothing is missing. */
    int64_t next = track->last_pts + track->duration, jitter = to_ticks(track, JITTER_US);
    bool is_next = llabs(out - next) <= jitter || llabs(passed - track->duration) <= jitter;
    if (track->reorder.lead == 0 && is_next)
        out = next;
    /* Frames that this one overtakes need room behind the last dts. */
    int64_t least = track->last_dts + lead_of(track) + 2 * track->duration;
    if (track->reorder.lead > 0 && out < least)
        out = least;
    anchor(track, in, behind_last(track, out));
}

/* Whether a packet with that lag can have been on its way all the time: it is not early, and not
 * later than the one before it was. */
static bool is_plausible(const struct timeline_track *track, int64_t lag_us)
{
    int64_t excess_us = difference(lag_us, lag_least_us(&track->lag));
    int64_t held_us = track->last_excess_us > 0 ? track->last_excess_us : 0;
    return excess_us >= -JUMP_US && excess_us <= held_us + JUMP_US;
}

/* The next time of a packet without one. */
static int64_t predict(struct timeline_track *track, bool is_repeated)
{
    if (!is_repeated)
        return map(track, track->last_in + track->duration);
    /* One of two with the same time lies between the two with times of their own. */
    return track->last_pts + (track->is_video ? track->duration / 2 : track->duration);
}

/* The same by arrival, smoothed: frames come together or late, and the rate has to show. */
static int64_t smooth(const struct timeline *timeline, struct timeline_track *track,
                      int64_t arrival_us)
{
    int64_t now = by_arrival(timeline, track, arrival_us);
    if (track->last_pts == INT64_MIN)
        return now;
    if (!track->has_own_duration) {
        int64_t interval_us = arrival_us - track->last_arrival_us;
        interval_us = interval_us < 2 * JUMP_US ? interval_us : 2 * JUMP_US;
        track->duration += (to_ticks(track, interval_us) - track->duration) / 16;
    }
    int64_t error = now - (track->last_pts + track->duration);
    if (to_us(track, error) > LATE_US)
        return now;
    int64_t step = track->duration + error / 4, least = track->duration / 8 + 1;
    return track->last_pts + (step > least ? step : least);
}

static int64_t stamp_untimed(const struct timeline *timeline, struct timeline_track *track,
                             bool is_repeated, int64_t arrival_us)
{
    track->untimed += track->untimed < MAX_UNTIMED;
    int64_t pts = track->is_anchored ? predict(track, is_repeated) : 0;
    bool is_row = !track->is_anchored || track->untimed > MAX_PREDICTED;
    if (track->has_own_duration && track->is_anchored) {
        /* Several frames of sound in one packet share its time. */
        is_row = to_us(track, track->untimed * track->duration) > JUMP_US;
    } else if (is_repeated && !is_row) {
        int64_t late = by_arrival(timeline, track, arrival_us) - pts;
        is_row = track->untimed > 1 || to_us(track, late) > LATE_US;
    }
    if (is_row)
        pts = smooth(timeline, track, arrival_us);
    track->last_in = difference(pts, map(track, 0));
    return pts;
}

/* Fills in what there is to say of a discontinuity. */
static int64_t stamp_timed(struct timeline *timeline, struct timeline_track *track, int64_t in,
                           int64_t arrival_us, struct timeline_stamp *stamp)
{
    if (!track->is_anchored) {
        anchor_first(timeline, track, in, arrival_us);
        return map(track, in);
    }
    int64_t camera_us = to_us(track, difference(in, track->last_in));
    int64_t lag_us = lag_of(timeline, track, in, arrival_us);
    bool is_slow_camera = camera_us > 0 && camera_us <= 4 * to_us(track, track->duration);
    bool is_gap = is_jump(camera_us) && !(is_slow_camera && is_plausible(track, lag_us));
    stamp->camera_us = camera_us;
    stamp->arrival_us = arrival_us - track->last_arrival_us;

    if (track->untimed > 1 && (is_gap || map(track, in) <= track->last_pts)) {
        /* The times begin to count. */
        anchor(track, in, smooth(timeline, track, arrival_us));
    } else if ((is_gap && !is_plausible(track, lag_us)) ||
               reorder_is_step_back(&track->reorder, map(track, in))) {
        stamp->discontinuity = true;
        anchor_again(timeline, track, in, arrival_us);
    } else if (is_gap) {
        stamp->discontinuity = true;
        if (track->is_video && !is_held_up(track))
            track->lag.count = 0; /* the camera was silent: nothing was on its way */
    }
    return map(track, in);
}

/* A gap is no frame's duration, unless the next is as long: then the camera is that slow. */
static void learn_duration(struct timeline_track *track, int64_t distance)
{
    bool is_gap = to_us(track, distance) > JUMP_US && distance > 4 * track->duration;
    bool is_repeated = distance > track->last_gap / 2 && distance < track->last_gap * 2;
    if (distance > 1 && (!is_gap || is_repeated))
        track->duration = distance;
    track->last_gap = is_gap ? distance : 0;
}

static const struct timeline_track *find_picture(const struct timeline *timeline)
{
    for (int i = 0; i < timeline->track_count; i++)
        if (timeline->tracks[i].is_video)
            return &timeline->tracks[i];
    return NULL;
}

static bool is_fresh(const struct sync_report *report, int64_t now_us)
{
    return report->is_valid && now_us - report->arrival_us <= REPORT_AGE_US;
}

static void aim(const struct timeline *timeline, struct timeline_track *sound, int64_t now_us)
{
    const struct timeline_track *picture = find_picture(timeline);
    if (!picture || sound->is_video || sound->lag.count == 0 || picture->lag.count == 0)
        return;
    const struct sync_report *heard = &sound->report, *seen = &picture->report;
    struct sync_view view = {
        .behind_us = lag_least_us(&sound->lag) - lag_least_us(&picture->lag),
        .is_settled = sound->lag.count == LAG_SLOTS && picture->lag.count == LAG_SLOTS,
        .has_reports = is_fresh(heard, now_us) && is_fresh(seen, now_us),
    };
    if (view.has_reports) {
        int64_t heard_us = to_us(sound, sum(heard->in, sound->offset));
        int64_t seen_us = to_us(picture, sum(seen->in, picture->offset));
        int64_t apart_us = difference(heard->ntp_us, seen->ntp_us);
        view.by_reports_us = bounded(difference(apart_us, difference(heard_us, seen_us)));
    }
    av_sync_aim(&sound->sync, &view);
}

/* What arrival says of the clocks; of times that were made from it, nothing. */
static void learn_lag(struct timeline *timeline, struct timeline_track *track, int64_t sent,
                      int64_t arrival_us, int64_t real_us)
{
    int64_t lag_us = lag_of(timeline, track, difference(sent, map(track, 0)), arrival_us);
    if (track->is_video && track->lag.count == 0)
        wall_clock_restart(&timeline->wall, lag_us);
    bool slot_began = lag_take(&track->lag, lag_us, arrival_us);
    track->last_excess_us = lag_us - lag_least_us(&track->lag);
    if (!is_held_up(track))
        track->usual_excess_us += (track->last_excess_us - track->usual_excess_us) / 16;
    if (track->is_video)
        wall_clock_take(&timeline->wall, &track->lag, slot_began, lag_us, arrival_us, real_us);
    else if (slot_began)
        aim(timeline, track, arrival_us);
}

/* Sound moves by the time that passes in it. */
static void slew(struct timeline_track *track, int64_t in, struct timeline_stamp *stamp)
{
    int64_t distance_us = to_us(track, difference(in, track->last_in));
    if (!track->is_anchored || distance_us <= 0 || distance_us > JUMP_US)
        return;
    if (av_sync_move(&track->sync, distance_us)) {
        stamp->discontinuity = true;
        stamp->camera_us = distance_us;
        stamp->arrival_us = to_us(track, map(track, in) - track->last_pts);
    }
}

static bool is_leading(struct timeline_track *track, int64_t in)
{
    int64_t before_us = to_us(track, difference(track->first_in, in));
    bool can_reorder = !track->reorder.depth_is_known || track->reorder.depth > 0;
    return track->may_lead && can_reorder && before_us > 0 && before_us <= JUMP_US;
}

void timeline_stamp(struct timeline *timeline, int index, int64_t in_pts, int64_t duration,
                    int64_t arrival_us, int64_t real_us, struct timeline_stamp *stamp)
{
    struct timeline_track *track = &timeline->tracks[index];
    *stamp = (struct timeline_stamp){0};
    if (!timeline->has_begun) {
        timeline->has_begun = true;
        timeline->start_us = arrival_us;
        wall_clock_init(&timeline->wall, arrival_us, real_us);
    }
    if (duration > 0 && (!track->is_video || track->last_pts == INT64_MIN)) {
        track->duration = duration;
        track->has_own_duration = !track->is_video;
    }

    int64_t in = in_pts == AV_NOPTS_VALUE ? in_pts : bounded(in_pts);
    if (in != AV_NOPTS_VALUE && is_leading(track, in)) {
        *stamp = (struct timeline_stamp){.is_leading = true, .wall_us = real_us};
        stamp->pts = stamp->dts = AV_NOPTS_VALUE;
        return;
    }
    bool is_first = track->last_pts == INT64_MIN;
    bool is_repeated = in != AV_NOPTS_VALUE && in == track->last_raw;
    bool is_timed = in != AV_NOPTS_VALUE && !is_repeated;
    int64_t pts;
    if (is_timed) {
        track->last_raw = in;
        slew(track, in, stamp);
        pts = stamp_timed(timeline, track, in, arrival_us, stamp);
        track->last_in = in;
        track->untimed = 0;
    } else {
        pts = stamp_untimed(timeline, track, is_repeated, arrival_us);
    }
    track->may_lead = track->may_lead && is_first;

    stamp->dts = reorder_take(&track->reorder, &pts, track->duration);
    stamp->pts = pts;
    if (is_timed)
        learn_lag(timeline, track, reorder_is_seen(&track->reorder) ? stamp->dts : pts, arrival_us,
                  real_us);
    if (is_timed && !track->has_own_duration && track->last_dts != INT64_MIN)
        learn_duration(track, stamp->dts - track->last_dts);
    track->last_dts = stamp->dts;
    if (track->last_pts == INT64_MIN || pts > track->last_pts)
        track->last_pts = pts;
    track->last_arrival_us = arrival_us;
    stamp->duration = track->duration;
    stamp->wall_us =
        wall_clock_date(&timeline->wall, timeline->start_us + to_us(track, pts), real_us);
}

void timeline_report(struct timeline *timeline, int index, int64_t in_pts, int64_t ntp_us,
                     int64_t arrival_us)
{
    struct timeline_track *track = &timeline->tracks[index];
    struct sync_report report = {true, bounded(in_pts), ntp_us, arrival_us};
    if (track->lag.count > 0) {
        int64_t lag_us = lag_of(timeline, track, report.in, arrival_us);
        if (is_jump(difference(lag_us, lag_least_us(&track->lag))))
            return;
    }
    int64_t in_us = to_us(track, difference(report.in, track->report.in));
    bool is_step = track->report.is_valid && sync_report_is_step(&track->report, &report, in_us);
    for (int i = 0; i < timeline->track_count && is_step; i++)
        timeline->tracks[i].report.is_valid = false;
    track->report = report;
    for (int i = 0; i < timeline->track_count; i++)
        aim(timeline, &timeline->tracks[i], arrival_us);
}
