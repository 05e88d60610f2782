#include "directory.h"
#include "frames.h"

#include "camera/recover.h"

struct told {
    int count;
    enum rtsprec_archive_verdict verdict;
    char path[512], text[600];
    int64_t frames, lost_bytes;
};

static void tell(void *user, const struct rtsprec_archive_file *file)
{
    struct told *told = user;
    told->count++;
    told->verdict = file->verdict;
    snprintf(told->path, sizeof(told->path), "%s", file->path);
    snprintf(told->text, sizeof(told->text), "%s", file->text);
    told->frames = file->frames;
    told->lost_bytes = file->lost_bytes;
}

static struct told recover(const char *part_path)
{
    struct told told = {0};
    recover_part(part_path, NULL, tell, &told);
    assert_int_equal(told.count, 1);
    return told;
}

static void store(const char *path, const uint8_t *data, size_t size)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    image_store(fd, data, size);
    close(fd);
}

static void record(struct recording *recording, enum rtsprec_container container)
{
    struct recording_options options = {
        .clip = "h264tiny", .container = container, .duration_us = SECOND};
    recording_make(recording, &options);
}

static void test_repaired(void **state)
{
    static const char *const names[] = {"12_00_00.mp4", "12_00_00.mkv"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        char part[64];
        struct recording recording;
        snprintf(part, sizeof(part), "%s.part", names[i]);
        record(&recording, i ? RTSPREC_CONTAINER_MKV : RTSPREC_CONTAINER_MP4);
        store(path_in(*state, part), recording.open.data, recording.open.size - 1);
        struct told told = recover(path_in(*state, part));
        assert_int_equal(told.verdict, RTSPREC_ARCHIVE_REPAIRED);
        assert_string_equal(told.path, path_in(*state, names[i]));
        assert_false(file_exists(path_in(*state, part)));
        struct frames frames = frames_read(told.path);
        assert_int_equal(frames.tracks[0].count, told.frames);
        assert_true(told.frames > 8 && told.lost_bytes > 0);
        char text[128];
        snprintf(text, sizeof(text), "%d frames saved, %d bytes at the end belong to no frame",
                 (int)told.frames, (int)told.lost_bytes);
        assert_string_equal(told.text, text);
        frames_uninit(&frames);
        recording_uninit(&recording);
    }
}

static void test_only_the_name_was_missing(void **state)
{
    struct recording recording;
    record(&recording, RTSPREC_CONTAINER_MP4);
    const char *part = path_in(*state, "12_00_00.mp4.part");
    store(part, recording.closed.data, recording.closed.size);
    struct told told = recover(part);
    assert_int_equal(told.verdict, RTSPREC_ARCHIVE_REPAIRED);
    assert_string_equal(told.text, "was complete but for its name");
    assert_string_equal(told.path, path_in(*state, "12_00_00.mp4"));
    recording_uninit(&recording);
}

static void test_damaged(void **state)
{
    static const struct {
        const char *part, *damaged, *text;
    } cases[] = {
        {"12_00_00.mp4.part", "12_00_00.mp4.damaged",
         "the beginning of the file is not that of a segment"},
        {"12_00_00.mkv.part", "12_00_00.mkv.damaged", "no whole frame is in it"},
        {"12_00_00.mp4.part", "12_00_00-2.mp4.damaged",
         "the beginning of the file is not that of a segment"},
    };
    static const char text[] = "This was never a segment.";
    for (size_t i = 0; i < LENGTH(cases); i++) {
        write_file(path_in(*state, cases[i].part), text);
        struct told told = recover(path_in(*state, cases[i].part));
        assert_int_equal(told.verdict, RTSPREC_ARCHIVE_DAMAGED);
        assert_string_equal(told.path, path_in(*state, cases[i].damaged));
        assert_string_equal(told.text, cases[i].text);
        assert_file_contains(told.path, text); /* as it was */
        assert_false(file_exists(path_in(*state, cases[i].part)));
    }
    write_file(path_in(*state, "13_00_00.mp4.part"), "");
    assert_string_equal(recover(path_in(*state, "13_00_00.mp4.part")).text, "the file is empty");
}

