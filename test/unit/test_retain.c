#include "catalog_rig.h"

#include <errno.h>
#include <sqlite3.h>
#include <ftw.h>
#include <sys/statvfs.h>
#include <time.h>

#include "archive/retain.h"
#include "campaign.h"

#define DAY (24 * HOUR)
#define NOW (INT64_C(1704067200) * SECOND) /* 2024-01-01 00:00:00 UTC */

static const char *root;
static struct catalog *catalog;

/* --- a disk --- */

static struct {
    int64_t free_bytes; /* of which files take blocks of 512 bytes */
    const char *stuck;  /* the name of a file that cannot be deleted */
    int errnum;         /* why */
} disk;

int __real_statvfs(const char *path, struct statvfs *status);
int __wrap_statvfs(const char *path, struct statvfs *status);
int __wrap_statvfs(const char *path, struct statvfs *status)
{
    assert_int_equal(__real_statvfs(path, status), 0);
    status->f_frsize = 512;
    status->f_bavail = (fsblkcnt_t)(disk.free_bytes / 512);
    status->f_blocks = 1000000000;
    return 0;
}

int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags)
{
    struct stat status;
    if (disk.stuck && flags == 0 && !strcmp(name, disk.stuck)) {
        errno = disk.errnum;
        return -1;
    }
    bool is_file = flags == 0 && fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    int err = __real_unlinkat(fd, name, flags);
    if (err == 0 && is_file)
        disk.free_bytes += (status.st_size + 511) / 512 * 512;
    return err;
}

/* --- an archive --- */

static int create(void **state)
{
    setenv("TZ", "UTC0", 1);
    tzset();
    int err = directory_create(state);
    root = *state;
    catalog = open_catalog(root);
    memset(&disk, 0, sizeof(disk));
    disk.free_bytes = INT64_C(1000000000);
    return err;
}

static int destroy(void **state)
{
    catalog_close(&catalog);
    return directory_remove(state);
}

static void make_file(const char *name, int64_t bytes)
{
    char path[600];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    write_file(path, "");
    assert_int_equal(truncate(path, bytes), 0);
}

/* A segment of an hour that began so many hours ago. */
static const char *add(const char *camera, int hours_ago, int64_t bytes)
{
    static char path[300];
    int64_t start_us = NOW - hours_ago * HOUR;
    time_t seconds = (time_t)(start_us / SECOND);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    int length = snprintf(path, sizeof(path), "%s/", camera);
    strftime(path + length, sizeof(path) - (size_t)length, "%Y-%m-%d/%H_%M_%S.mp4", &utc);
    make_file(path, bytes);
    add_segment(catalog, path, start_us, start_us + HOUR, bytes);
    return path;
}

static bool exists(const char *name)
{
    return file_exists(path_in(root, name));
}

/* --- passes --- */

static struct told {
    char text[1 << 18]; /* "path reason" each, and "!" where it failed */
    int count, most;
    void (*at_first)(void);
} told;

static bool tell(void *user, const struct rtsprec_archive_deletion *deletion)
{
    size_t used = strlen(told.text);
    (void)user;
    snprintf(told.text + used, sizeof(told.text) - used, "%s %d%s%s\n", deletion->path,
             (int)deletion->reason, deletion->is_young ? "y" : "", deletion->failure ? "!" : "");
    assert_memory_equal(deletion->path, deletion->camera, strlen(deletion->camera));
    if (told.count++ == 0 && told.at_first)
        told.at_first();
    return told.count != told.most;
}

static int run(const struct rtsprec_archive_limits *limits, bool dry_run,
               struct retain_result *result, struct rtsprec_error *error)
{
    static const struct retention_need need = {.now_us = NOW};
    int most = told.most;
    void (*at_first)(void) = told.at_first;
    memset(&told, 0, sizeof(told));
    told.most = most;
    told.at_first = at_first;
    return retain(catalog, root, limits, &need, dry_run, tell, NULL, result, error);
}

static struct retain_result pass(const struct rtsprec_archive_limits *limits, bool dry_run)
{
    struct retain_result result;
    struct rtsprec_error error = {0};
    require(run(limits, dry_run, &result, &error) == 0, "%s", error.text);
    return result;
}

static struct rtsprec_archive_limits limit_to(int64_t bytes)
{
    struct rtsprec_archive_limits limits;
    rtsprec_archive_limits_init(&limits);
    limits.max_bytes = bytes;
    return limits;
}

