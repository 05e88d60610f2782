/*
 * A server that plays a script on a loopback connection, in a thread of its own: for the tests of
 * what speaks over sockets.
 *
 * A step waits for what the client sends (a request and its empty line; a frame before it only
 * where the step begins with one), then sends its text. After the last step the server listens
 * until the client goes; what it was asked is in requests.
 */
#ifndef SCRIPTED_SERVER_H
#define SCRIPTED_SERVER_H

#include "unit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cancel.h"
#include "base/clock.h"

/* A deadline and a stop are heard within 0.1 s; the rest is the machine's. */
#define LATE_US INT64_C(150000)

enum { SERVER_REQUESTS = 16, SERVER_REQUEST_BYTES = 4096, DRIP_MS = 20, LATE_MS = 2200 };

struct server_step {
    const char *wanted; /* what the request begins with; NULL: none is waited for */
    const char *text;   /* "{n}" in it is the CSeq of the last request; NULL: nothing */
    size_t bytes;       /* of a text that has zeros; else 0 */
    enum {
        SEND_AT_ONCE,
        SEND_LATE,      /* reads nothing meanwhile */
        SEND_IN_DRIPS,  /* byte by byte */
        SEND_FOR_EVER,  /* again and again, until the client goes */
        SEND_AND_STOP,  /* then ask the client's cancel to stop */
        SEND_AND_CLOSE, /* then take the next connection */
    } how;
};

struct server {
    int listener, port;
    const struct server_step *steps; /* up to one without anything */
    struct cancel *cancel;           /* of the client */
    int64_t stopped_us;              /* monotonic: when SEND_AND_STOP did */
    pthread_t thread;
    int fd;

    char requests[SERVER_REQUESTS][SERVER_REQUEST_BYTES];
    int request_count;
    const char *wrong; /* the step whose request was another one */
};

/* What is measured is the code's own time and not that of a machine with other work. */
static inline void take_precedence(void)
{
    struct sched_param parameters = {.sched_priority = 1};
    pthread_setschedparam(pthread_self(), SCHED_RR, &parameters);
}

/* Listens on a free port of the loopback. */
static inline int listen_anywhere(int backlog, int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(fd, backlog), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

/* Leaves out a frame whose '$' was read. */
static inline bool server_skip_frame(const struct server *server)
{
    uint8_t header[3], payload[65536];
    if (recv(server->fd, header, sizeof(header), MSG_WAITALL) != sizeof(header))
        return false;
    size_t size = (size_t)header[1] << 8 | header[2];
    return recv(server->fd, payload, size, MSG_WAITALL) == (ssize_t)size;
}

/* Takes a request up to its empty line, or with a frame before it; false when the client has gone.
 */
static inline bool server_receive(struct server *server, bool wants_frame)
{
    char ignored[SERVER_REQUEST_BYTES];
    bool is_kept = server->request_count < SERVER_REQUESTS;
    char *request = is_kept ? server->requests[server->request_count] : ignored;
    size_t size = 0;
    while (size < SERVER_REQUEST_BYTES - 1 && recv(server->fd, request + size, 1, 0) == 1) {
        if (size == 0 && request[0] == '$' && !wants_frame) {
            if (!server_skip_frame(server))
                break;
            continue;
        }
        request[++size] = '\0';
        if (size >= 4 && memcmp(request + size - 4, "\r\n\r\n", 4) == 0) {
            server->request_count++;
            return true;
        }
    }
    request[0] = '\0';
    return false;
}

static inline bool server_put(struct server *server, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(server->fd, data, size, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

static inline bool server_drip(struct server *server, const char *data, size_t size)
{
    struct pollfd gone = {.fd = server->fd, .events = POLLIN | POLLRDHUP};
    for (size_t i = 0; i < size; i++) {
        if (!server_put(server, data + i, 1) || poll(&gone, 1, DRIP_MS) != 0)
            return false;
    }
    return true;
}

static inline size_t server_fill_in(const struct server *server, char *out, size_t room,
                                    const char *text)
{
    char number[16] = "";
    const char *request =
        server->request_count > 0 ? server->requests[server->request_count - 1] : "";
    const char *header = strstr(request, "CSeq: "), *mark = strstr(text, "{n}");
    if (header)
        sscanf(header, "CSeq: %15[0-9]", number);
    if (!mark)
        return (size_t)snprintf(out, room, "%s", text);
    return (size_t)snprintf(out, room, "%.*s%s%s", (int)(mark - text), text, number, mark + 3);
}

static inline bool server_send(struct server *server, const struct server_step *step)
{
    char text[SERVER_REQUEST_BYTES];
    const char *data = step->text;
    size_t size = step->bytes;
    if (size == 0) {
        size = server_fill_in(server, text, sizeof(text), step->text);
        data = text;
    }
    if (step->how == SEND_IN_DRIPS)
        return server_drip(server, data, size);
    if (step->how == SEND_LATE)
        poll(NULL, 0, LATE_MS);
    if (step->how != SEND_FOR_EVER)
        return server_put(server, data, size);
    char many[64 * SERVER_REQUEST_BYTES];
    size_t filled = 0;
    for (; filled + size <= sizeof(many); filled += size)
        memcpy(many + filled, data, size);
    while (server_put(server, many, filled)) {
    }
    return false;
}

static inline void *server_run(void *argument)
{
    struct server *server = argument;
    take_precedence();
    server->fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
    bool is_there = server->fd >= 0;
    for (const struct server_step *step = server->steps;
         is_there && (step->wanted || step->text || step->how); step++) {
        if (step->wanted && (is_there = server_receive(server, step->wanted[0] == '$'))) {
            const char *request = server->requests[server->request_count - 1];
            if (strncmp(request, step->wanted, strlen(step->wanted)) != 0)
                server->wrong = step->wanted;
        }
        if (is_there && step->text)
            is_there = server_send(server, step);
        if (step->how == SEND_AND_STOP) {
            server->stopped_us = clock_monotonic_us();
            cancel_request(server->cancel);
        }
        if (step->how == SEND_AND_CLOSE) {
            close(server->fd);
            server->fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
            is_there = server->fd >= 0;
        }
    }
    while (is_there && server_receive(server, false)) {
    }
    if (server->fd >= 0)
        close(server->fd);
    return NULL;
}

static inline void server_start(struct server *server, const struct server_step *steps,
                                struct cancel *cancel)
{
    *server = (struct server){.steps = steps, .cancel = cancel, .fd = -1};
    server->listener = listen_anywhere(1, &server->port);
    assert_int_equal(pthread_create(&server->thread, NULL, server_run, server), 0);
}

/* When the client has closed its connection. */
static inline void server_join(struct server *server)
{
    pthread_join(server->thread, NULL);
    close(server->listener);
    require(!server->wrong, "not what was sent: %s", server->wrong);
}

#endif
