#include "unit.h"

#include "archive/layout.h"

static const struct layout layout = {"/archive", "front door", "mp4", false};

/* 2 March 2024, 05:06:07; the members that mktime() fills in do not matter. */
static const struct tm local = {
    .tm_year = 124, .tm_mon = 2, .tm_mday = 2, .tm_hour = 5, .tm_min = 6, .tm_sec = 7};

static void check(char *path, const char *expected)
{
    assert_non_null(path);
    assert_string_equal(path, expected);
    free(path);
}

static void test_paths(void **state)
{
    (void)state;
    check(layout_day_directory(&layout, &local), "/archive/front door/2024-03-02");
    check(layout_segment_path(&layout, &local, 0), "/archive/front door/2024-03-02/05_06_07.mp4");
    check(layout_segment_path(&layout, &local, 1), "/archive/front door/2024-03-02/05_06_07-2.mp4");
    check(layout_segment_path(&layout, &local, 9),
          "/archive/front door/2024-03-02/05_06_07-10.mp4");
    check(layout_part_path("/a/05_06_07.mp4"), "/a/05_06_07.mp4.part");
    const struct layout relative = {".", "c", "mkv", false};
    const struct tm other = {
        .tm_year = 99, .tm_mon = 11, .tm_mday = 31, .tm_hour = 23, .tm_min = 59, .tm_sec = 60};
    check(layout_segment_path(&relative, &other, 0), "./c/1999-12-31/23_59_60.mkv");
}

/* Names sort as their times do. */
static void test_order(void **state)
{
    (void)state;
    struct tm before = local, after = local;
    before.tm_hour = 9;
    after.tm_hour = 10;
    char *first = layout_segment_path(&layout, &before, 0);
    char *second = layout_segment_path(&layout, &after, 0);
    assert_true(strcmp(first, second) < 0);
    free(first);
    free(second);
}

/* What a crash left open gets the name that it would have got. */
static void test_closed_paths(void **state)
{
    (void)state;
    static const struct {
        const char *part;
        int attempt;
        const char *suffix, *closed;
    } cases[] = {
        {"/v/c/2024-03-02/12_00_00.mp4.part", 0, "", "/v/c/2024-03-02/12_00_00.mp4"},
        {"/v/c/2024-03-02/12_00_00.mp4.part", 1, "", "/v/c/2024-03-02/12_00_00-2.mp4"},
        {"/v/c/2024-03-02/12_00_00-2.mkv.part", 2, "", "/v/c/2024-03-02/12_00_00-2-3.mkv"},
        {"/v/c/2024-03-02/12_00_00.mp4.part", 0, ".damaged",
         "/v/c/2024-03-02/12_00_00.mp4.damaged"},
        {"12_00_00.mkv.part", 9, ".damaged", "12_00_00-10.mkv.damaged"},
        {"12_00_00.part", 1, "", "12_00_00-2"},
        {"a.b/12_00_00.part", 1, "", "a.b/12_00_00-2"},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        char *closed = layout_closed_path(cases[i].part, cases[i].attempt, cases[i].suffix);
        assert_string_equal(closed, cases[i].closed);
        free(closed);
    }
}

static void test_camera_names(void **state)
{
    (void)state;
    char longest[202];
    memset(longest, 'x', 200);
    longest[200] = '\0';
    const char *const valid[] = {"a",
                                 "front door",
                                 "cam-1_x.y",
                                 "K\xc3\xbc"
                                 "che",
                                 "a.",
                                 "\\",
                                 longest,
                                 "~",
                                 "-x",
                                 "a:b"};
    for (size_t i = 0; i < LENGTH(valid); i++)
        require(layout_camera_name_is_valid(valid[i]), "%s", valid[i]);
    strcat(longest, "x");
    const char *const invalid[] = {"",   ".",    "..",   ".hidden", "a/b",   "/",    "/a",
                                   "a/", "../x", "a\nb", "\t",      "a\x7f", "\x01", longest};
    for (size_t i = 0; i < LENGTH(invalid); i++)
        require(!layout_camera_name_is_valid(invalid[i]), "%s", invalid[i]);
}

static void test_names_of_our_own(void **state)
{
    (void)state;
    const char *const segments[] = {"00_00_00.mp4", "23_59_59-2.mkv", "12_00_00-2-3.mkv",
                                    "01_30_00-1000.mp4"};
    for (size_t i = 0; i < LENGTH(segments); i++)
        require(layout_segment_name_is_valid(segments[i]), "%s", segments[i]);
    const char *const others[] = {
        "",
        "00_00_00",
        "00_00_00.mp4.part",
        "00_00_00.mp4.damaged",
        "00_00_00.avi",
        "00_00_00.mp4 ",
        "00_00_0.mp4",
        "x00_00_00.mp4",
        "00_00_00x.mp4",
        "00_00_00-.mp4",
        "00_00_00-0.mp4",
        "00_00_00-2x.mp4",
        "00_00_00.MP4",
        "00_00_00.mp4/",
    };
    for (size_t i = 0; i < LENGTH(others); i++)
        require(!layout_segment_name_is_valid(others[i]), "%s", others[i]);

    assert_true(layout_day_name_is_valid("2024-03-02"));
    assert_false(layout_day_name_is_valid("2024-03-2"));
    assert_false(layout_day_name_is_valid("2024-03-02x"));
    assert_false(layout_day_name_is_valid("2024_03_02"));
    assert_true(layout_part_name_is_valid("12_00_00-2.mkv.part"));
    assert_false(layout_part_name_is_valid("12_00_00.part"));
    assert_false(layout_part_name_is_valid("12_00_00.mp4"));
}

