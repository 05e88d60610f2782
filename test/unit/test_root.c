#include "directory.h"

#include <signal.h>
#include <sys/wait.h>

#include "archive/root.h"

#define MARKER "video/" ARCHIVE_MARKER

static void open_root(struct archive_root **root, struct archive_root **list, const char *path)
{
    struct rtsprec_error error = {0};
    require(archive_root_open(root, list, path, &error) == 0, "%s", error.text);
}

static void check_fails(struct archive_root *root, int code, const char *text)
{
    struct rtsprec_error error = {0};
    assert_int_equal(archive_root_check(root, &error), code);
    require(strstr(error.text, text) != NULL, "%s", error.text);
}

static void check_fine(struct archive_root *root)
{
    struct rtsprec_error error = {0};
    require(archive_root_check(root, &error) == 0, "%s", error.text);
}

static void test_the_marker(void **state)
{
    struct archive_root *list = NULL, *root;
    char first[128], second[128];
    open_root(&root, &list, path_in(*state, "video"));
    FILE *file = fopen(path_in(*state, MARKER), "r");
    assert_non_null(file);
    assert_non_null(fgets(first, sizeof(first), file));
    assert_non_null(fgets(second, sizeof(second), file));
    fclose(file);
    assert_int_equal(strlen(first), strlen("rtsprec archive ") + 32 + 1);
    assert_string_equal(second, "It proves that this disk is mounted.\n");
    check_fine(root);
    archive_root_close(&root, &list);
    assert_null(root);
    assert_null(list);
    /* It stays, as it is. */
    open_root(&root, &list, path_in(*state, "video"));
    file = fopen(path_in(*state, MARKER), "r");
    assert_non_null(fgets(second, sizeof(second), file));
    fclose(file);
    assert_string_equal(first, second);
    archive_root_close(&root, &list);
    archive_root_close(&root, &list); /* NULL is ignored */
}

static void test_one_directory_by_two_paths(void **state)
{
    struct archive_root *list = NULL, *one, *other, *third;
    struct archive_root *foreign_list = NULL, *foreign;
    struct rtsprec_error error;
    open_root(&one, &list, path_in(*state, "video"));
    assert_int_equal(symlink("video", path_in(*state, "link")), 0);
    open_root(&other, &list, path_in(*state, "link"));
    assert_ptr_equal(one, other);
    open_root(&third, &list, path_in(*state, "video/../video/"));
    assert_ptr_equal(one, third);
    archive_root_close(&one, &list);
    archive_root_close(&third, &list);
    /* The last one holds the lock. */
    check_fine(other);
    assert_int_equal(archive_root_open(&foreign, &foreign_list, path_in(*state, "video"), &error),
                     RTSPREC_ERROR_BUSY);
    archive_root_close(&other, &list);
    open_root(&foreign, &foreign_list, path_in(*state, "video"));
    archive_root_close(&foreign, &foreign_list);
}

static void test_a_second_recorder_is_refused(void **state)
{
    struct archive_root *list = NULL, *root, *other_list = NULL, *other = (void *)1;
    struct rtsprec_error error = {0};
    open_root(&root, &list, path_in(*state, "video"));
    assert_int_equal(archive_root_open(&other, &other_list, path_in(*state, "video"), &error),
                     RTSPREC_ERROR_BUSY);
    assert_null(other);
    assert_null(other_list);
    assert_non_null(strstr(error.text, "another recorder is writing to this archive"));
    archive_root_close(&root, &list);
    open_root(&other, &other_list, path_in(*state, "video"));
    archive_root_close(&other, &other_list);
}

/* The lock ends with its holder, however that ends. */
static void test_the_lock_of_a_killed_process(void **state)
{
    const char *path = path_in(*state, "video");
    int ready[2];
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    if (child == 0) {
        struct archive_root *list = NULL, *root;
        struct rtsprec_error error;
        char byte = archive_root_open(&root, &list, path, &error) == 0 ? 1 : 0;
        if (write(ready[1], &byte, 1) == 1)
            pause();
        _exit(1);
    }
    char byte = 0;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 1);
    close(ready[0]);
    close(ready[1]);
    struct archive_root *list = NULL, *root;
    struct rtsprec_error error;
    assert_int_equal(archive_root_open(&root, &list, path, &error), RTSPREC_ERROR_BUSY);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    open_root(&root, &list, path);
    archive_root_close(&root, &list);
}

