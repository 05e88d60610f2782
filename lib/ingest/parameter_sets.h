/* The parameter sets of an H.264 or H.265 stream as they stand: the latest of each kind and id. */
#ifndef INGEST_PARAMETER_SETS_H
#define INGEST_PARAMETER_SETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavcodec/packet.h>

#include "ingest/nal.h"

/* Many times what cameras send. Those beyond are left out. */
#define PARAMETER_SETS_MAX_COUNT 64
#define PARAMETER_SETS_MAX_BYTES (16 * 1024) /* in Annex B */

struct parameter_set {
    enum nal_kind kind;
    uint32_t id;
    uint8_t *data; /* owned; the NAL unit */
    size_t size;
};

struct parameter_sets {
    enum AVCodecID codec;
    struct parameter_set sets[PARAMETER_SETS_MAX_COUNT]; /* in order of kind, then id */
    int count;
    size_t bytes;    /* of all in Annex B */
    bool is_changed; /* since they were announced */
};

void parameter_sets_init(struct parameter_sets *sets, enum AVCodecID codec);
void parameter_sets_uninit(struct parameter_sets *sets);

/*
 * Takes a NAL unit of kind NAL_VPS, NAL_SPS or NAL_PPS. Returns 1 when it is new or differs from
 * the one it replaces; 0 when it is known, broken or beyond the limits; RTSPREC_ERROR_NO_MEMORY.
 * Zeros behind it do not count.
 */
int parameter_sets_take(struct parameter_sets *sets, const struct nal *nal);

/* Takes all that are in a byte stream. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
int parameter_sets_take_all(struct parameter_sets *sets, const uint8_t *data, size_t size);

/* Writes all in Annex B: sets->bytes of them. */
void parameter_sets_write(const struct parameter_sets *sets, uint8_t *out);

/*
 * When they have changed since the last time, gives the packet all of them as
 * AV_PKT_DATA_NEW_EXTRADATA, in Annex B. Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int parameter_sets_announce(struct parameter_sets *sets, AVPacket *packet);

#endif