static void test_paths_taken_apart(void **state)
{
    (void)state;
    size_t camera = 0, day = 0;
    assert_true(layout_parse_segment_path("a b/2024-03-02/12_00_00.mp4", &camera, &day));
    assert_int_equal(camera, 3);
    assert_int_equal(day, 10);
    char name[300];
    memset(name, 'x', 201);
    strcpy(name + 201, "/2024-03-02/12_00_00.mp4");
    assert_false(layout_parse_segment_path(name, &camera, &day));
    assert_true(layout_parse_segment_path(name + 1, &camera, &day));
    const char *const others[] = {
        "",
        "/",
        "12_00_00.mp4",
        "2024-03-02/12_00_00.mp4",
        "/a/2024-03-02/12_00_00.mp4",
        "../2024-03-02/12_00_00.mp4",
        "a/../2024-03-02/12_00_00.mp4",
        "a//2024-03-02/12_00_00.mp4",
        "a/2024-03-02//12_00_00.mp4",
        "a/2024-03-02/../12_00_00.mp4",
        "a/2024-03-02/x/12_00_00.mp4",
        "a/2024-03-02/12_00_00.mp4.part",
        "a/2024-03-02/12_00_00.mp4/..",
        "a/2024-03-02/",
        "a/2024-03-02",
        "./2024-03-02/12_00_00.mp4",
        ".trash/2024-03-02/12_00_00.mp4",
        "a\nb/2024-03-02/12_00_00.mp4",
    };
    for (size_t i = 0; i < LENGTH(others); i++)
        require(!layout_parse_segment_path(others[i], &camera, &day), "%s", others[i]);
}

static void test_times_of_names(void **state)
{
    (void)state;
    struct tm time;
    assert_true(layout_parse_time("2024-03-02", "12_34_56-2.mkv", &time));
    assert_int_equal(time.tm_year, 124);
    assert_int_equal(time.tm_mon, 2);
    assert_int_equal(time.tm_mday, 2);
    assert_int_equal(time.tm_hour, 12);
    assert_int_equal(time.tm_min, 34);
    assert_int_equal(time.tm_sec, 56);
    assert_int_equal(time.tm_isdst, -1);
    assert_false(layout_parse_time("2024-03-2", "12_34_56.mp4", &time));
    assert_false(layout_parse_time("2024-03-02", "12_34_56.mp4.part", &time));
}

static void test_timelapses(void **state)
{
    (void)state;
    struct layout lapses = {"/archive", "front door", "mkv", true};
    char *directory = layout_day_directory(&lapses, &local);
    char *first = layout_segment_path(&lapses, &local, 0);
    char *second = layout_segment_path(&lapses, &local, 1);
    assert_string_equal(directory, "/archive/front door/timelapse");
    assert_string_equal(first, "/archive/front door/timelapse/2024-03-02.mkv");
    assert_string_equal(second, "/archive/front door/timelapse/2024-03-02-2.mkv");
    free(directory);
    free(first);
    free(second);

    /* Neither kind is taken for the other. */
    assert_true(layout_timelapse_name_is_valid("2024-03-02.mp4"));
    assert_true(layout_timelapse_name_is_valid("2024-03-02-12.mkv"));
    assert_false(layout_timelapse_name_is_valid("2024-03-02"));
    assert_false(layout_timelapse_name_is_valid("2024-03-02.mp4.part"));
    assert_false(layout_timelapse_name_is_valid("12_00_00.mp4"));
    assert_false(layout_segment_name_is_valid("2024-03-02.mp4"));
    assert_true(layout_timelapse_part_name_is_valid("2024-03-02-2.mp4.part"));
    assert_false(layout_timelapse_part_name_is_valid("2024-03-02.mp4"));
    assert_false(layout_timelapse_part_name_is_valid("12_00_00.mp4.part"));
    assert_false(layout_part_name_is_valid("2024-03-02.mp4.part"));

    size_t camera = 0, bytes = 0;
    assert_true(layout_parse_timelapse_path("a b/timelapse/2024-03-02.mp4", &camera, &bytes));
    assert_int_equal(camera, 3);
    assert_int_equal(bytes, 9);
    const char *const others[] = {
        "a/2024-03-02/12_00_00.mp4",       "a/timelapse/12_00_00.mp4",
        "a/2024-03-02/2024-03-02.mp4",     "a/timelapse/2024-03-02.mp4.part",
        "a/timelapses/2024-03-02.mp4",     "../timelapse/2024-03-02.mp4",
        "a/timelapse/../2024-03-02.mp4",   "timelapse/2024-03-02.mp4",
        "a/../a/timelapse/2024-03-02.mp4", "a/timelapse/",
    };
    for (size_t i = 0; i < LENGTH(others); i++)
        require(!layout_parse_timelapse_path(others[i], &camera, &bytes), "%s", others[i]);
    assert_false(layout_parse_segment_path("a/timelapse/12_00_00.mp4", &camera, &bytes));

    struct tm day;
    assert_true(layout_parse_timelapse_day("2024-03-02-2.mp4", &day));
    assert_int_equal(day.tm_year, 124);
    assert_int_equal(day.tm_mon, 2);
    assert_int_equal(day.tm_mday, 2);
    assert_int_equal(day.tm_hour, 0);
    assert_int_equal(day.tm_isdst, -1);
    assert_false(layout_parse_timelapse_day("2024-03-02", &day));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_closed_paths),
        cmocka_unit_test(test_camera_names),
        cmocka_unit_test(test_names_of_our_own),
        cmocka_unit_test(test_paths_taken_apart),
        cmocka_unit_test(test_times_of_names),
        cmocka_unit_test(test_timelapses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
