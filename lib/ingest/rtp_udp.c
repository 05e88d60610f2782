#include "ingest/rtp_udp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <libavutil/common.h>

#include "base/clock.h"
#include "base/error.h"
#include "ingest/rtp.h"
#include "ingest/rtp_reorder.h"

/* A jumbo frame. Of each slot only the pages that a datagram fills are ever touched. */
#define DATAGRAM_BYTES 9216
#define BATCH          32

/* How long a hole is waited for: as libavformat does, twice what Wi-Fi needs to send again. */
#define REORDER_US (US_PER_SECOND / 10)

/* Asked for; the system may give less. It holds the key frame of a 5 MP camera ten times. */
#define RECEIVE_BYTES (2 * 1024 * 1024)

/* Gathering as long as the buffer surely holds what comes: at 40 Mbit/s 100 kB. */
#define GATHER_MS    20
#define GATHER_BYTES (512 * 1024)

#define PORT_TRIES 64

struct udp_track {
    int rtp, rtcp;                  /* sockets */
    struct sockaddr_storage sender; /* of RTCP; ss_family 0: unknown */
    struct in6_addr address;        /* that the camera sends from; IPv4 ones are mapped */
    struct rtp_reorder *reorder;
};

struct rtp_udp {
    struct sockaddr_storage local, peer;
    socklen_t address_bytes;
    struct udp_track tracks[RTP_UDP_MAX_TRACKS];
    int track_count;
    bool can_gather;
    bool has_left; /* the last round left datagrams in a socket, for want of room */

    /* A batch of RTCP as it was received; RTP goes to the tracks' reorder buffers at once. */
    uint8_t *slots; /* BATCH of DATAGRAM_BYTES, owned */
    struct rtp_datagram reports[BATCH];
    int report_count, next_report;
};

static struct in6_addr address_of(const struct sockaddr_storage *storage)
{
    struct in6_addr address = {0};
    if (storage->ss_family == AF_INET6) {
        address = ((const struct sockaddr_in6 *)storage)->sin6_addr;
    } else {
        address.s6_addr[10] = address.s6_addr[11] = 0xff;
        memcpy(address.s6_addr + 12, &((const struct sockaddr_in *)storage)->sin_addr, 4);
    }
    return address;
}

static bool is_any(const struct sockaddr_storage *storage)
{
    if (storage->ss_family == AF_INET6)
        return IN6_IS_ADDR_UNSPECIFIED(&((const struct sockaddr_in6 *)storage)->sin6_addr);
    return ((const struct sockaddr_in *)storage)->sin_addr.s_addr == INADDR_ANY;
}

static void set_port(struct sockaddr_storage *storage, int port)
{
    if (storage->ss_family == AF_INET6)
        ((struct sockaddr_in6 *)storage)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)storage)->sin_port = htons((uint16_t)port);
}

static int port_of(const struct sockaddr_storage *storage)
{
    return ntohs(storage->ss_family == AF_INET6 ? ((const struct sockaddr_in6 *)storage)->sin6_port
                                                : ((const struct sockaddr_in *)storage)->sin_port);
}

int rtp_udp_create(struct rtp_udp **out, int peer, struct rtsprec_error *error)
{
    *out = NULL;
    struct rtp_udp *udp = calloc(1, sizeof(*udp));
    if (!udp)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    udp->can_gather = true;
    udp->slots = malloc((size_t)BATCH * DATAGRAM_BYTES);
    int err = 0;
    socklen_t local_bytes = sizeof(udp->local);
    udp->address_bytes = sizeof(udp->peer);
    if (!udp->slots)
        err = error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    else if (getsockname(peer, (struct sockaddr *)&udp->local, &local_bytes) < 0 ||
             getpeername(peer, (struct sockaddr *)&udp->peer, &udp->address_bytes) < 0)
        err = error_set_errno(error, RTSPREC_ERROR_CLOSED, errno, "setting up UDP");
    if (err < 0)
        rtp_udp_destroy(&udp);
    *out = udp;
    return err;
}

