#include "ingest/connection.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libavformat/avio.h>
#include <libavutil/dict.h>
#include <libavutil/error.h>

#include "base/error.h"
#include "ingest/failure.h"

/* How soon a stop and a deadline are heard while nothing comes: within 0.1 s, of which the kernel
 * takes up to a tick more than it is asked for. */
#define SLICE_MS 80

/* Gathering: 20 reads a second. At 10 Mbit/s and more the size ends the wait before. */
#define GATHER_MS    50
#define GATHER_BYTES (64 * 1024)

struct connection {
    int fd;          /* TCP; -1: none */
    AVIOContext *io; /* TLS; NULL: none */
    struct cancel *cancel;
    bool is_closing;
    bool reads_wait, writes_wait;
};

static int interrupted(void *opaque)
{
    struct connection *connection = opaque;
    return connection->is_closing ? cancel_expired(connection->cancel)
                                  : cancel_interrupted(connection->cancel);
}

static int fail(struct connection *connection, int averror, const char *what,
                struct rtsprec_error *error)
{
    return failure_of_averror(connection->cancel, averror, what, error);
}

static void set_receive(int fd, int bytes, int ms)
{
    struct timeval time = {.tv_usec = ms * 1000};
    setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
}

/* Waits until the socket is ready for what events say. Returns 0, or -errno when interrupted. */
static int wait_ready(struct connection *connection, short events)
{
    struct pollfd wanted = {.fd = connection->fd, .events = events};
    while (!interrupted(connection)) {
        int ready = poll(&wanted, 1, SLICE_MS);
        if (ready > 0)
            return 0;
        if (ready < 0 && errno != EINTR)
            return -errno;
    }
    return -EINTR;
}

static int connect_socket(struct connection *connection, const struct addrinfo *address)
{
    connection->fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (connection->fd < 0)
        return -errno;
    if (connect(connection->fd, address->ai_addr, address->ai_addrlen) < 0) {
        if (errno != EINPROGRESS)
            return -errno;
        int err = wait_ready(connection, POLLOUT), failure = 0;
        if (err < 0)
            return err;
        socklen_t size = sizeof(failure);
        if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &failure, &size) < 0)
            return -errno;
        if (failure)
            return -failure;
    }
    int on = 1;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    /* Reads block, but no longer than a slice; writes never do, see connection_write(). */
    set_receive(connection->fd, 1, SLICE_MS);
    int flags = fcntl(connection->fd, F_GETFL);
    return fcntl(connection->fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

static int open_tcp(struct connection *connection, const struct connection_options *options,
                    struct rtsprec_error *error)
{
    char port[16];
    snprintf(port, sizeof(port), "%d", options->port);
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM};
    struct addrinfo *address = NULL;
    if (getaddrinfo(options->address, port, &hints, &address) != 0)
        return error_set(error, RTSPREC_ERROR_RESOLVE, "connecting: %s is no address",
                         options->address);
    int err = connect_socket(connection, address);
    freeaddrinfo(address);
    return err < 0 ? fail(connection, AVERROR(-err), "connecting", error) : 0;
}

static int open_tls(struct connection *connection, const struct connection_options *options,
                    struct rtsprec_error *error)
{
    char url[128];
    bool is_ipv6 = strchr(options->address, ':') != NULL;
    snprintf(url, sizeof(url), "tls://%s%s%s:%d", is_ipv6 ? "[" : "", options->address,
             is_ipv6 ? "]" : "", options->port);
    AVDictionary *dictionary = NULL;
    AVIOInterruptCB interrupt = {.callback = interrupted, .opaque = connection};
    int err = av_dict_set_int(&dictionary, "tls_verify", options->is_verified, 0);
    if (err >= 0)
        err = av_dict_set(&dictionary, "verifyhost", options->host, 0);
    /* None: the one of the environment is for the web, cameras are on the network at hand. */
    if (err >= 0)
        err = av_dict_set(&dictionary, "http_proxy", "", 0);
    if (err >= 0 && options->ca_file)
        err = av_dict_set(&dictionary, "ca_file", options->ca_file, 0);
    if (err >= 0)
        err = avio_open2(&connection->io, url, AVIO_FLAG_READ_WRITE, &interrupt, &dictionary);
    if (err >= 0 && av_dict_count(dictionary) > 0)
        err = AVERROR_OPTION_NOT_FOUND;
    av_dict_free(&dictionary);
    if (err == AVERROR(EIO) && !interrupted(connection))
        return error_set(error, RTSPREC_ERROR_PROTOCOL,
                         "connecting: no TLS connection, or its certificate is not valid for %s",
                         options->host);
    return err < 0 ? fail(connection, err, "connecting", error) : 0;
}

