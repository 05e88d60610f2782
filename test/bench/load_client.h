/*
 * One connection to the load generator: the RTSP dialogue, and the frames of its camera in time.
 */
#ifndef BENCH_LOAD_CLIENT_H
#define BENCH_LOAD_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#include "load_stream.h"

/** What was sent as one camera, over all of its connections. */
struct load_camera {
    int64_t frames;      /**< whose last byte the socket took */
    int64_t video_bytes; /**< of these frames */
    int64_t dropped;     /**< frames left out because the recorder was too far behind */
    int connections;
};

/** What all connections share. */
struct load_house {
    struct load_stream *stream;
    struct load_camera *cameras; /**< camera i is /cam/i */
    int camera_count;
    int playing;   /**< connections that have sent a frame */
    int is_wire;   /**< paced like a camera's network; else a frame at once */
    int is_paused; /**< no frame is begun any more */
};

struct load_client;

/** Takes @p fd over, also when it fails. NULL: out of memory. */
struct load_client *load_client_create(struct load_house *house, int fd);

/** Closes the connection, frees *client and sets it to NULL; NULL is ignored. */
void load_client_destroy(struct load_client **client);

/** Whether a frame is on its way in part. */
int load_client_is_sending(const struct load_client *client);

/**
 * The socket has something to read, or takes something again.
 *
 * @return 0, or -1 when the connection is over
 */
int load_client_ready(struct load_client *client, int64_t now_us);

/**
 * Sends what is due.
 *
 * @param[out] next_us  when to call again; INT64_MAX: not before the socket is ready
 * @return 0, or -1 when the connection is over
 */
int load_client_send(struct load_client *client, int64_t now_us, int64_t *next_us);

#endif
