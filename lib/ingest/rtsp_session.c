#include "ingest/rtsp_session.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "ingest/failure.h"
#include "ingest/rtsp_offer.h"

#define CLOSE_US (US_PER_SECOND / 2)

/* How often a keep-alive is sent at most and at least: half of RFC 2326's timeout when the server
 * does not say; and some cameras count to 60 whatever they said. */
#define MIN_KEEP_ALIVE_US US_PER_SECOND
#define MAX_KEEP_ALIVE_US (30 * US_PER_SECOND)

/* When one that found no room is tried again. */
#define NO_ROOM_US (US_PER_SECOND / 5)

/* While datagrams are waited for, reordering has its deadlines. */
#define UDP_SLICE_MS 50

/* A request whose reply comes in the midst of media. */
struct pending {
    int64_t cseq; /* 0: none */
    int attempts;
};

struct rtsp_session {
    struct source_options options;
    struct rtsp_offer offer;
    struct rtsp_client *client;       /* the offer's */
    bool is_set_up;                   /* there is something to tear down */
    bool is_dead;                     /* nobody would answer */
    enum rtsprec_transport transport; /* in use: never RTSPREC_TRANSPORT_AUTO */
    struct rtp_udp *udp;              /* NULL with TCP */
    int track_count;
    int channel_track[256]; /* of interleaved frames: 2 * track, + 1 for RTCP; -1: none */
    int rtcp_channel[RTP_UDP_MAX_TRACKS];

    bool has_get_parameter;
    int64_t keep_alive_us, next_keep_alive_us;
    struct pending play, keep_alive;
};

int rtsp_session_open(struct rtsp_session **out, const struct source_options *options,
                      struct rtsprec_error *error)
{
    *out = NULL;
    struct rtsp_session *session = calloc(1, sizeof(*session));
    if (!session)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    session->options = *options;
    session->transport =
        options->transport == RTSPREC_TRANSPORT_AUTO ? RTSPREC_TRANSPORT_TCP : options->transport;
    session->keep_alive_us = MAX_KEEP_ALIVE_US;
    memset(session->channel_track, -1, sizeof(session->channel_track));
    int err = rtsp_offer_get(&session->offer, options, error);
    session->client = &session->offer.client;
    session->has_get_parameter = session->offer.has_get_parameter;
    if (err < 0)
        rtsp_session_close(&session);
    *out = session;
    return err;
}

const struct sdp *rtsp_session_sdp(const struct rtsp_session *session)
{
    return &session->offer.sdp;
}

/* Setting up. */

/* The numbers of "a" or "a-b". */
static void take_pair(struct text text, int *first, int *second)
{
    const char *dash = text.size ? memchr(text.data, '-', text.size) : NULL;
    size_t size = dash ? (size_t)(dash - text.data) : text.size;
    *first = (int)text_number((struct text){text.data, size}, 0);
    *second = *first + 1;
    if (dash)
        *second = (int)text_number((struct text){dash + 1, text.size - size - 1}, *second);
}

static bool is_free(const struct rtsp_session *session, int channel)
{
    return channel >= 0 && channel <= 255 && !session->client->is_channel[channel];
}

/* The first of a pair that is free for the next track; so few tracks always leave one. */
static int free_channel(const struct rtsp_session *session)
{
    int channel = 2 * session->track_count;
    while (!is_free(session, channel) || !is_free(session, channel + 1))
        channel += 2;
    return channel;
}

/* The channels that the camera names; those that were asked for where it names none that another
 * track leaves free. */
static void take_channels(struct rtsp_session *session, int asked, struct text transport)
{
    struct text given = rtsp_parameter(transport, "interleaved");
    int rtp = asked, rtcp = asked + 1;
    if (given.size > 0)
        take_pair(given, &rtp, &rtcp);
    if (!is_free(session, rtp) || !is_free(session, rtcp)) {
        rtp = asked;
        rtcp = asked + 1;
    }
    session->client->is_channel[rtp] = session->client->is_channel[rtcp] = true;
    session->channel_track[rtcp] = 2 * session->track_count + 1;
    session->channel_track[rtp] = 2 * session->track_count;
    session->rtcp_channel[session->track_count] = rtcp;
}

