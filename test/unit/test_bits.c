#include "bytes.h"

#include "ingest/bits.h"

/* The bits of hexadecimal digits; data is the caller's to free. */
static struct bits bits_of(const char *hex, uint8_t **data)
{
    size_t size;
    *data = bytes_of(hex, &size);
    return (struct bits){.next = *data, .end = *data + size};
}

static void test_numbers(void **state)
{
    (void)state;
    uint8_t *data;
    struct bits bits = bits_of("a5 ff00 80", &data);
    assert_int_equal(bits_read_one(&bits), 1);
    assert_int_equal(bits_read(&bits, 3), 2);
    assert_int_equal(bits_read(&bits, 12), 0x5ff);
    bits_skip(&bits, 8);
    assert_int_equal(bits_read_one(&bits), 1);
    assert_false(bits.overrun);
    assert_int_equal(bits_read(&bits, 8), 0); /* seven zeros, and one that is not there */
    assert_true(bits.overrun);
    free(data);
}

static void test_exp_golomb(void **state)
{
    (void)state;
    uint8_t *data;
    /* 1, 010, 011, 00100, 00101: 0 to 4; as signed ones 0, 1, -1, 2, -2. */
    struct bits bits = bits_of("a642 80", &data), again = bits;
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(bits_read_ue(&bits), i);
    static const int32_t expected[] = {0, 1, -1, 2};
    for (size_t i = 0; i < LENGTH(expected); i++)
        assert_int_equal(bits_read_se(&again), expected[i]);
    free(data);

    bits = bits_of("a642 80", &data);
    bits_skip_ue(&bits, 3);
    assert_int_equal(bits_read_ue(&bits), 3);
    free(data);

    /* The largest, and one that is larger than any number may be. */
    bits = bits_of("00000001 fffffffe", &data);
    assert_int_equal(bits_read_ue(&bits), 0xfffffffe);
    free(data);
    bits = bits_of("0000000080000000 00", &data);
    assert_int_equal(bits_read_ue(&bits), 0);
    assert_true(bits.overrun);
    free(data);
}

static void test_emulation_prevention(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint32_t value;
    } rows[] = {
        {"00000301", 0x000001},   {"00000303", 0x000003}, {"000003000003", 0x000000},
        {"0003000000", 0x000300}, {"01000003", 0x010000},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uint8_t *data;
        struct bits bits = bits_of(rows[i].hex, &data);
        uint32_t value = bits_read(&bits, 24);
        require(value == rows[i].value && !bits.overrun, "%s: %06x", rows[i].hex, value);
        free(data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_exp_golomb),
        cmocka_unit_test(test_emulation_prevention),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
