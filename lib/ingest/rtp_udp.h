/*
 * RTP over UDP, unicast and multicast: a pair of sockets per track, read in batches and put back
 * into order. Only datagrams from the camera's address are taken, or from the one that it names.
 *
 * Thread-safety: one thread at a time.
 */
#ifndef INGEST_RTP_UDP_H
#define INGEST_RTP_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rtsprec/error.h>

#define RTP_UDP_MAX_TRACKS 8

struct rtp_udp;

/* peer: a socket that is connected to the camera; its addresses at both ends are those of the
 * media. Returns 0 or an error. */
int rtp_udp_create(struct rtp_udp **out, int peer, struct rtsprec_error *error);
void rtp_udp_destroy(struct rtp_udp **udp);

/* Opens the next track's sockets on a free even port and the one behind it. */
int rtp_udp_open_track(struct rtp_udp *udp, int *port, struct rtsprec_error *error);

/* Undoes the last open: the camera has refused the track. */
void rtp_udp_close_track(struct rtp_udp *udp);

/* Where the camera sends the last opened track from; port 0: unknown. address: NULL, or another one
 * in numbers. */
int rtp_udp_set_sender(struct rtp_udp *udp, const char *address, int port, int rtcp_port,
                       struct rtsprec_error *error);

/* Opens the next track's sockets for a group. */
int rtp_udp_join_track(struct rtp_udp *udp, const char *group, int port,
                       struct rtsprec_error *error);

/*
 * Waits up to timeout_ms for datagrams or for the peer, and takes what has come. Returns 1 when the
 * peer has something, else 0, or an error.
 */
int rtp_udp_receive(struct rtp_udp *udp, int peer, int timeout_ms, struct rtsprec_error *error);

struct rtp_datagram {
    int track;
    bool is_rtcp;
    const uint8_t *data;
    size_t size;
    int64_t arrival_us;
};

/* The next datagram in order, valid until the next call; false when there is none yet. */
bool rtp_udp_next(struct rtp_udp *udp, int64_t now_us, struct rtp_datagram *out);

/* Sends RTCP to the camera; a failure does not matter. */
void rtp_udp_send_rtcp(struct rtp_udp *udp, int track, const uint8_t *data, size_t size);

#endif
