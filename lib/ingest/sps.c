/* Syntax as in ITU-T H.264 (7.3.2.1.1, E.1.1) and H.265 (7.3.2.2, 7.3.3). */
#include "ingest/sps.h"

#include <stdint.h>

#define MAX_SIDE 16384

/* Reads bits of a NAL unit, jumping over emulation prevention bytes; zeros behind the end. */
struct bits {
    const uint8_t *next, *end;
    int zeros; /* zero bytes read just before next */
    int left;  /* bits of byte not yet read */
    uint8_t byte;
    bool overrun;
};

static unsigned read_bit(struct bits *bits)
{
    if (bits->left == 0) {
        if (bits->next < bits->end && bits->zeros >= 2 && *bits->next == 3) {
            bits->next++;
            bits->zeros = 0;
        }
        if (bits->next >= bits->end) {
            bits->overrun = true;
            return 0;
        }
        bits->byte = *bits->next++;
        bits->zeros = bits->byte == 0 ? bits->zeros + 1 : 0;
        bits->left = 8;
    }
    bits->left--;
    return (bits->byte >> bits->left) & 1u;
}

static uint32_t read_bits(struct bits *bits, int count)
{
    uint32_t value = 0;
    while (count-- > 0)
        value = value << 1 | read_bit(bits);
    return value;
}

static void skip_bits(struct bits *bits, int count)
{
    while (count-- > 0)
        read_bit(bits);
}

/* ue(v) */
static uint32_t read_ue(struct bits *bits)
{
    int zeros = 0;
    while (zeros < 32 && !bits->overrun && !read_bit(bits))
        zeros++;
    if (zeros == 0)
        return 0;
    if (zeros == 32 || bits->overrun) {
        bits->overrun = true;
        return 0;
    }
    return (UINT32_C(1) << zeros) - 1 + read_bits(bits, zeros);
}

/* se(v) */
static int32_t read_se(struct bits *bits)
{
    uint32_t code = read_ue(bits);
    int32_t half = (int32_t)(code / 2);
    return code & 1 ? half + 1 : -half;
}

static void skip_ue(struct bits *bits, int count)
{
    while (count-- > 0)
        read_ue(bits);
}

static void skip_scaling_lists(struct bits *bits, int count)
{
    for (int i = 0; i < count; i++) {
        if (!read_bit(bits))
            continue;
        int size = i < 6 ? 16 : 64, last = 8, next = 8;
        for (int j = 0; j < size && next && !bits->overrun; j++) {
            next = (int)((last + (int64_t)read_se(bits)) & 0xff);
            if (next)
                last = next;
        }
    }
}

/* Returns chroma_format_idc. */
static uint32_t read_h264_high_profile(struct bits *bits)
{
    uint32_t chroma = read_ue(bits);
    if (chroma == 3)
        skip_bits(bits, 1);
    skip_ue(bits, 2);
    skip_bits(bits, 1);
    if (read_bit(bits))
        skip_scaling_lists(bits, chroma == 3 ? 12 : 8);
    return chroma;
}

/* Returns pic_order_cnt_type. */
static uint32_t read_h264_picture_order(struct bits *bits)
{
    uint32_t type = read_ue(bits);
    if (type == 0) {
        read_ue(bits);
    } else if (type == 1) {
        skip_bits(bits, 1);
        skip_ue(bits, 2);
        uint32_t count = read_ue(bits);
        if (count > 255)
            bits->overrun = true;
        else
            skip_ue(bits, (int)count);
    }
    return type;
}

static void skip_h264_hrd(struct bits *bits)
{
    uint32_t count = read_ue(bits) + 1;
    skip_bits(bits, 8);
    for (uint32_t i = 0; i < count && !bits->overrun; i++) {
        skip_ue(bits, 2);
        skip_bits(bits, 1);
    }
    skip_bits(bits, 20);
}