/* The disk goes: nothing is created in its place. It returns: all is well. */
static void test_the_disk_vanishes_and_returns(void **state)
{
    struct archive_root *list = NULL, *root;
    open_root(&root, &list, path_in(*state, "video"));
    assert_int_equal(rename(path_in(*state, "video"), path_in(*state, "away")), 0);
    check_fails(root, RTSPREC_ERROR_IO, "the archive's disk is not there");
    assert_false(file_exists(path_in(*state, "video")));
    assert_int_equal(mkdir(path_in(*state, "video"), 0700), 0);
    check_fails(root, RTSPREC_ERROR_IO, "the archive's disk is not there");
    assert_false(file_exists(path_in(*state, MARKER)));
    assert_int_equal(rmdir(path_in(*state, "video")), 0);
    assert_int_equal(rename(path_in(*state, "away"), path_in(*state, "video")), 0);
    check_fine(root);
    archive_root_close(&root, &list);
}

static void test_another_disk(void **state)
{
    struct archive_root *list = NULL, *root;
    const char *marker = path_in(*state, MARKER);
    open_root(&root, &list, path_in(*state, "video"));
    assert_int_equal(rename(marker, path_in(*state, "kept")), 0);
    write_file(marker, "rtsprec archive 00112233445566778899aabbccddeeff\n");
    check_fails(root, RTSPREC_ERROR_IO, "is another archive");
    assert_file_contains(marker, "rtsprec archive 00112233445566778899aabbccddeeff\n");
    write_file(marker, "");
    check_fails(root, RTSPREC_ERROR_IO, "is not the archive");
    assert_file_contains(marker, "");
    assert_int_equal(rename(path_in(*state, "kept"), marker), 0);
    check_fine(root);
    archive_root_close(&root, &list);
}

/* A copy of the archive is the same archive, for those who move to a larger disk. */
static void test_a_copy(void **state)
{
    struct archive_root *list = NULL, *root;
    open_root(&root, &list, path_in(*state, "video"));
    char line[128] = "";
    FILE *file = fopen(path_in(*state, MARKER), "r");
    assert_non_null(fgets(line, sizeof(line), file));
    fclose(file);
    assert_int_equal(unlink(path_in(*state, MARKER)), 0);
    check_fails(root, RTSPREC_ERROR_IO, "is not there");
    write_file(path_in(*state, MARKER), line);
    check_fine(root);
    archive_root_close(&root, &list);
}

/* A beginning without the disk is no failure; when it comes, all is well. */
static void test_the_disk_comes_later(void **state)
{
    struct archive_root *list = NULL, *root;
    write_file(path_in(*state, "video"), "in the way");
    open_root(&root, &list, path_in(*state, "video"));
    check_fails(root, RTSPREC_ERROR_IO, "video");
    assert_int_equal(unlink(path_in(*state, "video")), 0);
    check_fine(root);
    assert_true(file_exists(path_in(*state, MARKER)));
    archive_root_close(&root, &list);
}

static void test_somebody_was_faster(void **state)
{
    struct archive_root *list = NULL, *root, *other_list = NULL, *other;
    write_file(path_in(*state, "video"), "in the way");
    open_root(&root, &list, path_in(*state, "video"));
    assert_int_equal(unlink(path_in(*state, "video")), 0);
    open_root(&other, &other_list, path_in(*state, "video"));
    check_fails(root, RTSPREC_ERROR_BUSY, "another recorder");
    archive_root_close(&other, &other_list);
    check_fine(root);
    archive_root_close(&root, &list);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, directory_create, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_the_marker),
        CASE(test_one_directory_by_two_paths),
        CASE(test_a_second_recorder_is_refused),
        CASE(test_the_lock_of_a_killed_process),
        CASE(test_the_disk_vanishes_and_returns),
        CASE(test_another_disk),
        CASE(test_a_copy),
        CASE(test_the_disk_comes_later),
        CASE(test_somebody_was_faster),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
