#include "session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/random_seed.h>

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
    session->outbox = outbox;
    session->log = log;
    for (int i = 0; i < CLIP_TRACKS; i++) {
        struct session_track *track = &session->tracks[i];
        track->session = session;
        track->sockets[0] = track->sockets[1] = -1;
        track->start.ssrc = av_get_random_seed();
        track->start.sequence = (uint16_t)av_get_random_seed();
        track->start.time = av_get_random_seed();
    }
    return session;
}

static void close_sockets(struct session_track *track)
{
    for (int i = 0; i < 2; i++) {
        if (track->sockets[i] >= 0)
            close(track->sockets[i]);
        track->sockets[i] = -1;
    }
}

void session_destroy(struct session *session)
{
    session_stop(session);
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

void session_setup_tcp(struct session_track *track, int channel)
{
    close_sockets(track);
    track->is_set_up = 1;
    track->is_udp = 0;
    track->channel = channel;
}

static int open_socket(in_port_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

/* RTP wants an even port and RTCP the next one. */
static int open_socket_pair(struct session_track *track)
{
    for (int attempt = 0; attempt < 200; attempt++) {
        in_port_t rtp_port = 0, rtcp_port;
        if ((track->sockets[0] = open_socket(&rtp_port)) < 0)
            return -1;
        rtcp_port = rtp_port + 1;
        if (rtp_port % 2 == 0 && (track->sockets[1] = open_socket(&rtcp_port)) >= 0) {
            track->server_port = rtp_port;
            return 0;
        }
        close_sockets(track);
    }
    errno = EADDRINUSE;
    return -1;
}

int session_setup_udp(struct session_track *track, const struct sockaddr_in *client,
                      in_port_t rtp_port, in_port_t rtcp_port)
{
    struct sockaddr_in address = *client;

    close_sockets(track);
    if (open_socket_pair(track) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        address.sin_port = htons(i == 0 ? rtp_port : rtcp_port);
        if (connect(track->sockets[i], (struct sockaddr *)&address, sizeof(address)) < 0)
            return -1;
    }
    track->is_set_up = 1;
    track->is_udp = 1;
    return 0;
}

static int send_packet(void *user, int is_rtcp, const uint8_t *packet, size_t size)
{
    struct session_track *track = user;

    if (track->is_udp) {
        ssize_t sent = send(track->sockets[is_rtcp], packet, size, MSG_NOSIGNAL);
        /* The answer to an earlier packet, "nobody listens", is reported here: try once more. */
        if (sent < 0 && errno == ECONNREFUSED)
            sent = send(track->sockets[is_rtcp], packet, size, MSG_NOSIGNAL);
        return sent < 0 ? -1 : 0;
    }
    uint8_t header[4] = {'$', (uint8_t)(track->channel + is_rtcp), (uint8_t)(size >> 8),
                         (uint8_t)size};
    if (outbox_append(track->session->outbox, header, sizeof(header)) < 0)
        return -1;
    return outbox_append(track->session->outbox, packet, size);
}

static void note_served(void *user, const struct served_unit *unit)
{
    struct session_track *track = user;

    if (track->is_udp)
        served_log_write(track->session->log, unit);
    else
        outbox_mark(track->session->outbox, unit);
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
        track->start.payload_type = sdp_payload_type(sdp, medium++);
        if (!track->is_set_up)
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
        close_sockets(&session->tracks[i]);
        session->tracks[i].is_set_up = 0;
    }
}

/* Media time of a moment in the clip's present round. */
static int64_t media_time(const struct session_track *track, int64_t clip_us)
{
    return (int64_t)((double)(track->round_us + clip_us) / track->session->speed);
}

static int64_t next_send_time(const struct session_track *track)
{
    return media_time(track, source_of(track)->units[track->index].send_us);
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
        !(is_video ? settings->stall.video : settings->stall.sound)) {
        const struct clip_unit *unit = &source_of(track)->units[track->index];
        struct served_unit served = {
            .path = session->path,
            .session = session->id,
            .track = source_of(track)->kind,
            .number = track->number++,
            .clip_index = track->index,
            .key = unit->key,
            .bytes = unit->size,
            .pts_us = media_time(track, unit->pts_us),
            .hash = unit->hash,
        };
        err = rtp_track_write(track->rtp, unit, &served, send_us,
                              send_us >= settings->jump.at_us ? settings->jump.amount : 0);
    }
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

int session_run(struct session *session, int64_t now_us, int64_t *next_us)
{
    int64_t elapsed_us = now_us - session->play_us;
    struct session_track *track;

    *next_us = INT64_MAX;
    if (!session->is_playing)
        return 0;
    while ((track = first_track(session)) != NULL && next_send_time(track) <= elapsed_us) {
        if (send_unit(track) < 0)
            return -1;
    }
    if (track != NULL)
        *next_us = session->play_us + next_send_time(track);
    return 0;
}
