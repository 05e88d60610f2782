/*
 * A camera: one stream, recorded into time-rotated files
 * `output_directory/name/YYYY-MM-DD/HH_MM_SS.mp4`.
 */
#ifndef RTSPREC_CAMERA_H
#define RTSPREC_CAMERA_H

#include <stddef.h>
#include <stdint.h>

#include <rtsprec/error.h>
#include <rtsprec/event.h>
#include <rtsprec/version.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rtsprec_recorder;

/**
 * A camera of a recorder.
 *
 * Thread-safety: as struct rtsprec_recorder.
 */
struct rtsprec_camera;

/** How RTP travels, when the URL is of RTSP. */
enum rtsprec_transport {
    RTSPREC_TRANSPORT_TCP = 0,       /**< inside the RTSP connection: nothing is lost on the way */
    RTSPREC_TRANSPORT_UDP = 1,       /**< a datagram that is lost is lost */
    RTSPREC_TRANSPORT_MULTICAST = 2, /**< UDP to a group that the camera names */
    RTSPREC_TRANSPORT_AUTO = 3,      /**< TCP, and UDP with a camera that refuses it */
};

/** Who speaks RTSP with the camera. */
enum rtsprec_ingest {
    RTSPREC_INGEST_OWN = 0,         /**< this library */
    RTSPREC_INGEST_LIBAVFORMAT = 1, /**< libavformat, which costs several times as much */
};

/** Whether the certificate of a server is verified: of rtsps:// and other encrypted URLs. */
enum rtsprec_tls {
    RTSPREC_TLS_VERIFY = 0, /**< signed by an authority that is trusted, for the URL's host */
    /**
     * Anyone who can get between can see the password and the video, and replace them: a warning
     * is logged each time such a camera is started.
     */
    RTSPREC_TLS_ACCEPT_ANY = 1,
};

/** The file format of the segments. */
enum rtsprec_container {
    RTSPREC_CONTAINER_MP4 = 0, /**< fragmented mp4: readable while open, H.265 tagged hvc1 */
    RTSPREC_CONTAINER_MKV = 1, /**< takes every codec, G.711 too */
};

/** What becomes of the camera's sound. */
enum rtsprec_audio {
    RTSPREC_AUDIO_AUTO = 0, /**< copied when the container takes its codec, else made AAC */
    RTSPREC_AUDIO_OFF = 1,  /**< not requested from the camera */
    RTSPREC_AUDIO_COPY = 2, /**< recorded when the container takes its codec */
    RTSPREC_AUDIO_AAC = 3,  /**< what is not AAC is made AAC */
};

/** The codec of the video in the files. */
enum rtsprec_video_codec {
    RTSPREC_VIDEO_COPY = 0, /**< the camera's, whatever it is */
    RTSPREC_VIDEO_HEVC = 1, /**< H.265 */
    RTSPREC_VIDEO_H264 = 2,
    RTSPREC_VIDEO_MPEG4 = 3, /**< MPEG-4 part 2 */
    RTSPREC_VIDEO_AV1 = 4,
};

/** When video is decoded and encoded again. Copying costs a hundredth of that and no quality. */
enum rtsprec_transcode {
    RTSPREC_TRANSCODE_AUTO = 0,   /**< when the camera sends another codec than the one wanted */
    RTSPREC_TRANSCODE_ALWAYS = 1, /**< also for the sake of size, frame rate or bitrate alone */
    RTSPREC_TRANSCODE_NEVER = 2,  /**< another codec is copied as well, and a warning is logged */
};

/** What becomes of a camera that is to be transcoded faster than this machine can. */
enum rtsprec_overload {
    RTSPREC_OVERLOAD_DROP_FRAMES = 0, /**< some of its frames are left out, evenly, and counted */
    RTSPREC_OVERLOAD_COPY = 1, /**< the next segments are copied, until one can be transcoded */
    RTSPREC_OVERLOAD_FAIL = 2, /**< the segment ends; recording goes on with the next one */
};

