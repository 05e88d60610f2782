#include "ingest/failure.h"

#include <errno.h>

#include <libavutil/error.h>

#include "base/error.h"

int failure_of_status(int status, const char *what, struct rtsprec_error *error)
{
    switch (status) {
    case 401:
        return error_set(error, RTSPREC_ERROR_UNAUTHORIZED,
                         "%s: 401, the camera refused the user name or password", what);
    case 403:
        return error_set(error, RTSPREC_ERROR_UNAUTHORIZED,
                         "%s: 403, the camera forbids this user the stream", what);
    case 404:
        return error_set(error, RTSPREC_ERROR_NOT_FOUND,
                         "%s: 404, the camera knows no such stream; check the URL's path", what);
    case 453:
        return error_set(error, RTSPREC_ERROR_PROTOCOL,
                         "%s: 453, the camera has not enough bandwidth left", what);
    case 454:
        return error_set(error, RTSPREC_ERROR_CLOSED,
                         "%s: 454, the camera has forgotten the session", what);
    case 461:
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED,
                         "%s: 461, the camera does not offer this transport", what);
    default:
        return error_set(error, RTSPREC_ERROR_PROTOCOL, "%s: %d, the camera %s", what, status,
                         status >= 500 ? "reports a fault" : "refused the request");
    }
}

int failure_of_interruption(struct cancel *cancel, const char *what, struct rtsprec_error *error)
{
    if (cancel_requested(cancel))
        return error_set(error, RTSPREC_ERROR_STOPPED, "stopped");
    return error_set(error, RTSPREC_ERROR_TIMEOUT, "%s: no answer in time", what);
}

int failure_of_averror(struct cancel *cancel, int averror, const char *what,
                       struct rtsprec_error *error)
{
    if (cancel_interrupted(cancel))
        return failure_of_interruption(cancel, what, error);
    switch (averror) {
    case AVERROR_HTTP_UNAUTHORIZED:
        return failure_of_status(401, what, error);
    case AVERROR_HTTP_FORBIDDEN:
        return failure_of_status(403, what, error);
    case AVERROR_HTTP_NOT_FOUND:
        return failure_of_status(404, what, error);
    case AVERROR_HTTP_BAD_REQUEST:
    case AVERROR_HTTP_OTHER_4XX:
        return error_set(error, RTSPREC_ERROR_PROTOCOL, "%s: the camera refused the request (4xx)",
                         what);
    case AVERROR_HTTP_SERVER_ERROR:
        return error_set(error, RTSPREC_ERROR_PROTOCOL, "%s: the camera reports a fault (5xx)",
                         what);
    case AVERROR(ECONNREFUSED):
        return error_set(error, RTSPREC_ERROR_REFUSED,
                         "%s: connection refused, nothing listens at that address", what);
    case AVERROR(EHOSTUNREACH):
    case AVERROR(ENETUNREACH):
    case AVERROR(ENETDOWN):
    case AVERROR(EHOSTDOWN):
        return error_set_errno(error, RTSPREC_ERROR_UNREACHABLE, AVUNERROR(averror), "%s", what);
    case AVERROR(ETIMEDOUT):
        return error_set(error, RTSPREC_ERROR_TIMEOUT, "%s: no answer in time", what);
    case AVERROR_EOF:
    case AVERROR(ECONNRESET):
    case AVERROR(EPIPE):
        return error_set(error, RTSPREC_ERROR_CLOSED, "%s: the camera closed the connection", what);
    case AVERROR(ENOMEM):
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "%s: out of memory", what);
    default: {
        char text[AV_ERROR_MAX_STRING_SIZE] = "";
        av_strerror(averror, text, sizeof(text));
        return error_set(error, RTSPREC_ERROR_PROTOCOL, "%s: %s", what, text);
    }
    }
}