static int take_sender(struct rtsp_session *session, struct text transport,
                       struct rtsprec_error *error)
{
    int port = 0, rtcp_port = 0;
    char address[RESOLVER_ADDRESS_BYTES] = "";
    struct text source = rtsp_parameter(transport, "source");
    take_pair(rtsp_parameter(transport, "server_port"), &port, &rtcp_port);
    if (source.size < sizeof(address))
        snprintf(address, sizeof(address), "%.*s", (int)source.size, source.data);
    bool is_port = port > 0 && port < 65536 && rtcp_port > 0 && rtcp_port < 65536;
    /* A name, or an address without sense, is what the connection's own address stands for. */
    if (rtp_udp_set_sender(session->udp, *address ? address : NULL, is_port ? port : 0,
                           is_port ? rtcp_port : 0, error) == 0)
        return 0;
    return rtp_udp_set_sender(session->udp, NULL, is_port ? port : 0, is_port ? rtcp_port : 0,
                              error);
}

static int join_group(struct rtsp_session *session, const struct sdp_media *media,
                      struct text transport, struct rtsprec_error *error)
{
    struct text group = rtsp_parameter(transport, "destination");
    if (group.size == 0)
        group = media->connection;
    /* c= names a group with its TTL: 239.1.2.3/16 */
    const char *slash = group.size ? memchr(group.data, '/', group.size) : NULL;
    char address[RESOLVER_ADDRESS_BYTES] = "";
    size_t size = slash ? (size_t)(slash - group.data) : group.size;
    if (size < sizeof(address))
        snprintf(address, sizeof(address), "%.*s", (int)size, group.data ? group.data : "");
    int port, rtcp_port;
    take_pair(rtsp_parameter(transport, "port"), &port, &rtcp_port);
    int err = rtp_udp_join_track(session->udp, address, port > 0 ? port : media->port, error);
    return err < 0 ? err : take_sender(session, transport, error);
}

static void take_session(struct rtsp_session *session, const struct rtsp_message *reply)
{
    struct text value = rtsp_header(reply, "Session", 0);
    if (value.size == 0)
        return;
    const char *end = memchr(value.data, ';', value.size);
    size_t size = end ? (size_t)(end - value.data) : value.size;
    while (size > 0 && (value.data[size - 1] == ' ' || value.data[size - 1] == '\t'))
        size--;
    if (size < sizeof(session->client->session_id))
        snprintf(session->client->session_id, sizeof(session->client->session_id), "%.*s",
                 (int)size, value.data);
    /* Some cameras tell it with the first track only. */
    int64_t timeout_s = text_number(rtsp_parameter(value, "timeout"), 0);
    if (timeout_s == 0 && session->track_count > 0)
        return;
    int64_t us =
        timeout_s > 0 && timeout_s < 3600 ? timeout_s * US_PER_SECOND / 2 : MAX_KEEP_ALIVE_US;
    session->keep_alive_us = us < MIN_KEEP_ALIVE_US   ? MIN_KEEP_ALIVE_US
                             : us > MAX_KEEP_ALIVE_US ? MAX_KEEP_ALIVE_US
                                                      : us;
}

/* Asks for a media over the session's transport; *status is what the camera said. */
static int call_setup(struct rtsp_session *session, const struct sdp_media *media, int *status,
                      struct rtsprec_error *error)
{
    char url[RTSP_MAX_URL_BYTES], header[128];
    int channel = free_channel(session), port = 0, err = 0;
    if (sdp_control_url(url, sizeof(url), session->offer.base, &session->offer.sdp, media) < 0)
        return error_set(error, RTSPREC_ERROR_PROTOCOL,
                         "setting up: the camera's description (SDP) has a control URL of no use");
    if (session->transport != RTSPREC_TRANSPORT_TCP && !session->udp)
        err = rtp_udp_create(&session->udp, connection_descriptor(session->client->connection),
                             error);
    if (err == 0 && session->transport == RTSPREC_TRANSPORT_UDP)
        err = rtp_udp_open_track(session->udp, &port, error);
    if (err < 0)
        return err;
    if (session->transport == RTSPREC_TRANSPORT_TCP)
        snprintf(header, sizeof(header), "Transport: RTP/AVP/TCP;unicast;interleaved=%d-%d\r\n",
                 channel, channel + 1);
    else if (session->transport == RTSPREC_TRANSPORT_UDP)
        snprintf(header, sizeof(header), "Transport: RTP/AVP;unicast;client_port=%d-%d\r\n", port,
                 port + 1);
    else
        snprintf(header, sizeof(header), "Transport: RTP/AVP;multicast\r\n");

