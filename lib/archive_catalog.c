/* The public face of an archive's catalog. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/layout.h"
#include "archive/reconcile.h"
#include "archive/root.h"
#include "archive_open.h"
#include "base/clock.h"
#include "base/error.h"
#include "camera/describe.h"

const char *rtsprec_coverage_reason_name(enum rtsprec_coverage_reason reason)
{
    static const char *const names[RTSPREC_COVERAGE_COUNT] = {
        [RTSPREC_COVERAGE_RECORDED] = "recorded",
        [RTSPREC_COVERAGE_NOT_SCHEDULED] = "schedule",
        [RTSPREC_COVERAGE_CONNECTING] = "connecting",
        [RTSPREC_COVERAGE_UNREACHABLE] = "unreachable",
        [RTSPREC_COVERAGE_UNAUTHORIZED] = "unauthorized",
        [RTSPREC_COVERAGE_STALLED] = "stalled",
        [RTSPREC_COVERAGE_UNSUPPORTED] = "unsupported",
        [RTSPREC_COVERAGE_DISK_FULL] = "disk full",
        [RTSPREC_COVERAGE_DISK_FAILED] = "disk failed",
        [RTSPREC_COVERAGE_DISK_SLOW] = "disk slow",
        [RTSPREC_COVERAGE_STOPPED] = "stopped",
        [RTSPREC_COVERAGE_CRASHED] = "crashed",
        [RTSPREC_COVERAGE_DELETED] = "deleted",
        [RTSPREC_COVERAGE_REMOVED] = "removed",
        [RTSPREC_COVERAGE_UNKNOWN] = "unknown",
        [RTSPREC_COVERAGE_OVERLOADED] = "overloaded",
    };
    return reason >= 0 && reason < RTSPREC_COVERAGE_COUNT ? names[reason] : "unknown";
}

/* Whoever mistypes a directory shall not find a catalog in it. */
static int check_directory(const char *directory, struct rtsprec_error *error)
{
    struct stat status;
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(error, RTSPREC_ERROR_IO, errno, "%s", directory);
    bool is_archive =
        fstatat(fd, ARCHIVE_MARKER, &status, 0) == 0 || fstatat(fd, CATALOG_FILE, &status, 0) == 0;
    close(fd);
    return is_archive ? 0
                      : error_set(error, RTSPREC_ERROR_IO,
                                  "%s: is no archive (no file " ARCHIVE_MARKER
                                  " in it, which a recorder or a repair makes)",
                                  directory);
}

static int make_agree(struct rtsprec_archive *archive, bool all, struct reconcile_result *result,
                      struct rtsprec_error *error)
{
    return reconcile(archive->catalog, archive->directory, all, clock_real_us(), describe_segment,
                     result, error);
}

static int open_catalog(struct rtsprec_archive *archive, bool in_memory,
                        struct rtsprec_error *error)
{
    bool is_new = true;
    struct reconcile_result result;
    int err = in_memory ? catalog_open_in_memory(&archive->catalog, archive->directory, error)
                        : catalog_open_beside(&archive->catalog, archive->directory,
                                              clock_real_us(), &is_new, error);
    if (err == 0 && is_new)
        err = make_agree(archive, false, &result, error);
    if (err < 0)
        catalog_close(&archive->catalog);
    return err;
}

static bool has_catalog(const char *directory)
{
    char *path = NULL;
    bool has_one = asprintf(&path, "%s/" CATALOG_FILE, directory) >= 0 && access(path, F_OK) == 0;
    free(path);
    return has_one;
}

/* Whether a disk refuses a catalog, which is no reason not to look at what lies on it. */
static bool is_refused(const char *directory, int err)
{
    return err == RTSPREC_ERROR_NO_SPACE ||
           (err == RTSPREC_ERROR_IO && !has_catalog(directory) && access(directory, W_OK) != 0);
}

int rtsprec_archive_open(struct rtsprec_archive **out, const char *directory,
                         struct rtsprec_error *error)
{
    error_clear(error);
    *out = NULL;
    int err = check_directory(directory, error);
    if (err < 0)
        return err;
    struct rtsprec_archive *archive = calloc(1, sizeof(*archive));
    if (!archive || !(archive->directory = strdup(directory))) {
        free(archive);
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    }
    err = open_catalog(archive, false, error);
    if (is_refused(directory, err))
        err = open_catalog(archive, true, error);
    if (err < 0) {
        rtsprec_archive_close(&archive);
        return err;
    }
    *out = archive;
    return 0;
}

