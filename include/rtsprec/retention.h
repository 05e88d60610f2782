/*
 * What is kept of an archive and for how long: limits, the deletion of what exceeds them, and a
 * forecast of when they bite.
 *
 * What is deleted, in this order:
 *  1. files older than max_age_us;
 *  2. while a camera occupies more than its max_bytes, files of that camera;
 *  3. while the archive occupies more than max_bytes, or less than keep_free_bytes are free on its
 *     file system, files of all cameras.
 * Each time first files older than their camera's min_age_us, then younger ones, at last, if
 * protected_policy says so, protected ones (for 2 and 3 only: age deletes no protected file); in
 * each of these classes the oldest first. A file that is open is never deleted.
 *
 * The age of a file is that of its end. Bytes are 8 bits, sizes are those of the files; for
 * keep_free_bytes a file counts the blocks that it takes.
 */
#ifndef RTSPREC_RETENTION_H
#define RTSPREC_RETENTION_H

#include <stddef.h>
#include <stdint.h>

#include <rtsprec/error.h>
#include <rtsprec/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Whether protected files are deleted when nothing else is left. */
enum rtsprec_protected_policy {
    RTSPREC_PROTECTED_NEVER = 0, /**< never */
    RTSPREC_PROTECTED_LAST = 1,  /**< for space, after all others */
};

/** The limits of one camera, which hold instead of the archive's for the same. */
struct rtsprec_camera_limits {
    const char *camera; /**< its name */
    int64_t max_age_us; /**< older files are deleted; 0: no limit */
    int64_t min_age_us; /**< younger files are deleted only after all older ones; 0: none */
    int64_t max_bytes;  /**< that its closed and open files may occupy; 0: no limit */
    int is_exempt;      /**< not 0: its files are deleted for age only, never for space */
};

/** The limits of an archive. Set with rtsprec_archive_limits_init(), then change what you need. */
struct rtsprec_archive_limits {
    size_t size;       /**< sizeof(struct rtsprec_archive_limits): the version of the struct */
    int64_t max_bytes; /**< that the files of all cameras may occupy; 0: no limit */
    int64_t keep_free_bytes; /**< that stay free on the archive's file system; 0: no limit */

    /** Of cameras that `cameras` does not name, which are those no longer recorded, too. */
    int64_t max_age_us, min_age_us; /**< as in struct rtsprec_camera_limits */
    int is_exempt;                  /**< as in struct rtsprec_camera_limits */

    const struct rtsprec_camera_limits *cameras; /**< camera_count of them, each name once */
    size_t camera_count;
    enum rtsprec_protected_policy protected_policy;
};

/** Fills @p limits with "no limit". */
RTSPREC_API void rtsprec_archive_limits_init(struct rtsprec_archive_limits *limits);

/**
 * Checks limits: what is negative or contradicts another is refused with a sentence, such as a
 * minimum age above the maximum, or a camera that may occupy more than the whole archive.
 *
 * @return 0 or RTSPREC_ERROR_INVALID
 *
 * Thread-safety: any thread.
 */
RTSPREC_API int rtsprec_archive_limits_check(const struct rtsprec_archive_limits *limits,
                                             struct rtsprec_error *error);

/** Which limit a file was deleted for. */
enum rtsprec_deletion_reason {
    RTSPREC_DELETION_NONE = 0,          /**< of a forecast: no limit */
    RTSPREC_DELETION_AGE = 1,           /**< max_age_us */
    RTSPREC_DELETION_CAMERA_SPACE = 2,  /**< max_bytes of its camera */
    RTSPREC_DELETION_ARCHIVE_SPACE = 3, /**< max_bytes of the archive */
    RTSPREC_DELETION_FREE_SPACE = 4,    /**< keep_free_bytes */
};

/**
 * A reason in words, a constant string: "none", "max age", "camera space", "archive space",
 * "free space"; "unknown" for a number that is none.
 *
 * Thread-safety: any thread, any time.
 */
RTSPREC_API const char *rtsprec_deletion_reason_name(int reason);

/** One file that was, or would be, deleted. It lives as long as the callback runs. */
struct rtsprec_archive_deletion {
    size_t size;        /**< sizeof(struct rtsprec_archive_deletion) of the library */
    const char *camera; /**< its name */
    const char *path;   /**< relative to the archive's directory */
    int64_t start_us;   /**< of its first frame, UTC µs since 1970 */
    int64_t end_us;     /**< of its last frame, likewise */
    int64_t bytes;      /**< its size */
    enum rtsprec_deletion_reason reason;
    int is_young;        /**< not 0: nothing older than its camera's min_age_us was left */
    int is_protected;    /**< not 0: nothing that is not protected was left */
    const char *failure; /**< why it could not be deleted and is still there; else NULL */
};

/** Called for each file, on the calling thread. Not 0 ends the pass before the next file. */
typedef int rtsprec_deletion_fn(void *user, const struct rtsprec_archive_deletion *deletion);

#ifdef __cplusplus
}
#endif

#endif
