/*
 * A client's socket, with TLS or without.
 */
#ifndef CAMERA_CONNECTION_H
#define CAMERA_CONNECTION_H

#include <sys/socket.h>

#include "tls.h"

struct connection {
    int fd;
    struct tls *tls; /**< NULL: none */
};

static inline ssize_t connection_receive(struct connection *connection, void *data, size_t size)
{
    return connection->tls != NULL ? tls_receive(connection->tls, data, size)
                                   : recv(connection->fd, data, size, MSG_DONTWAIT);
}

static inline ssize_t connection_send(struct connection *connection, const void *data, size_t size)
{
    return connection->tls != NULL ? tls_send(connection->tls, data, size)
                                   : send(connection->fd, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
}

#endif
