/*
 * What was served: one line for each access unit whose last byte the socket took.
 *
 *     unix_us path session track n clip_index key bytes pts_us hash
 */
#ifndef CAMERA_SERVED_LOG_H
#define CAMERA_SERVED_LOG_H

#include <stdint.h>
#include <stdio.h>

/** An access unit on its way. The strings belong to its session and outlive it. */
struct served_unit {
    const char *path;
    const char *session;
    char track;     /**< 'v' or 'a' */
    int64_t number; /**< counts from 0 in its session and track */
    int clip_index;
    int key;
    int bytes;
    int64_t pts_us; /**< as the RTP time says it, from the first frame after PLAY */
    uint64_t hash;
};

/** Writes one line; does nothing when @p log is NULL. */
void served_log_write(FILE *log, const struct served_unit *unit);

#endif
