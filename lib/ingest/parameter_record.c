#include "ingest/parameter_record.h"

#include <stdbool.h>
#include <string.h>

#include <libavcodec/defs.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/mem.h>

#include <rtsprec/error.h>

#include "ingest/bits.h"
#include "ingest/nal.h"
#include "ingest/sps.h"

enum {
    MAX_SETS = 255,        /* of a kind: avcC counts PPS in a byte, ... */
    MAX_AVC_SPS = 31,      /* ... SPS in five bits; */
    MAX_SET_BYTES = 65535, /* and lengths have 16 bits */
    AVC_BYTES = 6 + 1 + 4, /* without sets */
    HEVC_BYTES = 23,
    HEVC_ARRAY_BYTES = 3,
    AVC_LENGTH_AT = 4, /* where the bytes of a length stand, ... */
    AVC_SPS_AT = 5,
    HEVC_LENGTH_AT = 21, /* ... less one, in two bits */
    HEVC_ARRAYS_AT = 22,
    PROFILE_TIER_LEVEL_BYTES = 12,
};

/* Number and bytes (with lengths) of the sets of a kind. */
struct kind {
    int count;
    size_t bytes;
};

/* What the record needs to know of the sets. */
struct summary {
    struct kind vps, sps, pps;
    struct nal first_sps;
    struct sps parsed; /* the first SPS */
};

static struct kind *kind_in(struct summary *summary, enum nal_kind kind)
{
    switch (kind) {
    case NAL_VPS:
        return &summary->vps;
    case NAL_SPS:
        return &summary->sps;
    case NAL_PPS:
        return &summary->pps;
    default:
        return NULL;
    }
}

/* False when a kind is missing, broken, or does not fit. */
static bool summarise(struct summary *summary, enum AVCodecID codec, const uint8_t *sets,
                      size_t size)
{
    *summary = (struct summary){.vps = {0}};
    struct nal nal;
    for (const uint8_t *next = sets; sets && nal_next(&nal, &next, sets + size);) {
        struct kind *kind = kind_in(summary, nal_kind(codec, &nal));
        if (!kind)
            continue;
        if (kind == &summary->sps && kind->count == 0)
            summary->first_sps = nal;
        kind->count++;
        kind->bytes += 2 + nal.size;
        if (nal.size > MAX_SET_BYTES)
            return false;
    }
    bool is_hevc = codec == AV_CODEC_ID_HEVC;
    return summary->sps.count > 0 && summary->pps.count > 0 &&
           (summary->vps.count > 0 || !is_hevc) && summary->vps.count <= MAX_SETS &&
           summary->sps.count <= (is_hevc ? MAX_SETS : MAX_AVC_SPS) &&
           summary->pps.count <= MAX_SETS &&
           sps_parse(&summary->parsed, codec, &summary->first_sps);
}

static uint8_t *write_sets(uint8_t *out, enum AVCodecID codec, enum nal_kind kind,
                           const uint8_t *sets, size_t size)
{
    struct nal nal;
    for (const uint8_t *next = sets; nal_next(&nal, &next, sets + size);) {
        if (nal_kind(codec, &nal) != kind)
            continue;
        AV_WB16(out, (uint16_t)nal.size);
        memcpy(out + 2, nal.data, nal.size);
        out += 2 + nal.size;
    }
    return out;
}

/* Chroma format and bit depths, with the reserved bits of both records around them. */
static uint8_t *write_format(uint8_t *out, const struct sps *sps)
{
    *out++ = (uint8_t)(0xfc | (sps->chroma_format & 3));
    *out++ = (uint8_t)(0xf8 | ((sps->luma_depth - 8) & 7));
    *out++ = (uint8_t)(0xf8 | ((sps->chroma_depth - 8) & 7));
    return out;
}

static uint8_t *write_avc(uint8_t *out, const struct summary *summary, const uint8_t *sets,
                          size_t size)
{
    const uint8_t *sps = summary->first_sps.data; /* parsed, so it has these bytes */
    *out++ = 1;
    memcpy(out, sps + 1, 3); /* profile, constraints, level */
    out += 3;
    *out++ = 0xfc | 3; /* lengths of four bytes */
    *out++ = (uint8_t)(0xe0 | summary->sps.count);
    out = write_sets(out, AV_CODEC_ID_H264, NAL_SPS, sets, size);
    *out++ = (uint8_t)summary->pps.count;
    out = write_sets(out, AV_CODEC_ID_H264, NAL_PPS, sets, size);
    if (sps[1] == 66 || sps[1] == 77 || sps[1] == 88) /* Baseline, Main, Extended */
        return out;
    out = write_format(out, &summary->parsed);
    *out++ = 0; /* SPS extensions */
    return out;
}

static uint8_t *write_hevc_array(uint8_t *out, int type, int count)
{
    *out++ = (uint8_t)(0x80 | type); /* complete: none comes within the stream */
    AV_WB16(out, (uint16_t)count);
    return out + 2;
}

