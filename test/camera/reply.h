/*
 * A request with what its answer needs, and the ways in which an answer goes out.
 */
#ifndef CAMERA_REPLY_H
#define CAMERA_REPLY_H

#include "client.h"

/** A request being answered. */
struct exchange {
    struct client *client;
    const struct rtsp_request *request;
    char path[256];
    int medium;              /**< of the control URL; -1: the URL is the whole presentation's */
    const struct clip *clip; /**< NULL: there is none of that name */
    const struct path_settings *settings; /**< NULL: the URL has no path */
    int status;                           /**< of the answer; 0: none yet */
};

/**
 * Queues an answer, late where the setting `delay` says so.
 *
 * @param headers  whole lines
 * @param body     may be NULL
 * @return 0, or -1 to close the connection
 */
int reply(struct exchange *ex, int status, const char *headers, const char *body);

/** Queues a 401 with the path's challenges. */
int reply_unauthorized(struct exchange *ex, int is_stale);

/** Queues the camera's own request to the client of a session: the setting `request`. */
int reply_request(struct client *client, const char *method);

/** What the path's challenges are, as the setting `auth` has them. */
const char *reply_auth_offer(const struct exchange *ex);

#endif
