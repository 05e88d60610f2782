#include "tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <gnutls/gnutls.h>

struct tls_server {
    gnutls_certificate_credentials_t credentials;
};

struct tls {
    gnutls_session_t session;
    int is_open;         /* the handshake is over */
    size_t sending_size; /* bytes of a record that the socket has not taken whole; 0: none */
};

struct tls_server *tls_server_create(const char *certificate_file, const char *key_file)
{
    struct tls_server *server = calloc(1, sizeof(*server));
    int err;

    if (server == NULL)
        return NULL;
    if (gnutls_certificate_allocate_credentials(&server->credentials) < 0) {
        free(server);
        return NULL;
    }
    err = gnutls_certificate_set_x509_key_file(server->credentials, certificate_file, key_file,
                                               GNUTLS_X509_FMT_PEM);
    if (err < 0) {
        fprintf(stderr, "rtspcam: %s, %s: %s\n", certificate_file, key_file, gnutls_strerror(err));
        tls_server_destroy(&server);
    }
    return server;
}

void tls_server_destroy(struct tls_server **server)
{
    if (*server == NULL)
        return;
    gnutls_certificate_free_credentials((*server)->credentials);
    free(*server);
    *server = NULL;
}

struct tls *tls_create(const struct tls_server *server, int fd)
{
    struct tls *tls = calloc(1, sizeof(*tls));

    if (tls == NULL)
        return NULL;
    if (gnutls_init(&tls->session, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0) {
        free(tls);
        return NULL;
    }
    if (gnutls_set_default_priority(tls->session) < 0 ||
        gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE, server->credentials) < 0) {
        tls_destroy(&tls);
        return NULL;
    }
    gnutls_transport_set_int(tls->session, fd);
    return tls;
}

void tls_destroy(struct tls **tls)
{
    if (*tls == NULL)
        return;
    if ((*tls)->is_open)
        gnutls_bye((*tls)->session, GNUTLS_SHUT_WR);
    gnutls_deinit((*tls)->session);
    free(*tls);
    *tls = NULL;
}

/* What a GnuTLS call returned, in the way of recv() and send(). */
static ssize_t result_of(ssize_t result)
{
    if (result >= 0)
        return result;
    errno = result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED ? EAGAIN : EPROTO;
    return -1;
}

ssize_t tls_receive(struct tls *tls, void *data, size_t size)
{
    if (!tls->is_open) {
        int err = gnutls_handshake(tls->session);
        if (err < 0)
            return result_of(gnutls_error_is_fatal(err) ? err : GNUTLS_E_AGAIN);
        tls->is_open = 1;
    }
    return result_of(gnutls_record_recv(tls->session, data, size));
}

ssize_t tls_send(struct tls *tls, const void *data, size_t size)
{
    ssize_t sent;

    if (!tls->is_open) {
        errno = EAGAIN;
        return -1;
    }
    /* A record that was begun is finished first, from GnuTLS's own copy of it. */
    sent = tls->sending_size > 0 ? gnutls_record_send(tls->session, NULL, 0)
                                 : gnutls_record_send(tls->session, data, size);
    if (sent == GNUTLS_E_AGAIN || sent == GNUTLS_E_INTERRUPTED)
        tls->sending_size = size;
    else
        tls->sending_size = 0;
    return result_of(sent);
}

int tls_has_pending(struct tls *tls)
{
    return gnutls_record_check_pending(tls->session) > 0;
}
