/*
 * A client's connection: requests in, answers and interleaved media out.
 */
#ifndef CAMERA_CLIENT_H
#define CAMERA_CLIENT_H

#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>

#include "auth.h"
#include "connection.h"
#include "outbox.h"
#include "pace.h"
#include "rtsp_message.h"
#include "session.h"
#include "settings.h"

/** What all clients share. */
struct camera_house {
    struct clip_set clips;
    struct settings *settings;
    struct auth auth;
    FILE *log;          /**< of what was served; NULL: none */
    FILE *requests;     /**< log of what was asked; NULL: none */
    int64_t started_us; /**< monotonic; for start=live */
    int connections;    /**< so far */
};

/** Bytes to be sent. */
struct client_piece {
    const void *data;
    size_t size;
};

struct client {
    struct camera_house *house;
    int number; /**< of the connection, counts from 1 */
    struct connection connection;
    struct sockaddr_in peer;
    char in[2 * RTSP_MAX_REQUEST + 65536]; /* an interleaved packet of any length and a request */
    size_t in_size;
    struct rtsp_request request;
    struct auth_nonce nonce;
    const struct path_settings *settings; /**< of the session, or of the last request; NULL: none */
    int64_t last_request_us;              /**< monotonic; of the session's */
    struct outbox outbox;
    struct late_answer *late; /**< answers that are not handed over yet, in their order */
    struct flood flood;       /**< what goes out until it ends, before all others */
    struct pace pace;
    int is_blocked;          /**< the socket takes no more at present */
    struct session *session; /**< the present one; NULL: none */
    struct session *ended;   /**< former ones: the outbox may still refer to them */
    int is_closing;          /**< the answer that is waiting is the last */
    int is_frozen;           /**< neither reads nor sends any more */
    struct client *next;
};

/**
 * Takes over @p fd, in case of failure too.
 *
 * @param tls  NULL: the connection is without
 * @return NULL when there is no memory
 */
struct client *client_create(struct camera_house *house, int fd, const struct sockaddr_in *peer,
                             const struct tls_server *tls);
void client_destroy(struct client *client);

/** Reads what has come and answers it. Returns 0, or -1 when the connection is to be closed. */
int client_read(struct client *client);

/**
 * Sends the media that is due and what the socket takes of all that waits.
 *
 * @param[out] next_us  monotonic time at which there is more to do
 * @return 0, or -1 when the connection is to be closed
 */
int client_run(struct client *client, int64_t now_us, int64_t *next_us);

/**
 * Queues bytes for the client.
 *
 * @param flood   comes behind them
 * @param due_us  monotonic; they are kept until then. What was given before goes out before
 * @return 0 or -1 (no memory)
 */
int client_send(struct client *client, const struct client_piece *pieces, int count,
                const struct flood *flood, int64_t due_us);

/** Whether bytes wait until the socket is writable. */
static inline int client_wants_write(const struct client *client)
{
    return client->is_blocked;
}

/** Ends the present session. Its log lines may still come. */
void client_end_session(struct client *client);

/** Whether it has a session on @p path; "*" means any. */
int client_is_on(const struct client *client, const char *path);

#endif
