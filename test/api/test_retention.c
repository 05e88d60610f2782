/* What retention.h promises, on an archive of empty files. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <rtsprec/rtsprec.h>

#include "cmocka_api.h"
#include "process.h"

#define DAY INT64_C(86400000000)

static char directory[256];
static struct rtsprec_archive *archive;
static struct rtsprec_archive_limits limits;

static const char *path_of(const char *name)
{
    static char paths[4][600];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
    return path;
}

static int exists(const char *name)
{
    struct stat status;
    return lstat(path_of(name), &status) == 0;
}

/* A file of a size, with the directories above it. */
static void put(const char *name, int64_t bytes)
{
    char path[600];
    snprintf(path, sizeof(path), "%s", path_of(name));
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, bytes), 0);
    close(fd);
}

static void open_archive(void)
{
    struct rtsprec_error error = {0};
    if (rtsprec_archive_open(&archive, directory, &error) != 0)
        fail_msg("%s", error.text);
}

static int make_archive(void **state)
{
    (void)state;
    setenv("TZ", "UTC0", 1);
    tzset();
    process_make_directory(directory, sizeof(directory));
    put(".rtsprec", 0);
    put("a/2024-03-01/10_00_00.mp4", 1000);
    put("a/2024-03-01/10_05_00.mp4", 1000);
    put("b/2024-03-01/10_01_00.mp4", 500);
    put("b/2024-03-02/00_00_00.mp4", 500);
    put("b/2024-03-01/11_00_00.mp4.part", 50);
    put("notes.txt", 5);
    open_archive();
    rtsprec_archive_limits_init(&limits);
    return 0;
}

static int remove_archive(void **state)
{
    (void)state;
    rtsprec_archive_close(&archive);
    process_remove_directory(directory);
    return 0;
}

static struct {
    char lines[2048];
    int count, most;
} told;

static int tell(void *user, const struct rtsprec_archive_deletion *deletion)
{
    assert_ptr_equal(user, &told);
    assert_true(deletion->size >= sizeof(*deletion));
    size_t used = strlen(told.lines);
    snprintf(told.lines + used, sizeof(told.lines) - used, "%s %s %s %lld%s\n", deletion->camera,
             deletion->path, rtsprec_deletion_reason_name(deletion->reason),
             (long long)deletion->bytes, deletion->failure ? " failed" : "");
    return ++told.count == told.most;
}

static struct rtsprec_archive_retention retain(int dry_run)
{
    struct rtsprec_archive_retention result = {.size = sizeof(result)};
    struct rtsprec_error error = {.code = 1};
    told.lines[0] = '\0';
    told.count = 0;
    if (rtsprec_archive_retain(archive, &limits, dry_run, tell, &told, &result, &error) != 0)
        fail_msg("%s", error.text);
    assert_int_equal(error.code, 0);
    assert_int_equal(result.size, sizeof(result));
    return result;
}

static void the_limits(void **state)
{
    (void)state;
    assert_int_equal(retain(0).deleted, 0);
    limits.max_bytes = 1600;
    struct rtsprec_archive_retention result = retain(1);
    assert_int_equal(result.deleted, 2);
    assert_int_equal(result.deleted_bytes, 1500);
    assert_int_equal(result.short_bytes, 0);
    assert_true(exists("a/2024-03-01/10_00_00.mp4"));
    result = retain(0);
    assert_string_equal(told.lines, "a a/2024-03-01/10_00_00.mp4 archive space 1000\n"
                                    "b b/2024-03-01/10_01_00.mp4 archive space 500\n");
    assert_int_equal(result.deleted, 2);
    assert_false(exists("a/2024-03-01/10_00_00.mp4"));
    assert_false(exists("b/2024-03-01/10_01_00.mp4"));
    assert_int_equal(retain(0).deleted, 0);

    limits.max_age_us = DAY;
    retain(0);
    assert_string_equal(told.lines, "a a/2024-03-01/10_05_00.mp4 max age 1000\n"
                                    "b b/2024-03-02/00_00_00.mp4 max age 500\n");
    assert_false(exists("a"));
    assert_true(exists("b/2024-03-01/11_00_00.mp4.part"));
    assert_false(exists("b/2024-03-02"));
    assert_true(exists("notes.txt"));
}

static void without_callback_or_result(void **state)
{
    (void)state;
    limits.max_bytes = 1;
    assert_int_equal(rtsprec_archive_retain(archive, &limits, 0, NULL, NULL, NULL, NULL), 0);
    assert_false(exists("a"));
    /* A caller that knows less of the result. */
    struct rtsprec_archive_retention result = {.size = 16, .failed = 7};
    assert_int_equal(rtsprec_archive_retain(archive, &limits, 0, NULL, NULL, &result, NULL), 0);
    assert_int_equal(result.failed, 7);
    assert_int_equal(result.size, 16);
}

static void protected_files_stay(void **state)
{
    (void)state;
    int64_t count = 0;
    assert_int_equal(rtsprec_archive_protect(archive, "a", 0, INT64_MAX, "evidence", &count, NULL),
                     0);
    assert_int_equal(count, 2);
    limits.max_bytes = 1500;
    struct rtsprec_archive_retention result = retain(0);
    assert_int_equal(result.deleted, 2);
    assert_int_equal(result.short_bytes, 500);
    assert_int_equal(result.short_of, RTSPREC_DELETION_ARCHIVE_SPACE);
    assert_true(exists("a/2024-03-01/10_00_00.mp4"));
    limits.protected_policy = RTSPREC_PROTECTED_LAST;
    result = retain(0);
    assert_int_equal(result.deleted, 1);
    assert_int_equal(result.short_bytes, 0);
}

