/* What archive.h promises of an archive's catalog, on the seeds of the fuzzers: real files. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <rtsprec/rtsprec.h>

#include "cmocka_api.h"
#include "process.h"

#define CATALOG ".rtsprec-catalog.db"
#define FIRST   "door/2024-03-01/09_00_00.mp4"
#define SECOND  "door/2024-03-01/10_00_00.mp4"
#define THIRD   "yard/2024-03-02/10_00_00.mp4"

#define ALL INT64_MIN, INT64_MAX

static char directory[256];

static const char *path_of(const char *name)
{
    static char path[512];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static int is_there(const char *name)
{
    struct stat status;
    return lstat(path_of(name), &status) == 0;
}

static void put(const char *name, const char *seed)
{
    char from[512], buffer[32768];
    snprintf(from, sizeof(from), "%s/mp4_repair/%s", CORPUS, seed);
    FILE *in = fopen(from, "r"), *out = fopen(path_of(name), "w");
    if (!in || !out)
        fail_msg("%s cannot be made of %s", name, from);
    size_t size = fread(buffer, 1, sizeof(buffer), in);
    assert_int_equal(fwrite(buffer, 1, size, out), size);
    fclose(in);
    fclose(out);
}

static int make_archive(void **state)
{
    (void)state;
    process_make_directory(directory, sizeof(directory));
    mkdir(directory, 0700);
    mkdir(path_of("door"), 0700);
    mkdir(path_of("door/2024-03-01"), 0700);
    mkdir(path_of("yard"), 0700);
    mkdir(path_of("yard/2024-03-02"), 0700);
    put(FIRST, "h264tiny-closed");
    put(SECOND, "h264tiny-closed");
    put(THIRD, "h264tiny-closed");
    put("yard/2024-03-02/11_00_00.mp4.part", "h264tiny-open");
    FILE *marker = fopen(path_of(".rtsprec"), "w");
    if (marker)
        fclose(marker);
    return 0;
}

static int remove_archive(void **state)
{
    (void)state;
    process_remove_directory(directory);
    return 0;
}

static struct rtsprec_archive *open_archive(void)
{
    struct rtsprec_archive *archive = NULL;
    struct rtsprec_error error = {.code = 1};
    if (rtsprec_archive_open(&archive, directory, &error) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(error.code, 0);
    return archive;
}

struct seen {
    char text[1024];
    int count, most;
    int64_t start_us, end_us, recorded_us, other_us;
};

static int see_segment(void *user, const struct rtsprec_archive_segment *segment)
{
    struct seen *seen = user;
    size_t used = strlen(seen->text);
    assert_int_equal(segment->size, sizeof(*segment));
    assert_true(segment->bytes > 1000 && segment->frames == 12);
    assert_string_equal(segment->codec, "h264");
    assert_true(segment->width > 0 && segment->height > 0);
    assert_int_equal(segment->reason, RTSPREC_SEGMENT_UNKNOWN);
    assert_memory_equal(segment->path, segment->camera, strlen(segment->camera));
    snprintf(seen->text + used, sizeof(seen->text) - used, "%s%s%s\n", segment->path,
             segment->protected_why ? " " : "",
             segment->protected_why ? segment->protected_why : "");
    seen->start_us = segment->start_us;
    seen->end_us = segment->end_us;
    return ++seen->count == seen->most;
}

static struct seen list(struct rtsprec_archive *archive, const char *camera, int64_t from_us,
                        int64_t to_us)
{
    struct seen seen = {.text = ""};
    struct rtsprec_error error;
    assert_int_equal(
        rtsprec_archive_list(archive, camera, from_us, to_us, see_segment, &seen, &error), 0);
    return seen;
}

static void segments_are_listed(void **state)
{
    (void)state;
    struct rtsprec_archive *archive = open_archive();
    struct seen seen = list(archive, NULL, ALL);
    assert_int_equal(seen.count, 3);
    assert_non_null(strstr(seen.text, FIRST "\n"));
    assert_non_null(strstr(seen.text, SECOND "\n"));
    assert_non_null(strstr(seen.text, THIRD "\n"));
    seen = list(archive, "yard", ALL);
    assert_string_equal(seen.text, THIRD "\n");
    assert_true(seen.end_us > seen.start_us);
    assert_int_equal(list(archive, "yard", seen.start_us, seen.start_us + 1).count, 1);
    assert_int_equal(list(archive, "yard", seen.end_us, INT64_MAX).count, 0);
    assert_int_equal(list(archive, "nobody", ALL).count, 0);
    struct seen one = {.most = 1};
    assert_int_equal(rtsprec_archive_list(archive, NULL, ALL, see_segment, &one, NULL), 0);
    assert_int_equal(one.count, 1);
    rtsprec_archive_close(&archive);
    assert_null(archive);
    rtsprec_archive_close(&archive);
}

static int see_span(void *user, const struct rtsprec_archive_span *span)
{
    struct seen *seen = user;
    assert_int_equal(span->size, sizeof(*span));
    assert_true(span->end_us > span->start_us);
    if (span->reason == RTSPREC_COVERAGE_RECORDED)
        seen->recorded_us += span->end_us - span->start_us;
    else
        seen->other_us += span->end_us - span->start_us;
    if (!strstr(seen->text, span->camera))
        snprintf(seen->text + strlen(seen->text), 64, "%s ", span->camera);
    return ++seen->count == seen->most;
}

static void coverage_adds_up(void **state)
{
    (void)state;
    struct rtsprec_archive *archive = open_archive();
    struct rtsprec_error error;
    struct seen segment = list(archive, "yard", ALL), seen = {.text = ""};
    int64_t from = segment.start_us - 1000000, to = segment.end_us + 1000000;
    assert_int_equal(rtsprec_archive_coverage(archive, "yard", from, to, see_span, &seen, &error),
                     0);
    assert_int_equal(seen.count, 3);
    assert_int_equal(seen.recorded_us, segment.end_us - segment.start_us);
    assert_int_equal(seen.other_us, 2000000);
    seen = (struct seen){.text = ""};
    assert_int_equal(rtsprec_archive_coverage(archive, NULL, from, to, see_span, &seen, &error), 0);
    assert_int_equal(seen.recorded_us + seen.other_us, 2 * (to - from));
    assert_string_equal(seen.text, "door yard ");
    seen = (struct seen){.most = 1};
    assert_int_equal(rtsprec_archive_coverage(archive, NULL, from, to, see_span, &seen, &error), 0);
    assert_int_equal(seen.count, 1);
    seen = (struct seen){.text = ""};
    assert_int_equal(rtsprec_archive_coverage(archive, "nobody", 0, 9, see_span, &seen, NULL), 0);
    assert_int_equal(seen.other_us, 9);
    rtsprec_archive_close(&archive);
}

static void segments_are_protected(void **state)
{
    (void)state;
    struct rtsprec_archive *archive = open_archive();
    struct rtsprec_error error;
    int64_t count = -1;
    char longest[202];
    memset(longest, 'x', sizeof(longest) - 1);
    longest[201] = '\0';
    assert_int_equal(rtsprec_archive_protect(archive, "yard", ALL, "a theft", &count, &error), 0);
    assert_int_equal(count, 1);
    assert_string_equal(list(archive, "yard", ALL).text, THIRD " a theft\n");
    assert_int_equal(rtsprec_archive_protect(archive, "yard", ALL, "two\nlines", &count, &error),
                     RTSPREC_ERROR_INVALID);
    assert_int_equal(rtsprec_archive_protect(archive, "yard", ALL, "", &count, &error),
                     RTSPREC_ERROR_INVALID);
    assert_int_equal(rtsprec_archive_protect(archive, "yard", ALL, longest, &count, &error),
                     RTSPREC_ERROR_INVALID);
    longest[200] = '\0';
    assert_int_equal(rtsprec_archive_protect(archive, "yard", ALL, longest, NULL, &error), 0);
    assert_int_equal(rtsprec_archive_unprotect(archive, "yard", ALL, &count, &error), 0);
    assert_int_equal(count, 1);
    assert_string_equal(list(archive, "yard", ALL).text, THIRD "\n");
    rtsprec_archive_close(&archive);
}

static void changes_are_found(void **state)
{
    (void)state;
    struct rtsprec_archive *archive = open_archive();
    struct rtsprec_error error = {0};
    struct rtsprec_archive_changes result = {.size = sizeof(result)};
    unlink(path_of(FIRST));
    put("yard/2024-03-02/12_00_00.mp4", "h264tiny-closed");
    assert_int_equal(list(archive, NULL, ALL).count, 3);
    assert_int_equal(rtsprec_archive_rescan(archive, &result, &error), 0);
    assert_int_equal(result.directories, 2);
    assert_int_equal(result.added, 1);
    assert_int_equal(result.removed, 1);
    assert_int_equal(result.moved, 0);
    assert_int_equal(rtsprec_archive_rescan(archive, NULL, NULL), 0);
    assert_null(strstr(list(archive, NULL, ALL).text, FIRST));
    result.size = 8;
    assert_int_equal(rtsprec_archive_rescan(archive, &result, &error), RTSPREC_ERROR_INVALID);
    rtsprec_archive_close(&archive);
    /* All the same without the catalog. */
    char before[1024];
    archive = open_archive();
    strcpy(before, list(archive, NULL, ALL).text);
    rtsprec_archive_close(&archive);
    assert_int_equal(unlink(path_of(CATALOG)), 0);
    archive = open_archive();
    assert_string_equal(list(archive, NULL, ALL).text, before);
    rtsprec_archive_close(&archive);
}

