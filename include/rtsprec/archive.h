/*
 * What lies on disk: what is recorded and why the rest is missing, protecting segments, repairing
 * what a crash left open, and verifying that files are whole.
 */
#ifndef RTSPREC_ARCHIVE_H
#define RTSPREC_ARCHIVE_H

#include <stddef.h>
#include <stdint.h>

#include <rtsprec/error.h>
#include <rtsprec/event.h>
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

/** Why a time is recorded or missing. The values are part of the ABI and stand in catalogs. */
enum rtsprec_coverage_reason {
    RTSPREC_COVERAGE_RECORDED = 0,
    RTSPREC_COVERAGE_NOT_SCHEDULED = 1, /**< it was not the time to record */
    RTSPREC_COVERAGE_CONNECTING = 2,    /**< no attempt had failed yet, or no key frame had come */
    RTSPREC_COVERAGE_UNREACHABLE = 3,   /**< no connection: not found, refused, timed out, closed */
    RTSPREC_COVERAGE_UNAUTHORIZED = 4,  /**< the camera refused the user name or password */
    RTSPREC_COVERAGE_STALLED = 5,       /**< it was connected, but sent no video */
    RTSPREC_COVERAGE_UNSUPPORTED = 6,   /**< what it sent cannot be recorded */
    RTSPREC_COVERAGE_DISK_FULL = 7,
    RTSPREC_COVERAGE_DISK_FAILED = 8, /**< I/O error, not mounted, read-only */
    RTSPREC_COVERAGE_DISK_SLOW = 9,   /**< the queue was full and frames were dropped */
    RTSPREC_COVERAGE_STOPPED = 10,    /**< nobody recorded: the program or the camera was stopped */
    RTSPREC_COVERAGE_CRASHED = 11,    /**< the program or the machine ended without good order */
    RTSPREC_COVERAGE_DELETED = 12,    /**< it was recorded; retention deleted it */
    RTSPREC_COVERAGE_REMOVED = 13,    /**< it was recorded; somebody else removed the file */
    RTSPREC_COVERAGE_UNKNOWN = 14,    /**< before the catalog knew the camera, or it was lost */
};
#define RTSPREC_COVERAGE_COUNT 15 /**< reasons, for tables of them */

/** A reason in words, "disk full"; a constant string. Thread-safety: any thread. */
RTSPREC_API const char *rtsprec_coverage_reason_name(enum rtsprec_coverage_reason reason);

/** A closed segment. It lives as long as the callback runs. */
struct rtsprec_archive_segment {
    size_t size; /**< of the struct as the library knows it; it only grows at the end */
    const char *camera;
    const char *path;  /**< below the archive's directory: CAMERA/YYYY-MM-DD/HH_MM_SS.mp4 */
    int64_t start_us;  /**< wall-clock time of the first frame, µs since 1970-01-01 UTC */
    int64_t end_us;    /**< at which the last frame ends; start_us when the file does not say */
    int64_t bytes;     /**< size of the file */
    int64_t frames;    /**< video frames in it; 0: not known, as of every mkv */
    const char *codec; /**< of the video, FFmpeg's name, "h264"; "": not known */
    int width, height; /**< pixels; 0: not known */
    enum rtsprec_segment_reason reason; /**< why it ended */
    const char *protected_why;          /**< NULL: not protected */
};

/** A time that is recorded, or missing for one reason. It lives as long as the callback runs. */
struct rtsprec_archive_span {
    size_t size; /**< of the struct as the library knows it; it only grows at the end */
    const char *camera;
    int64_t start_us, end_us; /**< µs since 1970-01-01 UTC; the end is not part of it */
    enum rtsprec_coverage_reason reason;
};

#ifdef __cplusplus
}
#endif

#endif
