/*
 * A camera over RTP through a network, as a timeline sees it: 25 pictures and 15.6 packets of sound
 * a second, each track's times beginning anywhere; up to 49 ms on the way, read in batches of up to
 * 50 ms that share one arrival time. Times are µs after START; the camera took each packet's first
 * sample at n times its duration.
 */
#ifndef TIMELINE_SIM_H
#define TIMELINE_SIM_H

#include "timeline_rig.h"

#define SOUND_US 64000 /* 1024 samples */

struct sim {
    /* What the camera is like. */
    int64_t picture_us;   /* from one picture to the next; 0: 40 ms */
    bool has_no_times[2]; /* the RTP time of a track stands still */
    int64_t ppm[2];       /* how much its picture's and sound's clocks are too fast */
    int64_t latency_us;   /* how much longer than the picture sound takes before it is sent */
    int64_t report_us;    /* the distance of sender reports; 0: none */
    int64_t stall_us;     /* every two minutes nothing arrives for so long, then all of it */
    int64_t outage_us; /* every two minutes nothing arrives for so long, and nothing of it later */
    int64_t congestion_us; /* every two minutes delay grows to this within 4 s, and then is gone */
    int64_t jump_every_us; /* its RTP times begin anew, 0: never */
    int64_t
        ntp_step_us; /* every 1000 s its clock is set by that, forth and back; not its RTP time */

    /* How it went. */
    struct rig rig;
    uint64_t random;
    int64_t count[2], arrival[2]; /* of the next packet */
    int64_t origin[2];            /* of the RTP times */
    int64_t next_jump[2], next_report[2];
    int64_t ntp_us;
    int64_t ahead_us; /* media time of the last picture, minus when it was taken */
    bool has_picture;
    int64_t last_in, last_pts; /* of sound */

    /* The largest since they were set to 0. */
    int64_t skew_us, wall_error_us;
};

static inline void sim_init(struct sim *sim, uint64_t seed)
{
    rig_init_rtp(&sim->rig, 0);
    sim->random = seed;
    for (int i = 0; i < 2; i++) {
        sim->origin[i] = random_between(&sim->random, 0, UINT32_MAX);
        sim->next_jump[i] = sim->jump_every_us ? sim->jump_every_us : INT64_MAX;
        sim->next_report[i] = sim->report_us ? i * sim->report_us / 3 : INT64_MAX;
    }
}

static inline int64_t sim_taken(const struct sim *sim, int track)
{
    int64_t picture_us = sim->picture_us ? sim->picture_us : 40000;
    return sim->count[track] * (track ? SOUND_US : picture_us);
}

static inline int64_t sim_rtp(const struct sim *sim, int track, int64_t taken_us)
{
    if (sim->has_no_times[track])
        return sim->origin[track];
    int64_t us = taken_us + taken_us / 1000 * sim->ppm[track] / 1000;
    return sim->origin[track] + (track ? us * 2 / 125 : us * 9 / 100);
}

static inline void sim_arrive(struct sim *sim, int track)
{
    int64_t sent = sim_taken(sim, track) + (track ? sim->latency_us : 0);
    int64_t arrival = sent + random_between(&sim->random, 1000, 49000);
    int64_t congested = sent % (120 * SECOND) - 50 * SECOND;
    if (congested > 0 && congested < 4 * SECOND)
        arrival += congested * (sim->congestion_us / 1000) / 4000;
    if (arrival > sim->arrival[track])
        sim->arrival[track] = arrival;
}

/* Media time minus what the same moment has in the picture. */
static inline void sim_check_sound(struct sim *sim, const struct timeline_stamp *stamp, int64_t in,
                                   int64_t taken_us)
{
    int64_t skew = stamp->pts * 125 / 2 - taken_us - sim->ahead_us;
    sim->skew_us = llabs(skew) > sim->skew_us ? llabs(skew) : sim->skew_us;
    int64_t passed = in - sim->last_in, given = stamp->pts - sim->last_pts;
    if (sim->last_in && !stamp->discontinuity && !sim->has_no_times[1])
        require(llabs(given - passed) <= passed * 5 / 1000 + 1,
                "sound at %" PRId64 " µs: %" PRId64 " ticks for %" PRId64, taken_us, given, passed);
    sim->last_in = in;
    sim->last_pts = stamp->pts;
}

static inline void sim_read_one(struct sim *sim, int track, int64_t now)
{
    int64_t taken = sim_taken(sim, track);
    if (taken >= sim->next_jump[track]) {
        sim->next_jump[track] += sim->jump_every_us;
        sim->origin[track] -= sim_rtp(sim, track, taken);
    }
    int64_t in = sim_rtp(sim, track, taken);
    struct timeline_stamp stamp = stamp_at(&sim->rig, track, in, track ? 1024 : 0, now, now);
    if (track == 1 && sim->has_picture)
        sim_check_sound(sim, &stamp, in, taken);
    if (track == 0) {
        int64_t error = llabs(stamp.wall_us - REAL - taken);
        sim->wall_error_us = error > sim->wall_error_us ? error : sim->wall_error_us;
        sim->ahead_us = stamp.pts * 100 / 9 - taken;
        sim->has_picture = true;
    }
    sim->count[track]++;
    sim_arrive(sim, track);
}

static inline void sim_report(struct sim *sim, int track, int64_t now)
{
    if (now < sim->next_report[track])
        return;
    sim->next_report[track] += sim->report_us;
    int64_t sent = now - random_between(&sim->random, 1000, 49000);
    bool is_set = sent / (1000 * SECOND) % 2;
    timeline_report(&sim->rig.timeline, track, sim_rtp(sim, track, sent),
                    REAL + sent + (is_set ? sim->ntp_step_us : 0), START + now);
}

/* From one time to another. */
static inline void sim_run(struct sim *sim, int64_t from, int64_t to)
{
    int64_t next_stall = from + 120 * SECOND;
    for (int64_t now = from; now < to; now += random_between(&sim->random, 1000, 50000)) {
        if (sim->stall_us && now >= next_stall) {
            now += sim->stall_us;
            next_stall += 120 * SECOND;
        }
        bool is_out = now % (120 * SECOND) > 120 * SECOND - sim->outage_us;
        for (int track = 0; track < 2; track++) {
            while (sim->arrival[track] <= now && is_out) {
                sim->count[track]++;
                sim_arrive(sim, track);
            }
            while (sim->arrival[track] <= now)
                sim_read_one(sim, track, now);
            sim_report(sim, track, now);
        }
    }
}

#endif
