#include "directory.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/statvfs.h>
#include <time.h>

#include "archive/remover.h"
#include "archive/segment_file.h"

#define NOON (INT64_C(1709380800) * INT64_C(1000000)) /* 2024-03-02 12:00:00 UTC */

static const char *root;
static struct remover remover;

static int create(void **state)
{
    setenv("TZ", "UTC0", 1);
    tzset();
    struct rtsprec_error error;
    int err = directory_create(state);
    root = *state;
    return err ? err : remover_open(&remover, root, &error);
}

static int destroy(void **state)
{
    remover_close(&remover);
    remover_close(&remover); /* once more does no harm */
    return directory_remove(state);
}

/* A file of this text below the root, with the directories above it. */
static void make(const char *name, const char *text)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    write_file(path, text);
}

static bool exists(const char *name)
{
    return file_exists(path_in(root, name));
}

static struct removed remove_one(const char *path)
{
    struct removed removed;
    struct rtsprec_error error = {0};
    require(remover_remove(&remover, path, &removed, &error) == 0, "%s: %s", path, error.text);
    return removed;
}

static void test_timelapses(void **state)
{
    (void)state;
    make("a/timelapse/2024-03-01.mp4", "123");
    make("a/timelapse/2024-03-02.mp4.part", "1");
    make("a/timelapse/notes.mp4", "1");
    assert_int_equal(remove_one("a/timelapse/2024-03-01.mp4").size_bytes, 3);
    assert_false(exists("a/timelapse/2024-03-01.mp4"));
    struct removed removed;
    struct rtsprec_error error;
    assert_int_equal(remover_remove(&remover, "a/timelapse/2024-03-02.mp4.part", &removed, &error),
                     RTSPREC_ERROR_INVALID);
    assert_int_equal(remover_remove(&remover, "a/timelapse/notes.mp4", &removed, &error),
                     RTSPREC_ERROR_INVALID);
    assert_true(exists("a/timelapse/notes.mp4"));
    make("b/timelapse/2024-03-01.mkv", "123");
    remove_one("b/timelapse/2024-03-01.mkv");
    assert_false(exists("b"));
}

static void test_a_file_and_what_became_empty(void **state)
{
    (void)state;
    make("a/2024-03-01/10_00_00.mp4", "12345");
    make("a/2024-03-01/10_05_00-2.mkv", "");
    make("a/2024-03-02/00_00_00.mp4", "1");
    struct stat status;
    assert_int_equal(lstat(path_in(root, "a/2024-03-01/10_00_00.mp4"), &status), 0);

    struct removed removed = remove_one("a/2024-03-01/10_00_00.mp4");
    assert_int_equal(removed.what, REMOVAL_DONE);
    assert_int_equal(removed.size_bytes, 5);
    assert_int_equal(removed.freed_bytes, (int64_t)status.st_blocks * 512);
    assert_false(exists("a/2024-03-01/10_00_00.mp4"));
    assert_true(exists("a/2024-03-01/10_05_00-2.mkv"));

    remove_one("a/2024-03-01/10_05_00-2.mkv");
    assert_false(exists("a/2024-03-01"));
    assert_true(exists("a/2024-03-02/00_00_00.mp4"));
    remove_one("a/2024-03-02/00_00_00.mp4");
    assert_false(exists("a"));
    assert_true(file_exists(root));
}

static void test_already_gone(void **state)
{
    (void)state;
    make("a/2024-03-01/10_00_00.mp4", "");
    assert_int_equal(remove_one("a/2024-03-01/11_00_00.mp4").what, REMOVAL_GONE);
    assert_int_equal(remove_one("a/2024-03-02/11_00_00.mp4").what, REMOVAL_GONE);
    assert_int_equal(remove_one("b/2024-03-02/11_00_00.mp4").what, REMOVAL_GONE);
    assert_true(exists("a/2024-03-01/10_00_00.mp4"));
    /* Who removed the file may have left its directories. */
    assert_int_equal(unlink(path_in(root, "a/2024-03-01/10_00_00.mp4")), 0);
    struct removed removed = remove_one("a/2024-03-01/10_00_00.mp4");
    assert_int_equal(removed.what, REMOVAL_GONE);
    assert_int_equal(removed.size_bytes, 0);
    assert_int_equal(removed.freed_bytes, 0);
    assert_false(exists("a"));
}