static void test_a_pass(void **state)
{
    (void)state;
    for (int i = 30; i > 0; i--)
        add(i % 2 ? "a" : "b c", i, 1000);
    make_file("a/2023-12-30/18_00_00.mp4.part", 7);
    make_file("b c/2023-12-30/notes.txt", 7);
    struct rtsprec_archive_limits limits = limit_to(26500);
    struct retain_result result = pass(&limits, true);
    assert_string_equal(told.text, "b c/2023-12-30/18_00_00.mp4 3\n"
                                   "a/2023-12-30/19_00_00.mp4 3\n"
                                   "b c/2023-12-30/20_00_00.mp4 3\n"
                                   "a/2023-12-30/21_00_00.mp4 3\n");
    assert_int_equal(result.deleted, 4);
    assert_int_equal(result.freed_bytes, 0);
    assert_true(exists("b c/2023-12-30/18_00_00.mp4"));

    result = pass(&limits, false);
    assert_string_equal(told.text, "b c/2023-12-30/18_00_00.mp4 3\n"
                                   "a/2023-12-30/19_00_00.mp4 3\n"
                                   "b c/2023-12-30/20_00_00.mp4 3\n"
                                   "a/2023-12-30/21_00_00.mp4 3\n");
    assert_int_equal(result.deleted, 4);
    assert_int_equal(result.bytes, 4000);
    assert_int_equal(result.room_bytes, 500);
    assert_false(exists("b c/2023-12-30/18_00_00.mp4"));
    assert_false(exists("a/2023-12-30/21_00_00.mp4"));
    assert_true(exists("b c/2023-12-30/22_00_00.mp4"));
    assert_true(exists("a/2023-12-30/18_00_00.mp4.part"));
    assert_true(exists("b c/2023-12-30/notes.txt"));
    check_coverage(catalog, "b c", NOW - 30 * HOUR, NOW - 29 * HOUR,
                   "1703959200000000-1703962800000000 12\n");

    limits = limit_to(1000);
    limits.max_age_us = 3 * HOUR;
    pass(&limits, false);
    assert_true(exists("a/2023-12-31/23_00_00.mp4"));
    assert_true(exists("a/2023-12-30")); /* what is not ours is there */
    assert_false(exists("b c/2023-12-31"));
    struct text left = {0};
    done(catalog_list(catalog, NULL, INT64_MIN, INT64_MAX, add_segment_text, &left, &error));
    assert_int_equal(left.rows, 1);
}

/* Of the camera that has a limit for them, and before anything is deleted for space. */
static void test_timelapses(void **state)
{
    (void)state;
    struct rtsprec_camera_limits camera = {.camera = "a", .timelapse_max_age_us = 2 * DAY};
    struct rtsprec_archive_limits limits;
    rtsprec_archive_limits_init(&limits);
    limits.cameras = &camera;
    limits.camera_count = 1;
    add("a", 2, 1000);
    make_file("a/timelapse/2023-12-28.mp4", 512);
    make_file("a/timelapse/2023-12-29.mkv", 512); /* ended 2 days ago */
    make_file("a/timelapse/2023-12-29-2.mp4", 512);
    make_file("a/timelapse/2023-12-27.mp4.part", 512);
    make_file("a/timelapse/2023-12-30.mp4", 512);
    make_file("a/timelapse/notes.mp4", 512);
    make_file("b/timelapse/2023-01-01.mp4", 512);
    static const char *const gone = "a/timelapse/2023-12-28.mp4 5\n"
                                    "a/timelapse/2023-12-29-2.mp4 5\n"
                                    "a/timelapse/2023-12-29.mkv 5\n";
    struct retain_result result = pass(&limits, true);
    assert_string_equal(told.text, gone);
    assert_true(exists("a/timelapse/2023-12-28.mp4"));
    disk.stuck = "2023-12-29.mkv";
    disk.errnum = EACCES;
    result = pass(&limits, false);
    assert_string_equal(told.text, "a/timelapse/2023-12-28.mp4 5\n"
                                   "a/timelapse/2023-12-29-2.mp4 5\n"
                                   "a/timelapse/2023-12-29.mkv 5!\n");
    assert_int_equal(result.deleted, 2);
    assert_int_equal(result.bytes, 1024);
    assert_int_equal(result.failed, 1);
    disk.stuck = NULL;
    assert_int_equal(pass(&limits, false).deleted, 1);
    assert_true(exists("a/timelapse/2023-12-27.mp4.part"));
    assert_true(exists("a/timelapse/2023-12-30.mp4"));
    assert_true(exists("a/timelapse/notes.mp4"));
    assert_true(exists("b/timelapse/2023-01-01.mp4"));

    /* A clock that is new says nothing of their age, and limits of space nothing of them. */
    const struct retention_need is_new = {.now_us = NOW + 30 * DAY, .is_clock_new = true};
    done(retain(catalog, root, &limits, &is_new, false, tell, NULL, &result, &error));
    limits.max_bytes = 1;
    result = pass(&limits, false);
    assert_int_equal(result.deleted, 1); /* the segment */
    assert_true(exists("a/timelapse/2023-12-30.mp4"));
}

