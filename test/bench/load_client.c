#include "load_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../camera/rtsp_message.h"

/* Ethernet at 100 Mbit/s: a segment takes so long to pass. */
enum { SEGMENT_BYTES = 1448, WIRE_BITS_PER_US = 100 };

/* A camera that cannot send for so long leaves frames out, up to the next key frame. */
enum { MAX_BEHIND_US = 1000000 };

/* Between the first packets of one camera and the next: no two count alike. */
enum { SEQUENCE_APART = 977, TIME_APART = 900001 };

struct load_client {
    struct load_house *house;
    int fd;
    struct load_camera *camera; /* NULL before PLAY */
    struct load_start start;
    int64_t start_us; /* when the first frame of round 0 is due */
    int64_t round;
    int frame;
    size_t sent;      /* bytes of the frame */
    int packet;       /* of the frame, that the next byte is in */
    int is_blocked;   /* the socket takes nothing */
    int is_playing;   /* a frame was sent */
    int is_skipping;  /* frames are left out */
    int is_torn_down; /* the connection ends when the answers are out */

    char answers[RTSP_MAX_REQUEST]; /* go out between frames */
    size_t answers_size;
    char input[RTSP_MAX_REQUEST + 65536];
    size_t input_size;
    struct rtsp_request request;
};

struct load_client *load_client_create(struct load_house *house, int fd)
{
    struct load_client *client = calloc(1, sizeof(*client));

    if (client == NULL) {
        close(fd);
        return NULL;
    }
    client->house = house;
    client->fd = fd;
    return client;
}

void load_client_destroy(struct load_client **client)
{
    if (*client == NULL)
        return;
    if ((*client)->is_playing)
        (*client)->house->playing--;
    close((*client)->fd);
    free(*client);
    *client = NULL;
}

int load_client_is_sending(const struct load_client *client)
{
    return client->sent > 0;
}

__attribute__((format(printf, 2, 3))) static int answer(struct load_client *client,
                                                        const char *format, ...)
{
    const char *cseq = rtsp_request_header(&client->request, "CSeq");
    size_t space = sizeof(client->answers) - client->answers_size;
    char *to = client->answers + client->answers_size;
    char text[sizeof(client->house->stream->sdp) + 512];
    va_list arguments;
    int size;

    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    /* The CSeq follows the status line. */
    char *rest = strstr(text, "\r\n");
    size = snprintf(to, space, "%.*s\r\nCSeq: %s%s", (int)(rest - text), text,
                    cseq != NULL ? cseq : "0", rest);
    if (size < 0 || (size_t)size >= space)
        return -1;
    client->answers_size += (size_t)size;
    return 0;
}

/* Cameras differ in when their frames and key frames come; theirs here are spread evenly. */
static int64_t start_time(const struct load_house *house, int camera, int64_t now_us)
{
    int64_t interval_us = house->stream->key_interval_us;
    int64_t phase_us = (int64_t)((double)interval_us * ((camera * 0.618033988749895) -
                                                        (int)(camera * 0.618033988749895)));
    int64_t start_us = now_us / interval_us * interval_us + phase_us;

    return start_us < now_us ? start_us + interval_us : start_us;
}

static int play(struct load_client *client, int camera, int64_t now_us)
{
    struct load_house *house = client->house;

    if (client->camera == NULL) {
        client->camera = &house->cameras[camera];
        client->camera->connections++;
        client->start_us = start_time(house, camera, now_us);
        client->start.sequence = (uint32_t)camera * SEQUENCE_APART & 0xffff;
        client->start.time = (uint32_t)camera * TIME_APART;
    }
    return answer(client,
                  "RTSP/1.0 200 OK\r\nSession: %d;timeout=60\r\nRange: npt=0-\r\n"
                  "RTP-Info: url=%s/streamid=0;seq=%u;rtptime=%u\r\n\r\n",
                  camera + 1, client->request.uri, client->start.sequence, client->start.time);
}

static int setup(struct load_client *client, int camera)
{
    const char *transport = rtsp_request_header(&client->request, "Transport");

    if (transport == NULL || strstr(transport, "RTP/AVP/TCP") == NULL)
        return answer(client, "RTSP/1.0 461 Unsupported Transport\r\n\r\n");
    return answer(client,
                  "RTSP/1.0 200 OK\r\nSession: %d;timeout=60\r\n"
                  "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n",
                  camera + 1);
}

static int handle_request(struct load_client *client, int64_t now_us)
{
    const struct rtsp_request *request = &client->request;
    const char *method = request->method;
    char path[256];
    int control, camera = -1;

    if (strcmp(method, "OPTIONS") == 0)
        return answer(client, "RTSP/1.0 200 OK\r\nPublic: OPTIONS, DESCRIBE, SETUP, PLAY, "
                              "GET_PARAMETER, TEARDOWN\r\n\r\n");
    if (strcmp(method, "GET_PARAMETER") == 0 || strcmp(method, "SET_PARAMETER") == 0)
        return answer(client, "RTSP/1.0 200 OK\r\n\r\n");
    if (rtsp_url_path(request->uri, path, sizeof(path), &control) < 0 ||
        sscanf(path, "/cam/%d", &camera) != 1 || camera < 0 ||
        camera >= client->house->camera_count)
        return answer(client, "RTSP/1.0 404 Not Found\r\n\r\n");
    if (strcmp(method, "DESCRIBE") == 0)
        return answer(client,
                      "RTSP/1.0 200 OK\r\nContent-Base: %s/\r\nContent-Type: application/sdp\r\n"
                      "Content-Length: %zu\r\n\r\n%s",
                      request->uri, strlen(client->house->stream->sdp), client->house->stream->sdp);
    if (strcmp(method, "SETUP") == 0)
        return setup(client, camera);
    if (strcmp(method, "PLAY") == 0)
        return play(client, camera, now_us);
    if (strcmp(method, "TEARDOWN") == 0) {
        client->is_torn_down = 1;
        return answer(client, "RTSP/1.0 200 OK\r\n\r\n");
    }
    return answer(client, "RTSP/1.0 501 Not Implemented\r\n\r\n");
}

