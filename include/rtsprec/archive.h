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
 * @param directory  the output_directory or also_keep_directory of its cameras
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
    /** It was not the time to record; or of an also_keep_directory, it was copied elsewhere. */
    RTSPREC_COVERAGE_NOT_SCHEDULED = 1,
    RTSPREC_COVERAGE_CONNECTING = 2,   /**< no attempt had failed yet, or no key frame had come */
    RTSPREC_COVERAGE_UNREACHABLE = 3,  /**< no connection: not found, refused, timed out, closed */
    RTSPREC_COVERAGE_UNAUTHORIZED = 4, /**< the camera refused the user name or password */
    RTSPREC_COVERAGE_STALLED = 5,      /**< it was connected, but sent no video */
    RTSPREC_COVERAGE_UNSUPPORTED = 6,  /**< what it sent cannot be recorded, or no encoder works */
    RTSPREC_COVERAGE_DISK_FULL = 7,
    RTSPREC_COVERAGE_DISK_FAILED = 8, /**< I/O error, not mounted, read-only */
    RTSPREC_COVERAGE_DISK_SLOW = 9,   /**< the queue was full and frames were dropped */
    RTSPREC_COVERAGE_STOPPED = 10,    /**< nobody recorded: the program or the camera was stopped */
    RTSPREC_COVERAGE_CRASHED = 11,    /**< the program or the machine ended without good order */
    RTSPREC_COVERAGE_DELETED = 12,    /**< it was recorded; retention deleted it */
    RTSPREC_COVERAGE_REMOVED = 13,    /**< it was recorded; somebody else removed the file */
    RTSPREC_COVERAGE_UNKNOWN = 14,    /**< before the catalog knew the camera, or it was lost */
    RTSPREC_COVERAGE_OVERLOADED = 15, /**< it came faster than it could be transcoded */
};
#define RTSPREC_COVERAGE_COUNT 16 /**< reasons, for tables of them */

/** A reason in words, "disk full"; a constant string. Thread-safety: any thread. */
RTSPREC_API const char *rtsprec_coverage_reason_name(enum rtsprec_coverage_reason reason);

/**
 * An archive that is looked at: its catalog, the file `.rtsprec-catalog.db` in it. The files are
 * the truth; the catalog is made from them again when it is gone or broken. Recorders may write to
 * the archive meanwhile.
 *
 * Thread-safety: one thread at a time. Callbacks run on the calling thread and must not call
 * functions of the same archive.
 */
struct rtsprec_archive;

/**
 * Opens the archive in a directory. Where there is no whole catalog, one is made, which reads the
 * beginning of every segment; where the disk takes none, because it is full or read-only, it is
 * held in memory and goes with the close.
 *
 * @param[out] out   the archive, NULL after a failure; to be closed
 * @param directory  the output_directory or also_keep_directory of its cameras
 * @param[out] error the reason of a failure; may be NULL
 * @return 0, RTSPREC_ERROR_IO (also when the directory is missing or no archive: it then stays as
 *         it is), RTSPREC_ERROR_BUSY, RTSPREC_ERROR_NO_SPACE, RTSPREC_ERROR_NO_MEMORY; so do the
 *         functions below
 */
RTSPREC_API int rtsprec_archive_open(struct rtsprec_archive **out, const char *directory,
                                     struct rtsprec_error *error);

/** Closes it and sets *archive to NULL; NULL is ignored. */
RTSPREC_API void rtsprec_archive_close(struct rtsprec_archive **archive);

/** A closed segment. It lives as long as the callback runs. */
struct rtsprec_archive_segment {
    size_t size; /**< of the struct as the library knows it; it only grows at the end */
    const char *camera;
    const char *path;  /**< below the archive's directory: CAMERA/YYYY-MM-DD/HH_MM_SS.mp4 */
    int64_t start_us;  /**< wall-clock time of the first frame, µs since 1970-01-01 UTC */
    int64_t end_us;    /**< at which the last frame ends; start_us when the file does not say */
    int64_t bytes;     /**< size of the file */
    int64_t frames;    /**< video frames in it; 0: not known, as of an mkv of others */
    const char *codec; /**< of the video, FFmpeg's name, "h264"; "": not known */
    int width, height; /**< pixels; 0: not known */
    enum rtsprec_segment_reason reason; /**< why it ended */
    const char *protected_why;          /**< NULL: not protected */
};

