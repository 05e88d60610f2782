#include "bytes.h"
#include "sps_samples.h"

#include "ingest/sps.h"

static void test_samples(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(sps_samples); i++) {
        const struct sps_sample *sample = &sps_samples[i];
        size_t size;
        uint8_t *data = bytes_of(sample->hex, &size);
        struct nal nal = {data, size};
        struct sps sps;
        assert_int_equal(nal_kind(sample->codec, &nal), NAL_SPS);
        require(sps_parse(&sps, sample->codec, &nal), "%s", sample->name);
        require(sps.width == sample->width && sps.height == sample->height, "%s: %dx%d",
                sample->name, sps.width, sps.height);
        require(sps.reorder_frames == sample->reorder_frames, "%s: %d", sample->name,
                sps.reorder_frames);
        free(data);
    }
}

/* Whatever is read must be sane. */
static void check_sane(enum AVCodecID codec, const uint8_t *data, size_t size, const char *name)
{
    struct sps sps;
    if (!sps_parse(&sps, codec, &(struct nal){data, size}))
        return;
    require(sps.width > 0 && sps.width <= 16384 && sps.height > 0 && sps.height <= 16384,
            "%s: %dx%d", name, sps.width, sps.height);
    require(sps.reorder_frames >= -1 && sps.reorder_frames <= 16, "%s: %d", name,
            sps.reorder_frames);
}

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(sps_samples); i++) {
        size_t whole;
        uint8_t *data = bytes_of(sps_samples[i].hex, &whole);
        for (size_t size = 0; size < whole; size++) {
            uint8_t *cut = malloc(size ? size : 1);
            memcpy(cut, data, size);
            check_sane(sps_samples[i].codec, cut, size, sps_samples[i].name);
            struct sps sps;
            /* The size stands behind profile, level and more: half of that says nothing. */
            if (size < 6)
                assert_false(sps_parse(&sps, sps_samples[i].codec, &(struct nal){cut, size}));
            free(cut);
        }
        free(data);
    }
}

static void test_flipped_bits(void **state)
{
    (void)state;
    uint64_t random = 41;
    for (size_t i = 0; i < LENGTH(sps_samples); i++) {
        size_t size;
        uint8_t *data = bytes_of(sps_samples[i].hex, &size);
        for (size_t bit = 0; bit < 8 * size; bit++) {
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            check_sane(sps_samples[i].codec, data, size, sps_samples[i].name);
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        uint8_t *copy = malloc(size);
        for (int round = 0; round < 5000; round++) {
            memcpy(copy, data, size);
            for (int64_t flips = random_between(&random, 2, 30); flips > 0; flips--)
                copy[next_random(&random) % size] ^= (uint8_t)(1 << next_random(&random) % 8);
            check_sane(sps_samples[i].codec, copy, size, sps_samples[i].name);
        }
        free(copy);
        free(data);
    }
}

static void test_random_bytes(void **state)
{
    (void)state;
    uint64_t random = 43;
    for (int round = 0; round < 100000; round++) {
        size_t size = (size_t)random_between(&random, 1, 60);
        uint8_t *data = malloc(size);
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)(round % 2 ? next_random(&random) : next_random(&random) & 0x11);
        data[0] = round % 4 < 2 ? 0x67 : 0x42;
        if (size > 1 && round % 4 < 2)
            data[1] = (uint8_t)(next_random(&random) % 2 ? 100 : 66);
        check_sane(round % 4 < 2 ? AV_CODEC_ID_H264 : AV_CODEC_ID_HEVC, data, size, "random");
        free(data);
    }
}

/* Sets written bit by bit, for what encoders at hand do not write. */
struct bit_writer {
    uint8_t data[256];
    int bits;
};

static void put(struct bit_writer *writer, int count, uint64_t value)
{
    while (count-- > 0) {
        if (count < 64 && value >> count & 1)
            writer->data[writer->bits / 8] |= (uint8_t)(0x80 >> writer->bits % 8);
        writer->bits++;
    }
}

static void put_ue(struct bit_writer *writer, uint64_t value)
{
    int length = 0;
    while ((value + 1) >> (length + 1))
        length++;
    put(writer, length, 0);
    put(writer, length + 1, value + 1);
}