static void test_only_names_of_our_own(void **state)
{
    (void)state;
    static const char *const foreign[] = {
        "a/2024-03-01/10_00_00.mp4.part",
        "a/2024-03-01/10_00_00.mp4.damaged",
        "a/2024-03-01/notes.txt",
        "a/notes/10_00_00.mp4",
        "a/10_00_00.mp4",
        "10_00_00.mp4",
        ".rtsprec",
        ".trash/2024-03-01/10_00_00.mp4",
    };
    for (size_t i = 0; i < LENGTH(foreign); i++) {
        struct removed removed;
        struct rtsprec_error error;
        make(foreign[i], "");
        require(remover_remove(&remover, foreign[i], &removed, &error) == RTSPREC_ERROR_INVALID,
                "%s", foreign[i]);
        require(exists(foreign[i]), "%s", foreign[i]);
    }
    /* They keep their directories, too. */
    make("a/2024-03-01/11_00_00.mp4", "");
    remove_one("a/2024-03-01/11_00_00.mp4");
    assert_true(exists("a/2024-03-01/notes.txt"));
}

static void test_never_outside(void **state)
{
    (void)state;
    make("outside/2024-03-01/10_00_00.mp4", "x");
    make("archive/a/2024-03-02/10_00_00.mp4", "x");
    remover_close(&remover);
    struct rtsprec_error error;
    struct removed removed;
    assert_int_equal(remover_open(&remover, path_in(root, "archive"), &error), 0);
    static const char *const paths[] = {
        "../outside/2024-03-01/10_00_00.mp4",
        "a/../../outside/2024-03-01/10_00_00.mp4",
        "/outside/2024-03-01/10_00_00.mp4",
        "a/2024-03-02/../../../outside/10_00_00.mp4",
        "..",
        "",
    };
    for (size_t i = 0; i < LENGTH(paths); i++)
        require(remover_remove(&remover, paths[i], &removed, &error) == RTSPREC_ERROR_INVALID, "%s",
                paths[i]);
    char absolute[600];
    snprintf(absolute, sizeof(absolute), "%s/outside/2024-03-01/10_00_00.mp4", root);
    assert_int_equal(remover_remove(&remover, absolute, &removed, &error), RTSPREC_ERROR_INVALID);
    assert_true(exists("outside/2024-03-01/10_00_00.mp4"));
}

/* A link in place of each part of the path. */
static void test_symbolic_links(void **state)
{
    (void)state;
    make("real/2024-03-01/10_00_00.mp4", "x");
    make("b/2024-03-02/11_00_00.mp4", "x");
    make("c/2024-03-01/11_00_00.mp4", "x");
    assert_int_equal(symlink("real", path_in(root, "a")), 0);
    assert_int_equal(symlink("../real/2024-03-01", path_in(root, "b/2024-03-01")), 0);
    assert_int_equal(
        symlink("../../real/2024-03-01/10_00_00.mp4", path_in(root, "c/2024-03-01/10_00_00.mp4")),
        0);
    assert_int_equal(mkdir(path_in(root, "c/2024-03-01/12_00_00.mp4"), 0700), 0);
    assert_int_equal(mkfifo(path_in(root, "c/2024-03-01/13_00_00.mp4"), 0700), 0);
    static const char *const paths[] = {
        "a/2024-03-01/10_00_00.mp4", "b/2024-03-01/10_00_00.mp4", "c/2024-03-01/10_00_00.mp4",
        "c/2024-03-01/12_00_00.mp4", "c/2024-03-01/13_00_00.mp4",
    };
    for (size_t i = 0; i < LENGTH(paths); i++) {
        struct removed removed = remove_one(paths[i]);
        require(removed.what == REMOVAL_FOREIGN, "%s", paths[i]);
        require(removed.freed_bytes == 0, "%s", paths[i]);
    }
    assert_file_contains(path_in(root, "real/2024-03-01/10_00_00.mp4"), "x");
    assert_true(exists("a"));
    assert_true(exists("b/2024-03-01"));
    assert_true(exists("c/2024-03-01/10_00_00.mp4"));
    assert_true(exists("c/2024-03-01/12_00_00.mp4"));
    /* A link keeps the directory that it is in. */
    remove_one("c/2024-03-01/11_00_00.mp4");
    assert_true(exists("c/2024-03-01/10_00_00.mp4"));
}

