#include "ingest/rtp_payload.h"

#include <libavutil/intreadwrite.h>

/* Types of payloads that are no NAL units of their own. */
enum {
    H264_MAX_UNIT = 23,
    H264_STAP_A = 24,
    H264_FU_B = 29,
    H265_MAX_UNIT = 47,
    H265_AP = 48,
};

static bool is_h265(const struct rtp_payload *payload)
{
    return payload->codec == AV_CODEC_ID_HEVC;
}

static size_t header_bytes(const struct rtp_payload *payload)
{
    return is_h265(payload) ? 2 : 1;
}

void rtp_payload_begin(struct rtp_payload *payload, enum AVCodecID codec, bool has_donl,
                       const uint8_t *data, size_t size)
{
    *payload = (struct rtp_payload){codec, has_donl, data, data + size, RTP_PAYLOAD_UNKNOWN};
    if (size < header_bytes(payload))
        return;
    if (nal_starts(data, size)) {
        payload->form = RTP_PAYLOAD_START_CODES;
        return;
    }
    int type = is_h265(payload) ? (data[0] >> 1) & 0x3f : data[0] & 0x1f;
    bool is_unit = is_h265(payload) ? type <= H265_MAX_UNIT : type > 0 && type <= H264_MAX_UNIT;
    if (is_unit) {
        payload->form = RTP_PAYLOAD_SINGLE;
    } else if (type == (is_h265(payload) ? H265_AP : H264_STAP_A)) {
        payload->form = RTP_PAYLOAD_LENGTHS;
        payload->next += header_bytes(payload);
        if (is_h265(payload) && has_donl) /* of the first unit; the others have a byte each */
            payload->next += size >= 4 ? 2 : 0;
    } else if (is_h265(payload) ? type == RTP_H265_FU
                                : type == RTP_H264_FU_A || type == H264_FU_B) {
        payload->form = RTP_PAYLOAD_PIECE;
    }
}

/* A NAL unit with its header. One that begins with a start code is taken without. */
static bool take_whole(struct rtp_payload *payload, struct rtp_unit *unit, const uint8_t *data,
                       size_t size)
{
    while (nal_starts(data, size)) {
        size_t code = data[2] == 1 ? 3 : 4;
        data += code;
        size -= code;
    }
    if (size < header_bytes(payload))
        return false;
    *unit = (struct rtp_unit){.data = data, .size = size, .header = {data[0]}};
    if (is_h265(payload))
        unit->header[1] = data[1];
    return true;
}

static bool take_single(struct rtp_payload *payload, struct rtp_unit *unit)
{
    *unit = (struct rtp_unit){.data = payload->next,
                              .size = (size_t)(payload->end - payload->next),
                              .header = {payload->next[0]}};
    payload->form = RTP_PAYLOAD_UNKNOWN;
    if (!is_h265(payload))
        return true;
    unit->header[1] = payload->next[1];
    if (!payload->has_donl)
        return true;
    /* The number stands within the NAL unit: what is behind it is all of a piece of its own. */
    if (unit->size < 4)
        return false;
    unit->data += 4;
    unit->size -= 4;
    unit->is_piece = unit->begins = unit->ends = true;
    return true;
}

static bool take_of_lengths(struct rtp_payload *payload, struct rtp_unit *unit)
{
    while (payload->end - payload->next > 2) {
        size_t size = AV_RB16(payload->next), left = (size_t)(payload->end - payload->next) - 2;
        const uint8_t *data = payload->next + 2;
        if (size > left)
            break;
        payload->next = data + size;
        if (is_h265(payload) && payload->has_donl && size < left)
            payload->next++;
        if (take_whole(payload, unit, data, size))
            return true;
    }
    payload->form = RTP_PAYLOAD_UNKNOWN;
    return false;
}

static bool take_of_start_codes(struct rtp_payload *payload, struct rtp_unit *unit)
{
    struct nal nal;
    while (nal_next(&nal, &payload->next, payload->end)) {
        if (take_whole(payload, unit, nal.data, nal.size))
            return true;
    }
    return false;
}

static bool take_piece(struct rtp_payload *payload, struct rtp_unit *unit)
{
    const uint8_t *data = payload->next;
    size_t size = (size_t)(payload->end - data), skip = header_bytes(payload) + 1;
    payload->form = RTP_PAYLOAD_UNKNOWN;
    if (size < skip)
        return false;
    uint8_t header = data[skip - 1];
    *unit = (struct rtp_unit){
        .is_piece = true,
        .begins = header & RTP_PIECE_BEGINS,
        .ends = header & RTP_PIECE_ENDS,
    };
    if (is_h265(payload)) {
        unit->header[0] = (uint8_t)((data[0] & 0x81) | (header & 0x3f) << 1);
        unit->header[1] = data[1];
        skip += payload->has_donl && unit->begins ? 2 : 0;
    } else {
        unit->header[0] = (uint8_t)((data[0] & 0xe0) | (header & 0x1f));
        skip += (data[0] & 0x1f) == H264_FU_B ? 2 : 0;
    }
    if (size < skip)
        return false;
    unit->data = data + skip;
    unit->size = size - skip;
    return true;
}

bool rtp_payload_next(struct rtp_payload *payload, struct rtp_unit *unit)
{
    switch (payload->form) {
    case RTP_PAYLOAD_SINGLE:
        return take_single(payload, unit);
    case RTP_PAYLOAD_LENGTHS:
        return take_of_lengths(payload, unit);
    case RTP_PAYLOAD_START_CODES:
        return take_of_start_codes(payload, unit);
    case RTP_PAYLOAD_PIECE:
        return take_piece(payload, unit);
    case RTP_PAYLOAD_UNKNOWN:
        break;
    }
    return false;
}