/** What is kept of a camera that is transcoded, besides what is made of it. */
enum rtsprec_also_keep {
    RTSPREC_ALSO_KEEP_NONE = 0, /**< nothing */
    /**
     * What it sends, packet for packet, with its sound, as an archive of its own: mkv files where
     * the container does not hold all of it. While the camera is copied by the options' own rules,
     * nothing is kept twice; while it is only copied in place of transcoding (on_overload,
     * max_transcodes), the original goes on.
     */
    RTSPREC_ALSO_KEEP_COPY = 1,
};

/**
 * How to record. Set with rtsprec_camera_options_init(), then change what you need; strings are
 * copied. A 0 in any member but the mandatory three means the default named beside it. A struct of
 * a newer version, which is longer, is taken when what this library does not know is 0.
 */
struct rtsprec_camera_options {
    size_t size; /**< sizeof(struct rtsprec_camera_options): the version of the struct */

    /**
     * Mandatory: unique in the recorder; 1 to 200 bytes without "/" and control characters, not
     * beginning with a dot.
     */
    const char *name;
    /**
     * Mandatory: rtsp://[user[:password]@]host[:port]/path, or rtsps://; or what libavformat opens:
     * http(s):// with a file, a stream or an HLS playlist, srt://, rtmp(s)://, file:/path or a path
     * that begins with "/" (plays in real time), v4l2:/dev/video0[?option=value&…], lavfi:graph.
     */
    const char *url;
    const char *output_directory; /**< mandatory; created when missing */

    const char *username; /**< not percent-encoded, goes before the URL's; NULL: the URL's */
    const char *password; /**< not percent-encoded, goes before the URL's; NULL: the URL's */

    enum rtsprec_transport transport;
    enum rtsprec_container container;
    enum rtsprec_audio audio;

    /**
     * Length of a segment, default 300 s as in the Python service; 1 s to 86,400 s. Segments begin
     * at the first key frame at or after each multiple of it, counted from local midnight.
     */
    int64_t segment_duration_us;

    int64_t open_timeout_us; /**< from connect to the first packet, default 10 s; 0.1 s to 300 s */
    int64_t read_timeout_us; /**< longest silence of the video track, default 5 s; 0.1 s to 300 s */

    /** First and longest pause between attempts, default 0.5 s and 5 s; 10 ms to 1 day. */
    int64_t retry_min_us, retry_max_us;
    /**
     * The same after 401 and 403, default 60 s and 30 min, 10 ms to 1 day: cameras lock an
     * address after a few wrong passwords.
     */
    int64_t auth_retry_min_us, auth_retry_max_us;

    /**
     * What the hand-off between network and disk holds at most, default 10 s and 64 MiB (10 s of
     * the fastest cameras, 50 Mbit/s); 0.1 s to 1 h, 64 KiB to 1 TiB. When a disk stalls for
     * longer, frames are dropped up to a key frame. With also_keep there are two of them.
     */
    int64_t queue_duration_us;
    int64_t queue_bytes;

    /**
     * How much video is gathered before it is written, default 0.5 s; 0.1 s to 10 s, and never more
     * than 256 KiB. It is what a crash of the program can lose. 0.5 s costs 0.1 % of a stream of
     * 1 Mbit/s, 0.2 s 0.6 %.
     */
    int64_t fragment_duration_us;
    /**
     * What is written is on the disk after this long, default 1 s: with fragment_duration_us, it is
     * what a power cut can lose. RTSPREC_SYNC_EACH_FRAGMENT syncs each fragment at once,
     * RTSPREC_SYNC_NEVER leaves it to the kernel (about 30 s) until the segment is closed.
     */
    int64_t sync_interval_us;

    enum rtsprec_ingest ingest;
    enum rtsprec_tls tls_verify;
    /**
     * A file with the certificates (PEM) of the authorities that are trusted, readable when the
     * camera is created; NULL: the system's.
     */
    const char *tls_ca_file;

