/*
 * What the writer is behind with when its queue is full: the disk, or encoding. Judged by what the
 * packets before found it at, as it has been at it for as long as the queue took to fill. Pure.
 */
#ifndef CAMERA_BACKLOG_H
#define CAMERA_BACKLOG_H

#include <stdbool.h>

/* Zeroed, it has seen nothing. */
struct backlog {
    int encoding_share; /* of the latest packets, how many found it encoding; of BACKLOG_ALL */
    bool is_encoding;   /* the judgement */
};

#define BACKLOG_ALL 65536

/* A packet came. */
void backlog_look(struct backlog *backlog, bool is_encoding);

/* The queue has become full, or still is: what is_encoding says from now on. */
void backlog_judge(struct backlog *backlog);

#endif
