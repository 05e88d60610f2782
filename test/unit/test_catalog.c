#include "catalog_rig.h"

#include <sqlite3.h>
#include <sys/wait.h>

#include "base/clock.h"

#define A1 "a/2026-01-01/00_00_00.mp4"
#define A2 "a/2026-01-01/00_00_00-2.mp4"
#define A3 "a/2026-01-01/00_05_00.mkv"
#define B1 "b c/2026-01-02/00_00_00.mp4"

static void check_cameras(struct catalog *catalog, const char *expected);

static void test_segments_come_back(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    add_segment(catalog, A3, 300, 600, 30);
    add_segment(catalog, A1, 0, 300, 10);
    add_segment(catalog, B1, 150, 450, 40);
    check_list(catalog, NULL, INT64_MIN, INT64_MAX,
               A1 " 0-300 10B\n" B1 " 150-450 40B\n" A3 " 300-600 30B\n");
    catalog_close(&catalog);
    assert_null(catalog);
    catalog_close(&catalog);

    catalog = open_catalog(*state);
    check_list(catalog, "a", INT64_MIN, INT64_MAX, A1 " 0-300 10B\n" A3 " 300-600 30B\n");
    check_list(catalog, "a", 299, 300, A1 " 0-300 10B\n");
    check_list(catalog, "a", 300, 301, A3 " 300-600 30B\n");
    check_list(catalog, "a", 600, 700, "");
    check_list(catalog, "none", 0, 700, "");
    /* The row of a path is replaced. */
    add_segment(catalog, A1, 1, 301, 11);
    check_list(catalog, "a", 0, 300, A1 " 1-301 11B\n");
    check_cameras(catalog, "a 2 41 0 1-600 41/599\nb c 1 40 0 150-450 40/300\n");
    catalog_close(&catalog);
}

static bool take_all(void *user, const struct rtsprec_archive_segment *segment)
{
    assert_string_equal(segment->camera, "a");
    assert_int_equal(segment->size, sizeof(*segment));
    assert_int_equal(segment->frames, 25);
    assert_string_equal(segment->codec, "h264");
    assert_int_equal(segment->width, 640);
    assert_int_equal(segment->height, 480);
    *(enum rtsprec_segment_reason *)user = segment->reason;
    return true;
}

static void test_a_rebuild_knows_less(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    enum rtsprec_segment_reason reason = RTSPREC_SEGMENT_UNKNOWN;
    add_segment(catalog, A1, 0, 300, 10);
    struct rtsprec_archive_segment found = {.path = A1,
                                            .end_us = 300,
                                            .bytes = 10,
                                            .frames = 25,
                                            .codec = "h264",
                                            .width = 640,
                                            .height = 480,
                                            .reason = RTSPREC_SEGMENT_UNKNOWN};
    done(catalog_add_segment(catalog, &found, &error));
    done(catalog_list(catalog, "a", 0, 1, take_all, &reason, &error));
    assert_int_equal(reason, RTSPREC_SEGMENT_LOST);
    catalog_close(&catalog);
}

static void test_what_is_no_segment(void **state)
{
    static const char *const paths[] = {
        "",
        "a",
        "a/2026-01-01",
        "/2026-01-01/00_00_00.mp4",
        "a/2026-01-01/00_00_00.mp4.part",
        "a/2026-01-01/00_00_00.mp4.damaged",
        "a/2026-01-01/00_00_00-02.mp4",
        "a/2026-01-1/00_00_00.mp4",
        "a/b/2026-01-01/00_00_00.mp4",
        "../2026-01-01/00_00_00.mp4",
    };
    struct catalog *catalog = open_catalog(*state);
    for (size_t i = 0; i < LENGTH(paths); i++) {
        struct rtsprec_archive_segment segment = {.path = paths[i], .end_us = 1};
        struct rtsprec_error error = {0};
        require(catalog_add_segment(catalog, &segment, &error) == RTSPREC_ERROR_INVALID, "%s",
                paths[i]);
        assert_int_equal(catalog_remove_segment(catalog, paths[i], RTSPREC_COVERAGE_REMOVED, NULL),
                         RTSPREC_ERROR_INVALID);
    }
    check_list(catalog, NULL, INT64_MIN, INT64_MAX, "");
    catalog_close(&catalog);
}

