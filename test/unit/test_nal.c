#include "bytes.h"

#include <libavcodec/codec_id.h>

#include "ingest/nal.h"

/* The NAL units of a text as "67 42|68|": each in hexadecimal digits, ended by "|". */
static void split(const char *hex, char *out)
{
    size_t size;
    uint8_t *data = bytes_of(hex, &size);
    const uint8_t *next = data;
    struct nal nal;
    *out = '\0';
    while (nal_next(&nal, &next, data + size)) {
        assert_true(nal.data >= data && nal.data + nal.size <= data + size);
        for (size_t i = 0; i < nal.size; i++)
            out += sprintf(out, "%02x", nal.data[i]);
        out += sprintf(out, "|");
    }
    assert_ptr_equal(next, data + size);
    free(data);
}

static void test_next(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *units;
    } rows[] = {
        {"", ""},
        {"00", ""},
        {"000001", ""},
        {"00000001", ""},
        {"0000000000", ""},
        {"010203", ""},
        {"00000167", "67|"},
        {"0000000167", "67|"},
        {"00000000000167", "67|"},
        {"000001674200000168", "6742|68|"},
        {"00000167420000000168ce", "6742|68ce|"},
        {"0000016742000000000000000168", "6742|68|"}, /* trailing_zero_8bits */
        {"00000165000003000001", "65000003|"},        /* a beginning without a unit is none */
        {"000001650000", "65|"},
        {"000001000001 65", "|65|"}, /* an empty unit between two start codes */
        {"ffff000001 65", "65|"},    /* bytes before the first start code belong to nothing */
        {"0000016501010101", "6501010101|"},
        {"00000165000002000003", "65000002000003|"},
        {"0000010000010000016500", "||65|"},
        {"0000016501000001 00000141", "6501||41|"},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        char units[256];
        split(rows[i].hex, units);
        require(!strcmp(units, rows[i].units), "%s: %s", rows[i].hex, units);
    }
}

/* The slow way to say the same. */
static void split_slowly(const uint8_t *data, size_t size, size_t *starts, size_t *ends, int *count)
{
    *count = 0;
    for (size_t i = 0; i + 3 < size;) {
        if (data[i] || data[i + 1] || data[i + 2] != 1) {
            i++;
            continue;
        }
        size_t start = i + 3, end = start;
        while (end < size &&
               !(end + 2 < size && !data[end] && !data[end + 1] && data[end + 2] == 1))
            end++;
        i = end;
        while (end > start && data[end - 1] == 0)
            end--;
        starts[*count] = start;
        ends[(*count)++] = end;
    }
}

static void test_next_on_random_bytes(void **state)
{
    (void)state;
    uint64_t random = 31;
    for (int round = 0; round < 50000; round++) {
        size_t size = (size_t)random_between(&random, 1, 40), starts[40], ends[40];
        uint8_t *data = malloc(size);
        for (size_t i = 0; i < size; i++)
            data[i] = (uint8_t)random_between(&random, 0, 2);
        int expected, count = 0;
        split_slowly(data, size, starts, ends, &expected);
        const uint8_t *next = data;
        struct nal nal;
        while (nal_next(&nal, &next, data + size)) {
            require(count < expected && nal.data == data + starts[count] &&
                        nal.size == ends[count] - starts[count],
                    "round %d, unit %d", round, count);
            count++;
        }
        require(count == expected, "round %d: %d of %d", round, count, expected);
        free(data);
    }
}

static void test_starts(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        bool starts;
    } rows[] = {
        {"", false},         {"000001", false},   {"00000167", true},  {"0000000167", true},
        {"00000001", true},  {"000000", false},   {"00000000", false}, {"00000100", true},
        {"67000001", false}, {"00010000", false}, {"00000002", false},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        size_t size;
        uint8_t *data = bytes_of(rows[i].hex, &size);
        require(nal_starts(data, size) == rows[i].starts, "%s", rows[i].hex);
        free(data);
    }
    assert_false(nal_starts(NULL, 0));
}

static enum nal_kind kind(enum AVCodecID codec, uint8_t first)
{
    const uint8_t data[2] = {first, 1};
    return nal_kind(codec, &(struct nal){data, sizeof(data)});
}

