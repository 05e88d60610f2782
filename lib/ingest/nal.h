/* NAL units of H.264 and H.265 in a byte stream with start codes (Annex B). Pure. */
#ifndef INGEST_NAL_H
#define INGEST_NAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libavcodec/codec_id.h>

enum nal_kind {
    NAL_OTHER,
    NAL_SLICE,     /* a coded slice of a picture that needs others */
    NAL_KEY_SLICE, /* a coded slice of a picture at which decoding can begin */
    NAL_VPS,
    NAL_SPS,
    NAL_PPS,
    NAL_SEI,
    NAL_DELIMITER, /* access unit delimiter: the first NAL unit of its access unit */
    NAL_FILLER,    /* filler, end of sequence or of stream */
};

struct nal {
    const uint8_t *data; /* the NAL unit's header, behind the start code */
    size_t size;         /* without trailing zero bytes */
};

/* Takes the next NAL unit off [*next, end) and moves *next behind it; false when there is none. */
bool nal_next(struct nal *nal, const uint8_t **next, const uint8_t *end);

/* Whether data begins with a start code of three or four bytes. */
bool nal_starts(const uint8_t *data, size_t size);

/* For AV_CODEC_ID_H264 and AV_CODEC_ID_HEVC. */
enum nal_kind nal_kind(enum AVCodecID codec, const struct nal *nal);

static inline bool nal_kind_is_slice(enum nal_kind kind)
{
    return kind == NAL_SLICE || kind == NAL_KEY_SLICE;
}

static inline bool nal_kind_is_set(enum nal_kind kind)
{
    return kind == NAL_VPS || kind == NAL_SPS || kind == NAL_PPS;
}

/* What frames are given without: parameter sets are announced beside them, and for the rest a
 * container has ways of its own. */
static inline bool nal_kind_is_left_out(enum nal_kind kind)
{
    return nal_kind_is_set(kind) || kind == NAL_DELIMITER || kind == NAL_FILLER;
}

/*
 * Whether an H.264 SEI says that decoding gives whole pictures from this very picture on
 * (recovery_frame_cnt 0): how streams with open GOPs mark their key frames.
 */
bool nal_is_recovery_point(const struct nal *sei);

#endif
