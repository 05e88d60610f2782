#include "archive/retain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/oldest.h"
#include "archive/remover.h"
#include "archive/retention.h"
#include "archive/timelapses.h"
#include "base/disk.h"
#include "base/error.h"

/* Files of one transaction: what a cut leaves to be reconciled. */
#define GROUP_FILES 64
/* How often a pass is decided again because files did not go as it was decided. */
#define MOST_ROUNDS 8

/* The cameras of the catalog. */
struct cameras {
    struct retention_camera *list; /* names owned */
    const char **names;
    size_t count, capacity;
    bool has_no_memory;
};

/* A file on its way. */
struct leaving {
    struct retention_deletion deletion;
    char *path;
    bool is_kept; /* it is no more what was decided of: protected meanwhile, or gone */

    /* Its row, in case that it stays. */
    struct rtsprec_archive_segment row;
    char codec[32], *why;
};

struct pass {
    struct catalog *catalog;
    const char *directory;
    const struct rtsprec_archive_limits *limits;
    const struct retention_need *need;
    bool dry_run;
    retain_fn *told;
    void *user;
    struct retain_result *result;
    struct rtsprec_error *error;

    struct cameras cameras;
    struct oldest *oldest;
    struct remover remover;
    int64_t saved_bytes; /* that timelapses would have made free, in a dry run */
    struct leaving group[GROUP_FILES];
    size_t group_count;
    int err;              /* of a group: ends the pass */
    bool has_to_continue; /* not all went as decided: decide again */
};

/* --- what there is --- */

static void forget_cameras(struct cameras *cameras)
{
    for (size_t i = 0; i < cameras->count; i++)
        free((char *)cameras->list[i].name);
    free(cameras->list);
    free(cameras->names);
    *cameras = (struct cameras){0};
}

static bool grow(struct cameras *cameras)
{
    size_t capacity = cameras->capacity ? 2 * cameras->capacity : 16;
    void *list = realloc(cameras->list, capacity * sizeof(*cameras->list));
    if (list)
        cameras->list = list;
    void *names = list ? realloc(cameras->names, capacity * sizeof(*cameras->names)) : NULL;
    if (!names)
        return false;
    cameras->names = names;
    cameras->capacity = capacity;
    return true;
}

static void add_camera(struct cameras *cameras, const struct retention_camera *camera)
{
    char *name = strdup(camera->name);
    if (!name || (cameras->count == cameras->capacity && !grow(cameras))) {
        free(name);
        cameras->has_no_memory = true;
        return;
    }
    cameras->list[cameras->count] = *camera;
    cameras->list[cameras->count].name = name;
    cameras->names[cameras->count++] = name;
}

static bool add_total(void *user, const struct catalog_camera *total)
{
    struct cameras *cameras = user;
    add_camera(cameras, &(struct retention_camera){.name = total->name, .bytes = total->bytes});
    return !cameras->has_no_memory;
}

static struct retention_camera *find_camera(struct cameras *cameras, const char *name)
{
    for (size_t i = 0; i < cameras->count; i++) {
        if (!strcmp(cameras->list[i].name, name))
            return &cameras->list[i];
    }
    return NULL;
}

/* What the cameras have in closed files, and what they are writing; one of them may have closed
 * none yet. */