static void what_is_no_archive_stays_as_it_is(void **state)
{
    (void)state;
    struct rtsprec_archive *archive = (struct rtsprec_archive *)&directory;
    struct rtsprec_error error = {0};
    char path[512];
    snprintf(path, sizeof(path), "%s", path_of("none"));
    assert_int_equal(rtsprec_archive_open(&archive, path, &error), RTSPREC_ERROR_IO);
    assert_null(archive);
    assert_int_equal(error.code, RTSPREC_ERROR_IO);
    assert_non_null(strstr(error.text, "none: No such file"));
    assert_false(is_there("none"));
    snprintf(path, sizeof(path), "%s", path_of("yard"));
    assert_int_equal(rtsprec_archive_open(&archive, path, &error), RTSPREC_ERROR_IO);
    assert_non_null(strstr(error.text, "is no archive"));
    assert_false(is_there("yard/" CATALOG));
    snprintf(path, sizeof(path), "%s", path_of(FIRST));
    assert_int_equal(rtsprec_archive_open(&archive, path, NULL), RTSPREC_ERROR_IO);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, make_archive, remove_archive)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(segments_are_listed),
        TEST(coverage_adds_up),
        TEST(segments_are_protected),
        TEST(changes_are_found),
        TEST(what_is_no_archive_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