static void test_removal(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    add_segment(catalog, A1, 0, 300, 10);
    add_segment(catalog, A2, 300, 500, 20);
    add_segment(catalog, A3, 500, 900, 30);
    done(catalog_remove_segment(catalog, A1, RTSPREC_COVERAGE_DELETED, &error));
    done(catalog_remove_segment(catalog, A1, RTSPREC_COVERAGE_DELETED, &error)); /* it is gone */
    done(catalog_remove_segment(catalog, B1, RTSPREC_COVERAGE_DELETED, &error)); /* never there */
    check_list(catalog, "a", 0, 900, A2 " 300-500 20B\n" A3 " 500-900 30B\n");
    check_coverage(catalog, "a", 0, 1000, "0-300 12\n300-900 0\n900-1000 14\n");
    done(catalog_remove_segment(catalog, A3, RTSPREC_COVERAGE_REMOVED, &error));
    check_coverage(catalog, "a", 0, 1000, "0-300 12\n300-500 0\n500-900 13\n900-1000 14\n");
    check_cameras(catalog, "a 1 20 0 300-500 20/200\n");
    done(catalog_remove_segment(catalog, A2, RTSPREC_COVERAGE_DELETED, &error));
    check_cameras(catalog, "a 0 0 0 0-0 0/0\n");
    catalog_close(&catalog);
}

static void test_a_transaction(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    done(catalog_begin(catalog, &error));
    add_segment(catalog, A1, 0, 300, 10);
    catalog_rollback(catalog);
    check_list(catalog, NULL, 0, 900, "");
    done(catalog_begin(catalog, &error));
    add_segment(catalog, A1, 0, 300, 10);
    add_segment(catalog, A2, 300, 500, 20);
    struct catalog *other = open_catalog(*state);
    check_list(other, NULL, 0, 900, ""); /* not yet */
    done(catalog_commit(catalog, &error));
    check_list(other, NULL, 0, 900, A1 " 0-300 10B\n" A2 " 300-500 20B\n");
    catalog_close(&other);
    catalog_close(&catalog);
}

static void check_oldest(struct catalog *catalog, bool is_protected, int64_t after_us,
                         const char *after_path, int most, const char *expected)
{
    struct text text = {0};
    done(catalog_oldest(catalog, "a", is_protected, after_us, after_path, most, add_segment_text,
                        &text, &error));
    assert_string_equal(text.text, expected);
}

static void test_the_oldest(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    int64_t count;
    add_segment(catalog, A3, 300, 600, 30);
    add_segment(catalog, A2, 0, 300, 20);
    add_segment(catalog, A1, 0, 300, 10);
    add_segment(catalog, B1, -5, 300, 10);
    check_oldest(catalog, false, INT64_MIN, "", 2, A2 " 0-300 20B\n" A1 " 0-300 10B\n");
    check_oldest(catalog, false, 0, A2, 2, A1 " 0-300 10B\n" A3 " 300-600 30B\n");
    check_oldest(catalog, false, 0, A1, 2, A3 " 300-600 30B\n");
    check_oldest(catalog, false, 300, A3, 2, "");
    check_oldest(catalog, true, INT64_MIN, "", 9, "");
    done(catalog_protect(catalog, "a", 300, 301, "a theft", &count, &error));
    assert_int_equal(count, 1);
    check_oldest(catalog, true, INT64_MIN, "", 9, A3 " 300-600 30B a theft\n");
    check_oldest(catalog, false, 0, A1, 9, "");
    check_cameras(catalog, "a 3 60 30 0-600 60/600\nb c 1 10 0 -5-300 10/305\n");
    add_segment(catalog, A3, 300, 600, 31); /* the row is replaced, its protection stays */
    check_oldest(catalog, true, INT64_MIN, "", 9, A3 " 300-600 31B a theft\n");
    done(catalog_protect(catalog, "a", 0, 301, NULL, &count, &error));
    assert_int_equal(count, 3);
    check_oldest(catalog, true, INT64_MIN, "", 9, "");
    check_cameras(catalog, "a 3 61 0 0-600 61/600\nb c 1 10 0 -5-300 10/305\n");
    done(catalog_protect(catalog, "nobody", 0, 301, "why", &count, &error));
    assert_int_equal(count, 0);
    catalog_close(&catalog);
}

