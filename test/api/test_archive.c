/* What archive.h promises, on the seeds of the fuzzers: real files, open and closed. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rtsprec/rtsprec.h>

#include "cmocka_api.h"
#include "process.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static char directory[256];

static int make_directory(void **state)
{
    (void)state;
    process_make_directory(directory, sizeof(directory));
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    process_remove_directory(directory);
    return 0;
}

/* DIRECTORY/name; valid until the fourth call after it. */
static const char *path_of(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % LENGTH(paths)];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

static void make_day(const char *camera, const char *day)
{
    char name[128];
    mkdir(directory, 0700);
    mkdir(path_of(camera), 0700);
    snprintf(name, sizeof(name), "%s/%s", camera, day);
    mkdir(path_of(name), 0700);
}

/* Puts a file of the corpus there, or, without one, a few words. */
static void put(const char *name, const char *seed)
{
    char from[512];
    snprintf(from, sizeof(from), "%s/%s", CORPUS, seed ? seed : "");
    FILE *in = seed ? fopen(from, "r") : NULL, *out = fopen(path_of(name), "w");
    if (!out || (seed && !in))
        fail_msg("%s cannot be made of %s", name, from);
    char buffer[32768] = "no video";
    size_t size = in ? fread(buffer, 1, sizeof(buffer), in) : strlen(buffer);
    assert_int_equal(fwrite(buffer, 1, size, out), size);
    fclose(out);
    if (in)
        fclose(in);
}

static int is_there(const char *name)
{
    struct stat status;
    return lstat(path_of(name), &status) == 0;
}

struct told {
    int count;
    char lines[2048]; /* "name verdict\n" each */
    int64_t frames;
};

static void tell(void *user, const struct rtsprec_archive_file *file)
{
    struct told *told = user;
    size_t used = strlen(told->lines);
    assert_non_null(file->text);
    assert_memory_equal(file->path, directory, strlen(directory));
    snprintf(told->lines + used, sizeof(told->lines) - used, "%s %d\n",
             file->path + strlen(directory) + 1, (int)file->verdict);
    told->frames += file->frames;
    told->count++;
}

static void make_archive(void)
{
    make_day("a", "2024-03-01");
    make_day("a", "2024-03-02");
    make_day("b", "2024-03-02");
    put("a/2024-03-01/10_00_00.mp4.part", "mp4_repair/h264tiny-open");
    put("a/2024-03-01/09_00_00.mp4", "mp4_repair/h264tiny-closed");
    put("a/2024-03-02/10_00_00.mp4.part", "mp4_repair/h264tiny-closed");
    put("a/2024-03-02/11_00_00.mp4.part", NULL);
    put("b/2024-03-02/12_00_00.mkv.part", "mkv_repair/h265tiny-open");
}

static void repair_of_an_archive(void **state)
{
    (void)state;
    struct rtsprec_error error = {.code = 1};
    struct told told = {0};
    make_archive();
    assert_int_equal(rtsprec_archive_repair(directory, tell, &told, &error), 0);
    assert_int_equal(error.code, 0);
    assert_string_equal(told.lines, "b/2024-03-02/12_00_00.mkv 2\n"
                                    "a/2024-03-02/11_00_00.mp4.damaged 3\n"
                                    "a/2024-03-02/10_00_00.mp4 2\n"
                                    "a/2024-03-01/10_00_00.mp4 2\n");
    assert_true(told.frames > 20);

    told = (struct told){0};
    assert_int_equal(rtsprec_archive_repair(directory, tell, &told, &error), 0);
    assert_int_equal(told.count, 0); /* all is done */
    assert_int_equal(rtsprec_archive_verify(directory, tell, &told, &error), 0);
    assert_string_equal(told.lines, "a/2024-03-01/09_00_00.mp4 0\n"
                                    "a/2024-03-01/10_00_00.mp4 0\n"
                                    "a/2024-03-02/10_00_00.mp4 0\n"
                                    "b/2024-03-02/12_00_00.mkv 0\n");
}

