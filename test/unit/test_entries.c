#include "directory.h"

#include "archive/entries.h"

static bool is_letter(const char *name)
{
    return name[0] >= 'a' && name[0] <= 'z';
}

static void check(const struct entries *entries, const char *expected)
{
    char text[256] = "";
    for (size_t i = 0; i < entries->count; i++) {
        strcat(text, entries->items[i].name);
        strcat(text, entries->items[i].flag ? "! " : " ");
    }
    assert_string_equal(text, expected);
}

static void test_a_directory(void **state)
{
    struct entries files = {0}, directories = {0};
    write_file(path_in(*state, "b"), "");
    write_file(path_in(*state, "a"), "");
    write_file(path_in(*state, "1"), "");
    assert_int_equal(mkdir(path_in(*state, "d"), 0700), 0);
    assert_int_equal(symlink("a", path_in(*state, "l")), 0);
    assert_int_equal(mkfifo(path_in(*state, "f"), 0600), 0);
    int fd = open(*state, O_RDONLY | O_DIRECTORY);
    assert_int_equal(entries_read_directory(&files, fd, S_IFREG, is_letter), 0);
    check(&files, "a b d! f! l! ");
    assert_int_equal(entries_read_directory(&directories, fd, S_IFDIR, is_letter), 0);
    check(&directories, "a! b! d f! l! ");
    struct stat status;
    assert_int_equal(stat(path_in(*state, "d"), &status), 0);
    assert_int_equal(entries_find(&directories, "d")->value,
                     status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec);
    assert_null(entries_find(&directories, "none"));
    close(fd);
    entries_uninit(&files);
    assert_null(entries_find(&files, "a"));
    assert_true(entries_read_directory(&files, fd, S_IFREG, is_letter) < 0);
    entries_uninit(&directories);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_directory, directory_create, directory_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
