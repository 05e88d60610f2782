/*
 * Version of the library: at compile time (macros) and at run time (functions).
 */
#ifndef RTSPREC_VERSION_H
#define RTSPREC_VERSION_H

#define RTSPREC_VERSION_MAJOR 0
#define RTSPREC_VERSION_MINOR 1
#define RTSPREC_VERSION_PATCH 0

#if defined(__GNUC__) || defined(__clang__)
#define RTSPREC_API               __attribute__((visibility("default")))
#define RTSPREC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define RTSPREC_API
#define RTSPREC_PRINTF(fmt, args)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The version of the library that is loaded, "MAJOR.MINOR.PATCH"; a constant string.
 *
 * Thread-safety: any thread, any time.
 */
RTSPREC_API const char *rtsprec_version(void);

/**
 * The FFmpeg that is loaded, for support requests: "libavformat 59.27.100, libavcodec ..."; a
 * constant string.
 *
 * Thread-safety: any thread, any time.
 */
RTSPREC_API const char *rtsprec_version_of_ffmpeg(void);

#ifdef __cplusplus
}
#endif

#endif
