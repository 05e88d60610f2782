/*
 * Events: what a program learns while its cameras record.
 */
#ifndef RTSPREC_EVENT_H
#define RTSPREC_EVENT_H

#include <stddef.h>
#include <stdint.h>

#include <rtsprec/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What a camera is doing. */
enum rtsprec_camera_state {
    RTSPREC_CAMERA_STOPPED = 0,    /**< not started, or stopped and every file closed */
    RTSPREC_CAMERA_CONNECTING = 1, /**< opening the stream, or waiting for its first key frame */
    RTSPREC_CAMERA_RECORDING = 2,  /**< video arrives and is written */
    RTSPREC_CAMERA_WAITING = 3,    /**< the last attempt failed; the next one is scheduled */
    RTSPREC_CAMERA_STANDBY = 4,    /**< video arrives and is not to be written now */
    RTSPREC_CAMERA_OFF = 5,        /**< started, but not to be connected now */
};

/** A state's name in lower case, "recording"; a constant string. Thread-safety: any thread. */
RTSPREC_API const char *rtsprec_camera_state_name(enum rtsprec_camera_state state);

/** What a program wants of a camera that is started: rtsprec_camera_set_recording(). */
enum rtsprec_recording {
    RTSPREC_RECORDING_ON = 0,      /**< what it sends is recorded */
    RTSPREC_RECORDING_STANDBY = 1, /**< it is connected, and nothing is recorded */
    RTSPREC_RECORDING_OFF = 2,     /**< it is not connected */
};

/** The name in lower case, "standby"; a constant string. Thread-safety: any thread. */
RTSPREC_API const char *rtsprec_recording_name(enum rtsprec_recording recording);

/** Why a segment ended. */
enum rtsprec_segment_reason {
    RTSPREC_SEGMENT_ROTATED = 0,    /**< the next clock-aligned boundary was reached */
    RTSPREC_SEGMENT_STOPPED = 1,    /**< the camera was stopped on request */
    RTSPREC_SEGMENT_LOST = 2,       /**< the camera went away */
    RTSPREC_SEGMENT_PARAMETERS = 3, /**< codec, resolution or tracks changed */
    RTSPREC_SEGMENT_FAILED = 4,     /**< writing failed; what was written before is in the file */
    RTSPREC_SEGMENT_PAUSED = 5,     /**< the camera was not to be recorded any more for now */
    RTSPREC_SEGMENT_UNKNOWN = 6,    /**< of the archive: nobody remembers */
};

/** A reason's name in lower case, "rotated"; a constant string. Thread-safety: any thread. */
RTSPREC_API const char *rtsprec_segment_reason_name(enum rtsprec_segment_reason reason);

/** Kinds of event; each names the member of the union that holds its details. */
enum rtsprec_event_type {
    RTSPREC_EVENT_STATE_CHANGED = 1,     /**< state */
    RTSPREC_EVENT_SEGMENT_OPENED = 2,    /**< segment; bytes and end_us are still 0 */
    RTSPREC_EVENT_SEGMENT_CLOSED = 3,    /**< segment; the file has its final name */
    RTSPREC_EVENT_DISCONTINUITY = 4,     /**< discontinuity */
    RTSPREC_EVENT_PACKETS_DROPPED = 5,   /**< dropped */
    RTSPREC_EVENT_OVERFLOW = 6,          /**< overflow */
    RTSPREC_EVENT_STORAGE_CHANGED = 7,   /**< storage */
    RTSPREC_EVENT_RECORDING_CHANGED = 8, /**< recording */
    RTSPREC_EVENT_SEGMENT_DELETED = 9,   /**< deleted */
    RTSPREC_EVENT_FRAMES_SKIPPED = 10,   /**< skipped */
};

/** STATE_CHANGED */
struct rtsprec_event_state {
    enum rtsprec_camera_state from, to;
    int error;           /**< why, one of enum rtsprec_error_code; 0 when nothing went wrong */
    const char *text;    /**< why, in words, without credentials; "" when nothing went wrong */
    int64_t retry_in_us; /**< WAITING: time to the next attempt; else 0 */
};

