#include "ingest/parameter_sets.h"

#include <stdlib.h>
#include <string.h>

#include <rtsprec/error.h>

#include "ingest/bits.h"
#include "ingest/sps.h"

static const uint8_t start_code[4] = {0, 0, 0, 1};

void parameter_sets_init(struct parameter_sets *sets, enum AVCodecID codec)
{
    *sets = (struct parameter_sets){.codec = codec};
}

void parameter_sets_uninit(struct parameter_sets *sets)
{
    for (int i = 0; i < sets->count; i++)
        free(sets->sets[i].data);
    sets->count = 0;
    sets->bytes = 0;
}

/* False when the set is broken. */
static bool read_id(uint32_t *id, enum AVCodecID codec, enum nal_kind kind, const struct nal *nal)
{
    struct bits bits = {.next = nal->data, .end = nal->data + nal->size};
    struct sps sps;
    switch (kind) {
    case NAL_VPS:
        bits_skip(&bits, 16);
        *id = bits_read(&bits, 4);
        return !bits.overrun;
    case NAL_SPS:
        if (!sps_parse(&sps, codec, nal))
            return false;
        *id = sps.id;
        return true;
    case NAL_PPS:
        bits_skip(&bits, codec == AV_CODEC_ID_HEVC ? 16 : 8);
        *id = bits_read_ue(&bits);
        return !bits.overrun;
    default:
        return false;
    }
}

/* Its place: the first set that does not come before it. */
static int find(const struct parameter_sets *sets, enum nal_kind kind, uint32_t id)
{
    int i = 0;
    while (i < sets->count &&
           (sets->sets[i].kind < kind || (sets->sets[i].kind == kind && sets->sets[i].id < id)))
        i++;
    return i;
}

static bool is_known(const struct parameter_sets *sets, const struct nal *nal)
{
    for (int i = 0; i < sets->count; i++) {
        const struct parameter_set *set = &sets->sets[i];
        if (set->size == nal->size && !memcmp(set->data, nal->data, nal->size))
            return true;
    }
    return false;
}

int parameter_sets_take(struct parameter_sets *sets, const struct nal *given)
{
    struct nal nal = *given;
    enum nal_kind kind = nal_kind(sets->codec, &nal);
    uint32_t id;
    while (nal.size > 0 && nal.data[nal.size - 1] == 0)
        nal.size--;
    if (is_known(sets, &nal) || !read_id(&id, sets->codec, kind, &nal))
        return 0;

    int at = find(sets, kind, id);
    struct parameter_set *set = &sets->sets[at];
    bool replaces = at < sets->count && set->kind == kind && set->id == id;
    size_t bytes = sets->bytes + sizeof(start_code) + nal.size;
    if (replaces)
        bytes -= sizeof(start_code) + set->size;
    if (nal.size == 0 || bytes > PARAMETER_SETS_MAX_BYTES ||
        (!replaces && sets->count == PARAMETER_SETS_MAX_COUNT))
        return 0;
    uint8_t *data = malloc(nal.size);
    if (!data)
        return RTSPREC_ERROR_NO_MEMORY;
    memcpy(data, nal.data, nal.size);
    if (replaces)
        free(set->data);
    else
        memmove(set + 1, set, (size_t)(sets->count++ - at) * sizeof(*set));
    *set = (struct parameter_set){kind, id, data, nal.size};
    sets->bytes = bytes;
    sets->is_changed = true;
    return 1;
}

int parameter_sets_take_all(struct parameter_sets *sets, const uint8_t *data, size_t size)
{
    struct nal nal;
    for (const uint8_t *next = data; data && nal_next(&nal, &next, data + size);) {
        if (parameter_sets_take(sets, &nal) < 0)
            return RTSPREC_ERROR_NO_MEMORY;
    }
    return 0;
}

void parameter_sets_write(const struct parameter_sets *sets, uint8_t *out)
{
    for (int i = 0; i < sets->count; i++) {
        memcpy(out, start_code, sizeof(start_code));
        memcpy(out + sizeof(start_code), sets->sets[i].data, sets->sets[i].size);
        out += sizeof(start_code) + sets->sets[i].size;
    }
}

int parameter_sets_announce(struct parameter_sets *sets, AVPacket *packet)
{
    if (!sets->is_changed)
        return 0;
    uint8_t *data = av_packet_new_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, sets->bytes);
    if (!data)
        return RTSPREC_ERROR_NO_MEMORY;
    parameter_sets_write(sets, data);
    sets->is_changed = false;
    return 0;
}