/* Another name keeps the blocks: nothing is freed. */
static void test_a_hard_link(void **state)
{
    (void)state;
    make("a/2024-03-01/10_00_00.mp4", "12345");
    assert_int_equal(
        link(path_in(root, "a/2024-03-01/10_00_00.mp4"), path_in(root, "evidence.mp4")), 0);
    struct removed removed = remove_one("a/2024-03-01/10_00_00.mp4");
    assert_int_equal(removed.what, REMOVAL_DONE);
    assert_int_equal(removed.size_bytes, 5);
    assert_int_equal(removed.freed_bytes, 0);
    assert_file_contains(path_in(root, "evidence.mp4"), "12345");
}

static void test_failures(void **state)
{
    (void)state;
    struct remover none;
    struct removed removed;
    struct rtsprec_error error = {0};
    assert_int_equal(remover_open(&none, path_in(root, "none"), &error), RTSPREC_ERROR_IO);
    assert_non_null(strstr(error.text, "none"));
    remover_close(&none);
    make("file", "");
    assert_int_equal(remover_open(&none, path_in(root, "file"), &error), RTSPREC_ERROR_IO);

    if (geteuid() == 0)
        return; /* everything is allowed */
    make("a/2024-03-01/10_00_00.mp4", "");
    assert_int_equal(chmod(path_in(root, "a/2024-03-01"), 0500), 0);
    assert_int_equal(remover_remove(&remover, "a/2024-03-01/10_00_00.mp4", &removed, &error),
                     RTSPREC_ERROR_IO);
    assert_int_equal(chmod(path_in(root, "a/2024-03-01"), 0700), 0);
    assert_non_null(strstr(error.text, "a/2024-03-01/10_00_00.mp4"));
    assert_true(exists("a/2024-03-01/10_00_00.mp4"));
}

/* Removes the only segment of a camera again and again, and with it the directories. */
struct rival {
    pthread_t thread;
    atomic_bool stop;
    atomic_int emptied;
};

static void *remove_again_and_again(void *user)
{
    struct rival *rival = user;
    while (!atomic_load(&rival->stop)) {
        struct removed removed;
        struct rtsprec_error error;
        int err = remover_remove(&remover, "a/2024-03-02/11_00_00.mp4", &removed, &error);
        if (err == 0 && !exists("a"))
            atomic_fetch_add(&rival->emptied, 1);
    }
    return NULL;
}

/* Retention removes empty directories while a recording begins in them: no segment is lost. */
static void test_recording_begins_in_a_directory_that_goes(void **state)
{
    (void)state;
    struct rival rival = {0};
    struct layout layout = {root, "a", "mp4", false};
    assert_int_equal(pthread_create(&rival.thread, NULL, remove_again_and_again, &rival), 0);
    for (int i = 0; i < 3000; i++) {
        struct segment_file file;
        struct rtsprec_error error = {0};
        require(segment_file_create(&file, &layout, NOON, &error) == 0, "%d: %s", i, error.text);
        require(segment_file_publish(&file, &error) == 0, "%d: %s", i, error.text);
        require(file_exists(file.final_path), "%d: %s", i, file.final_path);
        unlink(file.final_path);
        segment_file_uninit(&file);
    }
    atomic_store(&rival.stop, true);
    pthread_join(rival.thread, NULL);
    assert_true(atomic_load(&rival.emptied) > 0);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, create, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_file_and_what_became_empty),
        CASE(test_timelapses),
        CASE(test_already_gone),
        CASE(test_only_names_of_our_own),
        CASE(test_never_outside),
        CASE(test_symbolic_links),
        CASE(test_a_hard_link),
        CASE(test_failures),
        CASE(test_recording_begins_in_a_directory_that_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