    struct rtsp_message reply;
    if ((err = rtsp_client_call(session->client, "SETUP", url, header, &reply, error)) < 0)
        return err;
    *status = reply.status;
    if (reply.status != 200) {
        if (session->transport == RTSPREC_TRANSPORT_UDP)
            rtp_udp_close_track(session->udp);
        return 0;
    }
    session->is_set_up = true;
    take_session(session, &reply);
    struct text transport = rtsp_header(&reply, "Transport", 0);
    if (session->transport == RTSPREC_TRANSPORT_TCP &&
        !rtsp_parameter(transport, "interleaved").data &&
        rtsp_parameter(transport, "server_port").data) {
        *status = 461; /* it means to send datagrams, whatever it was asked for */
        return 0;
    }
    if (session->transport == RTSPREC_TRANSPORT_TCP)
        take_channels(session, channel, transport);
    else if (session->transport == RTSPREC_TRANSPORT_UDP)
        err = take_sender(session, transport, error);
    else
        err = join_group(session, media, transport, error);
    session->track_count++;
    return err;
}

int rtsp_session_setup(struct rtsp_session *session, const struct sdp_media *media,
                       struct rtsprec_error *error)
{
    int status = 0;
    if (session->track_count == RTP_UDP_MAX_TRACKS)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "setting up: too many tracks");
    if (session->transport != RTSPREC_TRANSPORT_TCP &&
        connection_descriptor(session->client->connection) < 0)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED,
                         "setting up: media of rtsps:// come over TCP only");
    int err = call_setup(session, media, &status, error);
    /* 461 says it; others refuse an interleaved transport with whatever error they know. */
    if (err == 0 && status >= 400 && status != 401 && status != 403 &&
        session->options.transport == RTSPREC_TRANSPORT_AUTO && session->track_count == 0 &&
        session->transport == RTSPREC_TRANSPORT_TCP &&
        connection_descriptor(session->client->connection) >= 0) {
        session->transport = RTSPREC_TRANSPORT_UDP;
        err = call_setup(session, media, &status, error);
    }
    session->is_dead |= err == RTSPREC_ERROR_TIMEOUT || err == RTSPREC_ERROR_CLOSED;
    if (err < 0)
        return err;
    if (status == 200)
        return 0;
    failure_of_status(status, "setting up", error);
    return 1;
}

/* Playing. */

static int send_play(struct rtsp_session *session, struct rtsprec_error *error)
{
    int err = rtsp_client_send(session->client, "PLAY", session->offer.control,
                               "Range: npt=0.000-\r\n", error);
    session->play.cseq = session->client->cseq;
    return err;
}

int rtsp_session_play(struct rtsp_session *session, struct rtsprec_error *error)
{
    session->next_keep_alive_us = clock_monotonic_us() + session->keep_alive_us;
    int err = send_play(session, error);
    if (err == 0 && !session->udp)
        connection_gather(session->client->connection);
    return err;
}

/* A camera that reads no requests is not kept from sending its media: it is asked later. */
static int send_keep_alive(struct rtsp_session *session, struct rtsprec_error *error)
{
    if (!connection_has_room(session->client->connection)) {
        session->next_keep_alive_us = clock_monotonic_us() + NO_ROOM_US;
        return 0;
    }
    int err =
        rtsp_client_send(session->client, session->has_get_parameter ? "GET_PARAMETER" : "OPTIONS",
                         session->offer.control, "", error);
    session->keep_alive.cseq = session->client->cseq;
    return err;
}

