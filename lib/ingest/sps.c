/* Syntax as in ITU-T H.264 (7.3.2.1.1, E.1.1) and H.265 (7.3.2.2, 7.3.3). */
#include "ingest/sps.h"

#include <stdint.h>

#include "ingest/bits.h"

#define MAX_SIDE 16384

static void skip_scaling_lists(struct bits *bits, int count)
{
    for (int i = 0; i < count; i++) {
        if (!bits_read_one(bits))
            continue;
        int size = i < 6 ? 16 : 64, last = 8, next = 8;
        for (int j = 0; j < size && next && !bits->overrun; j++) {
            next = (int)((last + (int64_t)bits_read_se(bits)) & 0xff);
            if (next)
                last = next;
        }
    }
}

static void read_h264_high_profile(struct sps *sps, struct bits *bits)
{
    sps->chroma_format = bits_read_ue(bits);
    if (sps->chroma_format == 3)
        bits_skip(bits, 1);
    sps->luma_depth = 8 + bits_read_ue(bits);
    sps->chroma_depth = 8 + bits_read_ue(bits);
    bits_skip(bits, 1);
    if (bits_read_one(bits))
        skip_scaling_lists(bits, sps->chroma_format == 3 ? 12 : 8);
}

/* Returns pic_order_cnt_type. */
static uint32_t read_h264_picture_order(struct bits *bits)
{
    uint32_t type = bits_read_ue(bits);
    if (type == 0) {
        bits_read_ue(bits);
    } else if (type == 1) {
        bits_skip(bits, 1);
        bits_skip_ue(bits, 2);
        uint32_t count = bits_read_ue(bits);
        if (count > 255)
            bits->overrun = true;
        else
            bits_skip_ue(bits, (int)count);
    }
    return type;
}

static void skip_h264_hrd(struct bits *bits)
{
    uint32_t count = bits_read_ue(bits) + 1;
    bits_skip(bits, 8);
    for (uint32_t i = 0; i < count && !bits->overrun; i++) {
        bits_skip_ue(bits, 2);
        bits_skip(bits, 1);
    }
    bits_skip(bits, 20);
}

/* max_num_reorder_frames, -1 when it is not there. */
static int read_h264_vui_reorder(struct bits *bits)
{
    if (bits_read_one(bits) && bits_read(bits, 8) == 255) /* aspect ratio */
        bits_skip(bits, 32);
    if (bits_read_one(bits)) /* overscan */
        bits_skip(bits, 1);
    if (bits_read_one(bits)) { /* video signal */
        bits_skip(bits, 4);
        if (bits_read_one(bits))
            bits_skip(bits, 24);
    }
    if (bits_read_one(bits)) /* chroma location */
        bits_skip_ue(bits, 2);
    if (bits_read_one(bits)) /* timing */
        bits_skip(bits, 65);
    unsigned nal_hrd = bits_read_one(bits);
    if (nal_hrd)
        skip_h264_hrd(bits);
    unsigned vcl_hrd = bits_read_one(bits);
    if (vcl_hrd)
        skip_h264_hrd(bits);
    if (nal_hrd || vcl_hrd)
        bits_skip(bits, 1);
    bits_skip(bits, 1);
    if (!bits_read_one(bits)) /* bitstream restriction */
        return -1;
    bits_skip(bits, 1);
    bits_skip_ue(bits, 4);
    uint32_t reorder = bits_read_ue(bits);
    return bits->overrun || reorder > 16 ? -1 : (int)reorder;
}

static bool is_h264_high_profile(uint32_t profile)
{
    static const uint8_t profiles[] = {100, 110, 122, 244, 44,  83, 86,
                                       118, 128, 138, 139, 134, 135};
    for (unsigned i = 0; i < sizeof(profiles); i++) {
        if (profiles[i] == profile)
            return true;
    }
    return false;
}

/* A side in pixels after cropping, 0 when it is not sane. */
static int cropped(uint64_t size, uint64_t crop)
{
    return size > MAX_SIDE || crop >= size ? 0 : (int)(size - crop);
}

