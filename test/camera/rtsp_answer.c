#include "rtsp_answer.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"
#include "describe.h"
#include "reply.h"
#include "requests_log.h"

#define METHODS "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, SET_PARAMETER, TEARDOWN"

static int answer_options(struct exchange *ex)
{
    const char *methods = ex->settings != NULL ? ex->settings->methods : "";
    char headers[256];

    snprintf(headers, sizeof(headers), "Public: %s\r\n", methods[0] != '\0' ? methods : METHODS);
    return reply(ex, 200, headers, NULL);
}

/* Whether the camera has the method, by the setting `methods`. */
static int knows(const struct exchange *ex)
{
    const char *list = ex->settings->methods, *method = ex->request->method;
    size_t length = strlen(method);

    if (list[0] == '\0')
        return 1;
    for (; *list != '\0'; list += strspn(list, ",")) {
        size_t size = strcspn(list, ",");
        if (size == length && strncmp(list, method, size) == 0)
            return 1;
        list += size;
    }
    return 0;
}

static int answer_describe(struct exchange *ex)
{
    char headers[512];
    int status = ex->settings->status;

    if (ex->settings->redirect.status != 0) {
        snprintf(headers, sizeof(headers), "Location: %s\r\n", ex->settings->redirect.location);
        return reply(ex, ex->settings->redirect.status, headers, NULL);
    }
    if (status == 401)
        return reply_unauthorized(ex, 0);
    if (status != 0 && status != 200)
        return reply(ex, status, "", NULL);
    return describe(ex);
}

static int takes(const struct exchange *ex, enum transport_choice choice)
{
    return (ex->settings->transports & 1 << choice) != 0;
}

static int set_up_tcp(struct exchange *ex, struct session_track *track, const char *transport,
                      int medium, char *answer, size_t size)
{
    const char *channels = strstr(transport, "interleaved=");
    int channel = channels != NULL ? atoi(channels + 12) : 2 * medium;

    if (ex->settings->channels >= 0)
        channel = ex->settings->channels + 2 * medium;
    if (!takes(ex, TAKES_TCP) || channel < 0 || channel > 254)
        return 461;
    transport_open_tcp(&track->transport, channel);
    snprintf(answer, size, "RTP/AVP/TCP;unicast;interleaved=%d-%d;ssrc=%08X", channel, channel + 1,
             (unsigned)track->start.ssrc);
    return 200;
}

static int set_up_multicast(struct exchange *ex, struct session_track *track, int medium,
                            char *answer, size_t size)
{
    const struct multicast_setting *setting = &ex->settings->multicast;
    in_port_t port = (in_port_t)(setting->port + 2 * medium);
    struct sockaddr_in group = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in local = {0};
    socklen_t length = sizeof(local);
    char address[INET_ADDRSTRLEN];

    if (!takes(ex, TAKES_MULTICAST) || setting->port == 0)
        return 461;
    group.sin_addr.s_addr = htonl(setting->address);
    /* On the interface that the client came by: the loopback, as a rule. */
    if (getsockname(ex->client->connection.fd, (struct sockaddr *)&local, &length) < 0 ||
        transport_open_multicast(&track->transport, local.sin_addr, &group) < 0)
        return 500;
    inet_ntop(AF_INET, &group.sin_addr, address, sizeof(address));
    snprintf(answer, size, "RTP/AVP;multicast;destination=%s;port=%d-%d;ttl=0;ssrc=%08X", address,
             port, port + 1, (unsigned)track->start.ssrc);
    return 200;
}

static int set_up_udp(struct exchange *ex, struct session_track *track, const char *transport,
                      char *answer, size_t size)
{
    const char *ports = strstr(transport, "client_port=");
    int rtp_port, rtcp_port;

    if (!takes(ex, TAKES_UDP) || ports == NULL)
        return 461;
    rtp_port = atoi(ports + 12);
    ports += strcspn(ports, "-;");
    rtcp_port = *ports == '-' ? atoi(ports + 1) : rtp_port + 1;
    if (rtp_port < 1 || rtp_port > 65535 || rtcp_port < 1 || rtcp_port > 65535)
        return 461;
    if (transport_open_udp(&track->transport, &ex->client->peer, (in_port_t)rtp_port,
                           (in_port_t)rtcp_port) < 0)
        return 500;
    snprintf(answer, size, "RTP/AVP;unicast;client_port=%d-%d;server_port=%d-%d;ssrc=%08X",
             rtp_port, rtcp_port, track->transport.server_port, track->transport.server_port + 1,
             (unsigned)track->start.ssrc);
    return 200;
}