static void close_track(struct udp_track *track)
{
    close(track->rtp);
    close(track->rtcp);
    rtp_reorder_destroy(&track->reorder);
}

void rtp_udp_destroy(struct rtp_udp **udp_pointer)
{
    struct rtp_udp *udp = *udp_pointer;
    *udp_pointer = NULL;
    if (!udp)
        return;
    for (int i = 0; i < udp->track_count; i++)
        close_track(&udp->tracks[i]);
    free(udp->slots);
    free(udp);
}

/* A socket bound to the address, or -errno. */
static int bound_socket(const struct sockaddr_storage *address, socklen_t bytes, bool is_shared)
{
    int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;
    if (fd < 0)
        return -errno;
    if (is_shared)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (const struct sockaddr *)address, bytes) < 0) {
        int err = -errno;
        close(fd);
        return err;
    }
    return fd;
}

/* Takes over the sockets. */
static int add_track(struct rtp_udp *udp, int rtp, int rtcp, struct rtsprec_error *error)
{
    if (udp->track_count == RTP_UDP_MAX_TRACKS) {
        close(rtp);
        close(rtcp);
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "setting up UDP: too many tracks");
    }
    struct udp_track *track = &udp->tracks[udp->track_count++];
    *track = (struct udp_track){.rtp = rtp, .rtcp = rtcp, .address = address_of(&udp->peer)};

    int wanted = RECEIVE_BYTES, got = 0;
    socklen_t size = sizeof(got);
    if (setsockopt(rtp, SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof(wanted)) < 0)
        setsockopt(rtp, SOL_SOCKET, SO_RCVBUF, &wanted, sizeof(wanted));
    getsockopt(rtp, SOL_SOCKET, SO_RCVBUF, &got, &size);
    udp->can_gather &= got >= GATHER_BYTES;
    if (rtp_reorder_create(&track->reorder, REORDER_US) < 0)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    return 0;
}

int rtp_udp_open_track(struct rtp_udp *udp, int *port, struct rtsprec_error *error)
{
    int err = 0;
    for (int i = 0; i < PORT_TRIES; i++) {
        struct sockaddr_storage address = udp->local, taken;
        socklen_t size = sizeof(taken);
        memset(&taken, 0, sizeof(taken));
        set_port(&address, 0);
        int rtp = bound_socket(&address, udp->address_bytes, false);
        if (rtp < 0) {
            err = -rtp;
            break;
        }
        int rtcp = -1;
        getsockname(rtp, (struct sockaddr *)&taken, &size);
        *port = port_of(&taken);
        if (*port % 2 == 0) {
            set_port(&address, *port + 1);
            rtcp = bound_socket(&address, udp->address_bytes, false);
        }
        if (rtcp >= 0)
            return add_track(udp, rtp, rtcp, error);
        close(rtp);
        err = EADDRINUSE;
    }
    return error_set_errno(error, RTSPREC_ERROR_SYSTEM, err, "setting up UDP: no pair of ports");
}

void rtp_udp_close_track(struct rtp_udp *udp)
{
    close_track(&udp->tracks[--udp->track_count]);
}

