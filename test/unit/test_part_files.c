#include "directory.h"

#include <errno.h>

#include "archive/part_files.h"

/* What was found, one name a line, without the directory. */
struct found {
    size_t skip; /* bytes of the directory */
    char names[2048];
    int left; /* of calls until the walk is ended */
};

static bool add(void *user, const char *path)
{
    struct found *found = user;
    strcat(found->names, path + found->skip);
    strcat(found->names, "\n");
    return --found->left > 0;
}

static void make(const char *directory, const char *name)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    for (char *slash = path + strlen(directory) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    write_file(path, "");
}

static void check(const char *directory, const char *camera, int days, int most,
                  const char *expected)
{
    struct found found = {.skip = strlen(directory) + 1, .left = most};
    int err = camera ? part_files_of_camera(path_in(directory, camera), days, add, &found)
                     : part_files_of_archive(directory, days, add, &found);
    assert_int_equal(err, 0);
    assert_string_equal(found.names, expected);
}

static const char *const files[] = {
    "a/2024-03-01/23_00_00.mp4.part",   "a/2024-03-02/10_00_00.mp4.part",
    "a/2024-03-02/09_00_00.mp4",        "a/2024-03-02/11_00_00.mkv.part",
    "a/2024-03-04/00_00_00.mp4",        "a/2024-03-03/12_00_00-2.mp4.part",
    "b c/2024-03-02/12_00_00.mp4.part",
};

static void test_newest_first(void **state)
{
    for (size_t i = 0; i < LENGTH(files); i++)
        make(*state, files[i]);
    check(*state, "a", 100, 100,
          "a/2024-03-03/12_00_00-2.mp4.part\n"
          "a/2024-03-02/11_00_00.mkv.part\n"
          "a/2024-03-02/10_00_00.mp4.part\n"
          "a/2024-03-01/23_00_00.mp4.part\n");
    check(*state, NULL, 100, 100,
          "b c/2024-03-02/12_00_00.mp4.part\n"
          "a/2024-03-03/12_00_00-2.mp4.part\n"
          "a/2024-03-02/11_00_00.mkv.part\n"
          "a/2024-03-02/10_00_00.mp4.part\n"
          "a/2024-03-01/23_00_00.mp4.part\n");
}

static void test_limit_of_days(void **state)
{
    for (size_t i = 0; i < LENGTH(files); i++)
        make(*state, files[i]);
    check(*state, "a", 0, 100, "");
    check(*state, "a", 1, 100, ""); /* the newest has none */
    check(*state, "a", 2, 100, "a/2024-03-03/12_00_00-2.mp4.part\n");
    /* Of each camera. */
    check(*state, NULL, 2, 100,
          "b c/2024-03-02/12_00_00.mp4.part\n"
          "a/2024-03-03/12_00_00-2.mp4.part\n");
}

static void test_the_walk_can_be_ended(void **state)
{
    for (size_t i = 0; i < LENGTH(files); i++)
        make(*state, files[i]);
    check(*state, "a", 100, 1, "a/2024-03-03/12_00_00-2.mp4.part\n");
    check(*state, NULL, 100, 2,
          "b c/2024-03-02/12_00_00.mp4.part\n"
          "a/2024-03-03/12_00_00-2.mp4.part\n");
}

static void test_foreign_names(void **state)
{
    static const char *const foreign[] = {
        "a/2024-03-02/notes.part",
        "a/2024-03-02/1_00_00.mp4.part",
        "a/2024-03-02/10_00_00.mp4.part.x",
        "a/2024-03-02/x10_00_00.mp4.part",
        "a/2024-03-02/10_00_00.part",
        "a/2024-03-2/10_00_00.mp4.part",
        "a/2024-03-02x/10_00_00.mp4.part",
        "a/backup/10_00_00.mp4.part",
        "a/2024-03-02/sub/10_00_00.mp4.part",
        "a/10_00_00.mp4.part",
        "10_00_00.mp4.part",
        ".trash/2024-03-02/10_00_00.mp4.part",
        "a/2024-03-02/10_00_00.mp4.damaged",
    };
    for (size_t i = 0; i < LENGTH(foreign); i++)
        make(*state, foreign[i]);
    check(*state, NULL, 100, 100, "");
    make(*state, "a/2024-03-02/10_00_00.mp4.part");
    check(*state, NULL, 100, 100, "a/2024-03-02/10_00_00.mp4.part\n");
}

/* Nothing outside of the archive is touched, and a directory is no file. */
static void test_symbolic_links(void **state)
{
    make(*state, "real/2024-03-02/10_00_00.mp4.part");
    make(*state, "a/2024-03-01/09_00_00.mp4.part");
    assert_int_equal(symlink("../../real/2024-03-02/10_00_00.mp4.part",
                             path_in(*state, "a/2024-03-01/10_00_00.mp4.part")),
                     0);
    assert_int_equal(symlink("../real/2024-03-02", path_in(*state, "a/2024-03-02")), 0);
    assert_int_equal(symlink("real", path_in(*state, "b")), 0);
    assert_int_equal(mkdir(path_in(*state, "a/2024-03-01/11_00_00.mp4.part"), 0700), 0);
    check(*state, NULL, 100, 100,
          "real/2024-03-02/10_00_00.mp4.part\n"
          "a/2024-03-01/09_00_00.mp4.part\n");
    /* A link does not count as a day either. */
    check(*state, "a", 1, 100, "a/2024-03-01/09_00_00.mp4.part\n");
}

/* All of them, whatever the limit of days; those of days in between are not among them. */
static void test_timelapses(void **state)
{
    make(*state, "a/timelapse/2024-03-02.mp4.part");
    make(*state, "a/timelapse/2024-03-01-2.mkv.part");
    make(*state, "a/timelapse/2024-03-03.mp4");
    make(*state, "a/timelapse/10_00_00.mp4.part");
    make(*state, "a/2024-03-02/2024-03-02.mp4.part");
    make(*state, "a/2024-03-02/10_00_00.mp4.part");
    make(*state, "b/timelapse/2024-03-02.mp4.part");
    struct found found = {.skip = strlen(*state) + 1, .left = 100};
    assert_int_equal(part_files_of_timelapses(path_in(*state, "a"), add, &found), 0);
    assert_string_equal(found.names, "a/timelapse/2024-03-02.mp4.part\n"
                                     "a/timelapse/2024-03-01-2.mkv.part\n");
    check(*state, "a", 8, 100, "a/2024-03-02/10_00_00.mp4.part\n");
    check(*state, NULL, 8, 3,
          "a/2024-03-02/10_00_00.mp4.part\n"
          "b/timelapse/2024-03-02.mp4.part\n"
          "a/timelapse/2024-03-02.mp4.part\n");
    check(*state, NULL, 8, 1, "a/2024-03-02/10_00_00.mp4.part\n");
}

static void test_nothing_there(void **state)
{
    check(*state, "none", 8, 100, "");
    struct found found = {.left = 1};
    assert_int_equal(part_files_of_archive(path_in(*state, "none"), 8, add, &found), 0);
    write_file(path_in(*state, "file"), "");
    assert_int_equal(part_files_of_camera(path_in(*state, "file"), 8, add, &found), -ENOTDIR);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, directory_create, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_newest_first),  CASE(test_limit_of_days),  CASE(test_the_walk_can_be_ended),
        CASE(test_foreign_names), CASE(test_symbolic_links), CASE(test_timelapses),
        CASE(test_nothing_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
