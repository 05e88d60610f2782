#include "directory.h"
#include "recording.h"

#include <errno.h>
#include <sys/xattr.h>
#include <time.h>

#include "camera/describe.h"

static void store(const char *path, const struct image *image)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    image_store(fd, image->data, image->size);
    close(fd);
}

static void make_days(const char *directory)
{
    assert_int_equal(mkdir(path_in(directory, "door"), 0700), 0);
    assert_int_equal(mkdir(path_in(directory, "door/2026-07-01"), 0700), 0);
}

static void test_a_recording(void **state)
{
    static const char path[] = "door/2026-07-01/12_00_00.mp4";
    struct recording recording;
    struct recording_options options = {
        .clip = "h264tiny", .container = RTSPREC_CONTAINER_MP4, .duration_us = SECOND};
    struct reconcile_row row;
    make_days(*state);
    recording_make(&recording, &options);
    store(path_in(*state, path), &recording.closed);
    assert_int_equal(describe_segment_file(&row, *state, path), 0);
    assert_string_equal(row.segment.path, path);
    assert_int_equal(row.segment.start_us, RECORDING_START_US);
    assert_true(row.segment.end_us > row.segment.start_us + SECOND / 2);
    assert_int_equal(row.segment.bytes, recording.closed.size);
    assert_int_equal(row.segment.frames, recording.summary.frames);
    assert_string_equal(row.segment.codec, "h264");
    assert_int_equal(row.segment.reason, RTSPREC_SEGMENT_UNKNOWN);
    assert_null(row.segment.protected_why);
    if (setxattr(path_in(*state, path), "user.rtsprec.protected", "a\ntheft", 7, 0) == 0) {
        assert_int_equal(describe_segment_file(&row, *state, path), 0);
        assert_string_equal(row.segment.protected_why, "a?theft");
    }
    recording_uninit(&recording);
}

/* The time of its name is local; what it does not say is not known. */
static void test_a_file_that_says_nothing(void **state)
{
    struct reconcile_row row;
    make_days(*state);
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    static const char *const paths[] = {"door/2026-07-01/12_00_00.mp4",
                                        "door/2026-07-01/12_00_00-2.mkv"};
    for (size_t i = 0; i < LENGTH(paths); i++) {
        write_file(path_in(*state, paths[i]), i ? "" : "no video");
        assert_int_equal(describe_segment_file(&row, *state, paths[i]), 0);
        assert_int_equal(row.segment.start_us, INT64_C(1782900000) * SECOND);
        assert_int_equal(row.segment.end_us, row.segment.start_us);
        assert_int_equal(row.segment.bytes, i ? 0 : 8);
        assert_string_equal(row.segment.codec, "");
    }
}

static void test_what_is_not_there(void **state)
{
    struct reconcile_row row;
    make_days(*state);
    assert_int_equal(describe_segment_file(&row, *state, "door/2026-07-01/12_00_00.mp4"), -ENOENT);
    write_file(path_in(*state, "elsewhere"), "");
    assert_int_equal(symlink("../../elsewhere", path_in(*state, "door/2026-07-01/12_00_00.mp4")),
                     0);
    assert_int_equal(describe_segment_file(&row, *state, "door/2026-07-01/12_00_00.mp4"), -ELOOP);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, directory_create, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_recording),
        CASE(test_a_file_that_says_nothing),
        CASE(test_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
