#include "catalog_rig.h"

#include <errno.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "archive/entries.h"
#include "archive/layout.h"
#include "archive/reconcile.h"
#include "base/clock.h"

/* Directories of the tests are as old as this unless they are touched; the present is later. */
#define OLD_S  1000000
#define NOW_US (INT64_C(2000000) * SECOND)

/* What a file says is its text: "START LENGTH". */
static int describe(struct reconcile_row *row, int fd, const char *path)
{
    char text[64] = "";
    long long start_s = 0, length_s = 0;
    ssize_t size = read(fd, text, sizeof(text) - 1);
    if (size < 0 || !strcmp(text, "sick"))
        return -EIO;
    sscanf(text, "%lld %lld", &start_s, &length_s);
    protection_read(fd, row->why);
    row->segment = (struct rtsprec_archive_segment){
        .path = path,
        .start_us = start_s,
        .end_us = start_s + length_s,
        .bytes = size,
        .reason = RTSPREC_SEGMENT_UNKNOWN,
        .protected_why = row->why[0] ? row->why : NULL,
    };
    return 0;
}

static void age(const char *directory, const char *name)
{
    struct timeval times[2] = {{OLD_S, 0}, {OLD_S, 0}};
    assert_int_equal(utimes(path_in(directory, name), times), 0);
}

static void make_day(const char *directory, const char *camera, const char *day)
{
    char path[64];
    mkdir(path_in(directory, camera), 0700);
    snprintf(path, sizeof(path), "%s/%s", camera, day);
    assert_int_equal(mkdir(path_in(directory, path), 0700), 0);
}

#define A  "a/2026-01-01/"
#define A2 "a/2026-01-02/"
#define B  "b/2026-01-01/"

static void make_tree(const char *directory)
{
    make_day(directory, "a", "2026-01-01");
    make_day(directory, "a", "2026-01-02");
    make_day(directory, "b", "2026-01-01");
    write_file(path_in(directory, A "00_00_00.mp4"), "100 50");
    write_file(path_in(directory, A "00_01_00.mkv"), "160 50");
    write_file(path_in(directory, A2 "00_00_00.mp4"), "900 50");
    write_file(path_in(directory, B "00_00_00-2.mp4"), "120 60");
    /* What is none of ours. */
    write_file(path_in(directory, A "00_02_00.mp4.part"), "1 1");
    write_file(path_in(directory, A "00_02_00.mp4.damaged"), "1 1");
    write_file(path_in(directory, A "film.mp4"), "1 1");
    write_file(path_in(directory, "a/00_00_00.mp4"), "1 1");
    write_file(path_in(directory, "2026-01-01"), "1 1");
    assert_int_equal(symlink("00_00_00.mp4", path_in(directory, A "00_03_00.mp4")), 0);
    assert_int_equal(symlink("2026-01-01", path_in(directory, "a/2026-01-03")), 0);
    assert_int_equal(symlink("a", path_in(directory, "c")), 0);
    make_day(directory, ".hidden", "2026-01-01");
    write_file(path_in(directory, ".hidden/2026-01-01/00_00_00.mp4"), "1 1");
    age(directory, "a/2026-01-01");
    age(directory, "a/2026-01-02");
    age(directory, "b/2026-01-01");
}

static const char whole[] = A "00_00_00.mp4 100-150 6B\n" B "00_00_00-2.mp4 120-180 6B\n" A
                              "00_01_00.mkv 160-210 6B\n" A2 "00_00_00.mp4 900-950 6B\n";

static void check_reconcile(struct catalog *catalog, const char *directory, bool all, int read,
                            int added, int removed, int moved)
{
    struct reconcile_result result;
    done(reconcile(catalog, directory, all, NOW_US, describe, &result, &error));
    assert_int_equal(result.directories_read, read);
    assert_int_equal(result.added, added);
    assert_int_equal(result.removed, removed);
    assert_int_equal(result.moved, moved);
}

static void check_all(struct catalog *catalog, const char *expected)
{
    check_list(catalog, NULL, INT64_MIN, INT64_MAX, expected);
}

