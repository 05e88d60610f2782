/*
 * The catalog of a large archive: a tree of empty files is made, a catalog of it, and questions are
 * asked. bench_catalog DIRECTORY [SEGMENTS [SEED]]; DIRECTORY is made and removed.
 *
 * With SEED, a closed mp4, the files are hard links to copies of it, so that a rebuild reads what a
 * real file says; their times are then all the same, and only the rebuild is measured.
 *
 * Exit code 1: a limit is exceeded, or an answer is wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "archive/catalog_db.h"
#include "archive/reconcile.h"
#include "archive/retain.h"
#include "base/clock.h"
#include "camera/describe.h"

#define CAMERAS     50
#define A_DAY       288                 /* segments of 5 minutes */
#define LINKS       60000               /* ext4 allows 65,000 of a file */
#define FIRST_DAY_S INT64_C(1704067200) /* 2024-01-01 UTC */
#define DAY_S       86400
#define SEGMENT_S   300
#define QUESTIONS   100
#define MS(us)      ((double)(us) / 1000)

static int failures;

static void die(const char *what)
{
    fprintf(stderr, "bench_catalog: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void must(int err, const struct rtsprec_error *error)
{
    if (err < 0) {
        fprintf(stderr, "bench_catalog: %s\n", error->text);
        exit(1);
    }
}

static void report(const char *what, int64_t us, double limit_ms)
{
    printf("%-44s %10.1f ms", what, MS(us));
    if (limit_ms > 0)
        printf("   limit %8.0f ms%s", limit_ms, MS(us) > limit_ms ? "   EXCEEDED" : "");
    putchar('\n');
    fflush(stdout);
    failures += limit_ms > 0 && MS(us) > limit_ms;
}

static void expect(const char *what, int64_t found, int64_t expected)
{
    if (found == expected)
        return;
    printf("%s: %lld, expected %lld\n", what, (long long)found, (long long)expected);
    failures++;
}

/* The file that the next names are links to; empty files without a seed. */
static void copy_seed(const char *seed, const char *to)
{
    static char bytes[1 << 20];
    int in = open(seed, O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_EXCL, 0600);
    ssize_t size = in < 0 ? -1 : read(in, bytes, sizeof(bytes));
    if (size < 0 || out < 0 || write(out, bytes, (size_t)size) != size)
        die(seed);
    close(in);
    close(out);
}

static void make_file(const char *path, const char *seed)
{
    static char original[600];
    static int links = LINKS;
    if (seed && links < LINKS) {
        links++;
        if (link(original, path) != 0)
            die(path);
    } else if (seed) {
        copy_seed(seed, path);
        snprintf(original, sizeof(original), "%s", path);
        links = 1;
    } else {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
        if (fd < 0)
            die(path);
        close(fd);
    }
}

static int64_t make_tree(const char *directory, int64_t segments, const char *seed)
{
    int64_t made = 0, directories = 0, a_camera = (segments + CAMERAS - 1) / CAMERAS;
    char path[600];
    for (int camera = 0; camera < CAMERAS; camera++) {
        snprintf(path, sizeof(path), "%s/camera%02d", directory, camera);
        if (mkdir(path, 0700) != 0)
            die(path);
        for (int64_t i = 0; i < a_camera && made < segments; i++, made++) {
            time_t start = (time_t)(FIRST_DAY_S + i / A_DAY * DAY_S + i % A_DAY * SEGMENT_S);
            struct tm utc;
            char day[16], name[16];
            gmtime_r(&start, &utc);
            strftime(day, sizeof(day), "%Y-%m-%d", &utc);
            strftime(name, sizeof(name), "%H_%M_%S", &utc);
            if (i % A_DAY == 0) {
                snprintf(path, sizeof(path), "%s/camera%02d/%s", directory, camera, day);
                if (mkdir(path, 0700) != 0)
                    die(path);
                directories++;
            }
            snprintf(path, sizeof(path), "%s/camera%02d/%s/%s.mp4", directory, camera, day, name);
            make_file(path, seed);
        }
    }
    return directories;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    return remove(path);
}

/* Only what bench_catalog has made: its first camera is there. */
static void remove_tree(const char *directory)
{
    char path[600];
    struct stat status;
    snprintf(path, sizeof(path), "%s/camera00", directory);
    if (stat(path, &status) == 0 && nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0)
        die(directory);
}

static struct catalog *open_and_reconcile(const char *directory, bool all,
                                          struct reconcile_result *result)
{
    struct catalog *catalog;
    struct rtsprec_error error;
    bool is_new;
    must(catalog_open(&catalog, directory, &is_new, &error), &error);
    must(reconcile(catalog, directory, all, clock_real_us(), describe_segment, result, &error),
         &error);
    return catalog;
}

/* What a start of the recorder does. */
static int64_t time_of_start(const char *directory, bool all, struct reconcile_result *result)
{
    int64_t start_us = clock_monotonic_us();
    struct catalog *catalog = open_and_reconcile(directory, all, result);
    int64_t us = clock_monotonic_us() - start_us;
    catalog_close(&catalog);
    return us;
}

/* What a program that is killed leaves beside the catalog. */
static void leave_log(const char *catalog_path)
{
    char path[640];
    snprintf(path, sizeof(path), "%s-wal", catalog_path);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    if (fd < 0)
        die(path);
    close(fd);
}

/* As if every day had been written to since the last start. */
static void forget_times(const char *directory)
{
    struct catalog *catalog;
    struct rtsprec_error error;
    bool is_new;
    must(catalog_open(&catalog, directory, &is_new, &error), &error);
    must(catalog_run(catalog, &error, "UPDATE directory SET is_settled = 0", ""), &error);
    catalog_close(&catalog);
}

static bool count_segment(void *user, const struct rtsprec_archive_segment *segment)
{
    (void)segment;
    ++*(int64_t *)user;
    return true;
}

static bool count_span(void *user, const struct rtsprec_archive_span *span)
{
    (void)span;
    ++*(int64_t *)user;
    return true;
}

static bool count_camera(void *user, const struct catalog_camera *camera)
{
    *(int64_t *)user += camera->segments;
    return true;
}

/* The longest of many questions for the days of all cameras, or of one. */
static int64_t time_of_lists(struct catalog *catalog, int64_t days, bool is_all)
{
    int64_t longest_us = 0;
    for (int i = 0; i < QUESTIONS; i++) {
        char camera[16];
        struct rtsprec_error error;
        int64_t count = 0, from_us = (FIRST_DAY_S + i * 7919 % days * DAY_S) * US_PER_SECOND;
        snprintf(camera, sizeof(camera), "camera%02d", i % CAMERAS);
        int64_t start_us = clock_monotonic_us();
        must(catalog_list(catalog, is_all ? NULL : camera, from_us, from_us + US_PER_DAY,
                          count_segment, &count, &error),
             &error);
        int64_t us = clock_monotonic_us() - start_us;
        longest_us = us > longest_us ? us : longest_us;
        expect("segments of a day", count, is_all ? A_DAY * CAMERAS : A_DAY);
    }
    return longest_us;
}

static void ask(const char *directory, int64_t segments)
{
    struct reconcile_result result;
    struct rtsprec_error error;
    struct catalog *catalog = open_and_reconcile(directory, false, &result);
    int64_t days = segments / CAMERAS / A_DAY, count = 0; /* that are whole */
    report("a day's list, one camera, worst of 100", time_of_lists(catalog, days, false), 50);
    report("a day's list, 50 cameras, worst of 100", time_of_lists(catalog, days, true), 0);

    int64_t start_us = clock_monotonic_us();
    must(catalog_coverage(catalog, "camera07", (FIRST_DAY_S - DAY_S) * US_PER_SECOND,
                          (FIRST_DAY_S + days * DAY_S) * US_PER_SECOND, count_span, &count, &error),
         &error);
    report("coverage of one camera, all of its time", clock_monotonic_us() - start_us, 0);
    count = 0;
    start_us = clock_monotonic_us();
    must(catalog_cameras(catalog, count_camera, &count, &error), &error);
    report("totals and rates of 50 cameras", clock_monotonic_us() - start_us, 50);
    expect("segments", count, segments);
    count = 0;
    start_us = clock_monotonic_us();
    must(catalog_oldest(catalog, "camera07", false, INT64_MIN, "", 100, count_segment, &count,
                        &error),
         &error);
    report("the 100 oldest of a camera", clock_monotonic_us() - start_us, 50);
    catalog_close(&catalog);
}

/* The files that begin before an instant are too old. */
static int64_t time_of_pass(struct catalog *catalog, const char *directory, int64_t before_us,
                            bool dry_run, int64_t deleted)
{
    struct rtsprec_archive_limits limits;
    struct retention_need need = {.now_us = before_us + US_PER_DAY};
    struct retain_result result;
    struct rtsprec_error error;
    rtsprec_archive_limits_init(&limits);
    limits.max_age_us = US_PER_DAY + 1;
    limits.keep_free_bytes = 1;
    int64_t start_us = clock_monotonic_us();
    must(retain(catalog, directory, &limits, &need, dry_run, NULL, NULL, &result, &error), &error);
    int64_t us = clock_monotonic_us() - start_us;
    expect("files of a pass", result.deleted, deleted);
    return us;
}

/* What the recorder does each minute, and what it does of it when much has to go. */
static void retain_some(const char *directory)
{
    int64_t first_us = FIRST_DAY_S * US_PER_SECOND, few_us = first_us + SEGMENT_S * US_PER_SECOND;
    int64_t many_us = first_us + INT64_C(40) * SEGMENT_S * US_PER_SECOND;
    struct reconcile_result result;
    struct catalog *catalog = open_and_reconcile(directory, false, &result);
    report("retention: a pass that deletes nothing",
           time_of_pass(catalog, directory, first_us, false, 0), 100);
    report("retention: a dry run of 50 files",
           time_of_pass(catalog, directory, few_us, true, CAMERAS), 100);
    report("retention: a pass that deletes 50 files",
           time_of_pass(catalog, directory, few_us, false, CAMERAS), 100);
    report("retention: a pass that deletes 1,950 files",
           time_of_pass(catalog, directory, many_us, false, INT64_C(39) * CAMERAS), 0);
    catalog_close(&catalog);
    time_of_start(directory, false, &result);
    expect("removed by somebody else", result.removed, 0);
    expect("added", result.added, 0);
}

static void measure(const char *directory, int64_t segments, const char *seed)
{
    struct reconcile_result result;
    struct stat status;
    char path[600];
    int64_t directories = make_tree(directory, segments, seed);
    sleep(3); /* until its times are old enough to be believed */
    printf("%lld segments in %d cameras and %lld directories\n", (long long)segments, CAMERAS,
           (long long)directories);
    report("rebuild: no catalog", time_of_start(directory, false, &result), 60000);
    expect("added", result.added, segments);
    snprintf(path, sizeof(path), "%s/" CATALOG_FILE, directory);
    if (stat(path, &status) == 0)
        printf("%-44s %10.1f MB\n", "size of the catalog", (double)status.st_size / 1e6);
    if (seed)
        return;
    report("start: nothing has changed", time_of_start(directory, false, &result), 3000);
    expect("directories read", result.directories_read, 0);
    leave_log(path);
    report("start after a crash: its pages are checked", time_of_start(directory, false, &result),
           3000);
    forget_times(directory);
    report("start: every directory has changed", time_of_start(directory, false, &result), 0);
    expect("directories read", result.directories_read, directories);
    report("rescan: all of it", time_of_start(directory, true, &result), 60000);
    expect("directories read", result.directories_read, directories);
    expect("added", result.added, 0);
    ask(directory, segments);
    retain_some(directory);
}

int main(int argc, char **argv)
{
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: bench_catalog DIRECTORY [SEGMENTS [SEED]]\n");
        return 64;
    }
    int64_t segments = argc > 2 ? atoll(argv[2]) : 1000000;
    setenv("TZ", "UTC", 1);
    tzset();
    remove_tree(argv[1]); /* of a run that was interrupted */
    if (segments < CAMERAS * A_DAY || mkdir(argv[1], 0700) != 0)
        die(argv[1]);
    measure(argv[1], segments, argc > 3 ? argv[3] : NULL);
    remove_tree(argv[1]);
    return failures > 0;
}