/** SEGMENT_OPENED, SEGMENT_CLOSED */
struct rtsprec_event_segment {
    const char *path; /**< OPENED: the `.part` file; CLOSED: the final name */
    int64_t start_us; /**< wall-clock time of the first frame, µs since 1970-01-01 UTC */
    int64_t end_us;   /**< CLOSED: wall-clock time at which its last frame ends */
    int64_t bytes;    /**< CLOSED: size of the file */
    int64_t frames;   /**< CLOSED: video frames in it */
    enum rtsprec_segment_reason reason; /**< CLOSED: why it ended */
};

/**
 * DISCONTINUITY: the camera's timestamps jumped, or media is missing between two packets that
 * arrived. What is recorded goes on with increasing times; the gap stands in the file as long as it
 * lasted.
 */
struct rtsprec_event_discontinuity {
    int track;          /**< index of the track in the stream, from 0 */
    int64_t camera_us;  /**< how far the camera's timestamps went, may be negative */
    int64_t arrival_us; /**< how much time had really passed */
    const char *text;   /**< the same in words */
};

/**
 * PACKETS_DROPPED: the disk, or transcoding, was too slow for longer than the queue could absorb.
 * Told when packets pass again, every 10 s until then, and when the camera is stopped.
 */
struct rtsprec_event_dropped {
    int64_t packets; /**< dropped since the last such event, all tracks */
    int64_t frames;  /**< of them video frames; always up to the next key frame */
    int64_t bytes;
    int64_t start_us;   /**< wall-clock time of the first one, or the end of the last such event */
    int64_t end_us;     /**< of the frame that is kept again, while none is, of the last one */
    int is_transcoding; /**< not 0: transcoding was too slow; 0: the disk */
    const char *directory; /**< the archive that lacks them: output_directory, or
                                also_keep_directory */
};

/**
 * FRAMES_SKIPPED: the video came faster than it could be transcoded. Told when the machine keeps up
 * again, every 10 s until then, and when the recording ends.
 */
struct rtsprec_event_skipped {
    int64_t frames; /**< left out since the last such event */
};

/** OVERFLOW: the program's callback was too slow; this many events and log records were discarded.
 */
struct rtsprec_event_overflow {
    int64_t events;
    int64_t log_records;
};

/**
 * STORAGE_CHANGED: no file can be written any more (the disk is full, gone, broken), or again.
 * While it cannot, each key frame tries anew; what arrives meanwhile is lost and counted.
 */
struct rtsprec_event_storage {
    int error;             /**< why, one of enum rtsprec_error_code; 0: files are written again */
    const char *text;      /**< why, in words: what and where; "" when files are written again */
    const char *directory; /**< the archive: the camera's output_directory or also_keep_directory */
};

/** RECORDING_CHANGED: rtsprec_camera_set_recording() wants something else than before. */
struct rtsprec_event_recording {
    enum rtsprec_recording from, to;
    int64_t from_us; /**< since when it holds, µs since 1970-01-01 UTC */
};

/** SEGMENT_DELETED: a closed segment was deleted to keep the limits of its archive (retention.h).
 */
struct rtsprec_event_deleted {
    const char *path; /**< that it had */
    int64_t start_us; /**< wall-clock time of its first frame, µs since 1970-01-01 UTC */
    int64_t end_us;   /**< at which its last frame ended */
    int64_t bytes;    /**< that it took */
    const char *why;  /**< in words: the limit, and what made it the next to go */
};

/** One event. It and all it points to live as long as the callback runs. */
struct rtsprec_event {
    size_t size; /**< of the struct as the library knows it; it only grows at the end */
    enum rtsprec_event_type type;
    const char *camera; /**< its name; NULL for OVERFLOW */
    int64_t time_us;    /**< when it happened, µs since 1970-01-01 UTC */
    union {
        struct rtsprec_event_state state;
        struct rtsprec_event_segment segment;
        struct rtsprec_event_discontinuity discontinuity;
        struct rtsprec_event_dropped dropped;
        struct rtsprec_event_overflow overflow;
        struct rtsprec_event_storage storage;
        struct rtsprec_event_recording recording;
        struct rtsprec_event_deleted deleted;
        struct rtsprec_event_skipped skipped;
    } u;
};

/**
 * Receives events, from the recorder's one dispatcher thread, one at a time, in the order in which
 * they happened. It may block without hurting the recording (up to 4,096 events and log records are
 * kept), but must not call functions that stop or destroy the recorder or its cameras.
 */
typedef void rtsprec_event_fn(void *user, const struct rtsprec_event *event);

#ifdef __cplusplus
}
#endif

#endif
