#include <rtsprec/archive.h>

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/part_files.h"
#include "archive/root.h"
#include "base/error.h"
#include "camera/recover.h"
#include "segment/verify.h"

#define ALL_DAYS 0x7fffffff

struct call {
    rtsprec_archive_fn *tell;
    void *user;
    int err; /* of the walk itself */
};

static bool repair_one(void *user, const char *path)
{
    const struct call *call = user;
    recover_part(path, NULL, call->tell, call->user);
    return true;
}

int rtsprec_archive_repair(const char *directory, rtsprec_archive_fn *file, void *user,
                           struct rtsprec_error *error)
{
    error_clear(error);
    struct archive_root *list = NULL, *root = NULL;
    struct stat status;
    if (stat(directory, &status) != 0)
        return error_set_errno(error, RTSPREC_ERROR_IO, errno, "%s", directory);
    if (!S_ISDIR(status.st_mode))
        return error_set(error, RTSPREC_ERROR_IO, "%s: expected a directory", directory);
    int err = archive_root_open(&root, &list, directory, error);
    if (err < 0)
        return err;
    if ((err = archive_root_check(root, error)) == 0) {
        struct call call = {file, user, 0};
        int walked = part_files_of_archive(directory, ALL_DAYS, repair_one, &call);
        if (walked < 0)
            err = error_set_errno(error, error_code_of_errno(-walked), -walked, "%s", directory);
    }
    archive_root_close(&root, &list);
    return err;
}

static void verify_one(struct call *call, const char *path)
{
    struct rtsprec_error error = {0};
    struct rtsprec_archive_file file = {.path = path};
    int err = segment_verify(path, &file.frames, &error);
    file.verdict = err == 0                           ? RTSPREC_ARCHIVE_WHOLE
                   : err == RTSPREC_ERROR_UNSUPPORTED ? RTSPREC_ARCHIVE_BROKEN
                                                      : RTSPREC_ARCHIVE_FAILED;
    file.text = error.text;
    if (call->tell)
        call->tell(call->user, &file);
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool has_suffix(const char *path, const char *suffix)
{
    size_t length = strlen(path), tail = strlen(suffix);
    return length > tail && !strcmp(path + length - tail, suffix);
}

static void verify_below(struct call *call, const char *directory)
{
    struct dirent **entries;
    int count = scandir(directory, &entries, is_visible, alphasort);
    if (count < 0) {
        call->err = -errno;
        return;
    }
    for (int i = 0; i < count; i++) {
        char *path = NULL;
        struct stat status;
        if (asprintf(&path, "%s/%s", directory, entries[i]->d_name) < 0) {
            path = NULL;
            call->err = -ENOMEM;
        } else if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
            verify_below(call, path);
        } else if (has_suffix(path, ".mp4") || has_suffix(path, ".mkv")) {
            verify_one(call, path);
        }
        free(path);
        free(entries[i]);
    }
    free(entries);
}

int rtsprec_archive_verify(const char *path, rtsprec_archive_fn *file, void *user,
                           struct rtsprec_error *error)
{
    error_clear(error);
    struct call call = {file, user, 0};
    struct stat status;
    if (stat(path, &status) != 0)
        return error_set_errno(error, RTSPREC_ERROR_IO, errno, "%s", path);
    if (S_ISDIR(status.st_mode))
        verify_below(&call, path);
    else
        verify_one(&call, path);
    if (call.err < 0)
        return error_set_errno(error, error_code_of_errno(-call.err), -call.err, "%s", path);
    return 0;
}
