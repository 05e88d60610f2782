/*
 * What lies on disk: repairing what a crash left open, and verifying that files are whole.
 */
#ifndef RTSPREC_ARCHIVE_H
#define RTSPREC_ARCHIVE_H

#include <stdint.h>

#include <rtsprec/error.h>
#include <rtsprec/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What was found of a file, or done with it. */
enum rtsprec_archive_verdict {
    RTSPREC_ARCHIVE_WHOLE = 0,  /**< verify: nothing is wrong with it */
    RTSPREC_ARCHIVE_BROKEN = 1, /**< verify: it is not what a closed segment has to be */
    RTSPREC_ARCHIVE_REPAIRED =
        2,                       /**< repair: sealed with every whole frame, under its final name */
    RTSPREC_ARCHIVE_DAMAGED = 3, /**< repair: nothing could be saved; it is named *.damaged now */
    RTSPREC_ARCHIVE_FAILED = 4,  /**< it could not be read or written; it is as it was */
};

/** One file. It lives as long as the callback runs. */
struct rtsprec_archive_file {
    const char *path; /**< its name now */
    enum rtsprec_archive_verdict verdict;
    const char *text;   /**< in words: what is wrong, or what was saved */
    int64_t frames;     /**< whole video frames in it */
    int64_t lost_bytes; /**< repair: bytes at its end that belong to no whole frame */
};

/** Called for each file, on the calling thread. */
typedef void rtsprec_archive_fn(void *user, const struct rtsprec_archive_file *file);

/**
 * Repairs every `.part` file of an archive: it becomes a closed segment with every frame that is
 * whole in it, or, when there is none, `*.damaged`. No file is deleted. Recorders do the same for
 * their cameras' newest days when they start; this does it for all of the archive.
 *
 * @param directory  the output_directory of its cameras
 * @param file       told of each file; may be NULL
 * @param[out] error the reason of a failure; may be NULL
 * @return 0 when the archive was walked to its end, whatever was found; RTSPREC_ERROR_BUSY while a
 *         recorder writes to it, RTSPREC_ERROR_IO, RTSPREC_ERROR_NO_MEMORY
 *
 * Thread-safety: any thread.
 */
RTSPREC_API int rtsprec_archive_repair(const char *directory, rtsprec_archive_fn *file, void *user,
                                       struct rtsprec_error *error);

/**
 * Verifies a segment, or every segment below a directory: its structure, that times increase on
 * every track, that the video begins with a key frame, and that a decoder understands its
 * parameters. Reads all of each file.
 *
 * @return 0 when everything was looked at, whatever was found; RTSPREC_ERROR_IO when the path
 * cannot be read, RTSPREC_ERROR_NO_MEMORY
 *
 * Thread-safety: any thread.
 */
RTSPREC_API int rtsprec_archive_verify(const char *path, rtsprec_archive_fn *file, void *user,
                                       struct rtsprec_error *error);

#ifdef __cplusplus
}
#endif

#endif
