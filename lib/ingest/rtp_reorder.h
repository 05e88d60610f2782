/*
 * Puts UDP's packets back into order. A hole is waited for until max_wait_us have passed since a
 * packet behind it came, or RTP_REORDER_PACKETS wait; then it counts as lost. A source that begins
 * anew (another SSRC, sequence numbers far from the last ones) follows what came before. Pure:
 * times are arguments.
 */
#ifndef INGEST_RTP_REORDER_H
#define INGEST_RTP_REORDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RTP_REORDER_PACKETS 128

struct rtp_reorder;

/* Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
int rtp_reorder_create(struct rtp_reorder **out, int64_t max_wait_us);
void rtp_reorder_destroy(struct rtp_reorder **reorder);

/* How many datagrams it can still take; behind a pull that gave none, one at least. */
int rtp_reorder_room(const struct rtp_reorder *reorder);

/* Takes a datagram (copied); duplicates, those that come too late, and those that nobody pulls in
 * time are left out, and what is no RTP packet. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
int rtp_reorder_push(struct rtp_reorder *reorder, const uint8_t *data, size_t size,
                     int64_t arrival_us);

/* The next datagram in order, valid until the next call of push or pull; false when it has not come
 * and its time is not over. */
bool rtp_reorder_pull(struct rtp_reorder *reorder, int64_t now_us, const uint8_t **data,
                      size_t *size, int64_t *arrival_us);

/* When the oldest hole is given up, monotonic; INT64_MAX: there is none. */
int64_t rtp_reorder_deadline_us(const struct rtp_reorder *reorder);

#endif