    /**
     * The codec in the files and when to encode; what follows says how, and is of no account while
     * packets are copied. Whether they are is decided when the camera's stream is known, and said
     * in the log.
     */
    enum rtsprec_video_codec video_codec;
    enum rtsprec_transcode transcode;
    /** The picture fits into this, with its aspect and even sizes, and is never enlarged; 0 or 16
     * to 16,384, 0: the camera's size. */
    int video_width, video_height;
    /** Frames per 1,000 s, made by dropping and repeating; default 15,000; 100 to 240,000. */
    int video_millifps;
    /** Bits per second, which over two seconds is also the most; default 8,000,000; 1,000 to
     * 1,000,000,000. */
    int64_t video_bitrate;
    /**
     * FFmpeg's name of an encoder ("libx264"), or a kind: "vaapi", "qsv", "nvenc", "v4l2m2m",
     * "software". It is tried first; when it does not work here, and by default, they are tried in
     * this order. NULL: any.
     */
    const char *encoder;
    const char *encoder_device; /**< of vaapi, "/dev/dri/renderD128"; NULL: the first */
    const char *encoder_preset; /**< as the encoder calls it, "veryfast"; NULL: a fast one */
    int encoder_threads;        /**< at most so many, default 2; 1 to 64 */
    enum rtsprec_overload on_overload;

    /**
     * A timelapse beside the segments, `output_directory/name/timelapse/YYYY-MM-DD.mp4`: of the
     * video as it is recorded, the first key frame at or after each multiple of this, counted from
     * local midnight, is copied. 0: none; 1 s to 86,400 s.
     */
    int64_t timelapse_interval_us;
    int timelapse_fps; /**< frames a second of a timelapse, default 25; 1 to 60 */

    enum rtsprec_also_keep also_keep;
    /**
     * Where, mandatory with also_keep and else of no account; created when missing. It is neither
     * output_directory, nor in it, nor around it.
     */
    const char *also_keep_directory;
};

#define RTSPREC_SYNC_EACH_FRAGMENT INT64_C(1)
#define RTSPREC_SYNC_NEVER         INT64_C(-1)

/** Fills @p options with the defaults; the three mandatory members become NULL. */
RTSPREC_API void rtsprec_camera_options_init(struct rtsprec_camera_options *options);

/**
 * Checks @p options as rtsprec_camera_create() does, without a recorder.
 *
 * @param[out] error  the member, its value and what was expected; may be NULL
 * @return 0 or RTSPREC_ERROR_INVALID
 */
RTSPREC_API int rtsprec_camera_options_check(const struct rtsprec_camera_options *options,
                                             struct rtsprec_error *error);

/**
 * Adds a camera to a recorder; it does not connect before rtsprec_camera_start().
 *
 * @param[out] out    the camera; it belongs to the recorder, which destroys it with itself
 * @param[out] error  the reason of a failure; may be NULL
 * @return 0, RTSPREC_ERROR_INVALID, RTSPREC_ERROR_EXISTS, RTSPREC_ERROR_NO_MEMORY,
 *         RTSPREC_ERROR_BUSY when another recorder, of any process, writes to output_directory or
 *         also_keep_directory
 */
RTSPREC_API int rtsprec_camera_create(struct rtsprec_camera **out,
                                      struct rtsprec_recorder *recorder,
                                      const struct rtsprec_camera_options *options,
                                      struct rtsprec_error *error);

/**
 * Starts recording: a thread that connects, and connects again after every failure, and one that
 * writes, or two with also_keep, until stopped. Returns at once; what happens comes as events.
 *
 * @return 0, RTSPREC_ERROR_STATE when it is running, RTSPREC_ERROR_SYSTEM when there is no thread,
 *         RTSPREC_ERROR_NO_MEMORY
 */
RTSPREC_API int rtsprec_camera_start(struct rtsprec_camera *camera, struct rtsprec_error *error);

/**
 * Says whether a camera is to be recorded, before it is started or at any time after; returns at
 * once. A new camera is RTSPREC_RECORDING_ON, and what was said last outlives stop and start. It is
 * how a camera follows a schedule (schedule.h), and how the library knows that it is not missing.
 *
 * Frames are judged by their own time, not by when this is called or they arrive. From ON to
 * STANDBY: the first frame at or after @p from_us is not in the file any more, which is closed with
 * it. To OFF: the camera is disconnected at once, whatever is on its way. To ON: recording begins
 * with the first key frame at or after @p from_us; from OFF the camera has to be connected before,
 * which STANDBY some seconds earlier saves. What arrives in STANDBY is received and counted as
 * received, and nothing else becomes of it; a camera that is lost then is connected again.
 *
 * @param from_us  from when on it holds, wall-clock time in µs since 1970-01-01 UTC, as
 *                 rtsprec_schedule_next_change() said it a moment ago; 0, or a time that is still
 *                 to come: from now on
 * @return 0, or RTSPREC_ERROR_INVALID when @p recording is none of the three
 */
