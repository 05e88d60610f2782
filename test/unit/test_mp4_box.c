#include "bytes.h"

#include "segment/mp4_box.h"

#define ABCD MP4_TYPE('a', 'b', 'c', 'd')

static void test_headers(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        uint64_t size; /* 0: it is none */
        int header_bytes;
    } cases[] = {
        {"00000010 61626364", 16, 8},
        {"00000008 61626364", 8, 8},
        {"ffffffff 61626364", 0xffffffff, 8},
        {"00000001 61626364 0000000000000010", 16, 16},
        {"00000001 61626364 0000000100000000", UINT64_C(1) << 32, 16},
        {"00000001 61626364 7fffffffffffffff", INT64_MAX, 16},
        {"00000001 61626364 8000000000000000", 0, 0},
        {"00000001 61626364 000000000000000f", 0, 0},
        {"00000001 61626364 00000000000000", 0, 0},
        {"00000000 61626364", 0, 0},
        {"00000000 00000000", 0, 0},
        {"00000002 61626364", 0, 0},
        {"00000007 61626364", 0, 0},
        {"00000010 616263", 0, 0},
        {"", 0, 0},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct mp4_header header;
        size_t size;
        uint8_t *data = bytes_of(cases[i].hex, &size);
        bool is_valid = mp4_header_parse(&header, data, size);
        require(is_valid == (cases[i].size > 0), "%s", cases[i].hex);
        if (is_valid) {
            assert_int_equal(header.type, ABCD);
            assert_true(header.size == cases[i].size);
            assert_int_equal(header.header_bytes, cases[i].header_bytes);
        }
        free(data);
    }
}

static void test_boxes_one_after_the_other(void **state)
{
    (void)state;
    size_t size;
    uint8_t *data = bytes_of("0000000a 61626364 0102"
                             "00000001 65666768 0000000000000011 03"
                             "00000009 61626364 04"
                             "00000009 696a6b6c",
                             &size);
    const uint8_t *next = data;
    struct mp4_box box;
    assert_true(mp4_box_next(&box, &next, data + size));
    assert_int_equal(box.type, ABCD);
    assert_ptr_equal(box.start, data);
    assert_ptr_equal(box.data, data + 8);
    assert_int_equal(box.size, 2);
    assert_true(mp4_box_next(&box, &next, data + size));
    assert_int_equal(box.type, MP4_TYPE('e', 'f', 'g', 'h'));
    assert_int_equal(box.size, 1);
    assert_int_equal(box.data[0], 3);
    assert_true(mp4_box_next(&box, &next, data + size));
    const uint8_t *torn = next;
    assert_false(mp4_box_next(&box, &next, data + size));
    assert_ptr_equal(next, torn);
    assert_false(mp4_box_next(&box, &torn, torn));

    struct mp4_box parent = {.data = data, .size = size};
    assert_true(mp4_box_find(&box, &parent, ABCD));
    assert_int_equal(box.data[0], 1); /* the first */
    assert_false(mp4_box_find(&box, &parent, MP4_TYPE('i', 'j', 'k', 'l')));
    assert_true(mp4_box_find(&parent, &parent, MP4_TYPE('e', 'f', 'g', 'h')));
    assert_int_equal(parent.data[0], 3);
    free(data);
}

static void test_writing(void **state)
{
    (void)state;
    struct mp4_buffer out = {0};
    size_t outer = mp4_box_begin(&out, ABCD);
    mp4_put(&out, "\x12\x34", 2);
    size_t inner = mp4_box_begin(&out, MP4_TYPE('e', 'f', 'g', 'h'));
    mp4_put_u64(&out, UINT64_C(0x0102030405060708));
    mp4_put(&out, NULL, 0);
    mp4_box_end(&out, inner);
    mp4_box_end(&out, outer);
    mp4_patch_u32(&out, 18, 0xa1a2a3a4);
    size_t size;
    uint8_t *expected =
        bytes_of("0000001a 61626364 1234 00000010 65666768 a1a2a3a4 05060708", &size);
    assert_int_equal(out.size, size);
    assert_memory_equal(out.data, expected, size);
    mp4_patch_u64(&out, 18, UINT64_C(0xfffefdfcfbfaf9f8));
    assert_int_equal(mp4_u64(out.data + 18), UINT64_C(0xfffefdfcfbfaf9f8));
    free(expected);
    mp4_buffer_uninit(&out);
    assert_null(out.data);
}

static int reallocs_left;

void *__real_realloc(void *data, size_t size);
void *__wrap_realloc(void *data, size_t size);

void *__wrap_realloc(void *data, size_t size)
{
    return reallocs_left-- > 0 ? __real_realloc(data, size) : NULL;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    static const uint8_t bytes[1000];
    struct mp4_buffer out = {0};
    reallocs_left = 1;
    size_t box = mp4_box_begin(&out, ABCD);
    assert_false(out.failed);
    mp4_put(&out, bytes, sizeof(bytes));
    assert_true(out.failed);
    reallocs_left = 1000;
    mp4_put_u64(&out, 1);
    mp4_box_end(&out, box);
    assert_true(out.failed); /* it stays */
    assert_int_equal(out.size, 8);
    mp4_buffer_uninit(&out);
    assert_false(out.failed);
}

int main(void)
{
    reallocs_left = 1000000;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_boxes_one_after_the_other),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
