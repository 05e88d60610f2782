#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "reply.h"
#include "requests_log.h"
#include "rtsp_answer.h"

/* 30 s of a 2 Mbit/s camera: a client that is later than that is of no use any more. */
enum { MAX_WAITING_BYTES = 8 * 1024 * 1024 };

/* An answer that a fault holds back. */
struct late_answer {
    struct late_answer *next;
    int64_t due_us;
    struct flood flood;
    size_t size;
    uint8_t data[];
};

struct client *client_create(struct camera_house *house, int fd, const struct sockaddr_in *peer,
                             const struct tls_server *tls)
{
    struct client *client = calloc(1, sizeof(*client));

    if (client == NULL) {
        close(fd);
        return NULL;
    }
    client->house = house;
    client->connection.fd = fd;
    client->peer = *peer;
    client->number = ++house->connections;
    auth_renew(&client->nonce);
    if (tls != NULL && (client->connection.tls = tls_create(tls, fd)) == NULL) {
        client_destroy(client);
        return NULL;
    }
    return client;
}

void client_destroy(struct client *client)
{
    client_end_session(client);
    while (client->ended != NULL) {
        struct session *session = client->ended;
        client->ended = session->next;
        session_destroy(session);
    }
    while (client->late != NULL) {
        struct late_answer *answer = client->late;
        client->late = answer->next;
        free(answer);
    }
    outbox_uninit(&client->outbox);
    tls_destroy(&client->connection.tls);
    close(client->connection.fd);
    free(client);
}

void client_end_session(struct client *client)
{
    struct session *session = client->session;

    if (session == NULL)
        return;
    session_stop(session);
    session->next = client->ended;
    client->ended = session;
    client->session = NULL;
}

int client_is_on(const struct client *client, const char *path)
{
    if (client->session == NULL)
        return 0;
    return strcmp(path, "*") == 0 || strcmp(client->session->path, path) == 0;
}

int client_send(struct client *client, const struct client_piece *pieces, int count,
                const struct flood *flood, int64_t due_us)
{
    struct late_answer **link = &client->late, *answer;
    size_t size = 0;

    for (int i = 0; i < count; i++)
        size += pieces[i].size;
    if ((answer = malloc(sizeof(*answer) + size)) == NULL)
        return -1;
    *answer = (struct late_answer){.due_us = due_us, .flood = *flood};
    for (int i = 0; i < count; i++) {
        if (pieces[i].size > 0)
            memcpy(answer->data + answer->size, pieces[i].data, pieces[i].size);
        answer->size += pieces[i].size;
    }
    while (*link != NULL)
        link = &(*link)->next;
    *link = answer;
    return 0;
}

/* Hands over the answers that are due; none while a flood lasts. */
static int send_late(struct client *client, int64_t now_us, int64_t *next_us)
{
    struct late_answer *answer;

    while ((answer = client->late) != NULL && answer->due_us <= now_us &&
           client->flood.kind == FLOOD_NONE) {
        int err = outbox_append(&client->outbox, answer->data, answer->size);
        client->flood = answer->flood;
        client->late = answer->next;
        free(answer);
        if (err < 0)
            return err;
    }
    if (answer != NULL && answer->due_us > now_us && answer->due_us < *next_us)
        *next_us = answer->due_us;
    return flood_fill(&client->flood, &client->outbox);
}

/* The bytes of the first whole thing in `data`, after acting on it; 0: not complete; -1: garbage.
 */
static int take_one(struct client *client, const char *data, size_t size)
{
    struct rtsp_request *request = &client->request;
    int header_size;

    if (data[0] == '$') { /* the client's RTCP reports; nothing depends on them */
        size_t length;
        if (size < 4)
            return 0;
        length = (size_t)(unsigned char)data[2] << 8 | (unsigned char)data[3];
        return size >= 4 + length ? (int)(4 + length) : 0;
    }
    header_size = rtsp_request_parse(request, data, size);
    if (header_size <= 0)
        return header_size;
    if (size < (size_t)header_size + request->body_size)
        return 0;
    if (request->status != 0)
        requests_log_write(client->house->requests, request,
                           client->session != NULL ? client->session->path : "", client->number,
                           request->status);
    else if (rtsp_answer(client, request) < 0)
        return -1;
    return header_size + (int)request->body_size;
}

static int take_all(struct client *client)
{
    size_t taken = 0;
    int size = 0;

    while (taken < client->in_size && !client->is_closing) {
        size = take_one(client, client->in + taken, client->in_size - taken);
        if (size <= 0)
            break;
        taken += (size_t)size;
    }
    client->in_size -= taken;
    memmove(client->in, client->in + taken, client->in_size);
    return size < 0 ? -1 : 0;
}

