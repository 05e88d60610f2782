#include "session.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/mathematics.h>
#include <libavutil/random_seed.h>

#include "annex_b.h"
#include "sdp.h"

const struct clip *clip_set_find(const struct clip_set *set, const char *name)
{
    for (int i = 0; i < set->count; i++) {
        if (strcmp(set->clips[i]->name, name) == 0)
            return set->clips[i];
    }
    return NULL;
}

struct session *session_create(const char *path, const struct clip *clip,
                               const struct path_settings *settings, const struct clip_set *clips,
                               struct outbox *outbox, FILE *log)
{
    struct session *session = calloc(1, sizeof(*session));

    if (session == NULL)
        return NULL;
    snprintf(session->id, sizeof(session->id), "%08x%08x", (unsigned)av_get_random_seed(),
             (unsigned)av_get_random_seed());
    snprintf(session->path, sizeof(session->path), "%s", path);
    session->clip = clip;
    session->settings = settings;
    session->clips = clips;
    session->stream.settings = settings;
    session->stream.outbox = outbox;
    session->log = log;
    for (int i = 0; i < CLIP_TRACKS; i++) {
        struct session_track *track = &session->tracks[i];
        track->session = session;
        transport_init(&track->transport);
        track->start.ssrc = av_get_random_seed();
        track->start.sequence = (uint16_t)av_get_random_seed();
        track->start.time = av_get_random_seed();
    }
    return session;
}

void session_destroy(struct session *session)
{
    session_stop(session);
    for (int i = 0; i < CLIP_TRACKS; i++)
        free(session->tracks[i].stripped);
    free(session);
}

struct session_track *session_medium(struct session *session, int medium)
{
    for (int i = 0; i < CLIP_TRACKS; i++) {
        if (session->clip->tracks[i].count > 0 && medium-- == 0)
            return &session->tracks[i];
    }
    return NULL;
}

static int send_packet(void *user, int is_rtcp, const uint8_t *packet, size_t size)
{
    struct session_track *track = user;

    return transport_send(&track->transport, &track->session->stream, is_rtcp, packet, size);
}

static void note_served(void *user, const struct served_unit *unit)
{
    struct session_track *track = user;

    if (track->transport.kind == TRANSPORT_UDP)
        served_log_write(track->session->log, unit);
    else
        outbox_mark(track->session->stream.outbox, unit);
}

static const struct clip_track *source_of(const struct session_track *track)
{
    return &track->clip->tracks[track - track->session->tracks];
}

/* The first unit that is due at or after `camera_us`, when media time 0 is then. */
static void seek(struct session_track *track, int64_t camera_us)
{
    const struct clip_track *source = source_of(track);
    int64_t duration_us = track->clip->duration_us;

    track->index = 0;
    track->round_us = -(camera_us % duration_us);
    while (track->index < source->count &&
           track->round_us + source->units[track->index].send_us < 0)
        track->index++;
    if (track->index == source->count) {
        track->index = 0;
        track->round_us += duration_us;
    }
}

/* What the session announces, where the settings do not leave it to chance. */
static void choose_start(struct session_track *track, const struct path_settings *settings)
{
    const struct rtp_time_setting *time = &settings->rtp_time;

    if (settings->first_sequence >= 0)
        track->start.sequence = (uint16_t)settings->first_sequence;
    if (time->kind == RTP_TIME_GIVEN)
        track->start.time = (uint32_t)time->value;
    else if (time->kind == RTP_TIME_WRAP)
        track->start.time = (uint32_t)-av_rescale(time->value, track->clock_rate, 1000000);
}

int session_play(struct session *session, int64_t now_us, int64_t camera_us)
{
    char sdp[16384];
    int medium = 0, err;

    if ((err = sdp_write(session->clip, sdp, sizeof(sdp))) < 0)
        return err;
    session->speed = session->settings->speed;
    session->play_us = now_us;
    for (int i = 0; i < CLIP_TRACKS; i++) {
        struct session_track *track = &session->tracks[i];
        struct rtp_sink sink = {send_packet, note_served, track};
        if (session->clip->tracks[i].count == 0)
            continue;
        track->clock_rate = sdp_clock_rate(sdp, medium);
        track->start.payload_type = sdp_payload_type(sdp, medium++);
        choose_start(track, session->settings);
        if (track->transport.kind == TRANSPORT_NONE)
            continue;
        track->clip = session->clip;
        seek(track,
             session->settings->start_live ? (int64_t)((double)camera_us * session->speed) : 0);
        err = rtp_track_open(&track->rtp, session->clip->tracks[i].par, &track->start, &sink);
        if (err < 0)
            return err;
    }
    session->is_playing = 1;
    return 0;
}

void session_stop(struct session *session)
{
    session->is_playing = 0;
    for (int i = 0; i < CLIP_TRACKS; i++) {
        rtp_track_close(&session->tracks[i].rtp);
        transport_uninit(&session->tracks[i].transport);
    }
}

/* Media time of a moment in the clip's present round. */
static int64_t media_time(const struct session_track *track, int64_t clip_us)
{
    return (int64_t)((double)(track->round_us + clip_us) / track->session->speed);
}

static int64_t next_send_time(const struct session_track *track)
{
    const struct session *session = track->session;
    int is_sound = track == &session->tracks[CLIP_AUDIO];

    return media_time(track, source_of(track)->units[track->index].send_us) +
           (is_sound ? session->settings->sound_late_us : 0);
}

