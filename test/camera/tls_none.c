#include "tls.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>

struct tls_server *tls_server_create(const char *certificate_file, const char *key_file)
{
    (void)certificate_file;
    (void)key_file;
    fprintf(stderr, "rtspcam: built without GnuTLS, there is no TLS\n");
    return NULL;
}

void tls_server_destroy(struct tls_server **server)
{
    *server = NULL;
}

struct tls *tls_create(const struct tls_server *server, int fd)
{
    (void)server;
    (void)fd;
    return NULL;
}

void tls_destroy(struct tls **tls)
{
    *tls = NULL;
}

ssize_t tls_receive(struct tls *tls, void *data, size_t size)
{
    (void)tls;
    (void)data;
    (void)size;
    errno = ENOTSUP;
    return -1;
}

ssize_t tls_send(struct tls *tls, const void *data, size_t size)
{
    (void)tls;
    (void)data;
    (void)size;
    errno = ENOTSUP;
    return -1;
}

int tls_has_pending(struct tls *tls)
{
    (void)tls;
    return 0;
}
