/*
 * Requests and replies over one RTSP connection, with media in between: numbering, credentials, and
 * the buffer. What is requested, and when, is rtsp_session.c's.
 */
#ifndef INGEST_RTSP_CLIENT_H
#define INGEST_RTSP_CLIENT_H

#include "ingest/connection.h"
#include "ingest/rtsp_auth.h"
#include "ingest/rtsp_message.h"
#include "ingest/source.h"

#define RTSP_CLIENT_BUFFER_BYTES SOURCE_TURN_BYTES /* holds the largest item, and more */

struct rtsp_client {
    struct connection *connection; /* owned */
    struct cancel *cancel;
    const char *username, *password; /* NULL: none */
    struct rtsp_auth auth;
    bool is_accepted; /* the camera has taken the credentials on this connection */
    int64_t cseq;     /* of the last request */
    char session_id[256];

    uint8_t *buffer; /* own_buffer, or that of the turn */
    size_t begin, end;
    uint8_t *own_buffer;   /* owned */
    bool has_more;         /* behind the last item is something that was not looked at yet */
    struct rtsp_scan scan; /* of what begins at begin */
    int64_t arrival_us;    /* monotonic: when its newest bytes came */
    size_t garbage_bytes;  /* in a row */
    bool is_channel[256];  /* those that were set up */

    bool is_in_turn;
    size_t turn_bytes;  /* how much of it may still be received */
    int turn_answers;   /* how many requests may still be answered */
    bool is_drained;    /* the connection has no more */
    bool turn_is_spent; /* there is nothing more in it */
};

/* Takes over the connection of the options. Returns 0 or an error. */
int rtsp_client_open(struct rtsp_client *client, const struct connection_options *options,
                     const char *username, const char *password, struct rtsprec_error *error);
void rtsp_client_close(struct rtsp_client *client);

/* Sends a request; headers: whole lines, or "". Its number is client->cseq then. */
int rtsp_client_send(struct rtsp_client *client, const char *method, const char *url,
                     const char *headers, struct rtsprec_error *error);

/*
 * Sends a request and waits for its reply, whatever its status; interleaved frames until then are
 * left out. A 401 is answered once with credentials, and again when they were accepted before. The
 * reply's texts are valid until the next call. Returns 0 or an error.
 */
int rtsp_client_call(struct rtsp_client *client, const char *method, const char *url,
                     const char *headers, struct rtsp_message *reply, struct rtsprec_error *error);

/*
 * Takes the challenge of a 401. Returns 1 when sending the request again makes sense, 0 when the
 * credentials are missing or have been refused, or an error. Keeps the number of attempts.
 */
int rtsp_client_challenge(struct rtsp_client *client, const struct rtsp_message *reply,
                          int *attempts, struct rtsprec_error *error);

/*
 * A turn takes what has come, through a buffer of RTSP_CLIENT_BUFFER_BYTES that is lent for it. It
 * waits in its first read, as connection_gather() does, or in none, and never to send:
 * rtsp_client_next() returns 0 when there is nothing more, and turn_is_spent says so. Not with TLS.
 */
void rtsp_client_begin_turn(struct rtsp_client *client, uint8_t *buffer, bool waits);

/* What is left goes into the client's own buffer. Returns whether more may have come than a turn
 * takes. */
bool rtsp_client_end_turn(struct rtsp_client *client);

/*
 * Takes the next frame off the buffer if it lies there whole, with nothing unusual about it, as
 * most do. Returns it with its header ('$', the channel, two bytes of size), valid until the next
 * call of rtsp_client_next(); NULL when that has to look.
 */
const uint8_t *rtsp_client_take_frame(struct rtsp_client *client);

/*
 * The next frame or message, valid until the next call. Returns 1; 0 when nothing came for a
 * moment; or an error.
 */
int rtsp_client_next(struct rtsp_client *client, struct rtsp_item *item,
                     struct rtsprec_error *error);

/* Answers a request of the server; in a turn only if it takes answers, and not too many of them. */
int rtsp_client_answer(struct rtsp_client *client, const struct rtsp_message *request, int status,
                       const char *reason, struct rtsprec_error *error);

#endif
