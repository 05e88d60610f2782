#include "ingest/timeline.h"

#include <string.h>

#include <libavutil/avutil.h>
#include <libavutil/mathematics.h>

#include "base/clock.h"

/* Beyond this, two timestamps do not belong together; reordering and bursts stay well below it. */
#define JUMP_US US_PER_SECOND

/* Wall clock: how often the offset is looked at, and how far it may move then (500 ppm). */
#define SLEW_WINDOW_US (10 * US_PER_SECOND)
#define SLEW_MAX_US    (SLEW_WINDOW_US * 500 / 1000000)
#define STEP_US        US_PER_SECOND
#define CLOCK_SET_US   (US_PER_SECOND / 2)

/* Until two frames have told better. */
#define FIRST_FRAME_US (US_PER_SECOND / 25)

static const AVRational us_base = {1, 1000000};

static int64_t to_ticks(const struct timeline_track *track, int64_t us)
{
    return av_rescale_q(us, us_base, track->time_base);
}

static int64_t to_us(const struct timeline_track *track, int64_t ticks)
{
    return av_rescale_q(ticks, track->time_base, us_base);
}

/* a - b without overflow, for times from the wire. */
static int64_t difference(int64_t a, int64_t b)
{
    int64_t result;
    if (__builtin_sub_overflow(a, b, &result))
        return a > b ? INT64_MAX / 2 : INT64_MIN / 2;
    return result;
}

static bool is_jump(int64_t us)
{
    return us > JUMP_US || us < -JUMP_US;
}

void timeline_init(struct timeline *timeline, const struct stream *stream)
{
    *timeline = (struct timeline){.track_count = stream->track_count};
    for (int i = 0; i < stream->track_count; i++) {
        struct timeline_track *track = &timeline->tracks[i];
        track->time_base = stream->tracks[i].time_base;
        track->is_video = stream->tracks[i].parameters->codec_type == AVMEDIA_TYPE_VIDEO;
        track->depth_is_known = !track->is_video;
        track->duration = to_ticks(track, FIRST_FRAME_US);
        track->last_pts = track->last_dts = INT64_MIN;
        timeline_set_reorder(timeline, i, stream->tracks[i].reorder_frames);
    }
}

void timeline_set_reorder(struct timeline *timeline, int index, int frames)
{
    struct timeline_track *track = &timeline->tracks[index];
    if (!track->is_video || frames < 0)
        return;
    track->depth = frames < TIMELINE_MAX_REORDER ? frames : TIMELINE_MAX_REORDER;
    track->depth_is_known = true;
}

/* Where our time of the track stands when a packet arrives now, judged by the clock alone. */
static int64_t by_arrival(const struct timeline *timeline, const struct timeline_track *track,
                          int64_t arrival_us)
{
    int64_t now = to_ticks(track, arrival_us - timeline->start_us);
    int64_t least = track->last_pts == INT64_MIN ? now : track->last_pts + track->duration;
    return now > least ? now : least;
}

static void anchor(struct timeline_track *track, int64_t in, int64_t out)
{
    track->offset = difference(out, in);
    track->anchored = true;
    track->latest_count = 0;
}

/* The camera's tracks share one clock: a second track takes the first one's offset when that fits.
 */
static void anchor_first(struct timeline *timeline, struct timeline_track *track, int64_t in,
                         int64_t arrival_us)
{
    int64_t out = by_arrival(timeline, track, arrival_us);
    for (int i = 0; i < timeline->track_count; i++) {
        const struct timeline_track *other = &timeline->tracks[i];
        if (other == track || !other->anchored)
            continue;
        int64_t shared = in + to_ticks(track, to_us(other, other->offset));
        if (!is_jump(to_us(track, difference(shared, out))) && shared > track->last_pts)
            out = shared;
        break;
    }
    anchor(track, in, out);
}

/* Returns the packet's pts in our time; fills in what there is to say of a discontinuity. */
static int64_t repair_pts(struct timeline *timeline, struct timeline_track *track, int64_t in,
                          int64_t arrival_us, struct timeline_stamp *stamp)
{
    if (in == AV_NOPTS_VALUE) {
        if (!track->anchored)
            return by_arrival(timeline, track, arrival_us);
        in = track->last_in + track->duration;
    }
    /* Far beyond any clock: it would overflow what is computed from it. */
    in %= INT64_C(1) << 60;

    if (!track->anchored) {
        anchor_first(timeline, track, in, arrival_us);
    } else {
        int64_t camera_us = to_us(track, difference(in, track->last_in));
        int64_t passed_us = arrival_us - track->last_arrival_us;
        bool is_slow_camera = camera_us > 0 && camera_us <= 4 * to_us(track, track->duration);
        stamp->discontinuity = is_jump(camera_us) && !is_slow_camera;
        stamp->camera_us = camera_us;
        stamp->arrival_us = passed_us;
        /* When as much time has really passed, media is missing but the camera's time is right. */
        if (stamp->discontinuity && is_jump(difference(camera_us, passed_us))) {
            int64_t passed = to_ticks(track, passed_us);
            int64_t step = passed > track->duration ? passed : track->duration;
            anchor(track, in, track->last_pts + step);
        }
    }
    track->last_in = in;
    return in + track->offset;
}

