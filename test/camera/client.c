#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rtsp_answer.h"

/* 30 s of a 2 Mbit/s camera: a client that is later than that is of no use any more. */
enum { MAX_WAITING_BYTES = 8 * 1024 * 1024 };

/* An answer that a fault holds back. */
struct late_answer {
    struct late_answer *next;
    int64_t due_us;
    size_t size;
    uint8_t data[];
};

struct client *client_create(struct camera_house *house, int fd, const struct sockaddr_in *peer)
{
    struct client *client = calloc(1, sizeof(*client));

    if (client == NULL) {
        close(fd);
        return NULL;
    }
    client->house = house;
    client->fd = fd;
    client->peer = *peer;
    client->number = ++house->connections;
    auth_renew(&client->nonce);
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
    close(client->fd);
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

int client_send(struct client *client, const struct client_piece *pieces, int count, int64_t due_us)
{
    struct late_answer **link = &client->late, *answer;
    size_t size = 0;

    for (int i = 0; i < count; i++)
        size += pieces[i].size;
    if ((answer = malloc(sizeof(*answer) + size)) == NULL)
        return -1;
    *answer = (struct late_answer){.due_us = due_us};
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

/* Hands over the answers that are due. */
static int send_late(struct client *client, int64_t now_us, int64_t *next_us)
{
    struct late_answer *answer;

    while ((answer = client->late) != NULL && answer->due_us <= now_us) {
        int err = outbox_append(&client->outbox, answer->data, answer->size);
        client->late = answer->next;
        free(answer);
        if (err < 0)
            return err;
    }
    if (answer != NULL && answer->due_us < *next_us)
        *next_us = answer->due_us;
    return 0;
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
    if (rtsp_answer(client, request) < 0)
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
    ssize_t size = recv(client->fd, client->in + client->in_size,
                        sizeof(client->in) - client->in_size, MSG_DONTWAIT);

    if (size < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -1;
    if (size == 0)
        return -1;
    client->in_size += (size_t)size;
    return take_all(client);
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
        setsockopt(client->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        return -1;
    }
    return has_come(session, session->settings->close_us, now_us, next_us) ? -1 : 0;
}

int client_run(struct client *client, int64_t now_us, int64_t *next_us)
{
    int64_t session_next_us = INT64_MAX;

    *next_us = INT64_MAX;
    if (client->is_frozen)
        return 0;
    if (end_connection(client, now_us, next_us) < 0 || send_late(client, now_us, next_us) < 0)
        return -1;
    if (client->is_frozen)
        return 0;
    if (client->session != NULL && session_run(client->session, now_us, &session_next_us) < 0)
        return -1;
    if (session_next_us < *next_us)
        *next_us = session_next_us;
    if (outbox_flush(&client->outbox, client->fd, client->house->log) < 0)
        return -1;
    if (outbox_size(&client->outbox) > MAX_WAITING_BYTES) {
        fprintf(stderr, "rtspcam: %s: closed, the client is too slow: %zu bytes are waiting\n",
                client->session != NULL ? client->session->path : "-",
                outbox_size(&client->outbox));
        return -1;
    }
    return client->is_closing && client->late == NULL && !client_wants_write(client) ? -1 : 0;
}