/* Sets the track up as one alternative of the Transport header says. Returns the status. */
static int set_up(struct exchange *ex, struct session_track *track, const char *transport,
                  int medium, char *answer, size_t size)
{
    if (strncmp(transport, "RTP/AVP/TCP", 11) == 0)
        return set_up_tcp(ex, track, transport, medium, answer, size);
    if (strncmp(transport, "RTP/AVP", 7) != 0)
        return 461;
    if (strstr(transport, "multicast") != NULL)
        return set_up_multicast(ex, track, medium, answer, size);
    return set_up_udp(ex, track, transport, answer, size);
}

/* Takes the first alternative of the Transport header that the camera knows. */
static int set_up_first(struct exchange *ex, struct session_track *track, int medium, char *answer,
                        size_t size)
{
    const char *header = rtsp_request_header(ex->request, "Transport");
    char alternatives[512], *save = NULL;
    int status = 461;

    snprintf(alternatives, sizeof(alternatives), "%s", header != NULL ? header : "");
    for (char *one = strtok_r(alternatives, ",", &save); one != NULL && status == 461;
         one = strtok_r(NULL, ",", &save))
        status = set_up(ex, track, one + strspn(one, " "), medium, answer, size);
    return status;
}

/* Extra media take any transport; nothing ever comes of them. */
static int set_up_extra(const struct exchange *ex, char *answer, size_t size)
{
    const struct extra_setting *extra = &ex->settings->extra;
    const char *transport = rtsp_request_header(ex->request, "Transport");

    if (ex->medium >= DESCRIBE_EXTRA + extra->metadata + extra->backchannel + extra->many ||
        transport == NULL)
        return 404;
    snprintf(answer, size, "%.200s", transport);
    return 200;
}

static int answer_setup(struct exchange *ex)
{
    struct client *client = ex->client;
    struct camera_house *house = client->house;
    struct session_track *track;
    char transport[256], headers[512], timeout[32] = "";
    int status, medium = ex->medium < 0 ? 0 : ex->medium;

    if (client->session != NULL && client->session->is_playing)
        return reply(ex, 455, "", NULL);
    if (client->session == NULL)
        client->session = session_create(ex->path, ex->clip, ex->settings, &house->clips,
                                         &client->outbox, house->log);
    if (client->session == NULL)
        return reply(ex, 500, "", NULL);
    track = session_medium(client->session, medium);
    if (strcmp(client->session->path, ex->path) != 0 || (track == NULL && medium < DESCRIBE_EXTRA))
        return reply(ex, 404, "", NULL);
    status = track != NULL ? set_up_first(ex, track, medium, transport, sizeof(transport))
                           : set_up_extra(ex, transport, sizeof(transport));
    if (status != 200)
        return reply(ex, status, "", NULL);
    if (ex->settings->timeout.seconds > 0)
        snprintf(timeout, sizeof(timeout), ";timeout=%d", ex->settings->timeout.seconds);
    snprintf(headers, sizeof(headers), "Transport: %s\r\nSession: %s%s\r\n", transport,
             client->session->id, timeout);
    return reply(ex, 200, headers, NULL);
}

/* One entry of RTP-Info per track that plays. */
static void describe_start(const struct exchange *ex, struct session *session, char *out,
                           size_t size)
{
    const char *separator = "RTP-Info: ", *url = ex->request->uri;
    size_t used = 0, url_size = strcspn(url, "?");
    const char *control = strstr(url, "/streamid=");
    unsigned wrong = ex->settings->rtp_info == RTP_INFO_WRONG ? 12345 : 0;
    struct session_track *track;

    out[0] = '\0';
    if (ex->settings->rtp_info == RTP_INFO_NONE)
        return;
    if (control != NULL && (size_t)(control - url) < url_size)
        url_size = (size_t)(control - url);
    for (int medium = 0; (track = session_medium(session, medium)) != NULL; medium++) {
        if (track->transport.kind == TRANSPORT_NONE || used >= size)
            continue;
        used += (size_t)snprintf(
            out + used, size - used, "%surl=%.*s/streamid=%d;seq=%u;rtptime=%u", separator,
            (int)FFMIN(url_size, 200), url, medium, (track->start.sequence + wrong) & 0xffff,
            (unsigned)track->start.time + wrong);
        separator = ",";
    }
    if (used > 0 && used < size)
        snprintf(out + used, size - used, "\r\n");
}

