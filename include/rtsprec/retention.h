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
    /**
     * Its timelapses (rtsprec_camera_options.timelapse_interval_us) are deleted when their day
     * ended longer ago than that; 0: no limit. Nothing else deletes them.
     */
    int64_t timelapse_max_age_us;
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
    RTSPREC_DELETION_TIMELAPSE_AGE = 5, /**< timelapse_max_age_us */
};

/**
 * A reason in words, a constant string: "none", "max age", "camera space", "archive space",
 * "free space", "timelapse age"; "unknown" for a number that is none.
 *
 * Thread-safety: any thread, any time.
 */
RTSPREC_API const char *rtsprec_deletion_reason_name(int reason);

/** One file that was, or would be, deleted. It lives as long as the callback runs. */
struct rtsprec_archive_deletion {
    size_t size;        /**< sizeof(struct rtsprec_archive_deletion) of the library */
    const char *camera; /**< its name */
    const char *path;   /**< relative to the archive's directory */
    int64_t start_us;   /**< of its first frame, UTC µs since 1970; of a timelapse, its day's */
    int64_t end_us;     /**< of its last frame, likewise */
    int64_t bytes;      /**< its size */
    enum rtsprec_deletion_reason reason;
    int is_young;        /**< not 0: nothing older than its camera's min_age_us was left */
    int is_protected;    /**< not 0: nothing that is not protected was left */
    const char *failure; /**< why it could not be deleted and is still there; else NULL */
};

/** Called for each file, on the calling thread. Not 0 ends the pass before the next file. */
typedef int rtsprec_deletion_fn(void *user, const struct rtsprec_archive_deletion *deletion);

struct rtsprec_archive; /* archive.h */

/** What a pass has done. */
struct rtsprec_archive_retention {
    size_t size;           /**< sizeof(struct rtsprec_archive_retention) of the caller */
    int64_t deleted;       /**< files */
    int64_t deleted_bytes; /**< their sizes */
    int64_t failed;        /**< files that could not be deleted */
    /** More than 0: nothing is left that may be deleted, and so much is missing to a limit. */
    int64_t short_bytes;
    enum rtsprec_deletion_reason short_of; /**< which limit that is */
    int is_keep_free_impossible; /**< not 0: keep_free_bytes is more than the disk has; it was left
                                    out of account */
};

/**
 * Brings an archive that nobody records to within its limits: deletes what exceeds them, oldest
 * first, and not one file more. A recorder does the same by itself every minute
 * (rtsprec_recorder_set_limits()).
 *
 * A dry run deletes nothing and tells of exactly the files that a run at the same moment would
 * delete. It is possible while a recorder writes to the archive, too; then it also counts what the
 * cameras will write in the next minute, as the recorder does.
 *
 * @param limits       not copied
 * @param dry_run      not 0: a dry run
 * @param deletion     told of each file once it is gone; may be NULL
 * @param[out] result  may be NULL; its size has to be set
 * @return 0, also when not all limits can be kept (see result); RTSPREC_ERROR_INVALID as
 *         rtsprec_archive_limits_check(); RTSPREC_ERROR_BUSY while a recorder writes to
 *         it; RTSPREC_ERROR_IO when its disk is not there or does not let go of a file;
 *         RTSPREC_ERROR_NO_SPACE, RTSPREC_ERROR_NO_MEMORY
 *
 * Thread-safety: that of the archive.
 */
RTSPREC_API int rtsprec_archive_retain(struct rtsprec_archive *archive,
                                       const struct rtsprec_archive_limits *limits, int dry_run,
                                       rtsprec_deletion_fn *deletion, void *user,
                                       struct rtsprec_archive_retention *result,
                                       struct rtsprec_error *error);

/** Of a forecast: that does not happen. */
#define RTSPREC_FORECAST_NEVER INT64_MAX

/**
 * What becomes of a camera, or, at last and with the name NULL, of all together, when they go on at
 * the rate of their last day. It lives as long as the callback runs.
 */
struct rtsprec_archive_outlook {
    size_t size;        /**< sizeof(struct rtsprec_archive_outlook) of the library */
    const char *camera; /**< its name; NULL: all together */
    int64_t bytes;      /**< of its files */
    int64_t protected_bytes;
    int64_t bytes_per_day; /**< 0: it has not recorded for a day */
    int64_t held_us;       /**< from the start of its oldest file to the end of its newest */
    /** How much will be held once the limits bite, NEVER: no limit; of all together 0. */
    int64_t limit_held_us;
    enum rtsprec_deletion_reason limit; /**< and which limit that is */
    /** When the first file goes for a limit, UTC µs since 1970, or NEVER. */
    int64_t age_us;   /**< for its max_age_us; of all together: NEVER */
    int64_t space_us; /**< for its max_bytes; of all together: for that of the archive */
    int64_t free_us;  /**< of all together: for keep_free_bytes; of a camera: NEVER */
};

/** Called for each camera, by name, and then for all together. Not 0 ends it. */
typedef int rtsprec_forecast_fn(void *user, const struct rtsprec_archive_outlook *forecast);

/**
 * Says how many days an archive holds at the present rate, and when which limit bites. Cameras that
 * have never recorded anything are left out.
 *
 * @return 0, RTSPREC_ERROR_INVALID, RTSPREC_ERROR_IO, RTSPREC_ERROR_BUSY, RTSPREC_ERROR_NO_MEMORY
 *
 * Thread-safety: that of the archive.
 */
RTSPREC_API int rtsprec_archive_forecast(struct rtsprec_archive *archive,
                                         const struct rtsprec_archive_limits *limits,
                                         rtsprec_forecast_fn *forecast, void *user,
                                         struct rtsprec_error *error);

#ifdef __cplusplus
}
#endif

#endif
