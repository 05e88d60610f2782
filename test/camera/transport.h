/*
 * How the packets of one track travel: interleaved in the connection, or over UDP. The faults of
 * single packets act here.
 */
#ifndef CAMERA_TRANSPORT_H
#define CAMERA_TRANSPORT_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "outbox.h"
#include "settings.h"

enum { TRANSPORT_MAX_PACKET = 1500 };

/** What the tracks of a session share. */
struct transport_stream {
    const struct path_settings *settings;
    struct outbox *outbox;
    int64_t elapsed_us; /**< since PLAY */
    int garbage_sent;
    int length_sent;
};

enum transport_kind { TRANSPORT_NONE, TRANSPORT_TCP, TRANSPORT_UDP };

struct transport {
    enum transport_kind kind;
    int channel;           /**< TCP: interleaved channel of RTP; RTCP has the next */
    int sockets[2];        /**< UDP: RTP, RTCP, connected to the client; -1: none */
    in_port_t server_port; /**< UDP: of RTP; RTCP has the next */
    uint64_t random;       /**< state of the generator that chooses what is lost */
    uint8_t held[TRANSPORT_MAX_PACKET];
    size_t held_size; /**< of the RTP packet that goes out after the next one; 0: none */
};

void transport_init(struct transport *transport);
void transport_uninit(struct transport *transport);

void transport_open_tcp(struct transport *transport, int channel);

/**
 * Opens two UDP sockets, connected to @p client's ports.
 *
 * @return 0 or -1, errno says why
 */
int transport_open_udp(struct transport *transport, const struct sockaddr_in *client,
                       in_port_t rtp_port, in_port_t rtcp_port);

/** As transport_open_udp(), to a multicast group, which no packet leaves this machine for. */
int transport_open_multicast(struct transport *transport, struct in_addr interface,
                             const struct sockaddr_in *group);

/** Sends a packet. Returns 0, or -1 when it is lost. */
int transport_send(struct transport *transport, struct transport_stream *stream, int is_rtcp,
                   const uint8_t *packet, size_t size);

#endif