/* A segment that is open while its time is protected is protected once it is closed. */
static void test_what_is_closed_later(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    int64_t count;
    add_segment(catalog, A1, 0, 300, 10);
    done(catalog_protect(catalog, "a", 100, 400, "a theft", &count, &error));
    assert_int_equal(count, 1);
    add_segment(catalog, A2, 300, 500, 20);
    add_segment(catalog, A3, 500, 900, 30); /* begins behind it */
    add_segment(catalog, B1, 0, 300, 40);   /* somebody else's */
    static const char both[] =
        A1 " 0-300 10B a theft\n" A2 " 300-500 20B a theft\n" A3 " 500-900 30B\n";
    check_list(catalog, "a", 0, 900, both);
    check_list(catalog, "b c", 0, 900, B1 " 0-300 40B\n");
    check_cameras(catalog, "a 3 60 30 0-900 60/900\nb c 1 40 0 0-300 40/300\n");
    catalog_close(&catalog);
    catalog = open_catalog(*state);
    /* Taken back of one segment, it does not come again with that one's row. */
    done(catalog_protect(catalog, "a", 250, 260, NULL, &count, &error));
    assert_int_equal(count, 1);
    add_segment(catalog, A1, 0, 300, 10);
    done(catalog_remove_segment(catalog, A2, RTSPREC_COVERAGE_REMOVED, &error));
    add_segment(catalog, A2, 300, 500, 20); /* moved away and back */
    check_list(catalog, "a", 0, 500, A1 " 0-300 10B\n" A2 " 300-500 20B a theft\n");
    catalog_close(&catalog);
}

