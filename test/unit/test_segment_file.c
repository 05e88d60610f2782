#include "directory.h"

#include <errno.h>
#include <time.h>

#include "archive/segment_file.h"

#define NOON (INT64_C(1709380800) * INT64_C(1000000)) /* 2024-03-02 12:00:00 UTC */

static struct layout layout;

static int create(void **state)
{
    setenv("TZ", "UTC0", 1);
    tzset();
    int err = directory_create(state);
    layout = (struct layout){*state, "cam", "mp4", false};
    return err;
}

static void create_file(struct segment_file *file, const char *expected)
{
    struct rtsprec_error error = {0};
    require(segment_file_create(file, &layout, NOON, &error) == 0, "%s", error.text);
    assert_string_equal(file->final_path, expected);
    assert_int_equal(strncmp(file->part_path, expected, strlen(expected)), 0);
    assert_string_equal(file->part_path + strlen(expected), ".part");
    assert_true(file_exists(file->part_path));
    assert_false(file_exists(file->final_path));
    assert_int_equal(write(file->fd, "x", 1), 1);
    assert_int_equal(lseek(file->fd, 0, SEEK_SET), 0);
    char byte;
    assert_int_equal(read(file->fd, &byte, 1), 1);
    assert_true(fcntl(file->fd, F_GETFD) & FD_CLOEXEC);
}

static void test_from_part_to_final(void **state)
{
    struct segment_file file;
    struct rtsprec_error error = {0};
    create_file(&file, path_in(*state, "cam/2024-03-02/12_00_00.mp4"));
    assert_int_equal(segment_file_publish(&file, &error), 0);
    assert_false(file_exists(file.part_path));
    assert_file_contains(file.final_path, "x");
    int fd = file.fd;
    segment_file_uninit(&file);
    assert_int_equal(fcntl(fd, F_GETFD), -1);
    assert_int_equal(file.fd, -1);
    segment_file_uninit(&file); /* once more does no harm */
}

static void test_taken_names(void **state)
{
    struct segment_file files[4];
    struct rtsprec_error error;
    create_file(&files[0], path_in(*state, "cam/2024-03-02/12_00_00.mp4"));
    /* The .part is there, the final name is not. */
    create_file(&files[1], path_in(*state, "cam/2024-03-02/12_00_00-2.mp4"));
    assert_int_equal(segment_file_publish(&files[0], &error), 0);
    assert_int_equal(segment_file_publish(&files[1], &error), 0);
    /* Both final names are there, the .parts are not. A link to nothing takes a name, too. */
    assert_int_equal(symlink("missing", path_in(*state, "cam/2024-03-02/12_00_00-3.mp4")), 0);
    create_file(&files[2], path_in(*state, "cam/2024-03-02/12_00_00-4.mp4"));
    assert_int_equal(symlink("missing", path_in(*state, "cam/2024-03-02/12_00_00-5.mp4.part")), 0);
    create_file(&files[3], path_in(*state, "cam/2024-03-02/12_00_00-6.mp4"));
    assert_file_contains(path_in(*state, "cam/2024-03-02/12_00_00.mp4"), "x");
    for (size_t i = 0; i < LENGTH(files); i++)
        segment_file_uninit(&files[i]);
    assert_false(file_exists(path_in(*state, "cam/2024-03-02/missing")));
}

static void test_publish_never_overwrites(void **state)
{
    struct segment_file file;
    struct rtsprec_error error = {0};
    create_file(&file, path_in(*state, "cam/2024-03-02/12_00_00.mp4"));
    write_file(file.final_path, "another's");
    assert_int_equal(segment_file_publish(&file, &error), RTSPREC_ERROR_IO);
    assert_non_null(strstr(error.text, file.part_path));
    assert_file_contains(file.final_path, "another's");
    assert_file_contains(file.part_path, "x");
    segment_file_uninit(&file);
}

static void test_discard(void **state)
{
    struct segment_file file;
    create_file(&file, path_in(*state, "cam/2024-03-02/12_00_00.mp4"));
    segment_file_discard(&file);
    assert_false(file_exists(file.part_path));
    segment_file_uninit(&file);
    segment_file_discard(&file);
}

