/*
 * Errors: every function that can fail returns 0 or one of the negative codes below; those that can
 * say more fill a struct rtsprec_error.
 */
#ifndef RTSPREC_ERROR_H
#define RTSPREC_ERROR_H

#include <rtsprec/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One row per code: name, value, what it means. The values are part of the ABI and never change. */
#define RTSPREC_ERROR_MAP(XX)                                                   \
    XX(NO_MEMORY, -1, "out of memory")                                          \
    XX(INVALID, -2, "invalid argument or option")                               \
    XX(EXISTS, -3, "a camera of that name exists already")                      \
    XX(STATE, -4, "not possible in the present state")                          \
    XX(SYSTEM, -5, "the operating system refused a thread or another resource") \
    XX(STOPPED, -6, "stopped on request")                                       \
    XX(RESOLVE, -10, "the host name could not be resolved")                     \
    XX(UNREACHABLE, -11, "the camera could not be reached")                     \
    XX(REFUSED, -12, "the camera refused the connection")                       \
    XX(TIMEOUT, -13, "the camera did not answer in time")                       \
    XX(UNAUTHORIZED, -14, "the camera refused the user name or password")       \
    XX(NOT_FOUND, -15, "the camera knows no such stream")                       \
    XX(PROTOCOL, -16, "the camera's answer was not understood")                 \
    XX(CLOSED, -17, "the camera closed the connection")                         \
    XX(STALLED, -18, "the camera sends no more video")                          \
    XX(UNSUPPORTED, -19, "the stream cannot be recorded")                       \
    XX(IO, -30, "writing failed")                                               \
    XX(NO_SPACE, -31, "no space left on the disk")                              \
    XX(BUSY, -32, "another recorder is writing to the archive")

enum rtsprec_error_code {
    RTSPREC_OK = 0,
#define XX(name, value, text) RTSPREC_ERROR_##name = value,
    RTSPREC_ERROR_MAP(XX)
#undef XX
};

/**
 * What went wrong, where, and what was expected: one line without a line end, without credentials.
 * Owned by the caller; needs no clean-up. {0} is a valid initial value and means "no error".
 */
struct rtsprec_error {
    int code; /**< RTSPREC_OK or one of enum rtsprec_error_code */
    char text[500];
};

/**
 * What a code means, a constant string; "unknown error" for a number that is none.
 *
 * Thread-safety: any thread, any time.
 */
RTSPREC_API const char *rtsprec_error_string(int code);

/**
 * A code's name without the prefix, for logs and metrics: "TIMEOUT"; "OK" for 0; "UNKNOWN" for a
 * number that is none. A constant string.
 *
 * Thread-safety: any thread, any time.
 */
RTSPREC_API const char *rtsprec_error_name(int code);

#ifdef __cplusplus
}
#endif

#endif
