/*
 * The recorder: what all cameras share. Create one, add cameras to it (camera.h), destroy it.
 */
#ifndef RTSPREC_RECORDER_H
#define RTSPREC_RECORDER_H

#include <stddef.h>

#include <rtsprec/error.h>
#include <rtsprec/event.h>
#include <rtsprec/log.h>
#include <rtsprec/retention.h>
#include <rtsprec/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * A recorder, with a thread that calls the program's callbacks and one that receives for cameras.
 *
 * Thread-safety: all functions may be called from any thread, also at once, except that nothing may
 * run at the same time as rtsprec_recorder_destroy() or after it. Functions that wait must not be
 * called from a callback.
 */
struct rtsprec_recorder;

/** Set with rtsprec_recorder_options_init(), then change what you need. */
struct rtsprec_recorder_options {
    size_t size; /**< sizeof(struct rtsprec_recorder_options): the version of the struct */
    rtsprec_event_fn *event;          /**< NULL: events are not wanted */
    rtsprec_log_fn *log;              /**< NULL: log records are not wanted */
    enum rtsprec_log_level log_level; /**< the least severe level delivered; 0 means INFO */
    void *user;                       /**< handed to both callbacks; must outlive the recorder */
    /**
     * Cameras that are transcoded at a time, default four per processor; 1 to 1,000.
     * Those beyond are copied until a segment finds a place free.
     */
    int max_transcodes;
};

/** Fills @p options with the defaults. */
RTSPREC_API void rtsprec_recorder_options_init(struct rtsprec_recorder_options *options);

/**
 * Creates a recorder and starts its threads.
 *
 * @param[out] out      the recorder, owned by the caller; NULL after an error
 * @param[in]  options  copied; NULL means the defaults
 * @param[out] error    the reason of a failure; may be NULL
 * @return 0, RTSPREC_ERROR_NO_MEMORY, RTSPREC_ERROR_INVALID, RTSPREC_ERROR_SYSTEM
 */
RTSPREC_API int rtsprec_recorder_create(struct rtsprec_recorder **out,
                                        const struct rtsprec_recorder_options *options,
                                        struct rtsprec_error *error);

/**
 * Keeps the archive in a directory within limits from now on: old segments are deleted once a
 * minute, sooner when space is short, and before a segment begins, ahead of what all cameras write.
 * RTSPREC_EVENT_SEGMENT_DELETED tells of each. They hold while a camera of this recorder has the
 * directory as its output_directory or also_keep_directory, and until they are set again. Open
 * files are never deleted. Ages count once the system's clock has held for ten minutes, from the
 * first look on and since it was set by more than an hour.
 *
 * @param directory    the output_directory or also_keep_directory of at least one camera
 * @param limits       copied; NULL: no limits any more
 * @param[out] error   the reason of a failure; may be NULL
 * @return 0, RTSPREC_ERROR_INVALID, RTSPREC_ERROR_NO_MEMORY, RTSPREC_ERROR_STATE when no camera
 *         records there
 */
RTSPREC_API int rtsprec_recorder_set_limits(struct rtsprec_recorder *recorder,
                                            const char *directory,
                                            const struct rtsprec_archive_limits *limits,
                                            struct rtsprec_error *error);

/**
 * Asks every camera to stop, returns at once. The files are closed when rtsprec_recorder_wait(),
 * rtsprec_camera_wait() or a destroy function has returned.
 */
RTSPREC_API void rtsprec_recorder_request_stop(struct rtsprec_recorder *recorder);

/** Waits until every camera that was asked to stop has closed its files. */
RTSPREC_API void rtsprec_recorder_wait(struct rtsprec_recorder *recorder);

/**
 * Stops every camera, delivers the events that are left, destroys cameras and recorder and sets
 * *recorder to NULL. Until it returns, callbacks may ask cameras for their name and statistics. A
 * NULL recorder or a pointer to NULL is ignored.
 */
RTSPREC_API void rtsprec_recorder_destroy(struct rtsprec_recorder **recorder);

#ifdef __cplusplus
}
#endif

#endif
