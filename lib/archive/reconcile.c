#include "archive/reconcile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/catalog_tree.h"
#include "archive/entries.h"
#include "archive/layout.h"
#include "base/clock.h"
#include "base/error.h"

/* A file system's clock ticks every few milliseconds, FAT's every 2 s: what changes within one tick
 * has one modification time. */
#define FRESH_NS INT64_C(2100000000)

/* Files that are looked at in one transaction: a recorder waits no longer than a cold disk takes
 * for that, which is less than its patience. */
#define CHANGES_AT_ONCE 100

#define PATH_BYTES 512

struct work {
    struct catalog *catalog;
    const char *directory;
    int root_fd;
    bool all;
    int64_t now_ns;
    reconcile_describe_fn *describe;
    struct reconcile_result *result;
    struct rtsprec_error *error;

    bool is_open; /* a transaction */
    int changes;  /* in it */
    int err;      /* of the tree: the first one, which is told at the end */
    struct rtsprec_error first;
};

/* A part of the tree cannot be read: the rest can. */
static void note_failure(struct work *work, const char *path, int err)
{
    if (work->err == 0)
        work->err =
            error_set_errno(&work->first, RTSPREC_ERROR_IO, -err, "%s/%s", work->directory, path);
}

static int no_memory(struct work *work)
{
    return error_set(work->error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}

/* Before each directory and file: a transaction is open, and not too long. */
static int begin_change(struct work *work)
{
    int err = 0;
    if (work->is_open && work->changes >= CHANGES_AT_ONCE) {
        err = catalog_commit(work->catalog, work->error);
        work->is_open = err < 0;
        if (err == 0)
            catalog_let_others_in(work->catalog);
    }
    if (err == 0 && !work->is_open) {
        err = catalog_begin(work->catalog, work->error);
        work->is_open = err == 0;
        work->changes = 0;
    }
    return err;
}

static int end_changes(struct work *work, int err)
{
    if (work->is_open && err == 0) {
        err = catalog_commit(work->catalog, work->error);
        work->is_open = err < 0;
    }
    if (work->is_open)
        catalog_rollback(work->catalog);
    work->is_open = false;
    return err;
}

static bool is_camera(const char *name)
{
    return layout_camera_name_is_valid(name);
}

/* --- one directory of a day --- */

struct day {
    struct work *work;
    const char *camera, *day;
    int fd;
};

static void path_of(const struct day *day, const char *name, char path[PATH_BYTES])
{
    snprintf(path, PATH_BYTES, "%s/%s/%s", day->camera, day->day, name);
}

static int add_file(const struct day *day, const char *name)
{
    struct work *work = day->work;
    char path[PATH_BYTES];
    struct reconcile_row row;
    path_of(day, name, path);
    int fd = openat(day->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int err = fd < 0 ? -errno : work->describe(&row, fd, path);
    if (fd >= 0)
        close(fd);
    if (err == -ENOENT)
        return 0; /* it is gone already */
    if (err < 0) {
        note_failure(work, path, err);
        return 0;
    }
    work->result->added++;
    return catalog_add_segment(work->catalog, &row.segment, work->error);
}

/* A row whose file was not found, or is to be compared. */
static int check_file(const struct day *day, const struct entry *row)
{
    struct work *work = day->work;
    char path[PATH_BYTES];
    struct stat status;
    path_of(day, row->name, path);
    bool is_there = fstatat(day->fd, row->name, &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_there && errno != ENOENT) {
        note_failure(work, path, -errno);
        return 0;
    }
    if (is_there && S_ISREG(status.st_mode))
        return status.st_size == row->value ? 0 : add_file(day, row->name);
    work->result->removed++;
    return catalog_remove_segment(work->catalog, path, RTSPREC_COVERAGE_REMOVED, work->error);
}

static int begin_look(struct work *work)
{
    work->changes++;
    return begin_change(work);
}

static int compare(const struct day *day, const struct entries *rows, const struct entries *files)
{
    int err = 0;
    size_t row = 0, file = 0;
    while (err == 0 && (row < rows->count || file < files->count)) {
        int order = row == rows->count     ? 1
                    : file == files->count ? -1
                                           : strcmp(rows->items[row].name, files->items[file].name);
        if (order > 0) {
            if (!files->items[file].flag && (err = begin_look(day->work)) == 0)
                err = add_file(day, files->items[file].name);
            file++;
        } else {
            bool is_certain = order == 0 && !files->items[file].flag && !day->work->all;
            if (!is_certain && (err = begin_look(day->work)) == 0)
                err = check_file(day, &rows->items[row]);
            row++;
            file += order == 0;
        }
    }
    return err;
}

static int read_day(struct work *work, int camera_fd, const char *camera, const char *name)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "%s/%s", camera, name);
    struct day day = {work, camera, name, -1};
    struct stat status;
    day.fd = openat(camera_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (day.fd < 0 || fstat(day.fd, &status) != 0) {
        int err = -errno;
        if (day.fd >= 0)
            close(day.fd);
        if (err != -ENOENT)
            note_failure(work, path, err);
        return 0;
    }
    int64_t mtime_ns = status.st_mtim.tv_sec * INT64_C(1000000000) + status.st_mtim.tv_nsec;
    struct entries rows = {0}, files = {0};
    int64_t id;
    int err = begin_change(work);
    if (err == 0)
        err = catalog_tree_directory(work->catalog, camera, name, &id, work->error);
    if (err == 0)
        err = catalog_tree_segments(work->catalog, id, &rows, work->error);
    if (err == 0) {
        int read = entries_read_directory(&files, day.fd, S_IFREG, layout_segment_name_is_valid);
        if (read == -ENOMEM) {
            err = no_memory(work);
        } else if (read < 0) {
            note_failure(work, path, read);
        } else {
            int failed = work->err;
            err = compare(&day, &rows, &files);
            bool is_settled = mtime_ns < work->now_ns - FRESH_NS && work->err == failed;
            if (err == 0)
                err = catalog_tree_note(work->catalog, id, mtime_ns, is_settled, work->error);
            work->result->directories_read++;
            work->changes += 10;
        }
    }
    entries_uninit(&rows);
    entries_uninit(&files);
    close(day.fd);
    return err;
}

/* --- one camera --- */

/* The directory of a day is gone, and with it all that was in it. */
static int drop_day(struct work *work, const char *camera, const struct entry *row)
{
    struct entries segments = {0};
    int err = begin_change(work);
    if (err == 0)
        err = catalog_tree_segments(work->catalog, row->id, &segments, work->error);
    for (size_t i = 0; err == 0 && i < segments.count; i++) {
        char path[PATH_BYTES];
        snprintf(path, sizeof(path), "%s/%s/%s", camera, row->name, segments.items[i].name);
        work->result->removed++;
        work->changes++;
        err = catalog_remove_segment(work->catalog, path, RTSPREC_COVERAGE_REMOVED, work->error);
    }
    if (err == 0)
        err = catalog_tree_forget(work->catalog, row->id, work->error);
    entries_uninit(&segments);
    return err;
}

/* camera_fd -1: its directory is gone. */
static int compare_days(struct work *work, int camera_fd, const char *camera,
                        const struct entries *rows, const struct entries *days)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < days->count; i++) {
        const struct entry *day = &days->items[i], *row = entries_find(rows, day->name);
        bool is_known = row && row->flag && row->value == day->value;
        if (!day->flag && (!is_known || work->all))
            err = read_day(work, camera_fd, camera, day->name);
    }
    for (size_t i = 0; err == 0 && i < rows->count; i++) {
        const struct entry *row = &rows->items[i];
        struct stat status;
        if (entries_find(days, row->name))
            continue;
        /* A recorder may have made it by now. */
        if (camera_fd < 0 ||
            (fstatat(camera_fd, row->name, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT))
            err = drop_day(work, camera, row);
    }
    return err;
}