static uint8_t *write_hevc(uint8_t *out, const struct summary *summary, const uint8_t *sets,
                           size_t size)
{
    const struct sps *sps = &summary->parsed;
    struct bits bits = {.next = summary->first_sps.data,
                        .end = summary->first_sps.data + summary->first_sps.size};
    *out++ = 1;
    bits_skip(&bits, 24); /* header, VPS id, sub-layers */
    for (int i = 0; i < PROFILE_TIER_LEVEL_BYTES; i++)
        *out++ = (uint8_t)bits_read(&bits, 8);
    AV_WB16(out, 0xf000); /* min_spatial_segmentation_idc and ... */
    out += 2;
    *out++ = 0xfc; /* ... parallelismType: not told */
    out = write_format(out, sps);
    AV_WB16(out, 0); /* average frame rate: not told */
    out += 2;
    *out++ = (uint8_t)((sps->sub_layers & 7) << 3 | sps->is_temporally_nested << 2 | 3);
    *out++ = 3; /* arrays */
    out = write_hevc_array(out, 32, summary->vps.count);
    out = write_sets(out, AV_CODEC_ID_HEVC, NAL_VPS, sets, size);
    out = write_hevc_array(out, 33, summary->sps.count);
    out = write_sets(out, AV_CODEC_ID_HEVC, NAL_SPS, sets, size);
    out = write_hevc_array(out, 34, summary->pps.count);
    return write_sets(out, AV_CODEC_ID_HEVC, NAL_PPS, sets, size);
}

int parameter_record_make(uint8_t **out, size_t *size, enum AVCodecID codec, const uint8_t *sets,
                          size_t sets_size)
{
    struct summary summary;
    *out = NULL;
    *size = 0;
    if (!summarise(&summary, codec, sets, sets_size))
        return RTSPREC_ERROR_PROTOCOL;
    bool is_hevc = codec == AV_CODEC_ID_HEVC;
    size_t most = summary.sps.bytes + summary.pps.bytes;
    most += is_hevc ? summary.vps.bytes + HEVC_BYTES + 3 * HEVC_ARRAY_BYTES : AVC_BYTES;
    uint8_t *record = av_mallocz(most + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!record)
        return RTSPREC_ERROR_NO_MEMORY;
    uint8_t *end = is_hevc ? write_hevc(record, &summary, sets, sets_size)
                           : write_avc(record, &summary, sets, sets_size);
    *out = record;
    *size = (size_t)(end - record);
    return 0;
}

bool parameter_record_is(enum AVCodecID codec, const uint8_t *data, size_t size)
{
    /* Records begin with their version, 1; some writers of H.265 left it 0. */
    if (codec == AV_CODEC_ID_HEVC)
        return data && size >= HEVC_BYTES && !nal_starts(data, size);
    return data && size > AVC_SPS_AT && data[0] == 1;
}

/* Takes sets behind their lengths; *data moves behind them, or to the end when one is damaged. */
static int read_sets(struct parameter_sets *sets, int count, const uint8_t **data,
                     const uint8_t *end)
{
    while (count-- > 0) {
        size_t left = (size_t)(end - *data);
        size_t bytes = left >= 2 ? AV_RB16(*data) : left;
        if (left < 2 || bytes > left - 2) {
            *data = end;
            return 0;
        }
        if (parameter_sets_take(sets, &(struct nal){*data + 2, bytes}) < 0)
            return RTSPREC_ERROR_NO_MEMORY;
        *data += 2 + bytes;
    }
    return 0;
}

static int read_avc(struct parameter_sets *sets, const uint8_t *data, const uint8_t *end)
{
    const uint8_t *next = data + AVC_SPS_AT + 1;
    if (read_sets(sets, data[AVC_SPS_AT] & 0x1f, &next, end) < 0)
        return RTSPREC_ERROR_NO_MEMORY;
    if (next == end)
        return 0;
    int count = *next++;
    return read_sets(sets, count, &next, end);
}

static int read_hevc(struct parameter_sets *sets, const uint8_t *data, const uint8_t *end)
{
    const uint8_t *next = data + HEVC_ARRAYS_AT + 1;
    for (int i = data[HEVC_ARRAYS_AT]; i > 0 && end - next >= HEVC_ARRAY_BYTES; i--) {
        int count = AV_RB16(next + 1);
        next += HEVC_ARRAY_BYTES;
        if (read_sets(sets, count, &next, end) < 0)
            return RTSPREC_ERROR_NO_MEMORY;
    }
    return 0;
}

int parameter_record_read(struct parameter_sets *sets, int *length_bytes, const uint8_t *data,
                          size_t size)
{
    bool is_hevc = sets->codec == AV_CODEC_ID_HEVC;
    *length_bytes = (data[is_hevc ? HEVC_LENGTH_AT : AVC_LENGTH_AT] & 3) + 1;
    return is_hevc ? read_hevc(sets, data, data + size) : read_avc(sets, data, data + size);
}