/** Called for each segment; returns 0 to go on, anything else to end the list. */
typedef int rtsprec_archive_segment_fn(void *user, const struct rtsprec_archive_segment *segment);

/**
 * Lists the segments that overlap [from_us, to_us), the oldest first. It costs what it returns,
 * however large the archive is.
 *
 * @param camera  its name; NULL: all, also those that nobody records any more
 */
RTSPREC_API int rtsprec_archive_list(struct rtsprec_archive *archive, const char *camera,
                                     int64_t from_us, int64_t to_us,
                                     rtsprec_archive_segment_fn *segment, void *user,
                                     struct rtsprec_error *error);

/** A time that is recorded, or missing for one reason. It lives as long as the callback runs. */
struct rtsprec_archive_span {
    size_t size; /**< of the struct as the library knows it; it only grows at the end */
    const char *camera;
    int64_t start_us, end_us; /**< µs since 1970-01-01 UTC; the end is not part of it */
    enum rtsprec_coverage_reason reason;
};

/** Called for each span; returns 0 to go on, anything else to end. */
typedef int rtsprec_archive_span_fn(void *user, const struct rtsprec_archive_span *span);

/**
 * Says of every microsecond of [from_us, to_us) whether it is recorded, or why not: camera by
 * camera in the order of their names, each once and in order, neighbours of one reason joined.
 * What lies in the future is what follows the last sign of life, stopped or crashed: ask up to now.
 *
 * @param camera  its name, also of one that was never heard of: UNKNOWN; NULL: all in the catalog
 */
RTSPREC_API int rtsprec_archive_coverage(struct rtsprec_archive *archive, const char *camera,
                                         int64_t from_us, int64_t to_us,
                                         rtsprec_archive_span_fn *span, void *user,
                                         struct rtsprec_error *error);

/**
 * Protects the segments of a camera that overlap [from_us, to_us): retention deletes them last, or
 * never. It stands in the catalog and, where the file system has them, in an extended attribute of
 * each file (user.rtsprec.protected), so that it outlives the catalog and a move. Of a camera that
 * the catalog knows the time is noted in it, too: a segment that is still open, or comes later, is
 * protected when it is closed. That is lost with the catalog.
 *
 * @param why         a line of 1 to 200 bytes; replaces an earlier one
 * @param[out] count  the closed segments it was done to; may be NULL
 * @return as above, or RTSPREC_ERROR_INVALID
 */
RTSPREC_API int rtsprec_archive_protect(struct rtsprec_archive *archive, const char *camera,
                                        int64_t from_us, int64_t to_us, const char *why,
                                        int64_t *count, struct rtsprec_error *error);

/** Takes the protection back, also of what is closed later. What is left of a longer time protects
 * a segment that is still open and holds some of it. */
RTSPREC_API int rtsprec_archive_unprotect(struct rtsprec_archive *archive, const char *camera,
                                          int64_t from_us, int64_t to_us, int64_t *count,
                                          struct rtsprec_error *error);

/** What rescanning found. */
struct rtsprec_archive_changes {
    size_t size;         /**< of the struct as the caller knows it; set before the call */
    int64_t directories; /**< of days that were read */
    int64_t added;       /**< segments the catalog did not know, or that had changed */
    int64_t removed;     /**< segments whose file is gone */
    int64_t moved;       /**< segments of cameras whose directory got another name */
};

/**
 * Makes the catalog agree with the files, all of them: what was added, deleted or replaced by hand,
 * and cameras whose directory was renamed. `.part` files and what is no segment's are left alone. A
 * recorder does the same when it starts, of directories that have changed.
 *
 * @param[out] result  may be NULL
 */
RTSPREC_API int rtsprec_archive_rescan(struct rtsprec_archive *archive,
                                       struct rtsprec_archive_changes *result,
                                       struct rtsprec_error *error);

#ifdef __cplusplus
}
#endif

#endif