static void repair_without_callback_or_error(void **state)
{
    (void)state;
    make_archive();
    assert_int_equal(rtsprec_archive_repair(directory, NULL, NULL, NULL), 0);
    assert_true(is_there("a/2024-03-01/10_00_00.mp4"));
    assert_int_equal(rtsprec_archive_verify(directory, NULL, NULL, NULL), 0);
    assert_int_equal(rtsprec_archive_repair(path_of("none"), NULL, NULL, NULL), RTSPREC_ERROR_IO);
    assert_int_equal(rtsprec_archive_verify(path_of("none"), NULL, NULL, NULL), RTSPREC_ERROR_IO);
}

static void repair_while_a_recorder_writes(void **state)
{
    (void)state;
    struct rtsprec_error error;
    struct told told = {0};
    make_archive();
    int fd = open(path_of(".rtsprec"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(rtsprec_archive_repair(directory, tell, &told, &error), RTSPREC_ERROR_BUSY);
    assert_int_equal(error.code, RTSPREC_ERROR_BUSY);
    assert_non_null(strstr(error.text, "another recorder"));
    assert_int_equal(told.count, 0);
    assert_true(is_there("a/2024-03-01/10_00_00.mp4.part"));
    /* Reading is free. */
    assert_int_equal(rtsprec_archive_verify(directory, tell, &told, &error), 0);
    assert_int_equal(told.count, 1);
    close(fd);
    assert_int_equal(rtsprec_archive_repair(directory, tell, &told, &error), 0);
}

static void repair_of_what_is_no_archive(void **state)
{
    (void)state;
    struct rtsprec_error error = {0};
    assert_int_equal(rtsprec_archive_repair(path_of("none"), NULL, NULL, &error), RTSPREC_ERROR_IO);
    assert_non_null(strstr(error.text, "none"));
    assert_false(is_there("none")); /* it is not created */
    mkdir(directory, 0700);
    put("file", NULL);
    assert_int_equal(rtsprec_archive_repair(path_of("file"), NULL, NULL, &error), RTSPREC_ERROR_IO);
    assert_non_null(strstr(error.text, "expected a directory"));
}

static void verify_names_each_file(void **state)
{
    (void)state;
    struct rtsprec_error error;
    struct told told = {0};
    make_day("a", "2024-03-01");
    put("a/2024-03-01/1.mp4", "mp4_repair/h264tiny-closed");
    put("a/2024-03-01/2.mp4", "mp4_repair/h264tiny-open");
    put("a/2024-03-01/3.mkv", "mkv_repair/h264tiny-closed");
    put("a/2024-03-01/4.mkv", NULL);
    put("a/2024-03-01/5.mp4.part", "mp4_repair/h264tiny-open");
    put("a/2024-03-01/6.mp4.damaged", NULL);
    put("a/2024-03-01/.7.mp4", NULL);
    put("a/notes.txt", NULL);
    assert_int_equal(symlink("nowhere", path_of("a/2024-03-01/8.mp4")), 0);
    assert_int_equal(symlink("..", path_of("a/up")), 0); /* not followed */
    assert_int_equal(rtsprec_archive_verify(directory, tell, &told, &error), 0);
    assert_string_equal(told.lines, "a/2024-03-01/1.mp4 0\n"
                                    "a/2024-03-01/2.mp4 1\n"
                                    "a/2024-03-01/3.mkv 0\n"
                                    "a/2024-03-01/4.mkv 1\n"
                                    "a/2024-03-01/8.mp4 4\n");
    told = (struct told){0};
    assert_int_equal(rtsprec_archive_verify(path_of("a/2024-03-01/2.mp4"), tell, &told, &error), 0);
    assert_string_equal(told.lines, "a/2024-03-01/2.mp4 1\n");
}

static void verify_of_what_is_not_there(void **state)
{
    (void)state;
    struct rtsprec_error error = {0};
    assert_int_equal(rtsprec_archive_verify(path_of("none"), NULL, NULL, &error), RTSPREC_ERROR_IO);
    assert_int_equal(error.code, RTSPREC_ERROR_IO);
    assert_non_null(strstr(error.text, "none"));
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_directory, remove_directory)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(repair_of_an_archive),           CASE(repair_without_callback_or_error),
        CASE(repair_while_a_recorder_writes), CASE(repair_of_what_is_no_archive),
        CASE(verify_names_each_file),         CASE(verify_of_what_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
