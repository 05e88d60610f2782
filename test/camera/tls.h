/*
 * TLS under a client's connection. Built without GnuTLS there is none: tls_none.c.
 */
#ifndef CAMERA_TLS_H
#define CAMERA_TLS_H

#include <sys/types.h>

/** The camera's certificate and key. */
struct tls_server;

/** Reads both PEM files. Returns NULL when that fails; the reason stands on stderr. */
struct tls_server *tls_server_create(const char *certificate_file, const char *key_file);
void tls_server_destroy(struct tls_server **server);

struct tls;

/** On a socket that does not block. Returns NULL when there is no memory. */
struct tls *tls_create(const struct tls_server *server, int fd);

/** Tells the client that nothing more comes, as far as the socket takes that, and frees *tls. */
void tls_destroy(struct tls **tls);

/** As recv() and send() on the socket: -1 with errno EAGAIN when it has to wait. */
ssize_t tls_receive(struct tls *tls, void *data, size_t size);
ssize_t tls_send(struct tls *tls, const void *data, size_t size);

/** Whether bytes can be received of which the socket knows nothing any more. */
int tls_has_pending(struct tls *tls);

#endif