/* What they make free, segments need not: so a dry run says, too. */
static void test_timelapses_make_room(void **state)
{
    (void)state;
    struct rtsprec_camera_limits camera = {.camera = "a", .timelapse_max_age_us = DAY};
    struct rtsprec_archive_limits limits;
    rtsprec_archive_limits_init(&limits);
    limits.cameras = &camera;
    limits.camera_count = 1;
    limits.keep_free_bytes = 100000;
    disk.free_bytes = 99000;
    add("a", 3, 1024);
    make_file("a/timelapse/2023-12-01.mp4", 0);
    const char *path = path_in(root, "a/timelapse/2023-12-01.mp4");
    char block[4096 + 1];
    memset(block, 'x', sizeof(block));
    block[sizeof(block) - 1] = '\0';
    write_file(path, block);
    pass(&limits, true);
    assert_string_equal(told.text, "a/timelapse/2023-12-01.mp4 5\n");
    assert_int_equal(pass(&limits, false).deleted, 1);
    assert_true(exists("a/2023-12-31/21_00_00.mp4"));
}

static void test_free_space(void **state)
{
    (void)state;
    for (int i = 30; i > 0; i--)
        add("a", i, 100);
    struct rtsprec_archive_limits limits = limit_to(0);
    limits.keep_free_bytes = 512000;
    disk.free_bytes = 512000 - 3 * 512;
    struct retain_result result = pass(&limits, false);
    assert_int_equal(result.deleted, 3);
    assert_int_equal(disk.free_bytes, 512000);
    assert_int_equal(result.room_bytes, 0);
    assert_int_equal(pass(&limits, false).deleted, 0);
    limits.keep_free_bytes = INT64_C(512) * 1000000000;
    result = pass(&limits, false);
    assert_int_equal(result.deleted, 0);
    assert_true(result.is_keep_free_impossible);
}

static int64_t count_with(const struct rtsprec_archive_limits *limits,
                          const struct retention_camera *active, size_t count)
{
    struct retention_need need = {.now_us = NOW, .active = active, .active_count = count};
    struct retain_result result;
    done(retain(catalog, root, limits, &need, true, NULL, NULL, &result, &error));
    return result.deleted;
}

/* Of a camera that has closed no file yet, too. */
static void test_what_is_being_written(void **state)
{
    (void)state;
    for (int i = 10; i > 0; i--) {
        add("a", i, 900);
        add("b", i, 100);
    }
    struct rtsprec_camera_limits camera = {.camera = "a", .max_bytes = 9400};
    struct rtsprec_archive_limits limits = limit_to(12000);
    limits.cameras = &camera;
    limits.camera_count = 1;
    struct retention_camera active[] = {{"a", 0, 0, 400}, {"new", 0, 1600, 0}};
    assert_int_equal(count_with(&limits, active, 2), 0);
    active[0].lead_bytes = 401;
    assert_int_equal(count_with(&limits, active, 2), 1); /* for a and for all */
    active[0] = (struct retention_camera){"a", 0, 401, 0};
    assert_int_equal(count_with(&limits, active, 1), 1);
    active[0].open_bytes = 400;
    active[1].open_bytes = 1601;
    assert_int_equal(count_with(&limits, active, 2), 1);
    assert_int_equal(count_with(&limits, active, 1), 0);
}