/* Puts pts into its place among the latest. Returns how many of those are later. */
static int insert_sorted(struct timeline_track *track, int64_t pts)
{
    int64_t *latest = track->latest;
    int later = 0;
    while (later < track->latest_count && latest[track->latest_count - 1 - later] > pts)
        later++;
    int at = track->latest_count - later;
    if (track->latest_count <= TIMELINE_MAX_REORDER) {
        memmove(latest + at + 1, latest + at, (size_t)later * sizeof(*latest));
        latest[at] = pts;
        track->latest_count++;
    } else if (at > 0) {
        memmove(latest, latest + 1, (size_t)(at - 1) * sizeof(*latest));
        latest[at - 1] = pts;
    }
    return later;
}

/*
 * The dts of a picture: the pts that depth others seen so far exceed. So each picture leaves the
 * decoder when depth later ones have entered it.
 */
static int64_t take_dts(struct timeline_track *track, int64_t pts)
{
    int later = insert_sorted(track, pts);
    /* Reordering shows picture by picture; where several are later at once, time went back. */
    if (!track->depth_is_known && later == track->depth + 1 && later <= TIMELINE_MAX_REORDER)
        track->depth = later;

    int missing = track->depth + 1 - track->latest_count;
    if (missing > 0)
        return track->latest[0] - missing * track->duration;
    return track->latest[-missing];
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

static void follow_clock(struct timeline *timeline, int64_t media_us, int64_t arrival_us,
                         int64_t real_us)
{
    int64_t clock_offset_us = real_us - arrival_us;
    int64_t set_us = clock_offset_us - timeline->clock_offset_us;
    timeline->clock_offset_us = clock_offset_us;
    if (set_us > CLOCK_SET_US || set_us < -CLOCK_SET_US) {
        timeline->wall_offset_us += set_us;
        timeline->least_lag_us = INT64_MAX;
        timeline->window_start_us = arrival_us;
    }

    int64_t lag_us = real_us - (media_us + timeline->wall_offset_us);
    if (lag_us < timeline->least_lag_us)
        timeline->least_lag_us = lag_us;
    if (arrival_us - timeline->window_start_us < SLEW_WINDOW_US)
        return;
    int64_t error_us = timeline->least_lag_us;
    if (error_us <= STEP_US && error_us >= -STEP_US) {
        error_us = error_us > SLEW_MAX_US ? SLEW_MAX_US : error_us;
        error_us = error_us < -SLEW_MAX_US ? -SLEW_MAX_US : error_us;
    }
    timeline->wall_offset_us += error_us;
    timeline->least_lag_us = INT64_MAX;
    timeline->window_start_us = arrival_us;
}

void timeline_stamp(struct timeline *timeline, int index, int64_t in_pts, int64_t duration,
                    int64_t arrival_us, int64_t real_us, struct timeline_stamp *stamp)
{
    struct timeline_track *track = &timeline->tracks[index];
    *stamp = (struct timeline_stamp){0};
    if (!timeline->started) {
        timeline->started = true;
        timeline->start_us = timeline->window_start_us = arrival_us;
        timeline->wall_offset_us = real_us;
        timeline->clock_offset_us = real_us - arrival_us;
        timeline->least_lag_us = INT64_MAX;
    }
    if (duration > 0)
        track->duration = duration;

    int64_t pts = repair_pts(timeline, track, in_pts, arrival_us, stamp);
    int64_t dts = take_dts(track, pts);
    if (track->last_dts != INT64_MIN && dts <= track->last_dts)
        dts = track->last_dts + 1;
    if (pts < dts)
        pts = dts;

    if (duration <= 0 && track->last_dts != INT64_MIN)
        learn_duration(track, dts - track->last_dts);
    track->last_dts = dts;
    if (track->last_pts == INT64_MIN || pts > track->last_pts)
        track->last_pts = pts;
    track->last_arrival_us = arrival_us;

    stamp->pts = pts;
    stamp->dts = dts;
    stamp->duration = track->duration;
    if (track->is_video)
        follow_clock(timeline, to_us(track, pts), arrival_us, real_us);
    stamp->wall_us = to_us(track, pts) + timeline->wall_offset_us;
}
