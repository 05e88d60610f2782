/*
 * How each path behaves: a small table that the command line and stdin write and the sessions read.
 * Faults are switched on here.
 */
#ifndef CAMERA_SETTINGS_H
#define CAMERA_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

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
    int requests;
    int is_silent; /**< the new challenge does not say stale=true */
};

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

    /* How the connection ends: client.c. */
    int64_t close_us;
    int64_t reset_us;
    int64_t freeze_us;

    /* The answers: rtsp_answer.c, reply.c, auth.c. */
    int no_answer;
    int status; /**< answer to DESCRIBE; 0: the true one */
    struct delay_setting delay;
    struct redirect_setting redirect;
    char auth[64]; /**< the challenges; empty: as --auth says */
    struct stale_setting stale;
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