static int take_play_reply(struct rtsp_session *session, const struct rtsp_message *reply,
                           struct rtsprec_error *error)
{
    session->play.cseq = 0;
    if (reply->status == 200)
        return 0;
    if (reply->status == 401) {
        int again = rtsp_client_challenge(session->client, reply, &session->play.attempts, error);
        if (again < 0)
            return again;
        if (again > 0)
            return send_play(session, error);
    }
    return failure_of_status(reply->status, "starting the stream", error);
}

static int take_keep_alive_reply(struct rtsp_session *session, const struct rtsp_message *reply,
                                 struct rtsprec_error *error)
{
    struct pending *pending = &session->keep_alive;
    pending->cseq = 0;
    if (reply->status == 401 &&
        rtsp_client_challenge(session->client, reply, &pending->attempts, error) > 0)
        return send_keep_alive(session, error);
    if (reply->status == 454)
        return failure_of_status(454, "keeping the session alive", error);
    /* Offered but not known: what every camera answers has to do. */
    if (reply->status >= 400 && session->has_get_parameter) {
        session->has_get_parameter = false;
        return send_keep_alive(session, error);
    }
    /* As long as media come all is well, but refused logins are counted: no more of them. */
    if (reply->status == 401)
        session->next_keep_alive_us = INT64_MAX;
    return 0;
}

static int take_request(struct rtsp_session *session, const struct rtsp_message *request,
                        struct rtsprec_error *error)
{
    if (text_equals(request->method, "TEARDOWN") || text_equals(request->method, "REDIRECT"))
        return error_set(error, RTSPREC_ERROR_CLOSED, "receiving: the camera ended the session");
    bool is_known =
        text_equals(request->method, "OPTIONS") || text_equals(request->method, "GET_PARAMETER") ||
        text_equals(request->method, "SET_PARAMETER") || text_equals(request->method, "ANNOUNCE");
    return rtsp_client_answer(session->client, request, is_known ? 200 : 501,
                              is_known ? "OK" : "Not Implemented", error);
}

static int take_message(struct rtsp_session *session, const struct rtsp_message *message,
                        struct rtsprec_error *error)
{
    if (message->status == 0)
        return take_request(session, message, error);
    if (message->status < 200)
        return 0;
    /* A reply without a number is for what was asked first. */
    if (session->play.cseq && (message->cseq == session->play.cseq || message->cseq < 0))
        return take_play_reply(session, message, error);
    if (session->keep_alive.cseq &&
        (message->cseq == session->keep_alive.cseq || message->cseq < 0))
        return take_keep_alive_reply(session, message, error);
    return 0;
}

/* A frame's payload as a packet; false when its channel is no track's. */
static bool name_packet(const struct rtsp_session *session, int channel, const uint8_t *data,
                        size_t size, struct rtp_datagram *out)
{
    int track = session->channel_track[channel];
    *out = (struct rtp_datagram){
        .track = track / 2,
        .is_rtcp = track % 2,
        .data = data,
        .size = size,
        .arrival_us = session->client->arrival_us,
    };
    return track >= 0;
}

/* Returns 1 with a packet, 0 without, or an error. */
static int read_tcp(struct rtsp_session *session, struct rtp_datagram *out,
                    struct rtsprec_error *error)
{
    struct rtsp_item item;
    int err = rtsp_client_next(session->client, &item, error);
    if (err <= 0)
        return err;
    if (item.kind == RTSP_MESSAGE)
        return take_message(session, &item.message, error);
    return name_packet(session, item.channel, item.payload, item.payload_size, out);
}

