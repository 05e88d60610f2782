#include "ingest/rtp_reorder.h"

#include <stdlib.h>
#include <string.h>

#include <libavutil/common.h>

#include <rtsprec/error.h>

#include "ingest/rtp.h"

enum {
    MAX_STEP = 3000,                /* RFC 3550, A.1: a larger one is another sequence */
    MAX_LATE = RTP_REORDER_PACKETS, /* so many in a row are no late ones: the source began anew */
    MAX_SPARE = 8,                  /* buffers kept for the next packets */
    MIN_BUFFER_BYTES = 2048,        /* any datagram of a camera */
};

/* A datagram that waits. */
struct waiting {
    int64_t sequence; /* extended */
    int64_t arrival_us;
    uint8_t *data; /* owned */
    size_t size, capacity;
};

struct rtp_reorder {
    int64_t max_wait_us;

    bool has_begun;
    uint32_t ssrc;
    int64_t highest;         /* the highest sequence number taken, extended ... */
    uint16_t highest_number; /* ... and as it came */
    int64_t next;            /* the sequence number to give out next */
    int late;                /* packets in a row that came too late */

    /* In order of their sequence numbers; a ring. */
    struct waiting waiting[RTP_REORDER_PACKETS];
    int first, count;

    struct waiting given; /* what the last pull gave out */
    struct waiting spare[MAX_SPARE];
    int spare_count;
};

int rtp_reorder_create(struct rtp_reorder **out, int64_t max_wait_us)
{
    *out = calloc(1, sizeof(**out));
    if (!*out)
        return RTSPREC_ERROR_NO_MEMORY;
    (*out)->max_wait_us = max_wait_us;
    return 0;
}

int rtp_reorder_room(const struct rtp_reorder *reorder)
{
    return RTP_REORDER_PACKETS - reorder->count;
}

static struct waiting *at(struct rtp_reorder *reorder, int index)
{
    return &reorder->waiting[(reorder->first + index) % RTP_REORDER_PACKETS];
}

void rtp_reorder_destroy(struct rtp_reorder **reorder)
{
    if (!*reorder)
        return;
    for (int i = 0; i < (*reorder)->count; i++)
        free(at(*reorder, i)->data);
    for (int i = 0; i < (*reorder)->spare_count; i++)
        free((*reorder)->spare[i].data);
    free((*reorder)->given.data);
    free(*reorder);
    *reorder = NULL;
}

/* The buffer that the caller was promised until now. */
static void take_back(struct rtp_reorder *reorder)
{
    if (reorder->given.data && reorder->spare_count < MAX_SPARE)
        reorder->spare[reorder->spare_count++] = reorder->given;
    else
        free(reorder->given.data);
    reorder->given.data = NULL;
}

static int copy(struct rtp_reorder *reorder, struct waiting *out, const uint8_t *data, size_t size)
{
    *out = (struct waiting){.data = NULL};
    if (reorder->spare_count > 0)
        *out = reorder->spare[--reorder->spare_count];
    if (!out->data || out->capacity < size) {
        size_t capacity = FFMAX(size, MIN_BUFFER_BYTES);
        free(out->data);
        out->data = malloc(capacity);
        if (!out->data)
            return RTSPREC_ERROR_NO_MEMORY;
        out->capacity = capacity;
    }
    memcpy(out->data, data, size);
    out->size = size;
    return 0;
}

static void begin_anew(struct rtp_reorder *reorder, const struct rtp_packet *packet)
{
    reorder->ssrc = packet->ssrc;
    reorder->highest_number = packet->sequence;
    reorder->highest++;
    reorder->late = 0;
    if (!reorder->has_begun)
        reorder->next = reorder->highest;
    reorder->has_begun = true;
}

/* The extended sequence number, or one below next when the packet is to be left out. */
static int64_t place(struct rtp_reorder *reorder, const struct rtp_packet *packet)
{
    int step = (int16_t)(packet->sequence - reorder->highest_number);
    if (!reorder->has_begun || packet->ssrc != reorder->ssrc || step > MAX_STEP ||
        step < -MAX_STEP || reorder->late >= MAX_LATE) {
        begin_anew(reorder, packet);
        return reorder->highest;
    }
    int64_t sequence = reorder->highest + step;
    reorder->late = sequence < reorder->next ? reorder->late + 1 : 0;
    if (step > 0) {
        reorder->highest = sequence;
        reorder->highest_number = packet->sequence;
    }
    return sequence;
}

int rtp_reorder_push(struct rtp_reorder *reorder, const uint8_t *data, size_t size,
                     int64_t arrival_us)
{
    struct rtp_packet packet;
    struct waiting entry;
    take_back(reorder);
    if (reorder->count == RTP_REORDER_PACKETS || !rtp_parse(&packet, data, size))
        return 0;
    int64_t sequence = place(reorder, &packet);
    int index = reorder->count;
    while (index > 0 && at(reorder, index - 1)->sequence > sequence)
        index--;
    bool is_known = index > 0 && at(reorder, index - 1)->sequence == sequence;
    if (sequence < reorder->next || is_known)
        return 0;
    if (copy(reorder, &entry, data, size) < 0)
        return RTSPREC_ERROR_NO_MEMORY;
    entry.sequence = sequence;
    entry.arrival_us = arrival_us;
    for (int i = reorder->count++; i > index; i--)
        *at(reorder, i) = *at(reorder, i - 1);
    *at(reorder, index) = entry;
    return 0;
}

static bool has_hole(const struct rtp_reorder *reorder)
{
    return reorder->count > 0 && reorder->waiting[reorder->first].sequence != reorder->next;
}

int64_t rtp_reorder_deadline_us(const struct rtp_reorder *reorder)
{
    int64_t earliest_us = INT64_MAX;
    if (!has_hole(reorder))
        return INT64_MAX;
    for (int i = 0; i < reorder->count; i++)
        earliest_us = FFMIN(
            earliest_us, reorder->waiting[(reorder->first + i) % RTP_REORDER_PACKETS].arrival_us);
    return earliest_us + reorder->max_wait_us;
}

bool rtp_reorder_pull(struct rtp_reorder *reorder, int64_t now_us, const uint8_t **data,
                      size_t *size, int64_t *arrival_us)
{
    take_back(reorder);
    if (reorder->count == 0)
        return false;
    if (has_hole(reorder) && reorder->count < RTP_REORDER_PACKETS &&
        now_us < rtp_reorder_deadline_us(reorder))
        return false;
    reorder->given = *at(reorder, 0);
    reorder->first = (reorder->first + 1) % RTP_REORDER_PACKETS;
    reorder->count--;
    reorder->next = reorder->given.sequence + 1;
    *data = reorder->given.data;
    *size = reorder->given.size;
    *arrival_us = reorder->given.arrival_us;
    return true;
}
