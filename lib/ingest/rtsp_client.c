#include "ingest/rtsp_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/random_seed.h>

#include <rtsprec/version.h>

#include "base/clock.h"
#include "base/error.h"

/* A request: its URL, and what an Authorization header may take. */
#define REQUEST_BYTES (8 * 1024)

/* So that a camera that floods us leaves time for others, be it with the smallest of frames or with
 * requests. */
#define TURN_BYTES   (256 * 1024)
#define TURN_ANSWERS 8

/* Behind this much that makes no sense, none will come. */
#define MAX_GARBAGE_BYTES (1024 * 1024)

int rtsp_client_open(struct rtsp_client *client, const struct connection_options *options,
                     const char *username, const char *password, struct rtsprec_error *error)
{
    *client = (struct rtsp_client){
        .cancel = options->cancel,
        .username = username,
        .password = password,
        .own_buffer = malloc(RTSP_CLIENT_BUFFER_BYTES),
    };
    client->buffer = client->own_buffer;
    if (!client->buffer)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    return connection_open(&client->connection, options, error);
}

void rtsp_client_close(struct rtsp_client *client)
{
    connection_close(&client->connection);
    free(client->own_buffer);
    client->own_buffer = client->buffer = NULL;
}

int rtsp_client_send(struct rtsp_client *client, const char *method, const char *url,
                     const char *headers, struct rtsprec_error *error)
{
    char request[REQUEST_BYTES], authorization[4096], cnonce[17];
    snprintf(cnonce, sizeof(cnonce), "%08" PRIx32 "%08" PRIx32, av_get_random_seed(),
             av_get_random_seed());
    int err = rtsp_auth_header(authorization, sizeof(authorization), &client->auth,
                               client->username ? client->username : "",
                               client->password ? client->password : "", method, url, cnonce);
    bool has_session = client->session_id[0] != '\0';
    int size = -1;
    if (err == 0)
        size =
            snprintf(request, sizeof(request),
                     "%s %s RTSP/1.0\r\nCSeq: %" PRId64 "\r\nUser-Agent: rtsprec/%s\r\n"
                     "%s%s%s%s%s\r\n",
                     method, url, ++client->cseq, rtsprec_version(), has_session ? "Session: " : "",
                     client->session_id, has_session ? "\r\n" : "", headers, authorization);
    if (err < 0 || size >= (int)sizeof(request))
        err = error_set(error, RTSPREC_ERROR_PROTOCOL, "%s: the request would be too long", method);
    else
        err = connection_write(client->connection, request, (size_t)size, error);
    explicit_bzero(request, sizeof(request));
    explicit_bzero(authorization, sizeof(authorization));
    return err;
}

int rtsp_client_answer(struct rtsp_client *client, const struct rtsp_message *request, int status,
                       const char *reason, struct rtsprec_error *error)
{
    char reply[128], number[40] = "";
    if (request->cseq >= 0)
        snprintf(number, sizeof(number), "CSeq: %" PRId64 "\r\n", request->cseq);
    int size = snprintf(reply, sizeof(reply), "RTSP/1.0 %d %s\r\n%s\r\n", status, reason, number);
    if (client->is_in_turn &&
        (client->turn_answers-- <= 0 || !connection_has_room(client->connection)))
        return 0;
    return connection_write(client->connection, reply, (size_t)size, error);
}

const uint8_t *rtsp_client_take_frame(struct rtsp_client *client)
{
    const uint8_t *frame = client->buffer + client->begin;
    size_t left = client->end - client->begin;
    if (left < 4 || frame[0] != '$' || !client->is_channel[frame[1]] || client->scan.is_lost)
        return NULL;
    size_t size = 4 + ((size_t)frame[2] << 8 | frame[3]);
    if (left < size)
        return NULL;
    client->scan = (struct rtsp_scan){0};
    client->begin += size;
    client->has_more = left > size;
    client->garbage_bytes = 0;
    return frame;
}

/* What lies in the buffer. */
static int parse(struct rtsp_client *client, struct rtsp_item *item, struct rtsprec_error *error)
{
    const char *why = "";
    if (rtsp_item_parse(item, &client->scan, client->buffer + client->begin,
                        client->end - client->begin, client->is_channel, &why) < 0)
        return error_set(error, RTSPREC_ERROR_PROTOCOL, "receiving: %s", why);
    return 0;
}

/* What was not taken, in another buffer or at the beginning of the same. */
static void move(struct rtsp_client *client, uint8_t *buffer)
{
    size_t left = client->end - client->begin;
    memmove(buffer, client->buffer + client->begin, left);
    client->buffer = buffer;
    client->begin = 0;
    client->end = left;
}