static void test_a_new_catalog(void **state)
{
    bool is_new = false;
    struct catalog *catalog;
    make_tree(*state);
    done(catalog_open(&catalog, *state, &is_new, &error));
    assert_true(is_new);
    check_reconcile(catalog, *state, false, 3, 4, 0, 0);
    check_all(catalog, whole);
    check_reconcile(catalog, *state, false, 0, 0, 0, 0); /* nothing has changed, nothing is read */
    check_reconcile(catalog, *state, true, 3, 0, 0, 0);
    check_all(catalog, whole);
    catalog_close(&catalog);
    done(catalog_open(&catalog, *state, &is_new, &error));
    assert_false(is_new);
    catalog_close(&catalog);
    /* Deleted and made again it is the same. */
    assert_int_equal(unlink(path_in(*state, CATALOG_FILE)), 0);
    done(catalog_open(&catalog, *state, &is_new, &error));
    assert_true(is_new);
    check_reconcile(catalog, *state, true, 3, 4, 0, 0);
    check_all(catalog, whole);
    catalog_close(&catalog);
}

static void test_files_by_hand(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    make_tree(*state);
    check_reconcile(catalog, *state, false, 3, 4, 0, 0);
    assert_int_equal(unlink(path_in(*state, A "00_00_00.mp4")), 0);
    write_file(path_in(*state, A "00_05_00.mp4"), "400 50");
    /* In place, which no directory tells: only looking at all finds it. */
    write_file(path_in(*state, A2 "00_00_00.mp4"), "900 5000");
    check_reconcile(catalog, *state, false, 1, 1, 1, 0);
    check_list(catalog, "a", INT64_MIN, INT64_MAX,
               A "00_01_00.mkv 160-210 6B\n" A "00_05_00.mp4 400-450 6B\n" A2
                 "00_00_00.mp4 900-950 6B\n");
    check_coverage(catalog, "a", 100, 160, "100-150 13\n150-160 14\n");
    check_reconcile(catalog, *state, true, 3, 1, 0, 0);
    check_list(catalog, "a", 500, INT64_MAX, A2 "00_00_00.mp4 900-5900 8B\n");
    /* A whole day, a whole camera; a file whose place a link has taken. */
    assert_int_equal(unlink(path_in(*state, A2 "00_00_00.mp4")), 0);
    assert_int_equal(rmdir(path_in(*state, "a/2026-01-02")), 0);
    assert_int_equal(unlink(path_in(*state, B "00_00_00-2.mp4")), 0);
    assert_int_equal(rmdir(path_in(*state, "b/2026-01-01")), 0);
    assert_int_equal(rmdir(path_in(*state, "b")), 0);
    assert_int_equal(unlink(path_in(*state, A "00_05_00.mp4")), 0);
    assert_int_equal(symlink("00_01_00.mkv", path_in(*state, A "00_05_00.mp4")), 0);
    check_reconcile(catalog, *state, false, 1, 0, 3, 0);
    check_all(catalog, A "00_01_00.mkv 160-210 6B\n");
    check_coverage(catalog, "b", 100, 200, "100-120 14\n120-180 13\n180-200 14\n");
    catalog_close(&catalog);
}

/* A change in the instant in which the directory was read does not show in its time. */
static void test_fresh_times(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    struct reconcile_result result;
    make_tree(*state);
    int64_t now_us = (OLD_S + 1) * SECOND;
    done(reconcile(catalog, *state, false, now_us, describe, &result, &error));
    assert_int_equal(result.directories_read, 3);
    write_file(path_in(*state, A "00_05_00.mp4"), "400 50");
    age(*state, "a/2026-01-01");
    done(reconcile(catalog, *state, false, now_us, describe, &result, &error));
    assert_int_equal(result.directories_read, 3);
    assert_int_equal(result.added, 1);
    /* Once it is old enough it is believed. */
    check_reconcile(catalog, *state, false, 3, 0, 0, 0);
    check_reconcile(catalog, *state, false, 0, 0, 0, 0);
    /* What a recorder adds may not be all that happened: its directory is read again. */
    add_segment(catalog, A "00_05_00.mp4", 400, 450, 6);
    check_reconcile(catalog, *state, false, 1, 0, 0, 0);
    done(catalog_remove_segment(catalog, B "00_00_00-2.mp4", RTSPREC_COVERAGE_DELETED, &error));
    check_reconcile(catalog, *state, false, 1, 1, 0, 0); /* the power went before it was deleted */
    catalog_close(&catalog);
}