static int answer_play(struct exchange *ex)
{
    struct client *client = ex->client;
    struct session *session = client->session;
    int64_t now_us = clock_monotonic_us();
    char info[600], headers[800];

    if (session->is_playing)
        return reply(ex, 200, "", NULL);
    if (session_play(session, now_us, now_us - client->house->started_us) < 0)
        return reply(ex, 500, "", NULL);
    describe_start(ex, session, info, sizeof(info));
    snprintf(headers, sizeof(headers), "Session: %s\r\nRange: npt=0.000-\r\n%s", session->id, info);
    return reply(ex, 200, headers, NULL);
}

static int answer_teardown(struct exchange *ex)
{
    client_end_session(ex->client);
    return reply(ex, 200, "", NULL);
}

static int answer_parameter(struct exchange *ex)
{
    char headers[64] = "";

    if (ex->client->session != NULL)
        snprintf(headers, sizeof(headers), "Session: %s\r\n", ex->client->session->id);
    return reply(ex, 200, headers, NULL);
}

static const struct {
    const char *name;
    int (*answer)(struct exchange *ex);
    int needs_session;
} methods[] = {
    {"DESCRIBE", answer_describe, 0},
    {"SETUP", answer_setup, 0},
    {"PLAY", answer_play, 1},
    {"TEARDOWN", answer_teardown, 1},
    {"GET_PARAMETER", answer_parameter, 0},
    {"SET_PARAMETER", answer_parameter, 0},
};

/* Whether the Session header names the connection's session. */
static int names_session(const struct exchange *ex)
{
    const struct session *session = ex->client->session;
    const char *id = rtsp_request_header(ex->request, "Session");

    return session != NULL && id != NULL && strcspn(id, "; ") == strlen(session->id) &&
           strncmp(id, session->id, strlen(session->id)) == 0;
}

static int answer_method(struct exchange *ex)
{
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (strcmp(methods[i].name, ex->request->method) != 0)
            continue;
        if (methods[i].needs_session && !names_session(ex))
            return reply(ex, 454, "", NULL);
        return methods[i].answer(ex);
    }
    return reply(ex, 501, "", NULL);
}

/* The clip that the first part of "/clip/anything" names. */
static const struct clip *find_clip(const struct clip_set *clips, const char *path)
{
    char name[256];

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(path + 1, "/"), path + 1);
    return clip_set_find(clips, name);
}

/* The path's settings and clip, as far as the URL names them. Returns 0 or -1 (no memory). */
static int find_path(struct exchange *ex)
{
    struct camera_house *house = ex->client->house;

    if (rtsp_url_path(ex->request->uri, ex->path, sizeof(ex->path), &ex->medium) < 0 ||
        ex->path[0] != '/') {
        ex->path[0] = '\0';
        return 0;
    }
    ex->clip = find_clip(&house->clips, ex->path);
    ex->settings = settings_of(house->settings, ex->path);
    return ex->settings != NULL ? 0 : -1;
}

static int answer(struct exchange *ex)
{
    struct client *client = ex->client;
    enum auth_verdict verdict;

    if (ex->settings != NULL && ex->settings->no_answer)
        return 0;
    if (strcmp(ex->request->method, "OPTIONS") == 0)
        return answer_options(ex);
    verdict = auth_check(&client->house->auth, reply_auth_offer(ex), ex->request,
                         ex->settings != NULL ? ex->settings->stale.requests : 0, &client->nonce);
    if (verdict != AUTH_ACCEPTED)
        return reply_unauthorized(ex, verdict == AUTH_STALE);
    if (ex->settings == NULL)
        return reply(ex, 400, "", NULL);
    if (!knows(ex))
        return reply(ex, 501, "", NULL);
    if (ex->clip == NULL)
        return reply(ex, 404, "", NULL);
    return answer_method(ex);
}

int rtsp_answer(struct client *client, const struct rtsp_request *request)
{
    struct exchange ex = {.client = client, .request = request, .medium = -1};
    int err = find_path(&ex);

    if (names_session(&ex) || client->session == NULL)
        client->last_request_us = clock_monotonic_us();
    if (err == 0)
        err = answer(&ex);
    client->settings = client->session != NULL ? client->session->settings : ex.settings;
    requests_log_write(client->house->requests, request, ex.path, client->number, ex.status);
    return err;
}