static void test_taken_names(void **state)
{
    struct recording recording;
    record(&recording, RTSPREC_CONTAINER_MP4);
    write_file(path_in(*state, "12_00_00.mp4"), "there before");
    const char *part = path_in(*state, "12_00_00.mp4.part");
    store(part, recording.open.data, recording.open.size);
    struct told told = recover(part);
    assert_int_equal(told.verdict, RTSPREC_ARCHIVE_REPAIRED);
    assert_string_equal(told.path, path_in(*state, "12_00_00-2.mp4"));
    assert_file_contains(path_in(*state, "12_00_00.mp4"), "there before");
    recording_uninit(&recording);
}

/* What cannot be opened stays as it is and is told. */
static void test_unreadable(void **state)
{
    const char *part = path_in(*state, "12_00_00.mp4.part");
    struct told told = recover(part);
    assert_int_equal(told.verdict, RTSPREC_ARCHIVE_FAILED);
    assert_string_equal(told.path, part);
    assert_non_null(strstr(told.text, "cannot be opened"));

    write_file(path_in(*state, "elsewhere"), "not ours");
    assert_int_equal(symlink("elsewhere", part), 0);
    told = recover(part);
    assert_int_equal(told.verdict, RTSPREC_ARCHIVE_FAILED);
    assert_true(file_exists(part));
    assert_file_contains(path_in(*state, "elsewhere"), "not ours");

    assert_int_equal(unlink(part), 0);
    assert_int_equal(mkdir(part, 0700), 0);
    told = recover(part);
    assert_int_equal(told.verdict, RTSPREC_ARCHIVE_FAILED);
    assert_true(file_exists(part));
}

/* The container is told by the name, not by a directory on the way. */
static void test_directories_with_odd_names(void **state)
{
    struct recording recording;
    record(&recording, RTSPREC_CONTAINER_MP4);
    assert_int_equal(mkdir(path_in(*state, "old.mkv.parts"), 0700), 0);
    const char *part = path_in(*state, "old.mkv.parts/12_00_00.mp4.part");
    store(part, recording.open.data, recording.open.size);
    assert_int_equal(recover(part).verdict, RTSPREC_ARCHIVE_REPAIRED);
    recording_uninit(&recording);
}

/* Whoever stops finds the file as it was. */
static void test_stopped(void **state)
{
    static const char *const names[] = {"12_00_00.mp4.part", "12_00_00.mkv.part"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        struct recording recording;
        struct told told = {0};
        atomic_bool stop = true;
        const char *part = path_in(*state, names[i]);
        record(&recording, i ? RTSPREC_CONTAINER_MKV : RTSPREC_CONTAINER_MP4);
        store(part, recording.open.data, recording.open.size - 1);
        assert_false(recover_part(part, &stop, tell, &told));
        assert_int_equal(told.count, 0);
        int fd = open(part, O_RDONLY | O_CLOEXEC);
        struct image image = image_of_fd(fd);
        close(fd);
        assert_int_equal(image.size, recording.open.size - 1);
        assert_memory_equal(image.data, recording.open.data, image.size);
        image_uninit(&image);
        recording_uninit(&recording);
        stop = false;
        assert_true(recover_part(part, &stop, tell, &told));
        assert_int_equal(told.verdict, RTSPREC_ARCHIVE_REPAIRED);
    }
}

static void test_nobody_listens(void **state)
{
    const char *part = path_in(*state, "12_00_00.mp4.part");
    write_file(part, "x");
    recover_part(part, NULL, NULL, NULL);
    assert_true(file_exists(path_in(*state, "12_00_00.mp4.damaged")));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, directory_create, directory_remove)

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        CASE(test_repaired),   CASE(test_only_the_name_was_missing),
        CASE(test_damaged),    CASE(test_taken_names),
        CASE(test_unreadable), CASE(test_directories_with_odd_names),
        CASE(test_stopped),    CASE(test_nobody_listens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
