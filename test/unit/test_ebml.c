#include "unit.h"

#include "segment/ebml.h"

static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        uint8_t data[9];
        size_t left;
        bool keep_marker;
        int length; /* 0: none */
        uint64_t value;
    } rows[] = {
        {{0x81}, 1, false, 1, 1},
        {{0x81}, 1, true, 1, 0x81},
        {{0x40, 0x02}, 2, false, 2, 2},
        {{0x40, 0x02}, 1, false, 0, 0},
        {{0xff}, 1, false, 1, EBML_UNKNOWN_SIZE},
        {{0xff}, 1, true, 1, 0xff},
        {{0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8, false, 8, EBML_UNKNOWN_SIZE},
        {{0x01, 0, 0, 0, 0, 0, 1, 0}, 8, false, 8, 256},
        {{0x00, 1}, 2, false, 0, 0},
        {{0}, 0, false, 0, 0},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        uint64_t value = 0;
        int length = 0;
        bool found =
            ebml_parse_number(rows[i].data, rows[i].left, rows[i].keep_marker, &value, &length);
        require(found == (rows[i].length > 0), "row %zu", i);
        if (found)
            require(length == rows[i].length && value == rows[i].value, "row %zu", i);
    }
}

static void test_elements(void **state)
{
    (void)state;
    static const uint8_t info[] = {0x15, 0x49, 0xA9, 0x66, 0x40, 0x10};
    struct ebml_element element;
    assert_true(ebml_parse(&element, info, sizeof(info), 1000));
    assert_int_equal(element.id, 0x1549A966);
    assert_int_equal(element.offset, 1000);
    assert_int_equal(element.data, 1006);
    assert_int_equal(element.size, 16);
    for (size_t size = 0; size < sizeof(info); size++)
        assert_false(ebml_parse(&element, info, size, 0));
    static const uint8_t long_id[] = {0x08, 0, 0, 0, 1, 0x81};
    assert_false(ebml_parse(&element, long_id, sizeof(long_id), 0));
    assert_int_equal(ebml_unsigned(info, 2), 0x1549);
    assert_int_equal(ebml_unsigned(info, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
