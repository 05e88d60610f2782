/*
 * How each path behaves: a small table that the command line and stdin write and the sessions read.
 * Faults are switched on here.
 */
#ifndef CAMERA_SETTINGS_H
#define CAMERA_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "flood.h"

/** A time that never comes: the fault is off. */
#define SETTINGS_NEVER INT64_MAX

/** What happens from a moment on, and how much of it: µs, a number or nothing, by the key. */
struct timed_setting {
    int64_t at_us;
    int64_t amount;
};

struct stall_setting {
    int64_t at_us;
    int video, sound;
};

struct switch_setting {
    int64_t at_us;
    char clip[64];
};

struct delay_setting {
    char method[16]; /**< empty: every method */
    int64_t us;
};

struct redirect_setting {
    int status; /**< 0: none */
    char location[256];
};

/** The nonce counts for so many requests; 0: for the connection. */
struct stale_setting {
    int requests;  /**< that a nonce lets in; 0: any number, -1: none */
    int is_silent; /**< the new challenge does not say stale=true */
};

/** Bytes without end in the answer to a method; empty: to DESCRIBE. */
struct flood_setting {
    enum flood_kind kind;
    char method[16];
};

/** What Content-Length says: so many bytes more than there are, or a text. */
struct length_setting {
    int delta;
    char text[32];
};

/** How long a session lives without a request, and what happens then. */
struct timeout_setting {
    int seconds; /**< 0: the answers do not say it */
    enum { TIMEOUT_NEVER, TIMEOUT_CLOSE, TIMEOUT_STOP } then;
};

/** A multicast group; the port of the first track, the others follow. Port 0: none. */
struct multicast_setting {
    uint32_t address; /**< in host byte order */
    int port;
};

/** The URL that control URLs are relative to, and how the answer to DESCRIBE tells it. */
struct base_setting {
    enum { BASE_SLASH, BASE_BARE, BASE_QUERY, BASE_LOCATION, BASE_NONE, BASE_HOST } kind;
    char host[64]; /**< of BASE_HOST: host and port that it names instead of the true ones */
};

/** How the SDP names a track, and the whole. */
enum control_choice { CONTROL_RELATIVE, CONTROL_ABSOLUTE, CONTROL_SLASH, CONTROL_QUERY };
enum aggregate_choice { AGGREGATE_STAR, AGGREGATE_ABSOLUTE, AGGREGATE_NONE };

/** Media in the SDP of which no packet ever comes. */
struct extra_setting {
    int is_first; /**< they stand before the true ones */
    int metadata, backchannel;
    int many; /**< so many more of a kind that nobody knows */
};

/** The RTP time of media time 0. */
struct rtp_time_setting {
    enum { RTP_TIME_RANDOM, RTP_TIME_GIVEN, RTP_TIME_WRAP } kind;
    int64_t value; /**< the RTP time, or the µs until it wraps */
};

/** A request from the camera. */
struct request_setting {
    int64_t at_us;
    char method[32];
};

enum rtp_info_choice { RTP_INFO_TRUE, RTP_INFO_NONE, RTP_INFO_WRONG };

/** What SETUP takes. */
enum transport_choice { TAKES_TCP, TAKES_UDP, TAKES_MULTICAST };

/**
 * The behaviour of one path. Each key of settings_set() owns one member. Times count from PLAY.
 * README.md says what each key does.
 */
struct path_settings {
    /* Which unit goes out when: session.c. */
    int start_live; /**< join the clip where the camera would be, not at its beginning */
    double speed;   /**< how many times faster than real time */
    struct stall_setting stall;
    struct timed_setting jump;
    struct switch_setting switch_to;
    struct timed_setting hold; /**< µs; what was due goes out at once after them */

    int64_t sound_late_us; /**< after the pictures of its time */
    int64_t in_band_us;    /**< no parameter sets in the stream before */

    /* What the packets say: session.c, rtp_track.c. */
    int first_sequence; /**< -1: random */
    struct rtp_time_setting rtp_time;
    int64_t rtp_reset_us;
    double skew_ppm;               /**< how much too fast the sound's RTP clock is */
    struct timed_setting ntp_step; /**< µs */
    int64_t reports_us;            /**< between sender reports; 0: libavformat's, -1: none */
    enum rtp_info_choice rtp_info;

    /* How the connection ends: client.c. */
    int64_t close_us;
    int64_t reset_us;
    int64_t freeze_us;
    int drip_ms;       /**< between two bytes of an answer before PLAY; 0: none */
    int throttle_kbit; /**< a second; 0: as fast as the client */
    struct timeout_setting timeout;
    struct request_setting request;

    /* The packets: transport.c. */
    struct timed_setting garbage;      /**< bytes */
    struct timed_setting stray;        /**< channel */
    struct timed_setting frame_length; /**< bytes too many or too few */
    double loss_percent, reorder_percent, duplicate_percent;

    /* The answers: rtsp_answer.c, reply.c, auth.c. */
    int no_answer;
    int status; /**< answer to DESCRIBE; 0: the true one */
    struct delay_setting delay;
    struct redirect_setting redirect;
    char auth[64]; /**< the challenges; empty: as --auth says */
    struct stale_setting stale;
    struct flood_setting flood;
    int sdp_bytes; /**< the SDP is filled up to them */
    struct length_setting content_length;
    int transports; /**< a bit for each of enum transport_choice */
    int channels;   /**< the first interleaved channel; -1: as the client asks */
    struct multicast_setting multicast;
    char methods[160]; /**< that it knows, joined by commas; empty: all */

    /* The SDP: describe.c. */
    int no_sprop;
    struct base_setting base;
    enum control_choice control;
    enum aggregate_choice aggregate;
    struct extra_setting extra;
    double framerate; /**< that it says; 0: none */
    char sdp_file[256];
};

/** One per path, and "*" for the behaviour that new paths start with. */
struct settings;

/** Returns NULL when there is no memory. */
struct settings *settings_create(void);
void settings_destroy(struct settings **settings);

/**
 * The behaviour of @p path ("/clip/anything"). The pointer stays valid as long as the table; what
 * it points to changes with settings_set().
 *
 * @return NULL when there is no memory
 */
const struct path_settings *settings_of(struct settings *settings, const char *path);

/**
 * Changes one setting of @p path; "*" means all paths, those to come as well. The value "off"
 * brings back the default.
 *
 * @param[out] error  what was wrong, in words
 * @return 0 or -1
 */
int settings_set(struct settings *settings, const char *path, const char *key, const char *value,
                 char *error, size_t error_size);

#endif