static bool parse_written(struct sps *sps, enum AVCodecID codec, struct bit_writer *writer)
{
    put(writer, 1, 1); /* rbsp_stop_one_bit */
    size_t size = 0;
    uint8_t data[512];
    int zeros = 0;
    for (int i = 0; i < (writer->bits + 7) / 8; i++) {
        if (zeros == 2 && writer->data[i] <= 3) {
            data[size++] = 3;
            zeros = 0;
        }
        data[size++] = writer->data[i];
        zeros = writer->data[i] ? 0 : zeros + 1;
    }
    return sps_parse(sps, codec, &(struct nal){data, size});
}

struct h264 {
    int profile, order_type;
    uint64_t width_mbs, height_units, crop_right, crop_bottom;
    int reorder; /* -1: no VUI; -2: a VUI without bitstream restriction */
};

static bool parse_h264(struct sps *sps, const struct h264 *set)
{
    struct bit_writer writer = {.bits = 0};
    put(&writer, 8, 0x67);
    put(&writer, 8, (uint64_t)set->profile);
    put(&writer, 16, 0x001f);
    put_ue(&writer, 0);
    if (set->profile == 100) {
        put_ue(&writer, 1);
        put_ue(&writer, 0);
        put_ue(&writer, 0);
        put(&writer, 2, 0);
    }
    put_ue(&writer, 0);
    put_ue(&writer, (uint64_t)set->order_type);
    if (set->order_type == 0) {
        put_ue(&writer, 2);
    } else if (set->order_type == 1) {
        put(&writer, 1, 0);
        put_ue(&writer, 3);
        put_ue(&writer, 4);
        put_ue(&writer, 2); /* num_ref_frames_in_pic_order_cnt_cycle */
        put_ue(&writer, 1);
        put_ue(&writer, 2);
    }
    put_ue(&writer, 4);
    put(&writer, 1, 0);
    put_ue(&writer, set->width_mbs - 1);
    put_ue(&writer, set->height_units - 1);
    put(&writer, 2, 3);
    put(&writer, 1, 1);
    put_ue(&writer, 0);
    put_ue(&writer, set->crop_right);
    put_ue(&writer, 0);
    put_ue(&writer, set->crop_bottom);
    put(&writer, 1, set->reorder != -1);
    if (set->reorder != -1) {
        put(&writer, 1, 1);
        put(&writer, 8, 255); /* Extended_SAR */
        put(&writer, 32, 0x00010001);
        put(&writer, 2, 3); /* overscan */
        put(&writer, 1, 1); /* video signal with colours */
        put(&writer, 29, 0x0b010101);
        put(&writer, 1, 1); /* chroma location */
        put_ue(&writer, 0);
        put_ue(&writer, 0);
        put(&writer, 1, 1); /* timing */
        put(&writer, 65, 0);
        put(&writer, 2, 0);
        put(&writer, 1, 0);
        put(&writer, 1, set->reorder >= 0);
        if (set->reorder >= 0) {
            put(&writer, 1, 1);
            for (int i = 0; i < 4; i++)
                put_ue(&writer, 0);
            put_ue(&writer, (uint64_t)set->reorder);
            put_ue(&writer, 16);
        }
    }
    return parse_written(sps, AV_CODEC_ID_H264, &writer);
}