/* Who removed files by hand has not helped the account, which the catalog keeps. */
static void test_files_that_are_gone(void **state)
{
    (void)state;
    for (int i = 30; i > 0; i--)
        add("a", i, 1000);
    assert_int_equal(unlink(path_in(root, "a/2023-12-30/18_00_00.mp4")), 0);
    struct rtsprec_archive_limits limits = limit_to(0);
    limits.keep_free_bytes = 512000;
    disk.free_bytes = 512000 - 1024;
    struct retain_result result = pass(&limits, false);
    assert_string_equal(told.text, "a/2023-12-30/18_00_00.mp4 4\n"
                                   "a/2023-12-30/19_00_00.mp4 4\n");
    assert_int_equal(result.deleted, 2);
    assert_int_equal(disk.free_bytes, 512000);
}

static void test_a_link_in_place_of_a_day(void **state)
{
    (void)state;
    for (int i = 30; i > 0; i--)
        add("a", i, 1000);
    char day[600];
    snprintf(day, sizeof(day), "%s/a/2023-12-30", root);
    assert_int_equal(rename(day, path_in(root, ".elsewhere")), 0);
    assert_int_equal(symlink("../.elsewhere", day), 0);
    struct rtsprec_archive_limits limits = limit_to(29000);
    struct retain_result result = pass(&limits, false);
    assert_int_equal(result.failed, 1);
    assert_int_equal(result.deleted, 0); /* the catalog has one row less: enough */
    assert_string_equal(told.text, "a/2023-12-30/18_00_00.mp4 3!\n");
    limits = limit_to(10000);
    result = pass(&limits, false);
    assert_int_equal(result.failed, 5); /* the rest of that day */
    assert_int_equal(result.deleted, 14);
    assert_true(exists(".elsewhere/18_00_00.mp4"));
    assert_true(exists(".elsewhere/23_00_00.mp4"));
}

static void test_a_file_that_cannot_be_deleted(void **state)
{
    (void)state;
    for (int i = 30; i > 0; i--)
        add("a", i, 1000);
    disk.stuck = "19_00_00.mp4"; /* of both days */
    disk.errnum = EPERM;
    struct rtsprec_archive_limits limits = limit_to(27000);
    struct retain_result result = pass(&limits, false);
    assert_string_equal(told.text, "a/2023-12-30/18_00_00.mp4 3\n"
                                   "a/2023-12-30/19_00_00.mp4 3!\n"
                                   "a/2023-12-30/20_00_00.mp4 3\n"
                                   "a/2023-12-30/21_00_00.mp4 3\n");
    assert_int_equal(result.failed, 1);
    assert_int_equal(result.deleted, 3);
    check_list(catalog, "a", NOW - 29 * HOUR, NOW - 28 * HOUR,
               "a/2023-12-30/19_00_00.mp4 1703962800000000-1703966400000000 1000B\n");
    limits = limit_to(1);
    result = pass(&limits, false);
    assert_int_equal(result.failed, 2);
    assert_int_equal(result.deleted, 25);
    assert_true(result.short_bytes > 0);
    disk.stuck = NULL;
    assert_int_equal(pass(&limits, false).deleted, 2);
}

/* A sick disk: no more than one group is tried, and the catalog stays as it is. */
static void test_a_disk_that_does_not_let_go(void **state)
{
    (void)state;
    for (int i = 30; i > 0; i--)
        add("a", i, 1000);
    struct text before = {0}, after = {0};
    done(catalog_protect(catalog, "a", NOW - 5 * HOUR, NOW, "evidence", &(int64_t){0}, &error));
    done(catalog_list(catalog, NULL, INT64_MIN, INT64_MAX, add_segment_text, &before, &error));
    disk.stuck = "19_00_00.mp4";
    disk.errnum = EIO;
    struct rtsprec_archive_limits limits = limit_to(20000);
    struct retain_result result;
    struct rtsprec_error why = {0};
    assert_int_equal(run(&limits, false, &result, &why), RTSPREC_ERROR_IO);
    assert_int_equal(told.count, 2);
    assert_non_null(strstr(why.text, "a/2023-12-30/19_00_00.mp4: cannot be deleted: "));
    assert_string_equal(told.text, "a/2023-12-30/18_00_00.mp4 3\n"
                                   "a/2023-12-30/19_00_00.mp4 3!\n");
    done(catalog_list(catalog, NULL, INT64_MIN, INT64_MAX, add_segment_text, &after, &error));
    assert_string_equal(strchr(before.text, '\n') + 1, after.text);
}

static int refused;

/* SQLite can write nothing before a file has gone. */
static ssize_t pwrite_when_there_is_room(int fd, const void *data, size_t size, off_t offset)
{
    if (disk.free_bytes > 0)
        return pwrite(fd, data, size, offset);
    refused++;
    errno = ENOSPC;
    return -1;
}

