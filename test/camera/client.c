#include "client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rtsp_answer.h"

/* 30 s of a 2 Mbit/s camera: a client that is later than that is of no use any more. */
enum { MAX_WAITING_BYTES = 8 * 1024 * 1024 };

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
    auth_make_nonce(client->nonce);
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

int client_run(struct client *client, int64_t now_us, int64_t *next_us)
{
    *next_us = INT64_MAX;
    if (client->session != NULL && session_run(client->session, now_us, next_us) < 0)
        return -1;
    if (outbox_flush(&client->outbox, client->fd, client->house->log) < 0)
        return -1;
    if (outbox_size(&client->outbox) > MAX_WAITING_BYTES) {
        fprintf(stderr, "rtspcam: %s: closed, the client is too slow: %zu bytes are waiting\n",
                client->session != NULL ? client->session->path : "-",
                outbox_size(&client->outbox));
        return -1;
    }
    return client->is_closing && !client_wants_write(client) ? -1 : 0;
}
