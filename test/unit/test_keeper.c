/* The keeper with a catalog of its own; stopping it writes what it was told. What files say of
 * themselves is the test's. */
#include "directory.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <sys/statvfs.h>

#include <rtsprec/camera.h>
#include <rtsprec/retention.h>

#include "archive/catalog.h"
#include "base/clock.h"
#include "camera/describe.h"
#include "keeper/keeper.h"
#include "keeper/turns.h"

static int64_t file_start_us, file_end_us;

int __wrap_describe_segment_file(struct reconcile_row *row, const char *archive_directory,
                                 const char *path);

int __wrap_describe_segment_file(struct reconcile_row *row, const char *archive_directory,
                                 const char *path)
{
    assert_int_equal(access(path_in(archive_directory, path), F_OK), 0);
    row->segment = (struct rtsprec_archive_segment){
        .size = sizeof(row->segment),
        .path = path,
        .start_us = file_start_us,
        .end_us = file_end_us,
        .bytes = 5,
        .frames = 100,
        .codec = "h264",
        .width = 640,
        .height = 360,
        .reason = RTSPREC_SEGMENT_UNKNOWN,
    };
    return 0;
}

static _Atomic int64_t clock_ahead_us;

int64_t __real_clock_real_us(void);
int64_t __wrap_clock_real_us(void);

int64_t __wrap_clock_real_us(void)
{
    return __real_clock_real_us() + clock_ahead_us;
}

/* A disk of which every file takes one block. */
#define BLOCK 4096

static _Atomic int64_t free_blocks;
static atomic_int unlinked;

int __wrap_statvfs(const char *path, struct statvfs *status);
int __wrap_statvfs(const char *path, struct statvfs *status)
{
    (void)path;
    *status = (struct statvfs){
        .f_frsize = BLOCK,
        .f_bavail = (fsblkcnt_t)free_blocks,
        .f_blocks = 1000000,
    };
    return 0;
}

/* Slow, as a disk that is busy. */
int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags)
{
    int err = __real_unlinkat(fd, name, flags);
    if (flags == 0 && err == 0) {
        usleep(20000);
        free_blocks++;
        unlinked++;
    }
    return err;
}

static struct turns turns;
static struct dispatcher *dispatcher;
static char told[16][400];
static _Atomic int told_count;

static void take_log(void *user, const struct rtsprec_log_record *record)
{
    (void)user;
    if (told_count == (int)LENGTH(told))
        return;
    snprintf(told[told_count], sizeof(told[0]), "%.399s", record->text);
    told_count++; /* who reads the count may read the text */
}

static bool was_told(const char *part)
{
    for (int i = 0; i < told_count; i++) {
        if (strstr(told[i], part))
            return true;
    }
    return false;
}

/* Up to 5 s. */
static void wait_told(const char *part)
{
    for (int i = 0; i < 5000 && !was_told(part); i++)
        usleep(1000);
    require(was_told(part), "%s", part);
}

static void begin_dispatcher(void)
{
    struct dispatcher_callbacks callbacks = {NULL, take_log, RTSPREC_LOG_DEBUG, NULL};
    struct rtsprec_error error;
    told_count = 0;
    free_blocks = 100000;
    assert_int_equal(dispatcher_create(&dispatcher, &callbacks, &error), 0);
}

/* An archive, its keeper and a camera of it. */
struct rig {
    char directory[400];
    struct archive_root *roots, *root;
    struct keeper *keeper;
    struct keeper_camera *camera;
    int64_t begin_us;
};

static void open_rig(struct rig *rig, const char *directory)
{
    struct rtsprec_error error = {0};
    *rig = (struct rig){.begin_us = clock_real_us()};
    snprintf(rig->directory, sizeof(rig->directory), "%.399s", directory);
    require(archive_root_open(&rig->root, &rig->roots, rig->directory, &error) == 0, "%s",
            error.text);
    require(keeper_create(&rig->keeper, rig->root, rig->directory, dispatcher, &turns, &error) == 0,
            "%s", error.text);
    assert_int_equal(keeper_add_camera(&rig->camera, rig->keeper, "yard", rig->directory, &error),
                     0);
}

static void close_rig(struct rig *rig)
{
    keeper_stop(rig->keeper);
    keeper_stop(rig->keeper); /* twice does nothing */
    keeper_remove_camera(&rig->camera);
    assert_null(rig->camera);
    keeper_destroy(&rig->keeper);
    assert_null(rig->keeper);
    keeper_destroy(&rig->keeper); /* NULL is ignored */
    archive_root_close(&rig->root, &rig->roots);
}