static void test_a_disk_that_is_full(void **state)
{
    (void)state;
    for (int i = 100; i > 0; i--)
        add("a", i, 1000);
    int64_t count;
    done(catalog_protect(catalog, "a", NOW - 100 * HOUR, NOW - 99 * HOUR, "x", &count, &error));
    struct rtsprec_archive_limits limits = limit_to(10000);
    limits.keep_free_bytes = 1;
    disk.free_bytes = 0;
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    sqlite3_syscall_ptr fake = (sqlite3_syscall_ptr)pwrite_when_there_is_room;
    assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite64", fake), SQLITE_OK);
    assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite", fake), SQLITE_OK);
    struct retain_result result;
    struct rtsprec_error why = {0};
    int err = run(&limits, false, &result, &why);
    assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite64", NULL), SQLITE_OK);
    assert_int_equal(vfs->xSetSystemCall(vfs, "pwrite", NULL), SQLITE_OK);
    require(err == 0, "%s", why.text);
    assert_true(refused > 0);
    assert_int_equal(result.deleted, 90);
    assert_int_equal(result.failed, 0);
    struct text left = {0};
    done(catalog_list(catalog, NULL, INT64_MIN, INT64_MAX, add_segment_text, &left, &error));
    assert_int_equal(left.rows, 10);
    check_coverage(catalog, "a", NOW - 50 * HOUR, NOW - 49 * HOUR,
                   "1703887200000000-1703890800000000 12\n");
}

static void test_an_end_by_the_callback(void **state)
{
    (void)state;
    for (int i = 100; i > 0; i--)
        add("a", i, 1000);
    struct rtsprec_archive_limits limits = limit_to(1000);
    told.most = 1;
    struct retain_result result = pass(&limits, false);
    assert_true(result.is_ended);
    assert_int_equal(result.deleted, 1);
    assert_int_equal(result.short_bytes, 0);
    /* Of those that were on their way nothing has changed. */
    struct text left = {0};
    done(catalog_list(catalog, NULL, INT64_MIN, INT64_MAX, add_segment_text, &left, &error));
    assert_int_equal(left.rows, 99);
    told.most = 3;
    result = pass(&limits, true);
    assert_true(result.is_ended);
    assert_int_equal(told.count, 3);
    told.most = 0;
    assert_int_equal(pass(&limits, false).deleted, 98);
}

/* Another process, in the middle of the pass. */
static void protect_all(void)
{
    struct catalog *other = open_catalog(root);
    int64_t count;
    done(catalog_protect(other, "a", NOW - 10 * HOUR, NOW, "evidence", &count, &error));
    assert_int_equal(count, 10);
    catalog_close(&other);
}

static void test_protected_in_the_middle(void **state)
{
    (void)state;
    for (int i = 100; i > 0; i--)
        add("a", i, 1000);
    struct rtsprec_archive_limits limits = limit_to(2000);
    told.at_first = protect_all;
    struct retain_result result = pass(&limits, false);
    told.at_first = NULL;
    assert_int_equal(result.deleted, 90);
    assert_int_equal(result.short_bytes, 8000);
    assert_true(exists("a/2023-12-31/14_00_00.mp4"));
}

/* --- random archives --- */

static uint64_t seed;
#define hold(condition) require(condition, "seed %llu", (unsigned long long)seed)

static char files[1 << 18]; /* names of what is in the tree, one a line, sorted by nobody */

static int add_name(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)place;
    if (type != FTW_D && !strstr(path, "/.rtsprec")) {
        strcat(files, path + strlen(root) + 1);
        strcat(files, "\n");
    }
    return 0;
}

static bool has_line(const char *text, const char *line)
{
    size_t length = strlen(line);
    for (const char *at = text; (at = strstr(at, line)); at++) {
        if ((at == text || at[-1] == '\n') && (at[length] == '\n' || at[length] == ' '))
            return true;
    }
    return false;
}

struct count {
    int rows;
    const char *files;
};

static bool is_in_the_tree(void *user, const struct rtsprec_archive_segment *segment)
{
    struct count *count = user;
    hold(has_line(count->files, segment->path));
    count->rows++;
    return true;
}

static void read_tree(void)
{
    files[0] = '\0';
    nftw(root, add_name, 16, FTW_PHYS);
}