static void test_kinds_of_h264(void **state)
{
    (void)state;
    for (int type = 0; type < 32; type++) {
        enum nal_kind expected = type >= 1 && type <= 4     ? NAL_SLICE
                                 : type == 5                ? NAL_KEY_SLICE
                                 : type == 6                ? NAL_SEI
                                 : type == 7                ? NAL_SPS
                                 : type == 8                ? NAL_PPS
                                 : type == 9                ? NAL_DELIMITER
                                 : type >= 10 && type <= 12 ? NAL_FILLER
                                                            : NAL_OTHER;
        for (int importance = 0; importance < 4; importance++)
            assert_int_equal(kind(AV_CODEC_ID_H264, (uint8_t)(importance << 5 | type)), expected);
    }
}

static void test_kinds_of_h265(void **state)
{
    (void)state;
    for (int type = 0; type < 64; type++) {
        enum nal_kind expected = type < 16                  ? NAL_SLICE
                                 : type < 24                ? NAL_KEY_SLICE
                                 : type == 32               ? NAL_VPS
                                 : type == 33               ? NAL_SPS
                                 : type == 34               ? NAL_PPS
                                 : type == 35               ? NAL_DELIMITER
                                 : type >= 36 && type <= 38 ? NAL_FILLER
                                 : type == 39               ? NAL_SEI
                                                            : NAL_OTHER;
        for (int layer = 0; layer < 2; layer++)
            assert_int_equal(kind(AV_CODEC_ID_HEVC, (uint8_t)(type << 1 | layer)), expected);
    }
    struct nal empty = {(const uint8_t *)"", 0};
    assert_int_equal(nal_kind(AV_CODEC_ID_HEVC, &empty), NAL_OTHER);
    assert_int_equal(nal_kind(AV_CODEC_ID_H264, &empty), NAL_OTHER);
}

static bool is_recovery_point(const char *hex)
{
    size_t size;
    uint8_t *data = bytes_of(hex, &size);
    bool result = nal_is_recovery_point(&(struct nal){data, size});
    free(data);
    return result;
}

static void test_recovery_point(void **state)
{
    (void)state;
    assert_true(is_recovery_point("06 06 01 c4 80"));            /* recovery_frame_cnt 0 */
    assert_false(is_recovery_point("06 06 01 50 80"));           /* 1 */
    assert_true(is_recovery_point("06 01 02 1234 06 01 c4 80")); /* behind picture timing */
    assert_false(is_recovery_point("06 05 04 06 01 c4 80 80"));  /* within other data */
    assert_true(is_recovery_point("06 ff01 01 00 06 01 84 80")); /* behind type 256 */
    assert_false(is_recovery_point("06 ff06 01 80 80"));         /* type 261 */
    assert_false(is_recovery_point("06 06 00 80"));              /* an empty one */
    assert_false(is_recovery_point("06 06 05 80"));              /* longer than the unit */
    assert_false(is_recovery_point("06 01 ffffff"));
    assert_false(is_recovery_point("06 ffffffff"));
    assert_false(is_recovery_point("06"));
    assert_false(is_recovery_point("06 80"));
}

/* Numbers are sums of bytes: a camera's 16 MiB of 0xff must not overflow one. */
static void test_recovery_point_of_endless_numbers(void **state)
{
    (void)state;
    size_t size = 12 * 1024 * 1024;
    uint8_t *data = malloc(size);
    memset(data, 0xff, size);
    data[0] = 6;
    assert_false(nal_is_recovery_point(&(struct nal){data, size}));
    data[size - 4] = 1; /* ends the type */
    assert_false(nal_is_recovery_point(&(struct nal){data, size}));
    data[1] = 1;
    assert_false(nal_is_recovery_point(&(struct nal){data, size}));
    free(data);
}

static void test_recovery_point_on_random_bytes(void **state)
{
    (void)state;
    uint64_t random = 5;
    for (int round = 0; round < 50000; round++) {
        size_t size = (size_t)random_between(&random, 1, 12);
        uint8_t *data = malloc(size);
        for (size_t i = 0; i < size; i++)
            data[i] =
                (uint8_t)(random_between(&random, 0, 3) ? random_between(&random, 0, 8) : 255);
        nal_is_recovery_point(&(struct nal){data, size});
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_next),
        cmocka_unit_test(test_next_on_random_bytes),
        cmocka_unit_test(test_starts),
        cmocka_unit_test(test_kinds_of_h264),
        cmocka_unit_test(test_kinds_of_h265),
        cmocka_unit_test(test_recovery_point),
        cmocka_unit_test(test_recovery_point_of_endless_numbers),
        cmocka_unit_test(test_recovery_point_on_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
