/*
 * A session: one client that watches one camera. Knows when which access unit is due; the faults of
 * the media act here.
 */
#ifndef CAMERA_SESSION_H
#define CAMERA_SESSION_H

#include <stdint.h>
#include <stdio.h>

#include "clip.h"
#include "outbox.h"
#include "rtp_track.h"
#include "settings.h"
#include "transport.h"

/** The clips being served, by name. */
struct clip_set {
    struct clip **clips;
    int count;
};

/** NULL when there is none. */
const struct clip *clip_set_find(const struct clip_set *set, const char *name);

struct session;

/** One track of a session. */
struct session_track {
    struct session *session;
    struct transport transport; /**< of kind TRANSPORT_NONE until it is set up */
    struct rtp_start start;
    struct rtp_track *rtp; /**< from PLAY on */

    /* Position: the next unit, and where the clip's time 0 of this round lies in media time. */
    const struct clip *clip;
    int index;
    int64_t round_us;
    int64_t number; /**< units written so far */

    int clock_rate; /**< of RTP */
    int is_reset;   /**< its RTP times began again at 0 */
    int64_t reset_by_us;
    uint8_t *stripped; /**< the unit without parameter sets; as long as the longest so far */
    size_t stripped_capacity;
};

struct session {
    char id[17];
    char path[256];
    const struct clip *clip;
    const struct path_settings *settings;
    const struct clip_set *clips;
    struct transport_stream stream;
    FILE *log;

    struct session_track tracks[CLIP_TRACKS];
    int is_playing;
    int64_t play_us; /**< monotonic time of media time 0 */
    double speed;
    int switch_failed;
    int request_sent; /**< the camera's own */

    struct session *next; /**< the sessions that its connection had before */
};

/** Returns NULL when there is no memory. */
struct session *session_create(const char *path, const struct clip *clip,
                               const struct path_settings *settings, const struct clip_set *clips,
                               struct outbox *outbox, FILE *log);

/** Frees it, not the next ones. */
void session_destroy(struct session *session);

/** The track that the SDP calls streamid=@p medium; NULL when there is none. */
struct session_track *session_medium(struct session *session, int medium);

/**
 * Starts the media.
 *
 * @param camera_us  how long the camera has been running, for start=live
 * @return 0 or a negative AVERROR
 */
int session_play(struct session *session, int64_t now_us, int64_t camera_us);

/** Ends the media; the session remains for what is on its way. */
void session_stop(struct session *session);

/**
 * Sends all that is due.
 *
 * @param[out] next_us  when there is more to do
 * @return 0, or -1 when the connection is to be closed
 */
int session_run(struct session *session, int64_t now_us, int64_t *next_us);

#endif
