/*
 * The bytes of one RTSP connection: TCP on a socket of our own, TLS through libavformat.
 *
 * TCP is ours because of what it costs: one system call takes what has come, where AVIO polls
 * before each read.
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
 * From now on media come: a read that waits gathers for up to 50 ms or 64 KiB. No longer, for it
 * adds to what a crash loses. TLS gives record by record all the same.
 */
void connection_gather(struct connection *connection);

/*
 * Whether a read waits for bytes and a write for room, as both do at first. If not, which is for
 * TCP only, a read that finds nothing returns 0 at once, and a write without room fails.
 */
void connection_set_waiting(struct connection *connection, bool reads_wait, bool writes_wait);

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

/* Whether there is room for a request at this moment; with TLS nobody knows, and it says yes. */
bool connection_has_room(const struct connection *connection);

/* The socket, for waiting on several; -1 with TLS. */
int connection_descriptor(const struct connection *connection);

#endif
