#include "camera/recover.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/segment_file.h"
#include "base/error.h"
#include "segment/mkv_repair.h"
#include "segment/mp4_seal.h"

/* What a repair of either container found. */
struct outcome {
    int err;
    bool was_complete;
    int64_t frames, lost_bytes;
    struct rtsprec_error error;
};

static bool is_mkv(const char *part_path)
{
    size_t length = strlen(part_path), suffix = strlen(".mkv" LAYOUT_PART_SUFFIX);
    return length > suffix && !strcmp(part_path + length - suffix, ".mkv" LAYOUT_PART_SUFFIX);
}

static struct outcome repair(const char *part_path, const atomic_bool *stop)
{
    struct outcome outcome = {0};
    int fd = open(part_path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        outcome.err = error_set_errno(&outcome.error, RTSPREC_ERROR_IO, errno, "cannot be opened");
        return outcome;
    }
    if (is_mkv(part_path)) {
        struct mkv_repaired repaired;
        outcome.err = mkv_repair(fd, stop, &repaired, &outcome.error);
        outcome.frames = repaired.frames;
        outcome.lost_bytes = repaired.lost_bytes;
    } else {
        struct mp4_repaired repaired;
        outcome.err = mp4_repair(fd, stop, &repaired, &outcome.error);
        outcome.was_complete = repaired.was_sealed;
        outcome.frames = repaired.frames;
        outcome.lost_bytes = (int64_t)repaired.lost_bytes;
    }
    close(fd);
    return outcome;
}

bool recover_part(const char *part_path, const atomic_bool *stop, rtsprec_archive_fn *tell,
                  void *user)
{
    struct outcome outcome = repair(part_path, stop);
    if (outcome.err == RTSPREC_ERROR_STOPPED)
        return false;
    bool is_damaged = outcome.err == RTSPREC_ERROR_UNSUPPORTED;
    char *path = NULL, text[600];
    struct rtsprec_archive_file file = {
        .path = part_path,
        .verdict = is_damaged         ? RTSPREC_ARCHIVE_DAMAGED
                   : outcome.err == 0 ? RTSPREC_ARCHIVE_REPAIRED
                                      : RTSPREC_ARCHIVE_FAILED,
        .text = text,
        .frames = outcome.frames,
        .lost_bytes = outcome.lost_bytes,
    };
    if (outcome.was_complete)
        snprintf(text, sizeof(text), "was complete but for its name");
    else if (outcome.err == 0)
        snprintf(text, sizeof(text), "%lld frames saved, %lld bytes at the end belong to no frame",
                 (long long)outcome.frames, (long long)outcome.lost_bytes);
    else
        snprintf(text, sizeof(text), "%s", outcome.error.text);

    if (file.verdict != RTSPREC_ARCHIVE_FAILED) {
        int err = segment_file_rename_part(part_path, is_damaged ? ".damaged" : "", &path,
                                           &outcome.error);
        if (err < 0) {
            file.verdict = RTSPREC_ARCHIVE_FAILED;
            snprintf(text, sizeof(text), "%s", outcome.error.text);
        } else {
            file.path = path;
        }
    }
    if (tell)
        tell(user, &file);
    free(path);
    return true;
}

void recover_log(struct dispatcher *dispatcher, const char *camera,
                 const struct rtsprec_archive_file *file)
{
    bool is_good = file->verdict == RTSPREC_ARCHIVE_REPAIRED;
    dispatcher_log(dispatcher, is_good ? RTSPREC_LOG_INFO : RTSPREC_LOG_WARNING, camera,
                   "%s after a crash: %s (%s)",
                   is_good                                    ? "Repaired"
                   : file->verdict == RTSPREC_ARCHIVE_DAMAGED ? "Nothing could be saved"
                                                              : "Could not be repaired",
                   file->path, file->text);
}
