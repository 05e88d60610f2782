#include "reply.h"

#include <inttypes.h>
#include <stdio.h>
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

/* What comes instead of the rest of the answer. */
static struct flood flood_of(const struct exchange *ex, size_t body_size)
{
    const struct path_settings *settings = ex->settings;
    struct flood flood = {FLOOD_NONE, FLOOD_WITHOUT_END, 0};

    if (settings == NULL)
        return flood;
    if (settings->flood.kind != FLOOD_NONE &&
        strcmp(settings->flood.method, ex->request->method) == 0) {
        flood.kind = settings->flood.kind;
    } else if (body_size > 0 && (size_t)settings->sdp_bytes > body_size) {
        flood.kind = FLOOD_BODY;
        flood.left = (size_t)settings->sdp_bytes - body_size;
    }
    return flood;
}

/* The Content-Length line, true or not, of an answer that has a body. */
static void write_length(const struct exchange *ex, const struct flood *flood, size_t body_size,
                         char *out, size_t size)
{
    const struct length_setting *length =
        ex->settings != NULL ? &ex->settings->content_length : NULL;
    uint64_t bytes = body_size;

    if (flood->kind == FLOOD_BODY)
        bytes = flood->left == FLOOD_WITHOUT_END ? INT64_MAX : bytes + flood->left;
    if (length != NULL && length->text[0] != '\0')
        snprintf(out, size, "Content-Length: %s\r\n", length->text);
    else
        snprintf(out, size, "Content-Length: %" PRIu64 "\r\n",
                 bytes + (uint64_t)(length != NULL ? length->delta : 0));
}

int reply(struct exchange *ex, int status, const char *headers, const char *body)
{
    const char *sequence = rtsp_request_header(ex->request, "CSeq");
    size_t body_size = body != NULL ? strlen(body) : 0;
    struct flood flood = flood_of(ex, body_size);
    char start[128], length[64] = "";
    struct client_piece pieces[5];
    int count = 0;

    ex->status = status;
    snprintf(start, sizeof(start), "RTSP/1.0 %d %s\r\nCSeq: %.20s\r\nServer: rtspcam\r\n", status,
             reason_of(status), sequence != NULL ? sequence : "0");
    if (body_size > 0)
        write_length(ex, &flood, body_size, length, sizeof(length));
    if (flood.kind != FLOOD_FRAMES && flood.kind != FLOOD_JUNK) {
        pieces[count++] = (struct client_piece){start, strlen(start)};
        pieces[count++] = (struct client_piece){headers, strlen(headers)};
        pieces[count++] = (struct client_piece){length, strlen(length)};
    }
    if (flood.kind == FLOOD_LINE)
        pieces[count++] = (struct client_piece){"X-Filler: ", 10};
    if (flood.kind == FLOOD_NONE || flood.kind == FLOOD_BODY) {
        pieces[count++] = (struct client_piece){"\r\n", 2};
        pieces[count++] = (struct client_piece){body, body_size};
    }
    return client_send(ex->client, pieces, count, &flood, due_time(ex));
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

int reply_request(struct client *client, const char *method)
{
    static const char sdp[] = "v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=changed\r\nt=0 0\r\n";
    const struct session *session = client->session;
    const struct path_settings *settings = session->settings;
    const struct flood none = {FLOOD_NONE, 0, 0};
    char url[320], special[400] = "", text[1200];
    struct client_piece piece = {text, 0};

    snprintf(url, sizeof(url), "rtsp://rtspcam%s", session->path);
    if (strcmp(method, "ANNOUNCE") == 0)
        snprintf(special, sizeof(special),
                 "Content-Type: application/sdp\r\nContent-Length: %zu\r\n", strlen(sdp));
    if (strcmp(method, "REDIRECT") == 0)
        snprintf(special, sizeof(special), "Location: %s\r\n",
                 settings->redirect.location[0] != '\0' ? settings->redirect.location : url);
    snprintf(text, sizeof(text), "%s %s RTSP/1.0\r\nCSeq: 9001\r\nSession: %s\r\n%s\r\n%s", method,
             url, session->id, special, strcmp(method, "ANNOUNCE") == 0 ? sdp : "");
    piece.size = strlen(text);
    return client_send(client, &piece, 1, &none, 0);
}