static void test_a_renamed_camera(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    int64_t count;
    make_tree(*state);
    check_reconcile(catalog, *state, false, 3, 4, 0, 0);
    done(catalog_protect(catalog, "a", 160, 161, "a theft", &count, &error));
    done(catalog_protect(catalog, "a", 5000, 6000, "a fire", &count, &error));
    done(catalog_protect(catalog, "b", 5000, 6000, "a flood", &count, &error));
    done(catalog_begin_session(catalog, 0, &error));
    done(catalog_set_condition(catalog, "a", RTSPREC_COVERAGE_UNREACHABLE, 10, &error));
    assert_int_equal(rename(path_in(*state, "a"), path_in(*state, "front door")), 0);
    check_reconcile(catalog, *state, false, 0, 0, 0, 3);
    check_list(catalog, "a", INT64_MIN, INT64_MAX, "");
    check_list(catalog, "front door", INT64_MIN, INT64_MAX,
               "front door/2026-01-01/00_00_00.mp4 100-150 6B\n"
               "front door/2026-01-01/00_01_00.mkv 160-210 6B a theft\n"
               "front door/2026-01-02/00_00_00.mp4 900-950 6B\n");
    check_coverage(catalog, "front door", 0, 200,
                   "0-10 14\n10-100 3\n100-150 0\n150-160 3\n160-200 0\n");
    check_coverage(catalog, "a", 0, 200, "0-200 14\n");
    /* The configuration knew the new name before the directory was looked at. */
    done(catalog_set_condition(catalog, "yard", RTSPREC_COVERAGE_STALLED, 170, &error));
    assert_int_equal(rename(path_in(*state, "b"), path_in(*state, "yard")), 0);
    check_reconcile(catalog, *state, false, 0, 0, 0, 1);
    check_coverage(catalog, "yard", 100, 190, "100-120 14\n120-180 0\n180-190 5\n");
    /* What is closed later. */
    add_segment(catalog, "front door/2026-01-02/00_05_00.mp4", 5000, 5001, 6);
    add_segment(catalog, "yard/2026-01-02/00_05_00.mp4", 5000, 5001, 6);
    check_list(catalog, NULL, 5000, 5001,
               "front door/2026-01-02/00_05_00.mp4 5000-5001 6B a fire\n"
               "yard/2026-01-02/00_05_00.mp4 5000-5001 6B a flood\n");
    catalog_close(&catalog);
}

/* Another directory is no renamed one, though it came as one went. */
static void test_a_camera_replaced(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    make_tree(*state);
    check_reconcile(catalog, *state, false, 3, 4, 0, 0);
    assert_int_equal(unlink(path_in(*state, B "00_00_00-2.mp4")), 0);
    assert_int_equal(rename(path_in(*state, "b"), path_in(*state, "d")), 0);
    write_file(path_in(*state, "d/2026-01-01/00_00_00.mp4"), "10 5");
    check_reconcile(catalog, *state, false, 1, 1, 1, 0);
    check_list(catalog, "d", INT64_MIN, INT64_MAX, "d/2026-01-01/00_00_00.mp4 10-15 4B\n");
    check_coverage(catalog, "b", 100, 190, "100-120 14\n120-180 13\n180-190 14\n");
    catalog_close(&catalog);
}

static bool read_why(const char *path, char why[PROTECTION_MOST_BYTES + 1])
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    protection_read(fd, why);
    close(fd);
    return why[0] != '\0';
}

/* One that comes to a time that is protected is marked, too. */
static void test_a_protected_time(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    char why[PROTECTION_MOST_BYTES + 1];
    int64_t count;
    make_tree(*state);
    check_reconcile(catalog, *state, false, 3, 4, 0, 0);
    done(catalog_protect(catalog, "a", 160, 420, "a theft", &count, &error));
    assert_int_equal(count, 1);
    write_file(path_in(*state, A "00_05_00.mp4"), "400 50");
    write_file(path_in(*state, A "00_06_00.mp4"), "450 50");
    check_reconcile(catalog, *state, false, 1, 2, 0, 0);
    check_list(catalog, "a", 400, 500,
               A "00_05_00.mp4 400-450 6B a theft\n" A "00_06_00.mp4 450-500 6B\n");
    bool has_marks = read_why(path_in(*state, A "00_01_00.mkv"), why);
    assert_int_equal(read_why(path_in(*state, A "00_05_00.mp4"), why), has_marks);
    assert_string_equal(why, has_marks ? "a theft" : "");
    assert_false(read_why(path_in(*state, A "00_06_00.mp4"), why));
    catalog_close(&catalog);
}