static int read_udp(struct rtsp_session *session, struct rtp_datagram *out,
                    struct rtsprec_error *error)
{
    if (rtp_udp_next(session->udp, clock_monotonic_us(), out))
        return 1;
    if (cancel_interrupted(session->options.cancel))
        return failure_of_interruption(session->options.cancel, "receiving", error);
    int wait_ms = session->client->has_more ? 0 : UDP_SLICE_MS;
    int err = rtp_udp_receive(session->udp, connection_descriptor(session->client->connection),
                              wait_ms, error);
    if (err == 0 && session->client->has_more)
        err = 1;
    if (err <= 0)
        return err;
    /* What came before the connection ended is still taken. */
    return rtp_udp_next(session->udp, clock_monotonic_us(), out) ? 1
                                                                 : read_tcp(session, out, error);
}

/* Takes a packet that has already come: most lie one behind the other in the client's buffer. */
static bool take_packet(struct rtsp_session *session, struct rtp_datagram *out)
{
    const uint8_t *frame;
    while ((frame = rtsp_client_take_frame(session->client))) {
        if (name_packet(session, frame[1], frame + 4, (size_t)frame[2] << 8 | frame[3], out))
            return true;
    }
    return false;
}

bool rtsp_session_takes_turns(const struct rtsp_session *session)
{
    return !session->udp && connection_descriptor(session->client->connection) >= 0;
}

void rtsp_session_begin_turn(struct rtsp_session *session, uint8_t *buffer, bool waits)
{
    rtsp_client_begin_turn(session->client, buffer, waits);
}

bool rtsp_session_end_turn(struct rtsp_session *session)
{
    return rtsp_client_end_turn(session->client);
}

/* Whether the turn, if there is one, has given all that it had. */
static bool turn_is_spent(const struct rtsp_session *session)
{
    return session->client->is_in_turn && session->client->turn_is_spent;
}

int rtsp_session_read(struct rtsp_session *session, struct rtp_datagram *out,
                      struct rtsprec_error *error)
{
    int result = 0;
    if (!session->udp && take_packet(session, out))
        return 0;
    do {
        result = session->udp ? read_udp(session, out, error) : read_tcp(session, out, error);
        int64_t now_us = session->client->arrival_us;
        if (result == 0 || session->udp)
            now_us = clock_monotonic_us();
        if (result >= 0 && now_us >= session->next_keep_alive_us) {
            session->next_keep_alive_us = now_us + session->keep_alive_us;
            session->keep_alive.attempts = 0;
            int err = send_keep_alive(session, error);
            result = err < 0 ? err : result;
        }
    } while (result == 0 && !turn_is_spent(session));
    session->is_dead |= result < 0 && result != RTSPREC_ERROR_STOPPED;
    return result < 0 ? result : result == 0;
}

void rtsp_session_send_rtcp(struct rtsp_session *session, int track, const uint8_t *data,
                            size_t size)
{
    if (session->udp) {
        rtp_udp_send_rtcp(session->udp, track, data, size);
        return;
    }
    uint8_t frame[4 + 256] = {'$', (uint8_t)session->rtcp_channel[track], (uint8_t)(size >> 8),
                              (uint8_t)size};
    struct rtsprec_error ignored;
    if (size > sizeof(frame) - 4)
        return;
    memcpy(frame + 4, data, size);
    if (connection_has_room(session->client->connection))
        connection_write(session->client->connection, frame, 4 + size, &ignored);
}

/* The good-bye has to be read before the connection is closed, else a reset could overtake it. */
static void tear_down(struct rtsp_session *session)
{
    struct rtsp_message reply;
    struct rtsprec_error ignored;
    cancel_set_timeout(session->options.cancel, CLOSE_US);
    connection_set_closing(session->client->connection);
    rtsp_client_call(session->client, "TEARDOWN", session->offer.control, "", &reply, &ignored);
}

void rtsp_session_close(struct rtsp_session **session_pointer)
{
    struct rtsp_session *session = *session_pointer;
    *session_pointer = NULL;
    if (!session)
        return;
    struct cancel *cancel = session->options.cancel;
    if (session->is_set_up && !session->is_dead)
        tear_down(session);
    rtp_udp_destroy(&session->udp);
    rtsp_offer_uninit(&session->offer);
    /* Only now: TLS says a good-bye of its own. */
    cancel_set_timeout(cancel, -1);
    free(session);
}
