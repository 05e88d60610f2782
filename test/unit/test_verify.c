/* Good files, and one with each kind of damage, which has to be named. */
#include "directory.h"
#include "frames.h"

#include <libavcodec/avcodec.h>

#include "segment/mp4_box.h"
#include "segment/verify.h"

static struct recording mp4, mkv;

static int make_recordings(void **state)
{
    (void)state;
    struct recording_options options = {
        .clip = "h264", .container = RTSPREC_CONTAINER_MP4, .duration_us = 2 * SECOND};
    recording_make(&mp4, &options);
    options.container = RTSPREC_CONTAINER_MKV;
    recording_make(&mkv, &options);
    return 0;
}

static int free_recordings(void **state)
{
    (void)state;
    recording_uninit(&mp4);
    recording_uninit(&mkv);
    return 0;
}

static void check(const char *path, const struct image *image, int code, const char *text)
{
    struct rtsprec_error error = {0};
    int64_t frames = -1;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    image_store(fd, image->data, image->size);
    close(fd);
    int err = segment_verify(path, &frames, &error);
    require(err == code && !strcmp(error.text, text), "%d \"%s\", not \"%s\"", err, error.text,
            text);
    if (err == 0)
        assert_int_equal(frames, 50);
}

static void check_broken(const char *path, const struct image *image, const char *text)
{
    check(path, image, RTSPREC_ERROR_UNSUPPORTED, text);
}

static void test_good_files(void **state)
{
    check(path_in(*state, "a.mp4"), &mp4.closed, 0, "");
    check(path_in(*state, "a.mkv"), &mkv.closed, 0, "");
    static const char *const clips[] = {"h265", "h264b", "h265b", "h265gop4", "mjpeg"};
    for (size_t i = 0; i < LENGTH(clips); i++) {
        for (int container = RTSPREC_CONTAINER_MP4; container <= RTSPREC_CONTAINER_MKV;
             container++) {
            struct recording recording;
            struct recording_options options = {.clip = clips[i],
                                                .container = (enum rtsprec_container)container,
                                                .duration_us = 2 * SECOND};
            recording_make(&recording, &options);
            check(path_in(*state, container ? "b.mkv" : "b.mp4"), &recording.closed, 0, "");
            recording_uninit(&recording);
        }
    }
}

static void test_not_closed(void **state)
{
    check_broken(path_in(*state, "a.mp4"), &mp4.open,
                 "the boxes of the file are not those of a closed segment");
}

static void test_no_media(void **state)
{
    struct image empty = {(uint8_t[]){0}, 0};
    struct image text = {(uint8_t[]){"This is long enough for a header, but it is none."}, 50};
    check_broken(path_in(*state, "a.mp4"), &empty, "the file is empty");
    check_broken(path_in(*state, "a.mkv"), &empty, "the file is empty");
    check_broken(path_in(*state, "a.mp4"), &text,
                 "the boxes of the file are not those of a closed segment");
    check_broken(path_in(*state, "a.mkv"), &text,
                 "the elements of the file are not those of a closed segment");
}

static void test_cut(void **state)
{
    const size_t cuts[] = {1, 2, 100, 20000};
    for (size_t i = 0; i < LENGTH(cuts); i++) {
        struct image cut = image_prefix(&mp4.closed, mp4.closed.size - cuts[i]);
        check_broken(path_in(*state, "a.mp4"), &cut,
                     "the boxes of the file are not those of a closed segment");
        image_uninit(&cut);
    }
}

static void test_bytes_behind_the_end(void **state)
{
    struct image longer = {malloc(mp4.closed.size + 16), mp4.closed.size + 16};
    memset(longer.data, 0, longer.size);
    memcpy(longer.data, mp4.closed.data, mp4.closed.size);
    check_broken(path_in(*state, "a.mp4"), &longer,
                 "the boxes of the file are not those of a closed segment");
    image_uninit(&longer);
}

/* The place of a box's data in a sealed mp4. */
static uint8_t *find_box(struct image *image, const char *type)
{
    uint8_t *place = memmem(image->data, image->size, type, 4);
    assert_non_null(place);
    return place + 4;
}