RTSPREC_API int rtsprec_camera_set_recording(struct rtsprec_camera *camera,
                                             enum rtsprec_recording recording, int64_t from_us);

/** Asks the camera to stop, returns at once. Stopping a camera that is not running does nothing. */
RTSPREC_API void rtsprec_camera_request_stop(struct rtsprec_camera *camera);

/**
 * Waits until a camera that was asked to stop has closed its files; it can then be started again.
 * Returns at once for a camera that is not running.
 */
RTSPREC_API void rtsprec_camera_wait(struct rtsprec_camera *camera);

/** Stops the camera, takes it from its recorder, sets *camera to NULL. NULL is ignored. */
RTSPREC_API void rtsprec_camera_destroy(struct rtsprec_camera **camera);

/** The name given in the options; lives as long as the camera. */
RTSPREC_API const char *rtsprec_camera_name(const struct rtsprec_camera *camera);

/**
 * What a camera has done since it was created. Totals only grow. What is written is that to
 * output_directory.
 */
struct rtsprec_camera_statistics {
    size_t size; /**< set by the caller to sizeof(struct rtsprec_camera_statistics) */

    enum rtsprec_camera_state state;
    int64_t state_since_us; /**< wall-clock time at which it entered the state */

    int64_t received_packets_total; /**< whole video frames and audio packets, all tracks */
    int64_t received_bytes_total;
    int64_t
        last_video_us; /**< wall-clock time at which the last video frame arrived; 0: none yet */

    int64_t written_frames_total; /**< video frames written to files */
    int64_t written_bytes_total;  /**< bytes written to files */
    int64_t segments_total;       /**< segments closed under their final name */

    int64_t dropped_packets_total; /**< lost between network and disk because the queue was full, of
                                        what goes to output_directory */
    int64_t dropped_frames_total;  /**< of them video frames */
    /** Lost because a file could not be opened or written, or, sound, because it came too late. */
    int64_t failed_packets_total;
    int64_t discontinuities_total;

    int64_t connects_total; /**< streams opened with success */
    int64_t failures_total; /**< attempts that failed and streams that ended against our will */
    int last_error;         /**< code of the last of these; 0: none yet */
    char last_error_text[256];

    /** Waiting at this moment for the disk, or the encoder; what also_keep keeps is not in it. */
    int64_t queue_bytes;
    int64_t queue_us; /**< µs of video, of the same */

    char video_codec[16]; /**< FFmpeg's name: "hevc", "h264"; "" before the first connection */
    char audio_codec[16]; /**< "" when no sound is recorded */
    int width, height;    /**< of the video, pixels; 0 before the first connection */

    char segment_path[512]; /**< the file being written; "" when there is none, cut when longer */

    int storage_error; /**< why no file can be written at this moment; 0: nothing is wrong */

    /** RTP packets that the network lost; the frames that they were of are damaged. */
    int64_t lost_packets_total;

    enum rtsprec_recording recording; /**< as rtsprec_camera_set_recording() said last */

    /** Frames that were left out because the video came faster than it could be transcoded. */
    int64_t skipped_frames_total;
    char encoder[32]; /**< FFmpeg's name of the encoder that is at work, "" while packets are copied
                       */

    int also_keep_storage_error; /**< storage_error, of also_keep_directory */
};

/**
 * Takes a snapshot.
 *
 * @return 0, or RTSPREC_ERROR_INVALID when statistics->size is 0 or larger than this library knows
 */
RTSPREC_API int rtsprec_camera_get_statistics(const struct rtsprec_camera *camera,
                                              struct rtsprec_camera_statistics *statistics);

#ifdef __cplusplus
}
#endif

#endif