static void what_was_changed_by_hand(void **state)
{
    (void)state;
    assert_int_equal(unlink(path_of("a/2024-03-01/10_00_00.mp4")), 0);
    put("c/2024-02-01/00_00_00.mp4", 10);
    limits.max_bytes = 2000;
    retain(0);
    assert_string_equal(told.lines, "c c/2024-02-01/00_00_00.mp4 archive space 10\n");
}

static void an_end_by_the_callback(void **state)
{
    (void)state;
    limits.max_bytes = 1;
    told.most = 2;
    struct rtsprec_archive_retention result = retain(1);
    told.most = 0;
    assert_int_equal(result.deleted, 2);
    assert_int_equal(told.count, 2);
}

static void while_a_recorder_writes(void **state)
{
    (void)state;
    struct rtsprec_error error;
    struct rtsprec_archive_retention result = {.size = sizeof(result)};
    limits.max_bytes = 1;
    int fd = open(path_of(".rtsprec"), O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    assert_int_equal(rtsprec_archive_retain(archive, &limits, 0, tell, &told, &result, &error),
                     RTSPREC_ERROR_BUSY);
    assert_non_null(strstr(error.text, "another recorder"));
    assert_true(exists("a/2024-03-01/10_00_00.mp4"));
    assert_int_equal(retain(1).deleted, 4);
    close(fd);
    assert_int_equal(retain(0).deleted, 4);
}

static void wrong_limits(void **state)
{
    (void)state;
    struct rtsprec_error error;
    limits.min_age_us = 2 * DAY;
    limits.max_age_us = DAY;
    assert_int_equal(rtsprec_archive_limits_check(&limits, &error), RTSPREC_ERROR_INVALID);
    assert_int_equal(rtsprec_archive_retain(archive, &limits, 0, tell, &told, NULL, &error),
                     RTSPREC_ERROR_INVALID);
    assert_non_null(strstr(error.text, "expected a minimum age of at most the maximum"));
    assert_int_equal(rtsprec_archive_forecast(archive, &limits, NULL, NULL, &error),
                     RTSPREC_ERROR_INVALID);
    assert_true(exists("a/2024-03-01/10_00_00.mp4"));
}

/* --- forecast --- */

static struct {
    struct rtsprec_archive_outlook all, camera;
    int count, most;
} seen;

static int see(void *user, const struct rtsprec_archive_outlook *forecast)
{
    assert_ptr_equal(user, &seen);
    if (forecast->camera)
        seen.camera = *forecast;
    else
        seen.all = *forecast;
    return ++seen.count == seen.most;
}

static void a_forecast(void **state)
{
    (void)state;
    struct rtsprec_error error;
    limits.max_bytes = 5000;
    limits.max_age_us = 36500 * DAY;
    memset(&seen, 0, sizeof(seen));
    assert_int_equal(rtsprec_archive_forecast(archive, &limits, see, &seen, &error), 0);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.all.bytes, 3000);
    assert_int_equal(seen.all.bytes_per_day, 0); /* of years ago */
    assert_true(seen.all.held_us >= DAY / 2);
    assert_true(seen.all.space_us == RTSPREC_FORECAST_NEVER);
    assert_true(seen.all.free_us == RTSPREC_FORECAST_NEVER);
    assert_int_equal(seen.camera.bytes, 1000);
    assert_true(seen.camera.age_us > INT64_C(4800000000) * 1000000);

    limits.max_bytes = 2000;
    seen.count = 0;
    seen.most = 1;
    assert_int_equal(rtsprec_archive_forecast(archive, &limits, see, &seen, &error), 0);
    assert_int_equal(seen.count, 1);
    assert_string_equal(rtsprec_deletion_reason_name(seen.camera.limit), "max age");
}

/* Half a day of a camera that records now. */
static void a_forecast_of_a_camera_that_records(void **state)
{
    (void)state;
    time_t now = time(NULL);
    for (int i = 12; i >= 1; i--) {
        char name[64];
        time_t start = now - i * 3600;
        strftime(name, sizeof(name), "c/%Y-%m-%d/%H_%M_%S.mp4", gmtime(&start));
        put(name, 1000000);
    }
    assert_int_equal(rtsprec_archive_rescan(archive, NULL, NULL), 0);
    memset(&seen, 0, sizeof(seen));
    struct rtsprec_camera_limits own = {.camera = "c", .max_bytes = 30000000};
    limits.cameras = &own;
    limits.camera_count = 1;
    assert_int_equal(rtsprec_archive_forecast(archive, &limits, see, &seen, NULL), 0);
    assert_int_equal(seen.count, 4);
    /* Of empty files only the start is known: 12 MB in 11 hours. */
    assert_in_range(seen.camera.bytes_per_day, 24000000, 27000000);
    assert_in_range(seen.camera.limit_held_us, DAY, 2 * DAY);
    assert_int_equal(seen.camera.limit, RTSPREC_DELETION_CAMERA_SPACE);
    assert_in_range(seen.camera.space_us / 1000000, now + 36000, now + 86400);
    assert_int_equal(seen.all.bytes_per_day, seen.camera.bytes_per_day);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, make_archive, remove_archive)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_limits),
        CASE(without_callback_or_result),
        CASE(protected_files_stay),
        CASE(what_was_changed_by_hand),
        CASE(an_end_by_the_callback),
        CASE(while_a_recorder_writes),
        CASE(wrong_limits),
        CASE(a_forecast),
        CASE(a_forecast_of_a_camera_that_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