static void tell(struct rig *rig, enum rtsprec_coverage_reason reason, int64_t since_us)
{
    struct condition_change change = {reason, since_us};
    keeper_tell_conditions(rig->camera, &change, 1);
}

static void tell_segment(struct rig *rig, const char *name, int64_t start_us, int64_t end_us)
{
    char path[500], day[500];
    snprintf(day, sizeof(day), "%.380s/yard", rig->directory);
    mkdir(day, 0700);
    snprintf(day, sizeof(day), "%.380s/yard/2026-01-15", rig->directory);
    mkdir(day, 0700);
    snprintf(path, sizeof(path), "%.380s/yard/2026-01-15/%.30s", rig->directory, name);
    write_file(path, "video");
    file_start_us = start_us;
    file_end_us = end_us;
    keeper_tell_segment(rig->camera, path, RTSPREC_SEGMENT_ROTATED);
}

struct found {
    int segments;
    char path[100];
    struct rtsprec_archive_span spans[16];
    int span_count;
};

static bool take_segment(void *user, const struct rtsprec_archive_segment *segment)
{
    struct found *found = user;
    found->segments++;
    snprintf(found->path, sizeof(found->path), "%s", segment->path);
    assert_string_equal(segment->camera, "yard");
    assert_string_equal(segment->codec, "h264");
    assert_int_equal(segment->frames, 100);
    assert_int_equal(segment->reason, RTSPREC_SEGMENT_ROTATED);
    return true;
}

static bool take_span(void *user, const struct rtsprec_archive_span *span)
{
    struct found *found = user;
    if (found->span_count < (int)LENGTH(found->spans))
        found->spans[found->span_count++] = *span;
    return true;
}

static void look(struct found *found, const char *directory, int64_t from_us, int64_t to_us)
{
    struct catalog *catalog;
    struct rtsprec_error error = {0};
    bool is_new;
    *found = (struct found){0};
    require(catalog_open(&catalog, directory, &is_new, &error) == 0, "%s", error.text);
    assert_int_equal(catalog_list(catalog, NULL, from_us, to_us, take_segment, found, &error), 0);
    assert_int_equal(catalog_coverage(catalog, "yard", from_us, to_us, take_span, found, &error),
                     0);
    catalog_close(&catalog);
}

static void assert_span(const struct found *found, int index, int64_t start_us, int64_t end_us,
                        enum rtsprec_coverage_reason reason)
{
    const struct rtsprec_archive_span *span = &found->spans[index];
    require(index < found->span_count && span->start_us == start_us && span->end_us == end_us &&
                span->reason == reason,
            "span %d of %d: %lld us long, %s", index, found->span_count,
            (long long)(span->end_us - span->start_us), rtsprec_coverage_reason_name(span->reason));
}

static void test_all_is_written_at_the_end(void **state)
{
    struct rig rig;
    struct found found;
    begin_dispatcher();
    open_rig(&rig, path_in(*state, "video"));
    wait_told("holds 0 segments of 0 cameras");
    int64_t t = clock_real_us();
    tell(&rig, RTSPREC_COVERAGE_CONNECTING, t);
    tell(&rig, RTSPREC_COVERAGE_RECORDED, t + 10);
    tell_segment(&rig, "08_05_00.mp4", t + 10, t + 100);
    keeper_tell_hole(rig.camera, RTSPREC_COVERAGE_OVERLOADED, t + 40, t + 50);
    tell(&rig, RTSPREC_COVERAGE_UNREACHABLE, t + 110);
    usleep(1000); /* the session ends after what is looked at */
    close_rig(&rig);
    dispatcher_destroy(&dispatcher);
    look(&found, path_in(*state, "video"), rig.begin_us - 1000, t + 120);
    assert_int_equal(found.segments, 1);
    assert_string_equal(found.path, "yard/2026-01-15/08_05_00.mp4");
    int last = found.span_count - 5;
    assert_span(&found, last, t, t + 10, RTSPREC_COVERAGE_CONNECTING);
    assert_span(&found, last + 1, t + 10, t + 40, RTSPREC_COVERAGE_RECORDED);
    assert_span(&found, last + 2, t + 40, t + 50, RTSPREC_COVERAGE_OVERLOADED);
    assert_span(&found, last + 3, t + 50, t + 100, RTSPREC_COVERAGE_RECORDED);
    assert_span(&found, last + 4, t + 100, t + 120, RTSPREC_COVERAGE_UNREACHABLE);
    assert_int_equal(found.spans[0].reason, RTSPREC_COVERAGE_UNKNOWN);
    /* The session has ended in good order. */
    int64_t later = clock_real_us();
    look(&found, path_in(*state, "video"), later, later + 1000);
    assert_int_equal(found.span_count, 1);
    assert_span(&found, 0, later, later + 1000, RTSPREC_COVERAGE_STOPPED);
}

