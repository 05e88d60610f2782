/*
 * The server: one thread, one poll loop for all connections.
 */
#ifndef CAMERA_SERVER_H
#define CAMERA_SERVER_H

#include <signal.h>

#include "client.h"

struct server {
    struct camera_house house;
    int listen_fd;
    int tls_fd;             /**< listens for TLS; -1: nobody does */
    struct tls_server *tls; /**< owned */
    int input_fd;           /**< commands come from here; -1: none do any more */
    struct client *clients;
    char input[1024];
    size_t input_size;
};

/**
 * Listens on @p address (IPv4) and @p port; 0 picks a free one.
 *
 * @param[out] fd  the server's listen_fd or tls_fd
 * @return the port, or -1; the reason stands on stderr
 */
int server_listen(int *fd, const char *address, int port);

/**
 * Serves until *@p stop is set by a signal handler. The signals are blocked everywhere but in
 * @p wait_mask.
 *
 * @return 0, or -1 when waiting failed
 */
int server_run(struct server *server, const volatile sig_atomic_t *stop, const sigset_t *wait_mask);

/** Closes all connections and the listener. */
void server_close(struct server *server);

#endif