static void put_u32(uint8_t *data, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        data[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void test_no_key_frame_at_the_beginning(void **state)
{
    struct image image = image_prefix(&mp4.closed, mp4.closed.size);
    int fd = memory_file();
    image_store(fd, image.data, image.size);
    struct frames frames = frames_read_fd(fd);
    const struct frame *first = frames_first(&frames, 0);
    memset(image.data + first->pos, 0, (size_t)first->size);
    frames_uninit(&frames);
    close(fd);
    check_broken(path_in(*state, "a.mp4"), &image, "it does not begin with a key frame");
    image_uninit(&image);
}

static void test_times_that_stand_still(void **state)
{
    struct image image = image_prefix(&mp4.closed, mp4.closed.size);
    uint8_t *stts = find_box(&image, "stts");
    assert_int_equal(mp4_u32(stts + 12), 3600);
    put_u32(stts + 12, 0);
    check_broken(path_in(*state, "a.mp4"), &image, "the times of track 0 do not increase");
    image_uninit(&image);
}

static void test_parameters_that_nobody_understands(void **state)
{
    struct image image = image_prefix(&mp4.closed, mp4.closed.size);
    memset(find_box(&image, "avcC") + 8, 0xff, 20); /* inside of the SPS */
    check_broken(path_in(*state, "a.mp4"), &image, "the first frame cannot be decoded");
    image_uninit(&image);
}

static void test_a_frame_behind_the_end(void **state)
{
    struct image image = image_prefix(&mp4.closed, mp4.closed.size);
    uint8_t *stsz = find_box(&image, "stsz");
    put_u32(stsz + 12 + 4 * 49, 100000000);
    check_broken(path_in(*state, "a.mp4"), &image, "a frame is not whole");
    image_uninit(&image);
}

static const char not_closed_mkv[] = "the elements of the file are not those of a closed segment";

static void test_mkv_that_is_not_closed(void **state)
{
    const size_t cuts[] = {1, 100, 1000, 20000};
    for (size_t i = 0; i < LENGTH(cuts); i++) {
        struct image cut = image_prefix(&mkv.closed, mkv.closed.size - cuts[i]);
        check_broken(path_in(*state, "a.mkv"), &cut, not_closed_mkv);
        image_uninit(&cut);
    }
    check_broken(path_in(*state, "b.mkv"), &mkv.open, not_closed_mkv);
}

static void test_mkv_with_a_hole(void **state)
{
    struct image image = image_prefix(&mkv.closed, mkv.closed.size);
    uint8_t *cluster = memmem(image.data + 6000, image.size - 6000, "\x1F\x43\xB6\x75", 4);
    assert_non_null(cluster);
    memset(cluster, 0, 4096);
    check_broken(path_in(*state, "a.mkv"), &image, not_closed_mkv);
    image_uninit(&image);
}

static void test_only_sound(void **state)
{
    struct image image = image_prefix(&mp4.closed, mp4.closed.size);
    memcpy(find_box(&image, "hdlr") + 8, "soun", 4);
    struct rtsprec_error error = {0};
    int64_t frames;
    const char *path = path_in(*state, "a.mp4");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    image_store(fd, image.data, image.size);
    close(fd);
    assert_int_equal(segment_verify(path, &frames, &error), RTSPREC_ERROR_UNSUPPORTED);
    assert_string_equal(error.text, "it has no video track");
    image_uninit(&image);
}

static void test_unreadable(void **state)
{
    struct rtsprec_error error = {0};
    int64_t frames;
    assert_int_equal(segment_verify(path_in(*state, "none.mp4"), &frames, &error),
                     RTSPREC_ERROR_IO);
    assert_non_null(strstr(error.text, "cannot be read"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, directory_create, directory_remove)

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        CASE(test_good_files),
        CASE(test_not_closed),
        CASE(test_no_media),
        CASE(test_cut),
        CASE(test_bytes_behind_the_end),
        CASE(test_no_key_frame_at_the_beginning),
        CASE(test_times_that_stand_still),
        CASE(test_parameters_that_nobody_understands),
        CASE(test_a_frame_behind_the_end),
        CASE(test_mkv_that_is_not_closed),
        CASE(test_mkv_with_a_hole),
        CASE(test_only_sound),
        CASE(test_unreadable),
    };
    return cmocka_run_group_tests(tests, make_recordings, free_recordings);
}