static void test_a_disk_that_comes_late(void **state)
{
    struct rig rig;
    struct found found;
    begin_dispatcher();
    write_file(path_in(*state, "video"), "in the way");
    open_rig(&rig, path_in(*state, "video"));
    int64_t t = clock_real_us();
    tell(&rig, RTSPREC_COVERAGE_DISK_FAILED, t);
    wait_told("the catalog cannot be written, what happens is kept in memory");
    assert_int_equal(unlink(path_in(*state, "video")), 0);
    assert_int_equal(mkdir(path_in(*state, "video"), 0700), 0);
    tell_segment(&rig, "08_05_00.mp4", t + 20, t + 30);
    tell(&rig, RTSPREC_COVERAGE_RECORDED, t + 20);
    usleep(1000);
    close_rig(&rig);
    dispatcher_destroy(&dispatcher);
    assert_true(was_told("the catalog is written again"));
    look(&found, path_in(*state, "video"), t, t + 30);
    assert_int_equal(found.span_count, 2);
    assert_span(&found, 0, t, t + 20, RTSPREC_COVERAGE_DISK_FAILED);
    assert_span(&found, 1, t + 20, t + 30, RTSPREC_COVERAGE_RECORDED);
    assert_int_equal(found.segments, 1);
}

static void test_nothing_is_told_after_the_end(void **state)
{
    struct rig rig;
    struct found found;
    begin_dispatcher();
    open_rig(&rig, path_in(*state, "video"));
    keeper_stop(rig.keeper);
    int64_t t = clock_real_us();
    tell(&rig, RTSPREC_COVERAGE_RECORDED, t);
    keeper_make_room(rig.camera);
    close_rig(&rig);
    dispatcher_destroy(&dispatcher);
    look(&found, path_in(*state, "video"), t, t + 10);
    assert_span(&found, 0, t, t + 10, RTSPREC_COVERAGE_UNKNOWN);
}

/* What a camera does goes on at the time that the clock is set to, and says nothing of the time in
 * between. */
static void test_a_clock_that_is_set(void **state)
{
    struct rig rig;
    struct found found;
    begin_dispatcher();
    clock_ahead_us = -US_PER_DAY;
    open_rig(&rig, path_in(*state, "video"));
    wait_told("holds 0 segments of 0 cameras");
    tell(&rig, RTSPREC_COVERAGE_UNAUTHORIZED, clock_real_us());
    clock_ahead_us = 0;
    int64_t t = clock_real_us();
    keeper_tell_hole(rig.camera, RTSPREC_COVERAGE_DISK_SLOW, t, t + 1);
    wait_told("The clock was set");
    int64_t later = clock_real_us();
    usleep(1000);
    close_rig(&rig);
    dispatcher_destroy(&dispatcher);
    look(&found, path_in(*state, "video"), t - 1000, t);
    assert_int_equal(found.span_count, 1);
    assert_span(&found, 0, t - 1000, t, RTSPREC_COVERAGE_STOPPED);
    look(&found, path_in(*state, "video"), later, later + 100);
    assert_int_equal(found.span_count, 1);
    assert_span(&found, 0, later, later + 100, RTSPREC_COVERAGE_UNAUTHORIZED);
}

static void fill(const char *directory)
{
    char path[500];
    mkdir(directory, 0700);
    snprintf(path, sizeof(path), "%.380s/yard", directory);
    mkdir(path, 0700);
    snprintf(path, sizeof(path), "%.380s/yard/2026-01-15", directory);
    mkdir(path, 0700);
    for (int i = 0; i < 20; i++) {
        snprintf(path, sizeof(path), "%.380s/yard/2026-01-15/08_%02d_00.mp4", directory, i);
        write_file(path, "video");
    }
}

/* Both find at the same moment that five blocks are missing. */
static void test_two_archives_free_once_what_is_missing(void **state)
{
    struct rig rigs[2];
    struct rtsprec_archive_limits limits;
    rtsprec_archive_limits_init(&limits);
    begin_dispatcher();
    unlinked = 0;
    for (int i = 0; i < 2; i++) {
        char name[] = "video0";
        name[5] = (char)('0' + i);
        fill(path_in(*state, name));
        open_rig(&rigs[i], path_in(*state, name));
    }
    wait_told("video0 holds 20 segments");
    wait_told("video1 holds 20 segments");
    limits.keep_free_bytes = (free_blocks + 5) * BLOCK;
    for (int i = 0; i < 2; i++)
        assert_int_equal(keeper_set_limits(rigs[i].keeper, &limits, NULL), 0);
    for (int i = 0; i < 5000 && unlinked < 5; i++)
        usleep(1000);
    usleep(200000);
    for (int i = 0; i < 2; i++)
        close_rig(&rigs[i]);
    dispatcher_destroy(&dispatcher);
    assert_int_equal(unlinked, 5);
}

