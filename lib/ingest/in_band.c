#include "ingest/in_band.h"

#include <string.h>

#include <libavutil/intreadwrite.h>

#include <rtsprec/error.h>

#include "ingest/nal.h"

/* Annex B -> lengths of four bytes. Returns the size; out may be NULL. */
static int write_sets(uint8_t *out, const uint8_t *sets, int size)
{
    const uint8_t *next = sets;
    struct nal nal;
    int written = 0;
    while (nal_next(&nal, &next, sets + size)) {
        if (out) {
            AV_WB32(out + written, (uint32_t)nal.size);
            memcpy(out + written + 4, nal.data, nal.size);
        }
        written += 4 + (int)nal.size;
    }
    return written;
}

int in_band_insert(AVPacket *frame, const struct parameters *parameters)
{
    if (!parameters->sets)
        return 0;
    int added = write_sets(NULL, parameters->sets, parameters->sets_size), old_size = frame->size;
    if (av_packet_make_writable(frame) < 0 || av_grow_packet(frame, added) < 0)
        return RTSPREC_ERROR_NO_MEMORY;
    memmove(frame->data + added, frame->data, (size_t)old_size);
    write_sets(frame->data, parameters->sets, parameters->sets_size);
    return 0;
}