/* A protection that only the file knows. */
static void test_a_protected_file(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    int64_t count;
    make_tree(*state);
    check_reconcile(catalog, *state, false, 3, 4, 0, 0);
    done(catalog_protect(catalog, "b", 0, 200, "a theft", &count, &error));
    char why[PROTECTION_MOST_BYTES + 1];
    bool has_marks = read_why(path_in(*state, B "00_00_00-2.mp4"), why);
    catalog_close(&catalog);
    if (!has_marks)
        skip(); /* the file system has no such attributes */
    assert_string_equal(why, "a theft");
    assert_int_equal(unlink(path_in(*state, CATALOG_FILE)), 0);
    catalog = open_catalog(*state);
    check_reconcile(catalog, *state, false, 3, 4, 0, 0);
    check_list(catalog, "b", 0, 200, B "00_00_00-2.mp4 120-180 6B a theft\n");
    done(catalog_protect(catalog, "b", 0, 200, NULL, &count, &error));
    catalog_close(&catalog);
    assert_int_equal(unlink(path_in(*state, CATALOG_FILE)), 0);
    catalog = open_catalog(*state);
    check_reconcile(catalog, *state, false, 3, 4, 0, 0);
    check_list(catalog, "b", 0, 200, B "00_00_00-2.mp4 120-180 6B\n");
    catalog_close(&catalog);
}

static void test_what_cannot_be_read(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    struct reconcile_result result;
    struct rtsprec_error error = {0};
    make_tree(*state);
    write_file(path_in(*state, A "00_00_00.mp4"), "sick");
    age(*state, "a/2026-01-01");
    assert_int_equal(reconcile(catalog, *state, false, NOW_US, describe, &result, &error),
                     RTSPREC_ERROR_IO);
    assert_non_null(strstr(error.text, A "00_00_00.mp4"));
    assert_int_equal(result.added, 3); /* all the rest */
    write_file(path_in(*state, A "00_00_00.mp4"), "100 50");
    check_reconcile(catalog, *state, false, 1, 1, 0, 0); /* it is tried again */
    check_all(catalog, whole);
    /* A camera's directory that is a link now is nobody's business. */
    assert_int_equal(rename(path_in(*state, "a"), path_in(*state, ".a")), 0);
    assert_int_equal(symlink(".a", path_in(*state, "a")), 0);
    check_reconcile(catalog, *state, true, 1, 0, 0, 0);
    check_all(catalog, whole);
    assert_int_equal(
        reconcile(catalog, path_in(*state, "none"), false, NOW_US, describe, &result, &error),
        RTSPREC_ERROR_IO);
    check_all(catalog, whole);
    catalog_close(&catalog);
}

/* A recorder adds and deletes while all is looked at: what it did stays, by its word. */
static struct catalog *recorder;
static const char *recorder_directory;

static int describe_meanwhile(struct reconcile_row *row, int fd, const char *path)
{
    /* It has a file more on the disk, which is not yet in its catalog. */
    write_file(path_in(recorder_directory, A "23_59_59.mp4"), "1 9");
    return describe(row, fd, path);
}

static bool count_row(void *user, const struct rtsprec_archive_segment *segment)
{
    (void)segment;
    ((struct text *)user)->rows++;
    return true;
}

static int described, most_hidden;
static const char *looked_at;

/* How much of what was described others do not see yet: it is within a transaction. */
static int describe_and_look(struct reconcile_row *row, int fd, const char *path)
{
    struct text text = {.most = 0};
    if (++described % 50 == 0) {
        struct catalog *catalog = open_catalog(looked_at);
        done(catalog_list(catalog, NULL, INT64_MIN, INT64_MAX, count_row, &text, &error));
        catalog_close(&catalog);
        int hidden = described - text.rows;
        most_hidden = hidden > most_hidden ? hidden : most_hidden;
    }
    return describe(row, fd, path);
}

/* A recorder waits for no whole directory, however many files there are in it. */
static void test_a_large_directory(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    struct reconcile_result result;
    make_day(*state, "a", "2026-01-01");
    for (int i = 0; i < 400; i++) {
        char path[64];
        snprintf(path, sizeof(path), A "%02d_%02d_00.mp4", i / 60, i % 60);
        write_file(path_in(*state, path), "100 50");
    }
    looked_at = *state;
    described = most_hidden = 0;
    done(reconcile(catalog, *state, false, NOW_US, describe_and_look, &result, &error));
    assert_int_equal(result.added, 400);
    assert_in_range(most_hidden, 1, 150);
    catalog_close(&catalog);
}

static int describe_slowly(struct reconcile_row *row, int fd, const char *path)
{
    usleep(5000); /* a disk that seeks */
    return describe(row, fd, path);
}