/* Behind another on the same disk that hangs in its pass. */
static void test_a_stop_is_heard_in_the_queue(void **state)
{
    struct turn other;
    struct stat status;
    struct rig rig;
    struct found found;
    int64_t others;
    struct rtsprec_archive_limits limits;
    rtsprec_archive_limits_init(&limits);
    limits.keep_free_bytes = 100005 * (int64_t)BLOCK;
    begin_dispatcher();
    unlinked = 0;
    turn_join(&other, &turns);
    assert_int_equal(stat(*state, &status), 0);
    turn_tell(&other, status.st_dev, 0);
    assert_true(turn_begin(&other, &others));
    fill(path_in(*state, "video"));
    open_rig(&rig, path_in(*state, "video"));
    wait_told("holds 20 segments");
    tell(&rig, RTSPREC_COVERAGE_UNREACHABLE, clock_real_us());
    assert_int_equal(keeper_set_limits(rig.keeper, &limits, NULL), 0);
    usleep(100000);
    close_rig(&rig);
    turn_end(&other);
    turn_leave(&other);
    dispatcher_destroy(&dispatcher);
    assert_int_equal(unlinked, 0);
    int64_t later = clock_real_us();
    look(&found, path_in(*state, "video"), later, later + 1000);
    assert_span(&found, 0, later, later + 1000, RTSPREC_COVERAGE_STOPPED);
}

/* Of a later version of this library. */
static void make_newer_catalog(const char *directory)
{
    struct catalog *catalog;
    struct rtsprec_error error = {0};
    bool is_new;
    char path[500];
    mkdir(directory, 0700);
    require(catalog_open(&catalog, directory, &is_new, &error) == 0, "%s", error.text);
    catalog_close(&catalog);
    snprintf(path, sizeof(path), "%.380s/" CATALOG_FILE, directory);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, "\0\0\0\143", 4, 60), 4); /* where SQLite has user_version */
    close(fd);
}

static void test_limits_without_a_catalog_are_told(void **state)
{
    struct rig rig;
    struct rtsprec_archive_limits limits;
    rtsprec_archive_limits_init(&limits);
    limits.keep_free_bytes = 100005 * (int64_t)BLOCK;
    begin_dispatcher();
    make_newer_catalog(path_in(*state, "video"));
    open_rig(&rig, path_in(*state, "video"));
    wait_told("the catalog cannot be written, what happens is kept in memory");
    usleep(100000);
    assert_false(was_told("nothing can be deleted")); /* nobody wants that */
    assert_int_equal(keeper_set_limits(rig.keeper, &limits, NULL), 0);
    wait_told(
        "video: nothing can be deleted to keep the limits: not before the catalog can be opened: ");
    int count = told_count;
    assert_int_equal(keeper_set_limits(rig.keeper, &limits, NULL), 0);
    usleep(100000);
    close_rig(&rig);
    dispatcher_destroy(&dispatcher);
    assert_int_equal(told_count, count); /* once */
}

static int begin_turns(void **state)
{
    (void)state;
    return turns_init(&turns);
}

static int end_turns(void **state)
{
    (void)state;
    turns_uninit(&turns);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_is_written_at_the_end, directory_create,
                                        directory_remove),
        cmocka_unit_test_setup_teardown(test_a_disk_that_comes_late, directory_create,
                                        directory_remove),
        cmocka_unit_test_setup_teardown(test_nothing_is_told_after_the_end, directory_create,
                                        directory_remove),
        cmocka_unit_test_setup_teardown(test_a_clock_that_is_set, directory_create,
                                        directory_remove),
        cmocka_unit_test_setup_teardown(test_a_stop_is_heard_in_the_queue, directory_create,
                                        directory_remove),
        cmocka_unit_test_setup_teardown(test_limits_without_a_catalog_are_told, directory_create,
                                        directory_remove),
        cmocka_unit_test_setup_teardown(test_two_archives_free_once_what_is_missing,
                                        directory_create, directory_remove),
    };
    return cmocka_run_group_tests(tests, begin_turns, end_turns);
}