int rtp_udp_set_sender(struct rtp_udp *udp, const char *address, int port, int rtcp_port,
                       struct rtsprec_error *error)
{
    struct udp_track *track = &udp->tracks[udp->track_count - 1];
    struct sockaddr_storage sender = udp->peer;
    if (address) {
        struct addrinfo hints = {.ai_flags = AI_NUMERICHOST,
                                 .ai_family = udp->peer.ss_family,
                                 .ai_socktype = SOCK_DGRAM};
        struct addrinfo *found = NULL;
        if (getaddrinfo(address, NULL, &hints, &found) == 0) {
            memcpy(&sender, found->ai_addr, found->ai_addrlen);
            freeaddrinfo(found);
        }
        if (!found || is_any(&sender))
            return error_set(error, RTSPREC_ERROR_PROTOCOL,
                             "setting up UDP: the camera's source is no address");
        track->address = address_of(&sender);
    }
    if (rtcp_port > 0) {
        set_port(&sender, rtcp_port);
        track->sender = sender;
    }
    if (port > 0) {
        /* Opens the way back through a firewall: an RTP packet without payload. */
        static const uint8_t hello[12] = {0x80};
        set_port(&sender, port);
        sendto(track->rtp, hello, sizeof(hello), MSG_DONTWAIT, (struct sockaddr *)&sender,
               udp->address_bytes);
    }
    return 0;
}

static int join(int fd, const struct sockaddr_storage *group, const struct sockaddr_storage *local)
{
    if (group->ss_family == AF_INET6) {
        struct ipv6_mreq request = {
            .ipv6mr_multiaddr = ((const struct sockaddr_in6 *)group)->sin6_addr,
            .ipv6mr_interface = ((const struct sockaddr_in6 *)local)->sin6_scope_id,
        };
        return setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &request, sizeof(request));
    }
    struct ip_mreq request = {
        .imr_multiaddr = ((const struct sockaddr_in *)group)->sin_addr,
        .imr_interface = ((const struct sockaddr_in *)local)->sin_addr,
    };
    return setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request));
}

static bool is_multicast(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6)
        return IN6_IS_ADDR_MULTICAST(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return IN_MULTICAST(ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr));
}

int rtp_udp_join_track(struct rtp_udp *udp, const char *group, int port,
                       struct rtsprec_error *error)
{
    struct addrinfo hints = {
        .ai_flags = AI_NUMERICHOST, .ai_family = udp->peer.ss_family, .ai_socktype = SOCK_DGRAM};
    struct addrinfo *found = NULL;
    struct sockaddr_storage address = {0};
    if (getaddrinfo(group, NULL, &hints, &found) == 0) {
        memcpy(&address, found->ai_addr, found->ai_addrlen);
        freeaddrinfo(found);
    }
    if (address.ss_family == 0 || !is_multicast(&address) || port < 1 || port > 65534)
        return error_set(error, RTSPREC_ERROR_PROTOCOL,
                         "setting up multicast: the camera names no group and port");
    int sockets[2] = {-1, -1}, err = 0;
    for (int i = 0; i < 2 && err == 0; i++) {
        set_port(&address, port + i);
        sockets[i] = bound_socket(&address, udp->address_bytes, true);
        if (sockets[i] < 0)
            err = -sockets[i];
        else if (join(sockets[i], &address, &udp->local) < 0)
            err = errno;
    }
    if (err == 0)
        return add_track(udp, sockets[0], sockets[1], error);
    for (int i = 0; i < 2; i++) {
        if (sockets[i] >= 0)
            close(sockets[i]);
    }
    return error_set_errno(error, RTSPREC_ERROR_SYSTEM, err, "setting up multicast");
}

/* From where the camera says that it sends, or from where it speaks RTSP: behind NAT it does not
 * know its own address. */
static bool is_from_camera(const struct rtp_udp *udp, const struct udp_track *track,
                           const struct sockaddr_storage *sender)
{
    struct in6_addr from = address_of(sender), peer = address_of(&udp->peer);
    return memcmp(&from, &track->address, sizeof(from)) == 0 ||
           memcmp(&from, &peer, sizeof(from)) == 0;
}