static int count_lines(const char *text)
{
    int lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static struct rtsprec_archive_limits random_limits(uint64_t *random,
                                                   struct rtsprec_camera_limits camera[1])
{
    struct rtsprec_archive_limits limits = limit_to(random_between(random, 0, 60000));
    *camera = (struct rtsprec_camera_limits){
        .camera = "cam1",
        .max_bytes = random_between(random, 0, limits.max_bytes),
        .min_age_us = random_between(random, 0, 20) * HOUR,
        .max_age_us = random_between(random, 20, 60) * HOUR,
    };
    limits.cameras = camera;
    limits.camera_count = 1;
    limits.min_age_us = random_between(random, 0, 20) * HOUR;
    limits.protected_policy = (enum rtsprec_protected_policy)random_between(random, 0, 1);
    if (random_between(random, 0, 1)) {
        limits.keep_free_bytes = random_between(random, 1, 1000000);
        disk.free_bytes = random_between(random, 0, 1000000);
    }
    return limits;
}

static void run_case(void)
{
    uint64_t random = seed;
    static char dry[sizeof(told.text)];
    int segments = (int)random_between(&random, 0, 150), foreign = 0;
    for (int i = 0; i < segments; i++) {
        char camera[8];
        snprintf(camera, sizeof(camera), "cam%d", (int)random_between(&random, 0, 4));
        const char *path =
            add(camera, (int)random_between(&random, 1, 60), random_between(&random, 0, 2000));
        if (random_between(&random, 1, 10) == 1) {
            char part[400];
            snprintf(part, sizeof(part), "%s.part", path);
            make_file(part, 100);
        }
    }
    int64_t count;
    done(catalog_protect(catalog, "cam2", NOW - 40 * HOUR, NOW - 20 * HOUR, "x", &count, &error));
    struct rtsprec_camera_limits camera;
    struct rtsprec_archive_limits limits = random_limits(&random, &camera);

    read_tree();
    static char before[sizeof(files)];
    memcpy(before, files, sizeof(files));
    struct retain_result plan = pass(&limits, true);
    memcpy(dry, told.text, sizeof(dry));
    struct retain_result result = pass(&limits, false);
    hold(!strcmp(dry, told.text));
    hold(plan.deleted == result.deleted && plan.bytes == result.bytes);
    hold(plan.room_bytes == result.room_bytes && plan.short_bytes == result.short_bytes);
    hold(result.failed == 0);

    read_tree();
    hold(count_lines(files) + result.deleted == count_lines(before));
    for (char *line = strtok(before, "\n"); line; line = strtok(NULL, "\n")) {
        foreign += strstr(line, ".part") != NULL;
        hold(has_line(told.text, line) != has_line(files, line));
        hold(!strstr(line, ".part") || has_line(files, line));
    }
    struct count rows = {0, files};
    done(catalog_list(catalog, NULL, INT64_MIN, INT64_MAX, is_in_the_tree, &rows, &error));
    hold(rows.rows + foreign == count_lines(files));
    hold(pass(&limits, false).deleted == 0);
}

static int remove_below(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type;
    return place->level > 0 ? remove(path) : 0;
}

static void begin_again(void)
{
    catalog_close(&catalog);
    assert_int_equal(nftw(root, remove_below, 16, FTW_DEPTH | FTW_PHYS), 0);
    catalog = open_catalog(root);
    disk.free_bytes = INT64_C(1000000000);
}

static void test_random_archives(void **state)
{
    (void)state;
    const char *given = getenv("RTSPREC_SEED");
    uint64_t random = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) | 1;
    int cases = given ? 1 : campaign_size(30, 500);
    for (int i = 0; i < cases; i++) {
        seed = given ? random : next_random(&random);
        run_case();
        begin_again();
    }
    print_message("%d cases, the last of seed %llu\n", cases, (unsigned long long)seed);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, create, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_pass),
        CASE(test_timelapses),
        CASE(test_timelapses_make_room),
        CASE(test_free_space),
        CASE(test_what_is_being_written),
        CASE(test_files_that_are_gone),
        CASE(test_a_link_in_place_of_a_day),
        CASE(test_a_file_that_cannot_be_deleted),
        CASE(test_a_disk_that_does_not_let_go),
        CASE(test_a_disk_that_is_full),
        CASE(test_an_end_by_the_callback),
        CASE(test_protected_in_the_middle),
        CASE(test_random_archives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