int client_read(struct client *client)
{
    int err = 0;

    do {
        ssize_t size = connection_receive(&client->connection, client->in + client->in_size,
                                          sizeof(client->in) - client->in_size);
        if (size < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
        if (size == 0)
            return -1;
        client->in_size += (size_t)size;
        err = take_all(client);
    } while (err == 0 && client->connection.tls != NULL && tls_has_pending(client->connection.tls));
    return err;
}

/* Whether the moment, counted from PLAY, has come; when not, it is one to wake up for. */
static int has_come(const struct session *session, int64_t moment_us, int64_t now_us,
                    int64_t *next_us)
{
    if (moment_us == SETTINGS_NEVER)
        return 0;
    if (now_us - session->play_us >= moment_us)
        return 1;
    if (session->play_us + moment_us < *next_us)
        *next_us = session->play_us + moment_us;
    return 0;
}

/* The faults that end a connection. Returns -1 when it is to be closed. */
static int end_connection(struct client *client, int64_t now_us, int64_t *next_us)
{
    static const struct linger at_once = {.l_onoff = 1};
    const struct session *session = client->session;

    if (session == NULL || !session->is_playing)
        return 0;
    if (has_come(session, session->settings->freeze_us, now_us, next_us))
        client->is_frozen = 1;
    if (has_come(session, session->settings->reset_us, now_us, next_us)) {
        setsockopt(client->connection.fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        return -1;
    }
    return has_come(session, session->settings->close_us, now_us, next_us) ? -1 : 0;
}

/* Sends the camera's own request when its time has come. */
static int ask(struct client *client, int64_t now_us, int64_t *next_us)
{
    struct session *session = client->session;

    if (session == NULL || !session->is_playing || session->request_sent ||
        !has_come(session, session->settings->request.at_us, now_us, next_us))
        return 0;
    session->request_sent = 1;
    return reply_request(client, session->settings->request.method);
}

/* A session that nobody asked for in its time ends. Returns -1 to close the connection. */
static int expire(struct client *client, int64_t now_us, int64_t *next_us)
{
    const struct timeout_setting *timeout;
    int64_t end_us;

    if (client->session == NULL)
        return 0;
    timeout = &client->session->settings->timeout;
    end_us = client->last_request_us + timeout->seconds * INT64_C(1000000);
    if (timeout->then == TIMEOUT_NEVER)
        return 0;
    if (now_us < end_us) {
        if (end_us < *next_us)
            *next_us = end_us;
        return 0;
    }
    client_end_session(client);
    return timeout->then == TIMEOUT_CLOSE ? -1 : 0;
}

/* Sends what waits, as fast as the faults allow. Returns -1 when the connection is broken. */
static int flush(struct client *client, int64_t now_us, int64_t *next_us)
{
    const struct path_settings *settings = client->settings;
    int plays = client->session != NULL && client->session->is_playing;
    size_t burst = 2000, limit = SIZE_MAX, sent;
    double bytes_per_s = 0;
    int result;

    if (settings != NULL && settings->throttle_kbit > 0)
        bytes_per_s = settings->throttle_kbit * 125.0;
    if (settings != NULL && settings->drip_ms > 0 && !plays) {
        bytes_per_s = 1000.0 / settings->drip_ms;
        burst = 1;
    }
    if (bytes_per_s > 0)
        limit = pace_allows(&client->pace, bytes_per_s, burst, now_us);
    result = outbox_flush(&client->outbox, &client->connection, limit, client->house->log, &sent);
    if (bytes_per_s > 0)
        pace_spend(&client->pace, sent);
    client->is_blocked = result > 0;
    if (result == 0 && outbox_size(&client->outbox) > 0) {
        int64_t more_us = pace_next_us(&client->pace, bytes_per_s, burst);
        if (more_us < *next_us)
            *next_us = more_us;
    }
    if (result == 0 && client->flood.kind != FLOOD_NONE)
        *next_us = now_us;
    return result < 0 ? -1 : 0;
}

int client_run(struct client *client, int64_t now_us, int64_t *next_us)
{
    int64_t session_next_us = INT64_MAX;
    int is_done;

    *next_us = INT64_MAX;
    if (client->is_frozen)
        return 0;
    if (end_connection(client, now_us, next_us) < 0 || expire(client, now_us, next_us) < 0)
        return -1;
    if (client->is_frozen)
        return 0;
    if (ask(client, now_us, next_us) < 0 || send_late(client, now_us, next_us) < 0)
        return -1;
    if (client->session != NULL && client->flood.kind == FLOOD_NONE &&
        session_run(client->session, now_us, &session_next_us) < 0)
        return -1;
    if (session_next_us < *next_us)
        *next_us = session_next_us;
    if (flush(client, now_us, next_us) < 0)
        return -1;
    if (outbox_size(&client->outbox) > MAX_WAITING_BYTES) {
        fprintf(stderr, "rtspcam: %s: closed, the client is too slow: %zu bytes are waiting\n",
                client->session != NULL ? client->session->path : "-",
                outbox_size(&client->outbox));
        return -1;
    }
    is_done = client->late == NULL && outbox_size(&client->outbox) == 0;
    return client->is_closing && is_done ? -1 : 0;
}