int connection_open(struct connection **out, const struct connection_options *options,
                    struct rtsprec_error *error)
{
    *out = NULL;
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    connection->fd = -1;
    connection->cancel = options->cancel;
    connection->reads_wait = connection->writes_wait = true;
    int err = options->is_tls ? open_tls(connection, options, error)
                              : open_tcp(connection, options, error);
    if (err < 0)
        connection_close(&connection);
    *out = connection;
    return err;
}

void connection_close(struct connection **connection_pointer)
{
    struct connection *connection = *connection_pointer;
    *connection_pointer = NULL;
    if (!connection)
        return;
    avio_closep(&connection->io);
    if (connection->fd >= 0)
        close(connection->fd);
    free(connection);
}

void connection_gather(struct connection *connection)
{
    if (connection->fd >= 0)
        set_receive(connection->fd, GATHER_BYTES, GATHER_MS);
}

void connection_set_waiting(struct connection *connection, bool reads_wait, bool writes_wait)
{
    assert((reads_wait && writes_wait) || connection->fd >= 0);
    connection->reads_wait = reads_wait;
    connection->writes_wait = writes_wait;
}

void connection_set_closing(struct connection *connection)
{
    connection->is_closing = true;
    if (connection->fd >= 0)
        set_receive(connection->fd, 1, SLICE_MS); /* no more than an answer will come */
}

int connection_read(struct connection *connection, uint8_t *data, size_t size,
                    struct rtsprec_error *error)
{
    if (interrupted(connection))
        return failure_of_interruption(connection->cancel, "receiving", error);
    if (connection->io) {
        int got = avio_read_partial(connection->io, data, (int)size);
        return got > 0 ? got : fail(connection, got ? got : AVERROR_EOF, "receiving", error);
    }
    ssize_t got = recv(connection->fd, data, size, connection->reads_wait ? 0 : MSG_DONTWAIT);
    if (got > 0)
        return (int)got;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
        return 0;
    return fail(connection, got < 0 ? AVERROR(errno) : AVERROR_EOF, "receiving", error);
}

int connection_write(struct connection *connection, const void *data, size_t size,
                     struct rtsprec_error *error)
{
    if (connection->io) {
        avio_write(connection->io, data, (int)size);
        avio_flush(connection->io);
        int err = connection->io->error;
        return err < 0 ? fail(connection, err, "sending", error) : 0;
    }
    const uint8_t *next = data;
    while (size > 0) {
        ssize_t sent = send(connection->fd, next, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        int err = sent < 0 ? -errno : 0;
        if (err == -EAGAIN && !connection->writes_wait)
            return error_set(error, RTSPREC_ERROR_CLOSED,
                             "sending: the camera takes nothing any more");
        if (err == -EAGAIN || err == -EINTR)
            err = wait_ready(connection, POLLOUT);
        if (err < 0)
            return fail(connection, AVERROR(-err), "sending", error);
        next += sent > 0 ? sent : 0;
        size -= sent > 0 ? (size_t)sent : 0;
    }
    return 0;
}

bool connection_has_room(const struct connection *connection)
{
    struct pollfd wanted = {.fd = connection->fd, .events = POLLOUT};
    return connection->io || poll(&wanted, 1, 0) > 0;
}

int connection_descriptor(const struct connection *connection)
{
    return connection->fd;
}