/* Takes a batch from a socket. Returns how many datagrams came. */
static int receive_batch(struct rtp_udp *udp, int index, bool is_rtcp, struct rtsprec_error *error)
{
    struct udp_track *track = &udp->tracks[index];
    struct mmsghdr messages[BATCH] = {0};
    struct iovec pieces[BATCH] = {0};
    struct sockaddr_storage senders[BATCH] = {0};
    /* What was received before has been taken, but for reports: they keep the first slots. */
    int first = udp->report_count, room = BATCH - first;
    if (!is_rtcp)
        room = FFMIN(room, rtp_reorder_room(track->reorder));
    for (int i = 0; i < room; i++) {
        pieces[i] =
            (struct iovec){udp->slots + (size_t)(first + i) * DATAGRAM_BYTES, DATAGRAM_BYTES};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_name = &senders[i],
                                                   .msg_namelen = sizeof(senders[i]),
                                                   .msg_iov = &pieces[i],
                                                   .msg_iovlen = 1}};
    }
    int got = room ? recvmmsg(is_rtcp ? track->rtcp : track->rtp, messages, (unsigned)room,
                              MSG_DONTWAIT, NULL)
                   : 0;
    int64_t now_us = clock_monotonic_us();
    for (int i = 0; i < got && i < room; i++) {
        if (!is_from_camera(udp, track, &senders[i]) || (messages[i].msg_hdr.msg_flags & MSG_TRUNC))
            continue;
        const uint8_t *data = pieces[i].iov_base;
        size_t size = messages[i].msg_len;
        if (is_rtcp || rtp_is_rtcp(data, size)) {
            uint8_t *kept = udp->slots + (size_t)udp->report_count * DATAGRAM_BYTES;
            memmove(kept, data, size);
            udp->reports[udp->report_count++] =
                (struct rtp_datagram){index, true, kept, size, now_us};
        } else if (rtp_reorder_push(track->reorder, data, size, now_us) < 0) {
            return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
        }
    }
    udp->has_left |= room < BATCH && got == room;
    return got > 0 ? got : 0;
}

int rtp_udp_receive(struct rtp_udp *udp, int peer, int timeout_ms, struct rtsprec_error *error)
{
    struct pollfd wanted[2 * RTP_UDP_MAX_TRACKS + 1];
    int count = 0;
    for (int i = 0; i < udp->track_count; i++) {
        wanted[count++] = (struct pollfd){.fd = udp->tracks[i].rtp, .events = POLLIN};
        wanted[count++] = (struct pollfd){.fd = udp->tracks[i].rtcp, .events = POLLIN};
    }
    wanted[count] = (struct pollfd){.fd = peer, .events = POLLIN};
    if (poll(wanted, (nfds_t)count + 1, timeout_ms) <= 0)
        return 0;
    bool peer_is_ready = wanted[count].revents != 0;
    if (udp->can_gather && !udp->has_left && !peer_is_ready)
        poll(&wanted[count], 1, GATHER_MS);

    udp->report_count = udp->next_report = 0;
    udp->has_left = false;
    for (int i = 0; i < count; i++) {
        if (wanted[i].revents == 0)
            continue;
        int got;
        do {
            got = receive_batch(udp, i / 2, i % 2, error);
        } while (got == BATCH);
        if (got < 0)
            return got;
    }
    return peer_is_ready;
}

bool rtp_udp_next(struct rtp_udp *udp, int64_t now_us, struct rtp_datagram *out)
{
    if (udp->next_report < udp->report_count) {
        *out = udp->reports[udp->next_report++];
        return true;
    }
    for (int i = 0; i < udp->track_count; i++) {
        *out = (struct rtp_datagram){.track = i};
        if (rtp_reorder_pull(udp->tracks[i].reorder, now_us, &out->data, &out->size,
                             &out->arrival_us))
            return true;
    }
    return false;
}

void rtp_udp_send_rtcp(struct rtp_udp *udp, int track, const uint8_t *data, size_t size)
{
    const struct udp_track *to = &udp->tracks[track];
    if (to->sender.ss_family != 0)
        sendto(to->rtcp, data, size, MSG_DONTWAIT | MSG_NOSIGNAL,
               (const struct sockaddr *)&to->sender, udp->address_bytes);
}