/* max_num_reorder_frames, -1 when it is not there. */
static int read_h264_vui_reorder(struct bits *bits)
{
    if (read_bit(bits) && read_bits(bits, 8) == 255) /* aspect ratio */
        skip_bits(bits, 32);
    if (read_bit(bits)) /* overscan */
        skip_bits(bits, 1);
    if (read_bit(bits)) { /* video signal */
        skip_bits(bits, 4);
        if (read_bit(bits))
            skip_bits(bits, 24);
    }
    if (read_bit(bits)) /* chroma location */
        skip_ue(bits, 2);
    if (read_bit(bits)) /* timing */
        skip_bits(bits, 65);
    unsigned nal_hrd = read_bit(bits);
    if (nal_hrd)
        skip_h264_hrd(bits);
    unsigned vcl_hrd = read_bit(bits);
    if (vcl_hrd)
        skip_h264_hrd(bits);
    if (nal_hrd || vcl_hrd)
        skip_bits(bits, 1);
    skip_bits(bits, 1);
    if (!read_bit(bits)) /* bitstream restriction */
        return -1;
    skip_bits(bits, 1);
    skip_ue(bits, 4);
    uint32_t reorder = read_ue(bits);
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
    skip_bits(bits, 8);
    uint32_t profile = read_bits(bits, 8);
    skip_bits(bits, 16);
    read_ue(bits);
    uint32_t chroma = is_h264_high_profile(profile) ? read_h264_high_profile(bits) : 1;
    read_ue(bits);
    uint32_t order = read_h264_picture_order(bits);
    read_ue(bits);
    skip_bits(bits, 1);
    uint64_t width = 16 * ((uint64_t)read_ue(bits) + 1);
    uint64_t units = (uint64_t)read_ue(bits) + 1;
    unsigned fields = 2 - read_bit(bits); /* 1: frames only */
    if (fields == 2)
        skip_bits(bits, 1);
    skip_bits(bits, 1);
    uint64_t crop_x = 0, crop_y = 0;
    if (read_bit(bits)) {
        crop_x = (uint64_t)read_ue(bits) + read_ue(bits);
        crop_y = (uint64_t)read_ue(bits) + read_ue(bits);
    }
    if (bits->overrun)
        return false;
    sps->width = cropped(width, crop_x * (chroma == 1 || chroma == 2 ? 2 : 1));
    sps->height = cropped(units * 16 * fields, crop_y * (chroma == 1 ? 2 : 1) * fields);

    sps->reorder_frames = read_bit(bits) ? read_h264_vui_reorder(bits) : -1;
    if (profile == 66 || order == 2)
        sps->reorder_frames =
            0; /* Baseline has no B pictures; type 2 is output order by definition */
    return true;
}

static void skip_h265_profile_tier_level(struct bits *bits, int sub_layers)
{
    skip_bits(bits, 96);
    unsigned present[8] = {0};
    for (int i = 0; i < sub_layers; i++)
        present[i] = read_bits(bits, 2);
    if (sub_layers > 0)
        skip_bits(bits, 2 * (8 - sub_layers));
    for (int i = 0; i < sub_layers; i++)
        skip_bits(bits, (present[i] & 2 ? 88 : 0) + (present[i] & 1 ? 8 : 0));
}

static bool parse_h265(struct sps *sps, struct bits *bits)
{
    skip_bits(bits, 16 + 4);
    int sub_layers = (int)read_bits(bits, 3); /* besides the first */
    skip_bits(bits, 1);
    skip_h265_profile_tier_level(bits, sub_layers);
    read_ue(bits);
    uint32_t chroma = read_ue(bits);
    if (chroma == 3)
        skip_bits(bits, 1);
    uint64_t width = read_ue(bits), height = read_ue(bits);
    uint64_t crop_x = 0, crop_y = 0;
    if (read_bit(bits)) {
        crop_x = (uint64_t)read_ue(bits) + read_ue(bits);
        crop_y = (uint64_t)read_ue(bits) + read_ue(bits);
    }
    skip_ue(bits, 3);
    uint32_t reorder = 0;
    for (int i = read_bit(bits) ? 0 : sub_layers; i <= sub_layers; i++) {
        read_ue(bits);
        reorder = read_ue(bits);
        read_ue(bits);
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