/* id 0: the catalog has no directories of it. */
static int reconcile_camera(struct work *work, const char *camera, int64_t id)
{
    struct entries rows = {0}, days = {0};
    int fd = openat(work->root_fd, camera, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int failure = fd < 0 ? -errno : 0;
    int err = id ? catalog_tree_directories(work->catalog, id, &rows, work->error) : 0;
    if (failure == 0)
        failure = entries_read_directory(&days, fd, S_IFDIR, layout_day_name_is_valid);
    if (err == 0 && failure == -ENOMEM)
        err = no_memory(work);
    else if (err == 0 && failure < 0 && failure != -ENOENT)
        note_failure(work, camera, failure);
    else if (err == 0)
        err = compare_days(work, fd, camera, &rows, &days);
    entries_uninit(&rows);
    entries_uninit(&days);
    if (fd >= 0)
        close(fd);
    return err;
}

/* --- cameras whose directory got another name --- */

/* Whether a directory of the tree holds a day that the catalog knows of a camera: a renamed
 * directory takes its children along with their modification times. */
static bool is_renamed(struct work *work, const struct entries *rows, const char *name)
{
    struct entries days = {0};
    bool found = false;
    int fd = openat(work->root_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (entries_read_directory(&days, fd, S_IFDIR, layout_day_name_is_valid) == 0) {
        for (size_t i = 0; i < rows->count && !found; i++) {
            const struct entry *day = entries_find(&days, rows->items[i].name);
            found = day && rows->items[i].value != 0 && day->value == rows->items[i].value;
        }
    }
    entries_uninit(&days);
    close(fd);
    return found;
}

/* What the camera of a row is called now, if anything: a child that the catalog does not know. */
static int find_new_name(struct work *work, const struct entry *camera, const struct entries *known,
                         const struct entries *children, const char **name)
{
    struct entries rows = {0};
    int err = catalog_tree_directories(work->catalog, camera->id, &rows, work->error);
    *name = NULL;
    for (size_t i = 0; err == 0 && i < children->count && !*name; i++) {
        const struct entry *child = &children->items[i];
        if (!child->flag && !entries_find(known, child->name) &&
            is_renamed(work, &rows, child->name))
            *name = child->name;
    }
    entries_uninit(&rows);
    return err;
}

static int follow_renames(struct work *work, const struct entries *known,
                          const struct entries *children)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < known->count; i++) {
        const char *name;
        if (entries_find(children, known->items[i].name))
            continue;
        err = find_new_name(work, &known->items[i], known, children, &name);
        if (err == 0 && name && (err = begin_change(work)) == 0) {
            work->result->moved += known->items[i].value;
            err = catalog_tree_rename(work->catalog, known->items[i].id, name, work->error);
        }
    }
    return end_changes(work, err);
}