static void test_a_file_in_the_way(void **state)
{
    struct segment_file file;
    struct rtsprec_error error = {0};
    write_file(path_in(*state, "cam"), "in the way");
    assert_int_equal(segment_file_create(&file, &layout, NOON, &error), RTSPREC_ERROR_IO);
    assert_non_null(strstr(error.text, path_in(*state, "cam/2024-03-02")));
    assert_int_equal(file.fd, -1);
    segment_file_uninit(&file);
    assert_file_contains(path_in(*state, "cam"), "in the way");
}

static void test_a_directory_in_the_way(void **state)
{
    struct segment_file file;
    assert_int_equal(mkdir(path_in(*state, "cam"), 0700), 0);
    assert_int_equal(mkdir(path_in(*state, "cam/2024-03-02"), 0700), 0);
    assert_int_equal(mkdir(path_in(*state, "cam/2024-03-02/12_00_00.mp4"), 0700), 0);
    assert_int_equal(mkdir(path_in(*state, "cam/2024-03-02/12_00_00-2.mp4.part"), 0700), 0);
    create_file(&file, path_in(*state, "cam/2024-03-02/12_00_00-3.mp4"));
    segment_file_uninit(&file);
}

static void test_missing_directories_on_the_way(void **state)
{
    struct segment_file file;
    layout.directory = path_in(*state, "a//b/");
    create_file(&file, path_in(*state, "a//b//cam/2024-03-02/12_00_00.mp4"));
    segment_file_uninit(&file);
}

static void test_all_names_are_taken(void **state)
{
    struct segment_file file;
    struct rtsprec_error error = {0};
    create_file(&file, path_in(*state, "cam/2024-03-02/12_00_00.mp4"));
    segment_file_uninit(&file);
    for (int i = 2; i <= 1000; i++) {
        char name[64];
        snprintf(name, sizeof(name), "cam/2024-03-02/12_00_00-%d.mp4", i);
        write_file(path_in(*state, name), "");
    }
    assert_int_equal(segment_file_create(&file, &layout, NOON, &error), RTSPREC_ERROR_IO);
    assert_non_null(strstr(error.text, "taken"));
    segment_file_uninit(&file);
}

static void test_what_was_found_gets_its_name(void **state)
{
    struct rtsprec_error error = {0};
    const char *part = path_in(*state, "12_00_00.mp4.part");
    static const char *const names[] = {"12_00_00.mp4", "12_00_00-2.mp4", "12_00_00-3.mp4"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        char *path;
        write_file(part, names[i]);
        require(segment_file_rename_part(part, "", &path, &error) == 0, "%s", error.text);
        assert_string_equal(path, path_in(*state, names[i]));
        assert_false(file_exists(part));
        assert_file_contains(path, names[i]);
        free(path);
    }
    assert_file_contains(path_in(*state, names[0]), names[0]); /* nothing was taken away */
}

static void test_damaged_names(void **state)
{
    struct rtsprec_error error = {0};
    const char *part = path_in(*state, "12_00_00.mkv.part");
    static const char *const names[] = {"12_00_00.mkv.damaged", "12_00_00-2.mkv.damaged"};
    for (size_t i = 0; i < LENGTH(names); i++) {
        char *path;
        write_file(part, "");
        require(segment_file_rename_part(part, ".damaged", &path, &error) == 0, "%s", error.text);
        assert_string_equal(path, path_in(*state, names[i]));
        free(path);
    }
}

static void test_what_is_not_there_gets_no_name(void **state)
{
    struct rtsprec_error error = {0};
    char *path;
    assert_int_equal(
        segment_file_rename_part(path_in(*state, "12_00_00.mp4.part"), "", &path, &error),
        RTSPREC_ERROR_IO);
    assert_null(path);
    assert_non_null(strstr(error.text, "12_00_00.mp4.part"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, create, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_from_part_to_final),
        CASE(test_taken_names),
        CASE(test_publish_never_overwrites),
        CASE(test_discard),
        CASE(test_a_file_in_the_way),
        CASE(test_a_directory_in_the_way),
        CASE(test_missing_directories_on_the_way),
        CASE(test_all_names_are_taken),
        CASE(test_what_was_found_gets_its_name),
        CASE(test_damaged_names),
        CASE(test_what_is_not_there_gets_no_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