static int load_cameras(struct pass *pass)
{
    struct cameras *cameras = &pass->cameras;
    forget_cameras(cameras);
    int err = catalog_cameras(pass->catalog, add_total, cameras, pass->error);
    for (size_t i = 0; err == 0 && i < pass->need->active_count; i++) {
        struct retention_camera active = pass->need->active[i];
        struct retention_camera *camera = find_camera(cameras, active.name);
        active.bytes = camera ? camera->bytes : 0;
        if (!camera)
            add_camera(cameras, &active);
        else
            *camera = (struct retention_camera){camera->name, active.bytes, active.open_bytes,
                                                active.lead_bytes};
    }
    if (err == 0 && cameras->has_no_memory)
        err = error_set(pass->error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    return err;
}

/* --- deleting a group --- */

static bool note_row(void *user, const struct rtsprec_archive_segment *row)
{
    struct leaving *file = user;
    if (strcmp(row->path, file->path) != 0)
        return true;
    file->is_kept = false;
    file->row = *row;
    file->row.camera = NULL;
    file->row.path = file->path;
    snprintf(file->codec, sizeof(file->codec), "%s", row->codec);
    file->row.codec = file->codec;
    file->why = row->protected_why ? strdup(row->protected_why) : NULL;
    file->row.protected_why = file->why;
    return false;
}

/* Somebody may have protected or removed it since it was read. */
static int look_again(struct pass *pass, struct leaving *file)
{
    file->is_kept = true;
    free(file->why); /* of an earlier look */
    file->why = NULL;
    int err = catalog_oldest(pass->catalog, pass->cameras.names[file->deletion.camera],
                             file->deletion.is_protected, file->deletion.segment.start_us, "",
                             GROUP_FILES, note_row, file, pass->error);
    if (file->is_kept)
        pass->has_to_continue = true;
    return err;
}

static int look_at_group(struct pass *pass)
{
    int err = 0;
    for (size_t i = 0; err == 0 && i < pass->group_count; i++)
        err = look_again(pass, &pass->group[i]);
    return err;
}

static int forget_group(struct pass *pass, bool are_gone)
{
    int err = catalog_begin(pass->catalog, pass->error);
    if (err < 0)
        return err;
    if (!are_gone)
        err = look_at_group(pass);
    for (size_t i = 0; err == 0 && i < pass->group_count; i++) {
        if (!pass->group[i].is_kept)
            err = catalog_remove_segment(pass->catalog, pass->group[i].path,
                                         RTSPREC_COVERAGE_DELETED, pass->error);
    }
    if (err == 0)
        err = catalog_commit(pass->catalog, pass->error);
    if (err < 0)
        catalog_rollback(pass->catalog);
    return err;
}

static void tell_file(struct pass *pass, struct rtsprec_archive_deletion *told, const char *failure)
{
    told->size = sizeof(*told);
    told->failure = failure;
    if (failure) {
        pass->result->failed++;
    } else {
        pass->result->deleted++;
        pass->result->bytes += told->bytes;
    }
    if (pass->told && !pass->told(pass->user, told))
        pass->result->is_ended = true;
}

static void tell(struct pass *pass, const struct retention_deletion *deletion, const char *failure)
{
    struct rtsprec_archive_deletion told = {
        .camera = pass->cameras.names[deletion->camera],
        .path = deletion->segment.path,
        .start_us = deletion->segment.start_us,
        .end_us = deletion->segment.end_us,
        .bytes = deletion->segment.bytes,
        .reason = deletion->reason,
        .is_young = deletion->is_young,
        .is_protected = deletion->is_protected,
    };
    tell_file(pass, &told, failure);
}

/* The file stays. If its row cannot be put back, the next reconcile does it. */
static void keep_one(struct pass *pass, struct leaving *file)
{
    file->is_kept = true;
    catalog_add_segment(pass->catalog, &file->row, NULL);
}

/* Returns 0 or what ends the pass. */
static int remove_one(struct pass *pass, struct leaving *file)
{
    struct removed removed;
    struct rtsprec_error why = {0};
    int err = remover_remove(&pass->remover, file->path, &removed, &why);
    if (err == 0 && removed.what != REMOVAL_FOREIGN) {
        pass->result->freed_bytes += removed.freed_bytes;
        pass->has_to_continue |= removed.what == REMOVAL_GONE;
        tell(pass, &file->deletion, NULL);
        return 0;
    }
    pass->has_to_continue = true;
    if (err == 0) {
        tell(pass, &file->deletion, "what is there is no file of the archive");
        return 0;
    }
    tell(pass, &file->deletion, why.text);
    keep_one(pass, file);
    if (removed.errnum != EACCES && removed.errnum != EPERM)
        return error_set(pass->error, err, "%s", why.text);
    err = oldest_skip(pass->oldest, file->path);
    return err == 0 ? 0 : error_set(pass->error, err, "out of memory");
}

static int remove_group(struct pass *pass)
{
    int err = 0;
    for (size_t i = 0; i < pass->group_count; i++) {
        if (pass->group[i].is_kept)
            continue;
        if (err < 0 || pass->result->is_ended)
            keep_one(pass, &pass->group[i]);
        else
            err = remove_one(pass, &pass->group[i]);
    }
    return err;
}

static int delete_group(struct pass *pass)
{
    int err = pass->group_count > 0 ? forget_group(pass, false) : 0;
    if (err == 0) {
        err = remove_group(pass);
    } else if (err == RTSPREC_ERROR_NO_SPACE) {
        /* Not even the catalog can be written any more: the files make room for it. */
        err = look_at_group(pass);
        if (err == 0)
            err = remove_group(pass);
        int forgotten = forget_group(pass, true);
        err = err ? err : forgotten;
    }
    for (size_t i = 0; i < pass->group_count; i++) {
        free(pass->group[i].path);
        free(pass->group[i].why);
    }
    pass->group_count = 0;
    return err;
}

/* --- timelapses --- */

struct old_timelapses {
    struct pass *pass;
    const char *camera;
};

static bool remove_timelapse(void *user, const struct timelapse_file *file)
{
    const struct old_timelapses *old = user;
    struct pass *pass = old->pass;
    struct rtsprec_archive_deletion told = {
        .camera = old->camera,
        .path = file->path,
        .start_us = file->start_us,
        .end_us = file->end_us,
        .bytes = file->bytes,
        .reason = RTSPREC_DELETION_TIMELAPSE_AGE,
    };
    struct removed removed = {0};
    struct rtsprec_error why = {0};
    int err = pass->dry_run ? 0 : remover_remove(&pass->remover, file->path, &removed, &why);
    pass->saved_bytes += pass->dry_run ? file->freed_bytes : 0;
    pass->result->freed_bytes += removed.freed_bytes;
    tell_file(pass, &told, err < 0 ? why.text : NULL);
    return !pass->result->is_ended;
}

/* What cannot be read of them does not keep segments from going. */
static int remove_timelapses(struct pass *pass)
{
    const struct rtsprec_archive_limits *limits = pass->limits;
    int err = 0;
    if (pass->need->is_clock_new)
        return 0;
    for (size_t i = 0; i < limits->camera_count && !pass->result->is_ended; i++) {
        const struct rtsprec_camera_limits *camera = &limits->cameras[i];
        struct old_timelapses old = {pass, camera->camera};
        if (camera->timelapse_max_age_us == 0)
            continue;
        int found = timelapses_ended(pass->directory, camera->camera,
                                     pass->need->now_us - camera->timelapse_max_age_us,
                                     remove_timelapse, &old);
        if (found < 0 && err == 0)
            err = error_set_errno(pass->error, error_code_of_errno(-found), -found,
                                  "%s/%s: timelapses cannot be searched", pass->directory,
                                  camera->camera);
    }
    return err;
}

/* --- the pass --- */

/* Gathers what is decided, and deletes it when a group is full. */
static bool on_decision(void *user, const struct retention_deletion *deletion)
{
    struct pass *pass = user;
    if (pass->dry_run) {
        if (!pass->result->is_ended)
            tell(pass, deletion, NULL);
        return !pass->result->is_ended;
    }
    if (pass->group_count == GROUP_FILES)
        pass->err = delete_group(pass);
    if (pass->err < 0 || pass->result->is_ended)
        return false;
    struct leaving *file = &pass->group[pass->group_count];
    *file = (struct leaving){.deletion = *deletion, .path = strdup(deletion->segment.path)};
    if (!file->path) {
        pass->err = error_set(pass->error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
        return false;
    }
    file->deletion.segment.path = file->path;
    pass->group_count++;
    return true;
}

static int run_round(struct pass *pass)
{
    struct disk_space space = disk_space(pass->directory);
    struct retention_request request = {
        .limits = pass->limits,
        .cameras = pass->cameras.list,
        .camera_count = pass->cameras.count,
        .now_us = pass->need->now_us,
        .is_clock_new = pass->need->is_clock_new,
        .others_bytes = pass->need->others_bytes,
        .free_bytes =
            space.free_bytes == INT64_MAX ? INT64_MAX : space.free_bytes + pass->saved_bytes,
        .disk_bytes = space.total_bytes,
        .block_bytes = space.block_bytes,
    };
    struct retention_result decided = {0};
    int err = oldest_begin(pass->oldest, pass->cameras.names, pass->cameras.count, &request.supply,
                           pass->error);
    if (err == 0)
        err = retention_decide(&request, on_decision, pass, &decided);
    if (err == RTSPREC_ERROR_NO_MEMORY)
        error_set(pass->error, err, "out of memory");
    if (err == 0)
        err = pass->err;
    /* Also after a failure: what is in the group was decided before it. */
    int deleted = delete_group(pass);
    pass->result->room_bytes = decided.room_bytes;
    pass->result->short_bytes = decided.short_bytes;
    pass->result->short_of = decided.short_of;
    pass->result->is_keep_free_impossible = decided.is_keep_free_impossible;
    return err ? err : deleted;
}

static int run_rounds(struct pass *pass)
{
    int err = 0;
    for (int round = 0; err == 0 && round < MOST_ROUNDS; round++) {
        pass->has_to_continue = false;
        err = load_cameras(pass);
        if (err == 0)
            err = run_round(pass);
        if (!pass->has_to_continue || pass->result->is_ended)
            break;
    }
    return err;
}

int retain(struct catalog *catalog, const char *archive_directory,
           const struct rtsprec_archive_limits *limits, const struct retention_need *need,
           bool dry_run, retain_fn *told, void *user, struct retain_result *result,
           struct rtsprec_error *error)
{
    struct pass pass = {
        .catalog = catalog,
        .directory = archive_directory,
        .limits = limits,
        .need = need,
        .dry_run = dry_run,
        .told = told,
        .user = user,
        .result = result,
        .error = error,
        .remover = {-1},
    };
    *result = (struct retain_result){0};
    int err = oldest_create(&pass.oldest, catalog);
    if (err < 0)
        error_set(error, err, "out of memory");
    if (err == 0 && !dry_run)
        err = remover_open(&pass.remover, archive_directory, error);
    if (err == 0) {
        int lapses = remove_timelapses(&pass);
        err = pass.result->is_ended ? 0 : run_rounds(&pass);
        err = err ? err : lapses;
    }
    remover_close(&pass.remover);
    oldest_destroy(&pass.oldest);
    forget_cameras(&pass.cameras);
    return err;
}