/* --- the archive --- */

static int reconcile_cameras(struct work *work, const struct entries *children)
{
    struct entries known = {0};
    int err = catalog_tree_cameras(work->catalog, &known, work->error);
    for (size_t i = 0; err == 0 && i < children->count; i++) {
        const struct entry *row = entries_find(&known, children->items[i].name);
        if (!children->items[i].flag)
            err = reconcile_camera(work, children->items[i].name, row ? row->id : 0);
    }
    for (size_t i = 0; err == 0 && i < known.count; i++) {
        if (!entries_find(children, known.items[i].name))
            err = reconcile_camera(work, known.items[i].name, known.items[i].id);
    }
    entries_uninit(&known);
    return end_changes(work, err);
}

static int reconcile_tree(struct work *work)
{
    struct entries children = {0}, known = {0};
    int err = entries_read_directory(&children, work->root_fd, S_IFDIR, is_camera);
    if (err < 0)
        err = error_set_errno(work->error, error_code_of_errno(-err), -err, "%s", work->directory);
    if (err == 0)
        err = catalog_tree_cameras(work->catalog, &known, work->error);
    if (err == 0)
        err = follow_renames(work, &known, &children);
    if (err == 0)
        err = reconcile_cameras(work, &children);
    if (err == 0)
        err = catalog_tree_built(work->catalog, work->error);
    entries_uninit(&children);
    entries_uninit(&known);
    return err;
}

int reconcile(struct catalog *catalog, const char *archive_directory, bool all_directories,
              int64_t now_us, reconcile_describe_fn *describe, struct reconcile_result *result,
              struct rtsprec_error *error)
{
    *result = (struct reconcile_result){0};
    struct work work = {
        .catalog = catalog,
        .directory = archive_directory,
        .all = all_directories,
        .now_ns = now_us * 1000,
        .describe = describe,
        .result = result,
        .error = error,
    };
    work.root_fd = open(archive_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (work.root_fd < 0)
        return error_set_errno(error, RTSPREC_ERROR_IO, errno, "%s", archive_directory);
    int err = reconcile_tree(&work);
    close(work.root_fd);
    if (err == 0 && work.err < 0)
        err = error_set(error, work.err, "%s", work.first.text);
    return err;
}