void rtsp_client_begin_turn(struct rtsp_client *client, uint8_t *buffer, bool waits)
{
    move(client, buffer);
    client->is_in_turn = true;
    client->turn_bytes = TURN_BYTES;
    client->turn_answers = TURN_ANSWERS;
    client->is_drained = client->turn_is_spent = false;
    connection_set_waiting(client->connection, waits, false);
}

bool rtsp_client_end_turn(struct rtsp_client *client)
{
    move(client, client->own_buffer);
    client->is_in_turn = false;
    connection_set_waiting(client->connection, true, true);
    return !client->is_drained;
}

/* Within a turn: less than there was room for is all that there is. */
static int take_turn(struct rtsp_client *client, size_t room, struct rtsprec_error *error)
{
    int got = 0;
    room = room < client->turn_bytes ? room : client->turn_bytes;
    if (!client->is_drained && room > 0)
        got = connection_read(client->connection, client->buffer + client->end, room, error);
    connection_set_waiting(client->connection, false, false);
    client->is_drained |= got >= 0 && (size_t)got < room;
    client->turn_is_spent = got == 0;
    client->turn_bytes -= got > 0 ? (size_t)got : 0;
    return got;
}

/* Returns 1 with more bytes, 0 when nothing came, or an error. */
static int fill(struct rtsp_client *client, struct rtsprec_error *error)
{
    move(client, client->buffer);
    size_t room = RTSP_CLIENT_BUFFER_BYTES - client->end;
    int got = client->is_in_turn
                  ? take_turn(client, room, error)
                  : connection_read(client->connection, client->buffer + client->end, room, error);
    if (got <= 0)
        return got;
    client->end += (size_t)got;
    client->arrival_us = clock_monotonic_us();
    return 1;
}

int rtsp_client_next(struct rtsp_client *client, struct rtsp_item *item,
                     struct rtsprec_error *error)
{
    for (;;) {
        int err = parse(client, item, error);
        if (err < 0)
            return err;
        client->begin += item->size;
        client->has_more = item->kind != RTSP_INCOMPLETE && client->begin < client->end;
        if (item->kind == RTSP_FRAME || item->kind == RTSP_MESSAGE) {
            client->garbage_bytes = 0;
            return 1;
        }
        if (item->kind == RTSP_GARBAGE) {
            client->garbage_bytes += item->size;
            if (client->garbage_bytes > MAX_GARBAGE_BYTES)
                return error_set(error, RTSPREC_ERROR_PROTOCOL,
                                 "receiving: what the camera sends is neither RTSP nor RTP");
        } else if ((err = fill(client, error)) <= 0) {
            return err;
        }
    }
}

int rtsp_client_challenge(struct rtsp_client *client, const struct rtsp_message *reply,
                          int *attempts, struct rtsprec_error *error)
{
    bool has_credentials = client->username || client->password;
    bool is_first = client->auth.scheme == RTSP_AUTH_NONE;
    int err = rtsp_auth_challenge(&client->auth, reply);
    if (err < 0)
        return error_set(error, RTSPREC_ERROR_UNAUTHORIZED,
                         "401, the camera asks for credentials in a way that is not known "
                         "(expected Basic, Digest MD5 or Digest SHA-256)");
    /* Once refused they stay refused. Where they were accepted before, the nonce is too old, and
     * the server need not say "stale"; where they never were, "stale" can be said for ever. */
    return has_credentials && ++*attempts <= 2 && (is_first || client->is_accepted);
}

int rtsp_client_call(struct rtsp_client *client, const char *method, const char *url,
                     const char *headers, struct rtsp_message *reply, struct rtsprec_error *error)
{
    int attempts = 0;
    int err = rtsp_client_send(client, method, url, headers, error);
    while (err == 0) {
        struct rtsp_item item;
        err = rtsp_client_next(client, &item, error);
        if (err <= 0)
            continue;
        err = 0;
        if (item.kind != RTSP_MESSAGE)
            continue;
        const struct rtsp_message *message = &item.message;
        if (message->status == 0) {
            err = rtsp_client_answer(client, message, 200, "OK", error);
            continue;
        }
        /* 1xx say that an answer will come; some cameras leave the number out. */
        if (message->status < 200 || (message->cseq >= 0 && message->cseq != client->cseq))
            continue;
        *reply = *message;
        if (message->status != 401) {
            client->is_accepted = client->auth.scheme != RTSP_AUTH_NONE;
            return 0;
        }
        err = rtsp_client_challenge(client, message, &attempts, error);
        if (err == 0)
            return 0;
        if (err > 0)
            err = rtsp_client_send(client, method, url, headers, error);
    }
    return err;
}