/* Goes on with another clip of the same codec, when that was asked for from this unit on. */
static void switch_clip(struct session_track *track)
{
    struct session *session = track->session;
    const struct path_settings *settings = session->settings;
    const struct clip_track *source = source_of(track), *other;
    const struct clip *clip;

    if (next_send_time(track) < settings->switch_to.at_us || session->switch_failed ||
        strcmp(track->clip->name, settings->switch_to.clip) == 0)
        return;
    clip = clip_set_find(session->clips, settings->switch_to.clip);
    other = clip != NULL ? &clip->tracks[CLIP_VIDEO] : NULL;
    if (other == NULL || other->count == 0 || other->par->codec_id != source->par->codec_id) {
        fprintf(stderr, "rtspcam: %s: cannot switch to clip '%s': %s\n", session->path,
                settings->switch_to.clip, clip == NULL ? "no such clip" : "not the same codec");
        session->switch_failed = 1;
        return;
    }
    track->round_us += source->units[track->index].send_us;
    track->index = 0;
    track->clip = clip;
}

static void step(struct session_track *track)
{
    if (++track->index < source_of(track)->count)
        return;
    track->index = 0;
    track->round_us += track->clip->duration_us;
}

/* How the times in the packets differ from the truth, for a unit of this media time. */
static struct rtp_warp warp_of(struct session_track *track, int64_t pts_us, int64_t send_us)
{
    const struct path_settings *settings = track->session->settings;
    struct rtp_warp warp = {.reports_us = settings->reports_us};

    if (send_us >= settings->jump.at_us)
        warp.jump_us += settings->jump.amount;
    if (send_us >= settings->rtp_reset_us) {
        if (!track->is_reset)
            track->reset_by_us =
                -pts_us - av_rescale(track->start.time, 1000000, track->clock_rate);
        track->is_reset = 1;
        warp.jump_us += track->reset_by_us;
    }
    if (track == &track->session->tracks[CLIP_AUDIO])
        warp.jump_us += (int64_t)((double)pts_us * settings->skew_ppm / 1e6);
    if (send_us >= settings->ntp_step.at_us)
        warp.ntp_step_us = settings->ntp_step.amount;
    return warp;
}

/* The unit without its parameter sets. Its bytes live until the next call for the track. */
static int strip(struct session_track *track, struct clip_unit *unit)
{
    enum AVCodecID codec = source_of(track)->par->codec_id;
    size_t size = (size_t)unit->size, at = annex_b_find(unit->data, size, 0), out = 0;

    if (codec != AV_CODEC_ID_H264 && codec != AV_CODEC_ID_HEVC)
        return 0;
    if (size > track->stripped_capacity) {
        free(track->stripped);
        track->stripped_capacity = (track->stripped = malloc(size)) != NULL ? size : 0;
        if (track->stripped == NULL)
            return AVERROR(ENOMEM);
    }
    while (at < size) {
        size_t end = annex_b_find(unit->data, size, at + 3);
        if (at + 3 < size && !annex_b_is_parameter_set(codec, unit->data[at + 3])) {
            memcpy(track->stripped + out, unit->data + at, end - at);
            out += end - at;
        }
        at = end;
    }
    unit->data = track->stripped;
    unit->size = (int)out;
    return 0;
}

static int write_unit(struct session_track *track, int64_t send_us)
{
    const struct session *session = track->session;
    struct clip_unit unit = source_of(track)->units[track->index];
    int64_t pts_us = media_time(track, unit.pts_us);
    struct rtp_warp warp = warp_of(track, pts_us, send_us);
    struct served_unit served = {
        .path = session->path,
        .session = session->id,
        .track = source_of(track)->kind,
        .number = track->number++,
        .clip_index = track->index,
        .key = unit.key,
        .pts_us = pts_us,
        .hash = unit.hash,
    };

    if (send_us < session->settings->in_band_us && strip(track, &unit) < 0)
        return AVERROR(ENOMEM);
    served.bytes = unit.size;
    return rtp_track_write(track->rtp, &unit, &served, send_us, &warp);
}

/* Sends the track's next unit, unless a fault swallows it. */
static int send_unit(struct session_track *track)
{
    const struct session *session = track->session;
    const struct path_settings *settings = session->settings;
    int is_video = track == &session->tracks[CLIP_VIDEO];
    int64_t send_us;
    int err = 0;

    if (is_video && settings->switch_to.at_us != SETTINGS_NEVER)
        switch_clip(track);
    send_us = next_send_time(track);
    if (send_us < settings->stall.at_us ||
        !(is_video ? settings->stall.video : settings->stall.sound))
        err = write_unit(track, send_us);
    step(track);
    return err;
}

/* The track whose next unit comes first; NULL when none is playing. */
static struct session_track *first_track(struct session *session)
{
    struct session_track *first = NULL;

    for (int i = 0; i < CLIP_TRACKS; i++) {
        struct session_track *track = &session->tracks[i];
        if (track->rtp != NULL && (first == NULL || next_send_time(track) < next_send_time(first)))
            first = track;
    }
    return first;
}

/* Whether the camera keeps for now what is due, to send it at once later. */
static int is_held(const struct session *session, int64_t elapsed_us)
{
    const struct timed_setting *hold = &session->settings->hold;

    return elapsed_us >= hold->at_us && elapsed_us - hold->at_us < hold->amount;
}

int session_run(struct session *session, int64_t now_us, int64_t *next_us)
{
    int64_t elapsed_us = now_us - session->play_us;
    struct session_track *track;

    *next_us = INT64_MAX;
    if (!session->is_playing)
        return 0;
    session->stream.elapsed_us = elapsed_us;
    if (is_held(session, elapsed_us)) {
        *next_us =
            session->play_us + session->settings->hold.at_us + session->settings->hold.amount;
        return 0;
    }
    while ((track = first_track(session)) != NULL && next_send_time(track) <= elapsed_us) {
        if (send_unit(track) < 0)
            return -1;
    }
    if (track != NULL)
        *next_us = session->play_us + next_send_time(track);
    return 0;
}
