/*
 * Watches the bytes of a fragmented mp4 on their way to the file and takes its tables out of them,
 * so that sealing reads nothing back.
 */
#ifndef SEGMENT_MP4_TAP_H
#define SEGMENT_MP4_TAP_H

#include "segment/mp4_table.h"

struct mp4_tap {
    struct mp4_table table;
    bool failed; /* the tables are incomplete: the file has to be read to be sealed */

    uint64_t offset;     /* in the file, of the next byte */
    uint8_t header[16];  /* of the box that begins */
    size_t header_bytes; /* of them here */
    uint64_t left;       /* bytes of the box still to come */
    bool is_moof;
    uint64_t moof_offset;
    struct mp4_buffer moof;
};

/* Begins behind the moov of the fragmented file, which ends at offset. */
void mp4_tap_init(struct mp4_tap *tap, const uint8_t *moov, size_t size, uint64_t offset);
void mp4_tap_uninit(struct mp4_tap *tap);

/* The next bytes of the file, in any portions. */
void mp4_tap_feed(struct mp4_tap *tap, const uint8_t *data, size_t size);

#endif