/* What is taken back in the middle leaves both ends; the last reason counts. */
static void test_times_are_cut(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    int64_t count;
    done(catalog_protect(catalog, "a", -90, -60, "nobody", &count, &error)); /* not heard of yet */
    add_segment(catalog, "a/2026-01-01/23_00_00.mp4", 5000, 5001, 1);
    done(catalog_protect(catalog, "a", 0, 1000, "one", &count, &error));
    done(catalog_protect(catalog, "a", 200, 300, "two", &count, &error));
    done(catalog_protect(catalog, "a", 400, 500, NULL, &count, &error));
    done(catalog_protect(catalog, "a", 900, 1100, NULL, &count, &error));
    done(catalog_protect(catalog, "a", 2000, 3000, "three", &count, &error));
    done(catalog_protect(catalog, "a", 1900, 3100, NULL, &count, &error));
    assert_int_equal(count, 0);
    static const struct {
        int start, end;
        const char *why;
    } cases[] = {
        {-80, -70, ""},     {-10, 0, ""},       {-10, 1, " one"},   {100, 200, " one"},
        {200, 300, " two"}, {299, 300, " two"}, {300, 310, " one"}, {400, 500, ""},
        {450, 450, ""},     {499, 501, " one"}, {899, 900, " one"}, {900, 1100, ""},
        {2000, 3000, ""},   {300, 300, " one"}, {500, 500, " one"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char path[64], expected[128];
        int64_t from = cases[i].start, to = cases[i].end > from ? cases[i].end : from + 1;
        snprintf(path, sizeof(path), "a/2026-01-01/00_00_00-%d.mp4", (int)i + 2);
        add_segment(catalog, path, cases[i].start, cases[i].end, 1);
        snprintf(expected, sizeof(expected), "%s %d-%d 1B%s\n", path, cases[i].start, cases[i].end,
                 cases[i].why);
        check_list(catalog, "a", from, to, expected);
        done(catalog_remove_segment(catalog, path, RTSPREC_COVERAGE_REMOVED, &error));
    }
    catalog_close(&catalog);
}

/* As the first ones were: their files know of no times. */
static void test_one_without_protected_times(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    int64_t count;
    add_segment(catalog, A1, 0, 300, 10);
    catalog_close(&catalog);
    sqlite3 *db;
    assert_int_equal(sqlite3_open(path_in(*state, CATALOG_FILE), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "DROP TABLE protection", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    catalog = open_catalog(*state);
    done(catalog_protect(catalog, "a", 0, 400, "a theft", &count, &error));
    add_segment(catalog, A2, 300, 500, 20);
    check_list(catalog, "a", 0, 900, A1 " 0-300 10B a theft\n" A2 " 300-500 20B a theft\n");
    catalog_close(&catalog);
}

static bool add_camera_text(void *user, const struct catalog_camera *camera)
{
    struct text *text = user;
    size_t used = strlen(text->text);
    snprintf(text->text + used, sizeof(text->text) - used,
             "%s %lld %lld %lld %lld-%lld %lld/%lld\n", camera->name, (long long)camera->segments,
             (long long)camera->bytes, (long long)camera->protected_bytes,
             (long long)camera->oldest_us, (long long)camera->newest_us,
             (long long)camera->recent_bytes, (long long)camera->recent_us);
    return true;
}

static void check_cameras(struct catalog *catalog, const char *expected)
{
    struct text text = {0};
    done(catalog_cameras(catalog, add_camera_text, &text, &error));
    assert_string_equal(text.text, expected);
}

/* The rate is that of the last day, or of the last 2,000 segments. */
static void test_the_rate(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    struct text text = {0};
    done(catalog_begin(catalog, &error));
    for (int i = 0; i < 3000; i++) {
        char path[64];
        snprintf(path, sizeof(path), "a/2026-01-01/00_00_00-%d.mp4", i + 2);
        add_segment(catalog, path, i * SECOND, (i + 1) * SECOND, i < 1000 ? 1000000 : 7);
        snprintf(path, sizeof(path), "b/2026-01-01/00_00_00-%d.mp4", i + 2);
        add_segment(catalog, path, i * HOUR, (i + 1) * HOUR, i < 2900 ? 1000000 : 7);
    }
    done(catalog_commit(catalog, &error));
    done(catalog_cameras(catalog, add_camera_text, &text, &error));
    assert_string_equal(text.text, "a 3000 1000014000 0 0-3000000000 14000/2000000000\n"
                                   "b 3000 2900000700 0 0-10800000000000 168/86400000000\n");
    catalog_close(&catalog);
}

/* A file that claims to last for years does not make every query look through years. */
static void test_a_claim_is_bounded(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    add_segment(catalog, A1, 0, INT64_MAX / 4, 10);
    check_list(catalog, "a", 0, 1, A1 " 0-172800000000 10B\n");
    check_cameras(catalog, "a 1 10 0 0-172800000000 0/0\n");
    add_segment(catalog, A2, 10, 5, 10);
    check_list(catalog, "a", 10, 11, A1 " 0-172800000000 10B\n" A2 " 10-10 10B\n");
    catalog_close(&catalog);
}

static void check_put_aside(const char *directory, const char *name)
{
    struct catalog *catalog;
    struct rtsprec_error error = {0};
    bool is_new = false;
    require(catalog_open(&catalog, directory, &is_new, &error) == 0, "%s", error.text);
    assert_true(is_new);
    check_list(catalog, NULL, INT64_MIN, INT64_MAX, "");
    assert_true(file_exists(path_in(directory, name)));
    catalog_close(&catalog);
}

static void test_a_broken_file_is_put_aside(void **state)
{
    const char *path = path_in(*state, CATALOG_FILE);
    write_file(path, "this is not what SQLite writes, and long enough to be looked at by it; "
                     "this is not what SQLite writes, and long enough to be looked at by it");
    check_put_aside(*state, CATALOG_FILE ".broken-1");

    /* Pages of zeros in the middle: found when it is used, or looked at after a crash. */
    struct catalog *catalog = open_catalog(*state);
    done(catalog_begin(catalog, &error));
    for (int i = 0; i < 2000; i++) {
        char name[64];
        snprintf(name, sizeof(name), "a/2026-01-01/00_00_00-%d.mp4", i + 2);
        add_segment(catalog, name, i, i + 1, 1);
    }
    done(catalog_commit(catalog, &error));
    catalog_close(&catalog);
    int fd = open(path, O_WRONLY);
    static const char zeros[65536];
    assert_int_equal(pwrite(fd, zeros, sizeof(zeros), 40960), sizeof(zeros));
    close(fd);

    struct rtsprec_error error = {0};
    struct text text = {0};
    catalog = open_catalog(*state);
    assert_false(catalog_is_broken(catalog));
    assert_int_equal(catalog_list(catalog, NULL, 0, 3000, add_segment_text, &text, &error),
                     RTSPREC_ERROR_IO);
    assert_true(catalog_is_broken(catalog));
    assert_non_null(strstr(error.text, CATALOG_FILE));
    catalog_close(&catalog);
    check_put_aside(*state, CATALOG_FILE ".broken-2");
}

/* Of a program that is gone the log is left: then the pages are looked at. */
static void test_a_broken_file_after_a_crash(void **state)
{
    const char *path = path_in(*state, CATALOG_FILE);
    pid_t child = fork();
    if (child == 0) {
        struct catalog *catalog = open_catalog(*state);
        for (int i = 0; i < 300; i++) {
            char name[64];
            snprintf(name, sizeof(name), "a/2026-01-01/00_00_00-%d.mp4", i + 2);
            add_segment(catalog, name, i, i + 1, 1);
        }
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct catalog *catalog = open_catalog(*state); /* whole */
    struct text text = {.most = 1};
    done(catalog_list(catalog, NULL, 0, 3000, add_segment_text, &text, &error));
    assert_int_equal(text.rows, 1);
    catalog_close(&catalog);

    int fd = open(path, O_WRONLY);
    static const char zeros[8192];
    assert_int_equal(pwrite(fd, zeros, sizeof(zeros), 4096), sizeof(zeros));
    close(fd);
    write_file(path_in(*state, CATALOG_FILE "-wal"), "");
    check_put_aside(*state, CATALOG_FILE ".broken-1");
}

/* As it is beside a recorder: there is a log, and some page is broken that nobody asks for. */
static void make_recorded(const char *directory, int64_t alive_us, bool is_ended)
{
    struct catalog *catalog = open_catalog(directory);
    done(catalog_begin(catalog, &error));
    for (int i = 0; i < 2000; i++) {
        char name[64];
        snprintf(name, sizeof(name), "a/2026-01-01/00_00_00-%d.mp4", i + 2);
        add_segment(catalog, name, i, i + 1, 1);
    }
    done(catalog_commit(catalog, &error));
    done(catalog_begin_session(catalog, alive_us, &error));
    if (is_ended)
        done(catalog_end_session(catalog, alive_us, &error));
    catalog_close(&catalog);
    int fd = open(path_in(directory, CATALOG_FILE), O_WRONLY);
    static const char zeros[4096 * 8];
    assert_int_equal(pwrite(fd, zeros, sizeof(zeros), 4096 * 40), sizeof(zeros));
    close(fd);
    write_file(path_in(directory, CATALOG_FILE "-wal"), "");
}

static void test_beside_a_recorder(void **state)
{
    const struct {
        int64_t ago_us;
        bool is_ended, is_checked;
    } cases[] = {{SECOND, false, false},
                 {-SECOND, false, false},
                 {60 * SECOND, false, true},
                 {SECOND, true, true}};
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct catalog *catalog;
        struct rtsprec_error error = {0};
        bool is_new;
        make_recorded(*state, clock_real_us() - cases[i].ago_us, cases[i].is_ended);
        assert_int_equal(catalog_open_beside(&catalog, *state, clock_real_us(), &is_new, &error),
                         0);
        catalog_close(&catalog);
        assert_int_equal(file_exists(path_in(*state, CATALOG_FILE ".broken-1")),
                         cases[i].is_checked);
        /* The recorder itself has crashed if there is a log. */
        if (!cases[i].is_checked) {
            write_file(path_in(*state, CATALOG_FILE "-wal"), "");
            catalog = open_catalog(*state);
            catalog_close(&catalog);
        }
        assert_true(file_exists(path_in(*state, CATALOG_FILE ".broken-1")));
        assert_int_equal(unlink(path_in(*state, CATALOG_FILE ".broken-1")), 0);
        assert_int_equal(unlink(path_in(*state, CATALOG_FILE)), 0);
    }
}

/* A recorder must not lose its catalog because somebody else finds it broken. */
static void test_a_broken_file_of_a_recorder(void **state)
{
    struct catalog *catalog = NULL;
    struct rtsprec_error error = {0};
    int ready[2], over[2], status;
    char byte = 0;
    bool is_new;
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(over), 0);
    pid_t recorder = fork();
    if (recorder == 0) {
        struct catalog *its = open_catalog(*state);
        add_segment(its, A1, 0, 300, 10);
        close(over[1]);
        bool is_told = write(ready[1], &byte, 1) == 1 && read(over[0], &byte, 1) == 0;
        _exit(is_told ? 0 : 1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    /* The log is whole, the file is not. */
    int fd = open(path_in(*state, CATALOG_FILE), O_WRONLY);
    static const char zeros[4096 * 30];
    assert_int_equal(pwrite(fd, zeros, sizeof(zeros), 0), sizeof(zeros));
    close(fd);
    fd = open(path_in(*state, CATALOG_FILE "-wal"), O_WRONLY | O_TRUNC);
    close(fd);
    assert_int_equal(catalog_open(&catalog, *state, &is_new, &error), RTSPREC_ERROR_IO);
    assert_null(catalog);
    assert_false(file_exists(path_in(*state, CATALOG_FILE ".broken-1")));
    close(over[1]);
    assert_int_equal(waitpid(recorder, &status, 0), recorder);
    assert_int_equal(status, 0);
    close(over[0]);
    close(ready[0]);
    close(ready[1]);
    check_put_aside(*state, CATALOG_FILE ".broken-1");
}

static void test_of_another_version(void **state)
{
    struct catalog *catalog = open_catalog(*state);
    struct rtsprec_error error = {0};
    bool is_new;
    catalog_close(&catalog);
    int fd = open(path_in(*state, CATALOG_FILE), O_WRONLY);
    static const unsigned char version[4] = {0, 0, 0, 99};
    assert_int_equal(pwrite(fd, version, 4, 60), 4); /* user_version of the header */
    close(fd);
    assert_int_equal(catalog_open(&catalog, *state, &is_new, &error), RTSPREC_ERROR_IO);
    assert_null(catalog);
    assert_non_null(strstr(error.text, "its version is 99, expected 1"));
    assert_false(file_exists(path_in(*state, CATALOG_FILE ".broken-1")));
}

/* Of a child: an assertion that fails would go on with the other tests. */
static bool add_one(const char *directory, int number)
{
    char path[64];
    struct catalog *catalog;
    struct rtsprec_error error = {0};
    bool is_new;
    snprintf(path, sizeof(path), "a/2026-01-01/00_00_00-%d.mp4", number + 2);
    struct rtsprec_archive_segment segment = {
        .path = path, .start_us = number, .end_us = number + 1, .bytes = 1};
    bool is_done = catalog_open(&catalog, directory, &is_new, &error) == 0 &&
                   catalog_add_segment(catalog, &segment, &error) == 0;
    if (!is_done)
        print_error("%s\n", error.text);
    catalog_close(&catalog);
    return is_done;
}

/* Many begin at once where there is none yet: a recorder, and those who look. */
static void test_many_begin_at_once(void **state)
{
    for (int round = 0; round < 30; round++) {
        pid_t children[6];
        int ready[2], status;
        char byte;
        assert_int_equal(pipe(ready), 0);
        for (int i = 0; i < (int)LENGTH(children); i++) {
            if ((children[i] = fork()) != 0)
                continue;
            close(ready[1]);
            /* Its end is the signal. */
            _exit(read(ready[0], &byte, 1) == 0 && add_one(*state, i) ? 0 : 1);
        }
        close(ready[0]);
        close(ready[1]);
        for (size_t i = 0; i < LENGTH(children); i++) {
            assert_int_equal(waitpid(children[i], &status, 0), children[i]);
            assert_int_equal(status, 0);
        }
        struct catalog *catalog = open_catalog(*state);
        struct text text = {.most = 0};
        done(catalog_list(catalog, "a", 0, 9, add_segment_text, &text, &error));
        assert_int_equal(text.rows, LENGTH(children));
        catalog_close(&catalog);
        assert_int_equal(unlink(path_in(*state, CATALOG_FILE)), 0);
    }
}

/* Whoever may only read can look, with a recorder and without one. */
static void look_at(const char *directory)
{
    struct rtsprec_error error = {0};
    struct text text = {.most = 0};
    int64_t count;
    bool is_new;
    struct catalog *catalog;
    if (getuid() == 0 && setresuid(65534, 65534, 65534) != 0)
        _exit(1);
    bool is_right = catalog_open(&catalog, directory, &is_new, &error) == 0 &&
                    catalog_list(catalog, "a", 0, 9, add_segment_text, &text, &error) == 0 &&
                    !strcmp(text.text, A1 " 0-300 10B\n") &&
                    catalog_protect(catalog, "a", 0, 9, "why", &count, &error) == RTSPREC_ERROR_IO;
    if (!is_right)
        print_error("%s\n%s\n", error.text, text.text);
    _exit(is_right ? 0 : 1);
}

static void check_look(const char *directory)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0)
        look_at(directory);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void test_of_somebody_else(void **state)
{
    char directory[256], file[300];
    snprintf(directory, sizeof(directory), "%s/what? 100%% #1", (const char *)*state);
    snprintf(file, sizeof(file), "%s/" CATALOG_FILE, directory);
    assert_int_equal(mkdir(directory, 0755), 0);
    assert_int_equal(chmod(*state, 0755), 0);
    struct catalog *catalog = open_catalog(directory);
    add_segment(catalog, A1, 0, 300, 10);
    assert_int_equal(chmod(file, 0444), 0);
    assert_int_equal(chmod(directory, 0555), 0);
    if (getuid() == 0) /* else the files beside it belong to us */
        check_look(directory);
    assert_int_equal(chmod(directory, 0755), 0);
    catalog_close(&catalog);
    assert_int_equal(chmod(directory, 0555), 0);
    check_look(directory);
    assert_int_equal(chmod(directory, 0755), 0);
}

static void test_in_memory(void **state)
{
    struct catalog *catalog;
    done(catalog_open_in_memory(&catalog, *state, &error));
    add_segment(catalog, A1, 0, 300, 10);
    check_list(catalog, NULL, INT64_MIN, INT64_MAX, A1 " 0-300 10B\n");
    catalog_close(&catalog);
    assert_int_equal(access(path_in(*state, CATALOG_FILE), F_OK), -1);
    assert_int_equal(access(":memory:", F_OK), -1);
    done(catalog_open_in_memory(&catalog, *state, &error));
    check_list(catalog, NULL, INT64_MIN, INT64_MAX, "");
    catalog_close(&catalog);
}

static void test_a_missing_directory(void **state)
{
    struct catalog *catalog;
    struct rtsprec_error error = {0};
    bool is_new;
    assert_int_equal(catalog_open(&catalog, path_in(*state, "none"), &is_new, &error),
                     RTSPREC_ERROR_IO);
    assert_null(catalog);
    assert_non_null(strstr(error.text, "none/" CATALOG_FILE));
    assert_false(file_exists(path_in(*state, "none")));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, directory_create, directory_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_segments_come_back),
        CASE(test_a_rebuild_knows_less),
        CASE(test_what_is_no_segment),
        CASE(test_removal),
        CASE(test_a_transaction),
        CASE(test_the_oldest),
        CASE(test_what_is_closed_later),
        CASE(test_times_are_cut),
        CASE(test_one_without_protected_times),
        CASE(test_the_rate),
        CASE(test_a_claim_is_bounded),
        CASE(test_a_broken_file_is_put_aside),
        CASE(test_a_broken_file_after_a_crash),
        CASE(test_beside_a_recorder),
        CASE(test_a_broken_file_of_a_recorder),
        CASE(test_of_another_version),
        CASE(test_many_begin_at_once),
        CASE(test_of_somebody_else),
        CASE(test_in_memory),
        CASE(test_a_missing_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