/* A recorder gets at the catalog of a tree that takes long to read. */
static void test_a_slow_disk(void **state)
{
    struct reconcile_result result;
    int status = -1;
    make_day(*state, "a", "2026-01-01");
    for (int i = 0; i < 800; i++) {
        char path[64];
        snprintf(path, sizeof(path), A "%02d_%02d_00.mp4", i / 60, i % 60);
        write_file(path_in(*state, path), "100 50");
    }
    struct catalog *catalog = open_catalog(*state);
    catalog_close(&catalog);
    pid_t child = fork();
    if (child == 0) {
        catalog = open_catalog(*state);
        usleep(100000);
        int64_t from_us = clock_monotonic_us();
        done(catalog_set_condition(catalog, "a", RTSPREC_COVERAGE_STALLED, 100, &error));
        int64_t took = clock_monotonic_us() - from_us;
        catalog_close(&catalog);
        _exit(took < 3 * SECOND ? 0 : 1);
    }
    catalog = open_catalog(*state);
    done(reconcile(catalog, *state, false, NOW_US, describe_slowly, &result, &error));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    catalog_close(&catalog);
}

static void test_a_recorder_meanwhile(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    struct reconcile_result result;
    make_tree(*state);
    recorder = open_catalog(*state);
    recorder_directory = *state;
    done(reconcile(catalog, *state, true, NOW_US, describe_meanwhile, &result, &error));
    add_segment(recorder, A "23_59_59.mp4", 1, 10, 3);
    check_reconcile(catalog, *state, true, 3, 0, 0, 0);
    check_list(catalog, "a", 0, 11, A "23_59_59.mp4 1-10 3B\n");
    catalog_close(&recorder);
    catalog_close(&catalog);
}

/* Many files come and go in one process while another looks at all again and again. */
#define FILES 400

static void play_recorder(const char *directory)
{
    struct catalog *catalog = open_catalog(directory);
    for (int i = 0; i < FILES; i++) {
        char name[64];
        snprintf(name, sizeof(name), A "00_00_00-%d.mp4", i + 2);
        write_file(path_in(directory, name), "5 5");
        add_segment(catalog, name, 5, 10, 3);
        if (i % 3 == 0) {
            snprintf(name, sizeof(name), A "00_00_00-%d.mp4", i / 2 + 2);
            done(catalog_remove_segment(catalog, name, RTSPREC_COVERAGE_DELETED, &error));
            unlink(path_in(directory, name));
        }
    }
    catalog_close(&catalog);
}

struct found {
    const char *directory;
    size_t rows;
};

static bool check_is_there(void *user, const struct rtsprec_archive_segment *segment)
{
    struct found *found = user;
    require(file_exists(path_in(found->directory, segment->path)), "%s", segment->path);
    found->rows++;
    return true;
}

static void test_a_recorder_in_another_process(void **state)
{
    struct reconcile_result result;
    struct entries files = {0};
    int status = -1, rounds = 0;
    make_tree(*state);
    struct catalog *catalog = open_catalog(*state);
    catalog_close(&catalog);
    pid_t child = fork();
    if (child == 0) {
        play_recorder(*state);
        _exit(0);
    }
    catalog = open_catalog(*state);
    for (; waitpid(child, &status, WNOHANG) == 0; rounds++)
        done(reconcile(catalog, *state, true, NOW_US, describe, &result, &error));
    assert_int_equal(status, 0);
    assert_true(rounds > 3);
    done(reconcile(catalog, *state, true, NOW_US, describe, &result, &error));
    struct found found = {.directory = *state};
    done(catalog_list(catalog, "a", 0, 100, check_is_there, &found, &error));
    int fd = open(path_in(*state, A), O_RDONLY | O_DIRECTORY);
    assert_int_equal(entries_read_directory(&files, fd, S_IFREG, layout_segment_name_is_valid), 0);
    assert_int_equal(found.rows, files.count - 3); /* of make_tree(): two of other times, a link */
    close(fd);
    entries_uninit(&files);
    catalog_close(&catalog);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, directory_create, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_new_catalog),        CASE(test_files_by_hand),
        CASE(test_fresh_times),          CASE(test_a_renamed_camera),
        CASE(test_a_camera_replaced),    CASE(test_a_protected_time),
        CASE(test_a_protected_file),     CASE(test_what_cannot_be_read),
        CASE(test_a_large_directory),    CASE(test_a_slow_disk),
        CASE(test_a_recorder_meanwhile), CASE(test_a_recorder_in_another_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
