/*
 * The bytes of one RTSP connection: TCP on a socket of our own, TLS through libavformat.
 *
 * TCP is ours because of what it costs: with SO_RCVLOWAT and SO_RCVTIMEO one system call waits for
 * and takes what 50 ms have brought, where AVIO polls before each read and wakes for each segment.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef INGEST_CONNECTION_H
#define INGEST_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rtsprec/error.h>

#include "base/cancel.h"

struct connection;

struct connection_options {
    const char *address; /* in numbers */
    const char *host;    /* what a certificate has to be for */
    int port;
    bool is_tls, is_verified;
    const char *ca_file;   /* NULL: the system's */
    struct cancel *cancel; /* ends every call */
};

/* Returns 0 or one of enum rtsprec_error_code. */
int connection_open(struct connection **out, const struct connection_options *options,
                    struct rtsprec_error *error);

/* Closes at once; NULL is ignored. */
void connection_close(struct connection **connection);

/*
 * From now on media come: a read gathers for up to 50 ms or 64 KiB. No longer, for it adds to what
 * a crash loses. TLS gives record by record all the same.
 */
void connection_gather(struct connection *connection);

/* A stop no longer ends calls, only the deadline does: for a good-bye. */
void connection_set_closing(struct connection *connection);

/*
 * Takes what has come. Returns its size; 0 when nothing came for a moment (at most 100 ms; with TLS
 * the wait is as long as it takes); or an error.
 */
int connection_read(struct connection *connection, uint8_t *data, size_t size,
                    struct rtsprec_error *error);

/* Sends all of it. Returns 0 or an error. */
int connection_write(struct connection *connection, const void *data, size_t size,
                     struct rtsprec_error *error);

/* The same, unless there is no room for any of it at this moment: then nothing is sent. */
int connection_offer(struct connection *connection, const void *data, size_t size,
                     struct rtsprec_error *error);

/* The socket, for waiting on several; -1 with TLS. */
int connection_descriptor(const struct connection *connection);

#endif
