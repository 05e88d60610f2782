#include "bytes.h"

#include "ingest/rtp_payload.h"

/* The short way says what the walk said: one piece that is not the first. */
static void check_rest(enum AVCodecID codec, const uint8_t *data, size_t size,
                       const struct rtp_unit *unit)
{
    struct rtp_rest rest = {0};
    bool has_number = codec == AV_CODEC_ID_H264 && size > 0 && (data[0] & 0x1f) == 29; /* FU-B */
    bool is_rest = unit->is_piece && !unit->begins && !has_number;
    assert_int_equal(rtp_payload_goes_on(&rest, codec, data, size), is_rest);
    if (!is_rest)
        return;
    assert_ptr_equal(rest.data, unit->data);
    assert_int_equal(rest.size, unit->size);
    assert_int_equal(rest.ends, unit->ends);
}

/* Writes each unit: "|DATA" of a whole one, "(HEADER[<][>] DATA)" of a piece, < and > where the NAL
 * unit begins and ends. */
static void walk(enum AVCodecID codec, bool has_donl, const char *hex, char *out)
{
    size_t size;
    uint8_t *data = bytes_of(hex, &size);
    struct rtp_payload payload;
    struct rtp_unit unit = {0};
    rtp_payload_begin(&payload, codec, has_donl, data, size);
    while (rtp_payload_next(&payload, &unit)) {
        int headers = codec == AV_CODEC_ID_HEVC ? 2 : 1;
        out += sprintf(out, unit.is_piece ? "(" : "|");
        for (int i = 0; unit.is_piece && i < headers; i++)
            out += sprintf(out, "%02x", unit.header[i]);
        if (unit.is_piece)
            out += sprintf(out, "%s%s ", unit.begins ? "<" : "", unit.ends ? ">" : "");
        else
            assert_memory_equal(unit.header, unit.data, headers);
        for (size_t i = 0; i < unit.size; i++)
            out += sprintf(out, "%02x", unit.data[i]);
        out += sprintf(out, unit.is_piece ? ")" : "");
    }
    check_rest(codec, data, size, &unit);
    assert_false(rtp_payload_next(&payload, &unit)); /* for good */
    free(data);
}

struct row {
    const char *payload, *units;
};

static void check(enum AVCodecID codec, bool has_donl, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char out[512] = "";
        walk(codec, has_donl, rows[i].payload, out);
        require(!strcmp(out, rows[i].units), "%s: %s", rows[i].payload, out);
    }
}

static void test_h264(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"4188", "|4188"},
        {"41", "|41"},
        {"", ""},
        {"0011", ""}, /* type 0 */
        {"78 0002 4188 0001 68", "|4188|68"},
        {"78 0000 0002 4188", "|4188"},
        {"78 0002 4188 0003 6811", "|4188"}, /* more than there is */
        {"78 0002 4188 00", "|4188"},
        {"7800", ""},
        {"7c 85 11", "(65< 11)"},
        {"7c 05 22", "(65 22)"},
        {"7c 45 33", "(65> 33)"},
        {"1c c1", "(01<> )"},
        {"1c 01", "(01 )"},
        {"1c", ""},
        {"7d 85 0007 11", "(65< 11)"},
        {"7d 05 0007 22", "(65 22)"},
        {"7d 85 0001 11", "(65< 11)"},
        {"7d 85 00", ""},
        {"7c", ""},
        {"79 0001 0002 4188", ""}, /* STAP-B, MTAP16, MTAP24 and two that nobody defined */
        {"7a 0001 0002 4188", ""},
        {"7b 0001 0002 4188", ""},
        {"7e 0001", ""},
        {"7f 0001", ""},
        {"00000001 6711 000001 6822", "|6711|6822"},
        {"000001 6711", "|6711"},
        {"00000001", ""},
        {"78 0006 00000001 6711 0005 000001 6822", "|6711|6822"},
        {"78 0008 00000001 00000001", ""},
    };
    check(AV_CODEC_ID_H264, false, rows, LENGTH(rows));
}

static void test_h265(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"0201d0", "|0201d0"},
        {"0201", "|0201"},
        {"02", ""},
        {"6001 0003 0201d0 0002 4001", "|0201d0|4001"},
        {"6001 0001 02 0003 0201d0", "|0201d0"}, /* half a header */
        {"6001", ""},
        {"6201 93 11", "(2601< 11)"},
        {"6201 13 22", "(2601 22)"},
        {"6201 53 33", "(2601> 33)"},
        {"630a d3", "(270a<> )"}, /* layer and temporal id stay */
        {"6201", ""},
        {"6401 0000", ""}, /* PACI */
        {"6601 0000", ""},
        {"00000001 4001 000001 4201", "|4001|4201"},
    };
    check(AV_CODEC_ID_HEVC, false, rows, LENGTH(rows));
}

static void test_h265_with_decoding_order_numbers(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"0201 0007 d0", "(0201<> d0)"},
        {"0201 00", ""},
        {"6001 0007 0003 0201d0 01 0002 4001", "|0201d0|4001"},
        {"6001 0007", ""},
        {"6001 00", ""},
        {"6201 93 0007 11", "(2601< 11)"},
        {"6201 13 22", "(2601 22)"},
        {"6201 93 00", ""},
    };
    check(AV_CODEC_ID_HEVC, true, rows, LENGTH(rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_h264),
        cmocka_unit_test(test_h265),
        cmocka_unit_test(test_h265_with_decoding_order_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