static bool parse_h264(struct sps *sps, struct bits *bits)
{
    bits_skip(bits, 8);
    uint32_t profile = bits_read(bits, 8);
    bits_skip(bits, 16);
    sps->id = bits_read_ue(bits);
    sps->chroma_format = 1;
    sps->luma_depth = sps->chroma_depth = 8;
    if (is_h264_high_profile(profile))
        read_h264_high_profile(sps, bits);
    uint32_t chroma = sps->chroma_format;
    bits_read_ue(bits);
    uint32_t order = read_h264_picture_order(bits);
    bits_read_ue(bits);
    bits_skip(bits, 1);
    uint64_t width = 16 * ((uint64_t)bits_read_ue(bits) + 1);
    uint64_t units = (uint64_t)bits_read_ue(bits) + 1;
    unsigned fields = 2 - bits_read_one(bits); /* 1: frames only */
    if (fields == 2)
        bits_skip(bits, 1);
    bits_skip(bits, 1);
    uint64_t crop_x = 0, crop_y = 0;
    if (bits_read_one(bits)) {
        crop_x = (uint64_t)bits_read_ue(bits) + bits_read_ue(bits);
        crop_y = (uint64_t)bits_read_ue(bits) + bits_read_ue(bits);
    }
    if (bits->overrun)
        return false;
    sps->width = cropped(width, crop_x * (chroma == 1 || chroma == 2 ? 2 : 1));
    sps->height = cropped(units * 16 * fields, crop_y * (chroma == 1 ? 2 : 1) * fields);

    sps->reorder_frames = bits_read_one(bits) ? read_h264_vui_reorder(bits) : -1;
    if (profile == 66 || order == 2)
        sps->reorder_frames =
            0; /* Baseline has no B pictures; type 2 is output order by definition */
    return true;
}

static void skip_h265_profile_tier_level(struct bits *bits, int sub_layers)
{
    bits_skip(bits, 96);
    unsigned present[8] = {0};
    for (int i = 0; i < sub_layers; i++)
        present[i] = bits_read(bits, 2);
    if (sub_layers > 0)
        bits_skip(bits, 2 * (8 - sub_layers));
    for (int i = 0; i < sub_layers; i++)
        bits_skip(bits, (present[i] & 2 ? 88 : 0) + (present[i] & 1 ? 8 : 0));
}

static bool parse_h265(struct sps *sps, struct bits *bits)
{
    bits_skip(bits, 16 + 4);
    int sub_layers = (int)bits_read(bits, 3); /* besides the first */
    sps->sub_layers = sub_layers + 1;
    sps->is_temporally_nested = bits_read_one(bits);
    skip_h265_profile_tier_level(bits, sub_layers);
    sps->id = bits_read_ue(bits);
    uint32_t chroma = sps->chroma_format = bits_read_ue(bits);
    if (chroma == 3)
        bits_skip(bits, 1);
    uint64_t width = bits_read_ue(bits), height = bits_read_ue(bits);
    uint64_t crop_x = 0, crop_y = 0;
    if (bits_read_one(bits)) {
        crop_x = (uint64_t)bits_read_ue(bits) + bits_read_ue(bits);
        crop_y = (uint64_t)bits_read_ue(bits) + bits_read_ue(bits);
    }
    sps->luma_depth = 8 + bits_read_ue(bits);
    sps->chroma_depth = 8 + bits_read_ue(bits);
    bits_read_ue(bits);
    uint32_t reorder = 0;
    for (int i = bits_read_one(bits) ? 0 : sub_layers; i <= sub_layers; i++) {
        bits_read_ue(bits);
        reorder = bits_read_ue(bits);
        bits_read_ue(bits);
    }
    if (bits->overrun || reorder > 16)
        return false;
    sps->width = cropped(width, crop_x * (chroma == 1 || chroma == 2 ? 2 : 1));
    sps->height = cropped(height, crop_y * (chroma == 1 ? 2 : 1));
    sps->reorder_frames = (int)reorder;
    return true;
}

bool sps_parse(struct sps *sps, enum AVCodecID codec, const struct nal *nal)
{
    *sps = (struct sps){.reorder_frames = -1};
    struct bits bits = {.next = nal->data, .end = nal->data + nal->size};
    bool understood = codec == AV_CODEC_ID_HEVC ? parse_h265(sps, &bits) : parse_h264(sps, &bits);
    return understood && sps->width > 0 && sps->height > 0;
}
