#include "reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

static const char *reason_of(int status)
{
    switch (status) {
    case 200:
        return "OK";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 454:
        return "Session Not Found";
    case 455:
        return "Method Not Valid in This State";
    case 461:
        return "Unsupported Transport";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 503:
        return "Service Unavailable";
    default:
        return "Simulated";
    }
}

/* When the answer is to go out; 0: now. */
static int64_t due_time(const struct exchange *ex)
{
    const struct delay_setting *delay;

    if (ex->settings == NULL)
        return 0;
    delay = &ex->settings->delay;
    if (delay->us == 0 ||
        (delay->method[0] != '\0' && strcmp(delay->method, ex->request->method) != 0))
        return 0;
    return clock_monotonic_us() + delay->us;
}

int reply(struct exchange *ex, int status, const char *headers, const char *body)
{
    const char *sequence = rtsp_request_header(ex->request, "CSeq");
    char length[64] = "", start[128];
    struct client_piece pieces[4];

    ex->status = status;
    snprintf(start, sizeof(start), "RTSP/1.0 %d %s\r\nCSeq: %.20s\r\nServer: rtspcam\r\n", status,
             reason_of(status), sequence != NULL ? sequence : "0");
    snprintf(length, sizeof(length), body != NULL ? "Content-Length: %zu\r\n\r\n" : "\r\n",
             body != NULL ? strlen(body) : 0);
    pieces[0] = (struct client_piece){start, strlen(start)};
    pieces[1] = (struct client_piece){headers, strlen(headers)};
    pieces[2] = (struct client_piece){length, strlen(length)};
    pieces[3] = (struct client_piece){body, body != NULL ? strlen(body) : 0};
    return client_send(ex->client, pieces, 4, due_time(ex));
}

const char *reply_auth_offer(const struct exchange *ex)
{
    if (ex->settings != NULL && ex->settings->auth[0] != '\0')
        return ex->settings->auth;
    return ex->client->house->auth.offer;
}

int reply_unauthorized(struct exchange *ex, int is_stale)
{
    char challenge[1024];

    if (ex->settings != NULL && ex->settings->stale.is_silent)
        is_stale = 0;
    auth_challenge(reply_auth_offer(ex), &ex->client->nonce, is_stale, challenge,
                   sizeof(challenge));
    return reply(ex, 401, challenge, NULL);
}