static void test_written_h264(void **state)
{
    (void)state;
    static const struct {
        struct h264 set;
        int width, height, reorder_frames; /* width 0: refused */
    } rows[] = {
        {{100, 0, 40, 23, 0, 4, 2}, 640, 360, 2},
        {{100, 0, 40, 23, 0, 4, 16}, 640, 360, 16},
        {{100, 0, 40, 23, 0, 4, 17}, 640, 360, -1}, /* beyond what H.264 allows */
        {{100, 0, 40, 23, 0, 4, -1}, 640, 360, -1},
        {{77, 0, 40, 23, 0, 4, -2}, 640, 360, -1},
        {{66, 0, 40, 23, 0, 4, -1}, 640, 360, 0}, /* Baseline has no B pictures */
        {{77, 2, 40, 23, 0, 4, -1}, 640, 360, 0}, /* output order by definition */
        {{77, 1, 40, 23, 0, 4, 1}, 640, 360, 1},
        {{77, 0, 1, 1, 0, 0, 0}, 16, 16, 0},
        {{77, 0, 1, 1, 7, 7, 0}, 2, 2, 0},
        {{77, 0, 1, 1, 8, 0, 0}, 0, 0, 0}, /* nothing is left */
        {{77, 0, 1024, 1024, 0, 0, 0}, 16384, 16384, 0},
        {{77, 0, 1025, 1, 0, 0, 0}, 0, 0, 0},
        {{77, 0, UINT32_MAX, UINT32_MAX, 0, 0, 0}, 0, 0, 0},
        {{77, 0, 40, 23, UINT32_MAX - 1, 0, 0}, 0, 0, 0},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct sps sps;
        bool ok = parse_h264(&sps, &rows[i].set);
        require(ok == (rows[i].width > 0), "row %zu", i);
        if (ok)
            require(sps.width == rows[i].width && sps.height == rows[i].height &&
                        sps.reorder_frames == rows[i].reorder_frames,
                    "row %zu: %dx%d %d", i, sps.width, sps.height, sps.reorder_frames);
    }
}

/* The highest sub-layer is the stream that is recorded: its number of frames counts. */
static bool parse_h265(struct sps *sps, int sub_layers, bool ordering_of_each, int reorder,
                       uint64_t width)
{
    struct bit_writer writer = {.bits = 0};
    put(&writer, 16, 0x4201);
    put(&writer, 4, 0);
    put(&writer, 3, (uint64_t)sub_layers);
    put(&writer, 1, 1);
    put(&writer, 48, 0x016000000300);
    put(&writer, 48, 0x90000000005a);
    for (int i = 0; i < sub_layers; i++)
        put(&writer, 2, (uint64_t)(i % 4)); /* every combination of profile and level */
    if (sub_layers)
        put(&writer, 2 * (8 - sub_layers), 0);
    for (int i = 0; i < sub_layers; i++) {
        put(&writer, i % 4 & 2 ? 44 : 0, 0xfffffffffff);
        put(&writer, i % 4 & 2 ? 44 : 0, 0xfffffffffff);
        put(&writer, i % 4 & 1 ? 8 : 0, 90);
    }
    put_ue(&writer, 0);
    put_ue(&writer, 1);
    put_ue(&writer, width);
    put_ue(&writer, 200);
    put(&writer, 1, 1);
    put_ue(&writer, 1);
    put_ue(&writer, 2);
    put_ue(&writer, 3);
    put_ue(&writer, 4);
    put_ue(&writer, 0);
    put_ue(&writer, 0);
    put_ue(&writer, 4);
    put(&writer, 1, ordering_of_each);
    for (int i = ordering_of_each ? 0 : sub_layers; i <= sub_layers; i++) {
        put_ue(&writer, 4);
        put_ue(&writer, (uint64_t)(i == sub_layers ? reorder : 0));
        put_ue(&writer, 0);
    }
    return parse_written(sps, AV_CODEC_ID_HEVC, &writer);
}

static void test_written_h265(void **state)
{
    (void)state;
    for (int sub_layers = 0; sub_layers < 7; sub_layers++) {
        for (int each = 0; each < 2; each++) {
            struct sps sps;
            require(parse_h265(&sps, sub_layers, each, 3, 400), "%d", sub_layers);
            require(sps.width == 400 - 6 && sps.height == 200 - 14 && sps.reorder_frames == 3,
                    "%d: %dx%d %d", sub_layers, sps.width, sps.height, sps.reorder_frames);
        }
    }
    struct sps sps;
    assert_false(parse_h265(&sps, 0, true, 17, 400));
    assert_false(parse_h265(&sps, 0, true, 0, 0));
    assert_false(parse_h265(&sps, 0, true, 0, 6));
    assert_false(parse_h265(&sps, 0, true, 0, 16385));
    assert_false(parse_h265(&sps, 0, true, 0, UINT32_MAX - 1));
    assert_true(parse_h265(&sps, 0, true, 16, 16384));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples),      cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_flipped_bits), cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_written_h264), cmocka_unit_test(test_written_h265),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
