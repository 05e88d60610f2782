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

/** The behaviour of one path. Times count from PLAY. README.md says what each key does. */
struct path_settings {
    int start_live; /**< join the clip where the camera would be, not at its beginning */
    double speed;   /**< how many times faster than real time */
    int no_answer;
    int status; /**< answer to DESCRIBE; 0: the true one */
    int64_t stall_us;
    int stall_video, stall_sound; /**< which of them */
    int64_t close_us;
    int64_t jump_us;
    int64_t jump_by_us;
    int64_t switch_us;
    char switch_clip[64];
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