void rtsprec_archive_close(struct rtsprec_archive **archive_pointer)
{
    struct rtsprec_archive *archive = *archive_pointer;
    *archive_pointer = NULL;
    if (!archive)
        return;
    catalog_close(&archive->catalog);
    free(archive->directory);
    free(archive);
}

struct segment_call {
    rtsprec_archive_segment_fn *tell;
    void *user;
};

static bool tell_segment(void *user, const struct rtsprec_archive_segment *segment)
{
    const struct segment_call *call = user;
    return call->tell(call->user, segment) == 0;
}

int rtsprec_archive_list(struct rtsprec_archive *archive, const char *camera, int64_t from_us,
                         int64_t to_us, rtsprec_archive_segment_fn *segment, void *user,
                         struct rtsprec_error *error)
{
    struct segment_call call = {segment, user};
    error_clear(error);
    return catalog_list(archive->catalog, camera, from_us, to_us, tell_segment, &call, error);
}

struct span_call {
    rtsprec_archive_span_fn *tell;
    void *user;
    bool is_ended;
};

static bool tell_span(void *user, const struct rtsprec_archive_span *span)
{
    struct span_call *call = user;
    call->is_ended = call->tell(call->user, span) != 0;
    return !call->is_ended;
}

struct names {
    char **items; /* owned, and what they point to */
    size_t count;
    bool no_memory;
};

static bool take_name(void *user, const struct catalog_camera *camera)
{
    struct names *names = user;
    char **items = realloc(names->items, (names->count + 1) * sizeof(*items));
    if (items) {
        names->items = items;
        items[names->count] = strdup(camera->name);
        if (items[names->count]) {
            names->count++;
            return true;
        }
    }
    names->no_memory = true;
    return false;
}

int rtsprec_archive_coverage(struct rtsprec_archive *archive, const char *camera, int64_t from_us,
                             int64_t to_us, rtsprec_archive_span_fn *span, void *user,
                             struct rtsprec_error *error)
{
    struct span_call call = {.tell = span, .user = user};
    error_clear(error);
    if (camera)
        return catalog_coverage(archive->catalog, camera, from_us, to_us, tell_span, &call, error);
    struct names names = {0};
    int err = catalog_cameras(archive->catalog, take_name, &names, error);
    if (err == 0 && names.no_memory)
        err = error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < names.count; i++) {
        if (err == 0 && !call.is_ended)
            err = catalog_coverage(archive->catalog, names.items[i], from_us, to_us, tell_span,
                                   &call, error);
        free(names.items[i]);
    }
    free(names.items);
    return err;
}

static bool is_line(const char *text)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
            return false;
    }
    return length > 0 && length <= PROTECTION_MOST_BYTES;
}

static int set_protection(struct rtsprec_archive *archive, const char *camera, int64_t from_us,
                          int64_t to_us, const char *why, int64_t *count,
                          struct rtsprec_error *error)
{
    int64_t unused;
    return catalog_protect(archive->catalog, camera, from_us, to_us, why, count ? count : &unused,
                           error);
}

int rtsprec_archive_protect(struct rtsprec_archive *archive, const char *camera, int64_t from_us,
                            int64_t to_us, const char *why, int64_t *count,
                            struct rtsprec_error *error)
{
    error_clear(error);
    if (!why || !is_line(why))
        return error_set(error, RTSPREC_ERROR_INVALID,
                         "why: expected a line of 1 to %d bytes without control characters",
                         PROTECTION_MOST_BYTES);
    return set_protection(archive, camera, from_us, to_us, why, count, error);
}

int rtsprec_archive_unprotect(struct rtsprec_archive *archive, const char *camera, int64_t from_us,
                              int64_t to_us, int64_t *count, struct rtsprec_error *error)
{
    error_clear(error);
    return set_protection(archive, camera, from_us, to_us, NULL, count, error);
}

int rtsprec_archive_rescan(struct rtsprec_archive *archive, struct rtsprec_archive_changes *result,
                           struct rtsprec_error *error)
{
    struct reconcile_result found;
    error_clear(error);
    if (result && result->size < sizeof(*result))
        return error_set(error, RTSPREC_ERROR_INVALID, "size: %zu, expected %zu", result->size,
                         sizeof(*result));
    int err = make_agree(archive, true, &found, error);
    if (result) {
        result->directories = found.directories_read;
        result->added = found.added;
        result->removed = found.removed;
        result->moved = found.moved;
    }
    return err;
}
