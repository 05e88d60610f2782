#include "transport.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flood.h"

enum { STRAY_BYTES = 100 };

void transport_init(struct transport *transport)
{
    *transport = (struct transport){.sockets = {-1, -1}, .random = 1};
}

static void close_sockets(struct transport *transport)
{
    for (int i = 0; i < 2; i++) {
        if (transport->sockets[i] >= 0)
            close(transport->sockets[i]);
        transport->sockets[i] = -1;
    }
}

void transport_uninit(struct transport *transport)
{
    close_sockets(transport);
    transport->kind = TRANSPORT_NONE;
}

void transport_open_tcp(struct transport *transport, int channel)
{
    transport_uninit(transport);
    transport->kind = TRANSPORT_TCP;
    transport->channel = channel;
}

static int open_socket(in_port_t *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(*port)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return -1;
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) < 0) {
        close(fd);
        return -1;
    }
    *port = ntohs(address.sin_port);
    return fd;
}

/* RTP wants an even port and RTCP the next one. */
static int open_socket_pair(struct transport *transport)
{
    for (int attempt = 0; attempt < 200; attempt++) {
        in_port_t rtp_port = 0, rtcp_port;
        if ((transport->sockets[0] = open_socket(&rtp_port)) < 0)
            return -1;
        rtcp_port = rtp_port + 1;
        if (rtp_port % 2 == 0 && (transport->sockets[1] = open_socket(&rtcp_port)) >= 0) {
            transport->server_port = rtp_port;
            return 0;
        }
        close_sockets(transport);
    }
    errno = EADDRINUSE;
    return -1;
}

int transport_open_udp(struct transport *transport, const struct sockaddr_in *client,
                       in_port_t rtp_port, in_port_t rtcp_port)
{
    struct sockaddr_in address = *client;

    transport_uninit(transport);
    if (open_socket_pair(transport) < 0)
        return -1;
    for (int i = 0; i < 2; i++) {
        address.sin_port = htons(i == 0 ? rtp_port : rtcp_port);
        if (connect(transport->sockets[i], (struct sockaddr *)&address, sizeof(address)) < 0)
            return -1;
    }
    transport->kind = TRANSPORT_UDP;
    return 0;
}

int transport_open_multicast(struct transport *transport, struct in_addr interface,
                             const struct sockaddr_in *group)
{
    static const unsigned char nowhere = 0, here = 1;
    struct sockaddr_in address = *group;

    transport_uninit(transport);
    for (int i = 0; i < 2; i++) {
        in_port_t any = 0;
        address.sin_port = htons((in_port_t)(ntohs(group->sin_port) + i));
        if ((transport->sockets[i] = open_socket(&any)) < 0 ||
            setsockopt(transport->sockets[i], IPPROTO_IP, IP_MULTICAST_IF, &interface,
                       sizeof(interface)) < 0 ||
            setsockopt(transport->sockets[i], IPPROTO_IP, IP_MULTICAST_TTL, &nowhere, 1) < 0 ||
            setsockopt(transport->sockets[i], IPPROTO_IP, IP_MULTICAST_LOOP, &here, 1) < 0 ||
            connect(transport->sockets[i], (struct sockaddr *)&address, sizeof(address)) < 0)
            return -1;
    }
    transport->kind = TRANSPORT_UDP;
    return 0;
}

static int send_datagram(int fd, const uint8_t *packet, size_t size)
{
    ssize_t sent = send(fd, packet, size, MSG_NOSIGNAL);

    /* The answer to an earlier packet, "nobody listens", is reported here: try once more. */
    if (sent < 0 && errno == ECONNREFUSED)
        sent = send(fd, packet, size, MSG_NOSIGNAL);
    return sent < 0 ? -1 : 0;
}

static int happens(struct transport *transport, double percent)
{
    return percent > 0 && flood_random(&transport->random) < percent / 100 * UINT32_MAX;
}

static int send_udp(struct transport *transport, const struct path_settings *settings, int is_rtcp,
                    const uint8_t *packet, size_t size)
{
    int err;

    if (is_rtcp)
        return send_datagram(transport->sockets[1], packet, size);
    if (happens(transport, settings->loss_percent))
        return -1;
    if (transport->held_size == 0 && size <= sizeof(transport->held) &&
        happens(transport, settings->reorder_percent)) {
        memcpy(transport->held, packet, size);
        transport->held_size = size;
        return 0;
    }
    err = send_datagram(transport->sockets[0], packet, size);
    if (happens(transport, settings->duplicate_percent))
        send_datagram(transport->sockets[0], packet, size);
    if (transport->held_size > 0)
        send_datagram(transport->sockets[0], transport->held, transport->held_size);
    transport->held_size = 0;
    return err;
}

static int append_frame(struct transport_stream *stream, int channel, size_t said_size,
                        const uint8_t *packet, size_t size)
{
    uint8_t header[4] = {'$', (uint8_t)channel, (uint8_t)(said_size >> 8), (uint8_t)said_size};

    if (outbox_append(stream->outbox, header, sizeof(header)) < 0)
        return -1;
    return outbox_append(stream->outbox, packet, size);
}

/* What a faulty camera puts before a packet in the stream. */
static int send_intruders(struct transport_stream *stream)
{
    const struct path_settings *settings = stream->settings;
    uint64_t random = 1;
    uint8_t data[STRAY_BYTES];

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)flood_random(&random);
    if (stream->elapsed_us >= settings->garbage.at_us && !stream->garbage_sent) {
        stream->garbage_sent = 1;
        for (int64_t left = settings->garbage.amount; left > 0; left -= STRAY_BYTES) {
            if (outbox_append(stream->outbox, data,
                              left < STRAY_BYTES ? (size_t)left : STRAY_BYTES) < 0)
                return -1;
        }
    }
    if (stream->elapsed_us >= settings->stray.at_us)
        return append_frame(stream, (int)settings->stray.amount, sizeof(data), data, sizeof(data));
    return 0;
}

static int send_tcp(struct transport *transport, struct transport_stream *stream, int is_rtcp,
                    const uint8_t *packet, size_t size)
{
    int64_t said_size = (int64_t)size;

    if (send_intruders(stream) < 0)
        return -1;
    if (!is_rtcp && stream->elapsed_us >= stream->settings->frame_length.at_us &&
        !stream->length_sent) {
        stream->length_sent = 1;
        said_size += stream->settings->frame_length.amount;
        if (said_size < 0)
            said_size = 0;
        if (said_size > UINT16_MAX)
            said_size = UINT16_MAX;
    }
    return append_frame(stream, transport->channel + is_rtcp, (size_t)said_size, packet, size);
}

int transport_send(struct transport *transport, struct transport_stream *stream, int is_rtcp,
                   const uint8_t *packet, size_t size)
{
    if (transport->kind == TRANSPORT_UDP)
        return send_udp(transport, stream->settings, is_rtcp, packet, size);
    return send_tcp(transport, stream, is_rtcp, packet, size);
}
