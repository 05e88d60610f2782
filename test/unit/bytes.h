/* Byte strings for tests of parsers. */
#ifndef BYTES_H
#define BYTES_H

#include "unit.h"

#include <libavcodec/packet.h>

/* The bytes of hexadecimal digits; blanks are ignored. Allocated, exactly as large as needed, so
 * that a sanitizer sees every byte read too many. */
static inline uint8_t *bytes_of(const char *hex, size_t *size)
{
    uint8_t *data = malloc(strlen(hex) / 2 + 1);
    size_t used = 0;
    for (; *hex; hex++) {
        unsigned value;
        if (*hex == ' ')
            continue;
        if (sscanf(hex, "%2x", &value) != 1)
            abort();
        data[used++] = (uint8_t)value;
        hex++;
    }
    *size = used;
    return realloc(data, used ? used : 1);
}

/* A packet with these bytes. */
static inline AVPacket *packet_of(const char *hex, int64_t pts)
{
    size_t size;
    uint8_t *data = bytes_of(hex, &size);
    AVPacket *packet = av_packet_alloc();
    if (!packet || (size && av_new_packet(packet, (int)size) < 0))
        abort();
    if (size)
        memcpy(packet->data, data, size);
    packet->pts = pts;
    free(data);
    return packet;
}

#endif
