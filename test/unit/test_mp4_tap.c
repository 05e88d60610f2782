#include "image.h"
#include "recording.h"

#include "segment/mp4_tap.h"

/* Where the fragments of an open file begin. */
static size_t fragments_of(const struct image *open, size_t *moov, size_t *moov_bytes)
{
    size_t at = mp4_u32(open->data);
    at += mp4_u32(open->data + at);
    *moov = at;
    *moov_bytes = mp4_u32(open->data + at);
    assert_memory_equal(open->data + at + 4, "moov", 4);
    return at + *moov_bytes;
}

/* The moov after feeding an open file in portions of a size, or of random ones for 0. */
static struct mp4_buffer feed(const struct image *open, size_t portion)
{
    size_t moov, moov_bytes, at = fragments_of(open, &moov, &moov_bytes);
    uint64_t seed = 7;
    struct mp4_tap tap;
    mp4_tap_init(&tap, open->data + moov, moov_bytes, at);
    while (at < open->size) {
        size_t size = portion ? portion : (size_t)random_between(&seed, 0, 3000);
        size = size < open->size - at ? size : open->size - at;
        mp4_tap_feed(&tap, open->data + at, size);
        at += size;
    }
    assert_false(tap.failed);
    assert_int_equal(tap.offset, open->size);
    struct mp4_buffer out = {0};
    assert_true(mp4_table_write_moov(&tap.table, &out));
    mp4_tap_uninit(&tap);
    return out;
}

static void test_portions_make_no_difference(void **state)
{
    (void)state;
    static const char *const clips[] = {"h264tiny", "h265b"};
    static const size_t portions[] = {1, 2, 3, 7, 8, 15, 16, 17, 4096, 0};
    for (size_t i = 0; i < LENGTH(clips); i++) {
        struct recording recording;
        recording_make(&recording, &(struct recording_options){
                                       .clip = clips[i],
                                       .container = RTSPREC_CONTAINER_MP4,
                                       .duration_us = 3 * SECOND,
                                   });
        struct mp4_buffer whole = feed(&recording.open, recording.open.size);
        for (size_t k = 0; k < LENGTH(portions); k++) {
            struct mp4_buffer parts = feed(&recording.open, portions[k]);
            require(parts.size == whole.size && !memcmp(parts.data, whole.data, whole.size),
                    "%s in portions of %zu", clips[i], portions[k]);
            mp4_buffer_uninit(&parts);
        }
        mp4_buffer_uninit(&whole);
        recording_uninit(&recording);
    }
}

/* Boxes with sizes of 64 bits, one of which is larger than any memory. */
static void test_large_boxes(void **state)
{
    (void)state;
    struct recording recording;
    recording_make(&recording, &(struct recording_options){
                                   .clip = "h264tiny",
                                   .container = RTSPREC_CONTAINER_MP4,
                                   .duration_us = SECOND,
                               });
    size_t moov, moov_bytes, at = fragments_of(&recording.open, &moov, &moov_bytes);
    struct mp4_buffer box = {0};
    mp4_put_u32(&box, 1);
    mp4_put_u32(&box, MP4_TYPE('m', 'd', 'a', 't'));
    mp4_put_u64(&box, UINT64_C(1) << 40);
    for (size_t portion = 1; portion <= box.size; portion++) {
        struct mp4_tap tap;
        mp4_tap_init(&tap, recording.open.data + moov, moov_bytes, at);
        for (size_t fed = 0; fed < box.size; fed += portion) {
            size_t left = box.size - fed;
            mp4_tap_feed(&tap, box.data + fed, portion < left ? portion : left);
        }
        assert_false(tap.failed);
        assert_int_equal(tap.left, (UINT64_C(1) << 40) - 16);
        mp4_tap_uninit(&tap);
    }
    mp4_buffer_uninit(&box);
    recording_uninit(&recording);
}

static void test_damage_is_remembered(void **state)
{
    (void)state;
    struct recording recording;
    recording_make(&recording, &(struct recording_options){
                                   .clip = "h264tiny",
                                   .container = RTSPREC_CONTAINER_MP4,
                                   .duration_us = SECOND,
                               });
    size_t moov, moov_bytes, at = fragments_of(&recording.open, &moov, &moov_bytes);
    static const uint8_t zeros[64];
    struct mp4_tap tap;
    mp4_tap_init(&tap, recording.open.data + moov, moov_bytes, at);
    mp4_tap_feed(&tap, zeros, sizeof(zeros));
    assert_true(tap.failed);
    mp4_tap_feed(&tap, recording.open.data + at, recording.open.size - at);
    assert_true(tap.failed);
    mp4_tap_uninit(&tap);
    /* A moov that is none. */
    mp4_tap_init(&tap, zeros, sizeof(zeros), at);
    assert_true(tap.failed);
    mp4_tap_uninit(&tap);
    recording_uninit(&recording);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_portions_make_no_difference),
        cmocka_unit_test(test_large_boxes),
        cmocka_unit_test(test_damage_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