/* Takes requests apart and lets receiver reports pass. Returns the bytes used, or -1. */
static int consume(struct load_client *client, int64_t now_us)
{
    size_t used = 0;

    for (;;) {
        const char *at = client->input + used;
        size_t left = client->input_size - used, size;
        if (left >= 4 && at[0] == '$') {
            size = 4 + ((size_t)(uint8_t)at[2] << 8 | (uint8_t)at[3]);
        } else {
            int header =
                left > 0 && at[0] != '$' ? rtsp_request_parse(&client->request, at, left) : 0;
            if (header < 0)
                return -1;
            if (header == 0)
                return (int)used;
            size = (size_t)header + client->request.body_size;
            if (size <= left && handle_request(client, now_us) < 0)
                return -1;
        }
        if (size > left)
            return (int)used;
        used += size;
    }
}

/* Sends the answers; not within a frame, as that would tear a packet. */
static int send_answers(struct load_client *client)
{
    if (client->sent > 0 || client->answers_size == 0 || client->is_blocked)
        return 0;
    ssize_t size = send(client->fd, client->answers, client->answers_size, MSG_NOSIGNAL);
    if (size < 0 && errno == EAGAIN) {
        client->is_blocked = 1;
        return 0;
    }
    if (size <= 0)
        return -1;
    client->is_blocked = (size_t)size < client->answers_size;
    client->answers_size -= (size_t)size;
    memmove(client->answers, client->answers + size, client->answers_size);
    return client->is_torn_down && client->answers_size == 0 ? -1 : 0;
}

int load_client_ready(struct load_client *client, int64_t now_us)
{
    client->is_blocked = 0;
    for (;;) {
        ssize_t size = recv(client->fd, client->input + client->input_size,
                            sizeof(client->input) - client->input_size, 0);
        if (size < 0 && errno == EAGAIN)
            return send_answers(client);
        if (size <= 0)
            return -1;
        client->input_size += (size_t)size;
        int used = consume(client, now_us);
        if (used < 0)
            return -1;
        client->input_size -= (size_t)used;
        memmove(client->input, client->input + used, client->input_size);
    }
}

static void next_frame(struct load_client *client)
{
    client->sent = 0;
    client->packet = 0;
    if (++client->frame == client->house->stream->frame_count) {
        client->frame = 0;
        client->round++;
    }
}

/* Sends the frame or the piece of it that is due; sets is_blocked when it did not go. */
static int send_piece(struct load_client *client, const struct load_frame *frame)
{
    struct load_stream *stream = client->house->stream;
    size_t size = frame->size - client->sent;

    if (client->house->is_wire && size > SEGMENT_BYTES)
        size = SEGMENT_BYTES;
    load_stream_patch(stream, frame, &client->start, client->round, client->packet,
                      client->sent + size);
    ssize_t sent =
        send(client->fd, stream->block + frame->offset + client->sent, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN)
        return -1;
    client->is_blocked = sent < (ssize_t)size;
    if (sent > 0)
        client->sent += (size_t)sent;
    if (client->sent == frame->size) {
        client->camera->frames++;
        client->camera->video_bytes += frame->video_bytes;
        client->house->playing += !client->is_playing;
        client->is_playing = 1;
        next_frame(client);
    } else {
        client->packet = load_stream_packet_at(stream, frame, client->packet, client->sent);
    }
    return 0;
}

/* When the next byte of the frame passes the camera's network. */
static int64_t due_time(const struct load_client *client, const struct load_frame *frame)
{
    int64_t due_us =
        client->start_us + client->round * client->house->stream->duration_us + frame->send_us;

    if (client->house->is_wire)
        due_us += (int64_t)client->sent * 8 / WIRE_BITS_PER_US;
    return due_us;
}

int load_client_send(struct load_client *client, int64_t now_us, int64_t *next_us)
{
    const struct load_house *house = client->house;

    *next_us = INT64_MAX;
    for (;;) {
        if (send_answers(client) < 0)
            return -1;
        int is_between = client->sent == 0;
        if (client->is_blocked || client->camera == NULL ||
            (is_between && (client->answers_size > 0 || house->is_paused)))
            return 0;
        const struct load_frame *frame = &house->stream->frames[client->frame];
        int64_t due_us = due_time(client, frame);
        if (due_us > now_us) {
            *next_us = due_us;
            return 0;
        }
        int is_late = is_between && now_us - due_us > MAX_BEHIND_US;
        client->is_skipping = is_late || (client->is_skipping && !frame->key);
        if (client->is_skipping) {
            client->camera->dropped++;
            next_frame(client);
        } else if (send_piece(client, frame) < 0) {
            return -1;
        }
    }
}
