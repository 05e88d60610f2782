/*
 * An RTSP request, or a client's answer to one of the camera, taken apart.
 */
#ifndef CAMERA_RTSP_MESSAGE_H
#define CAMERA_RTSP_MESSAGE_H

#include <stddef.h>

enum { RTSP_MAX_REQUEST = 16384 };

struct rtsp_header {
    const char *name, *value;
};

/** The strings point into @p text. */
struct rtsp_request {
    char text[RTSP_MAX_REQUEST + 1];
    const char *method, *uri; /**< of an answer: "ANSWER" and "-" */
    int status;               /**< of an answer; 0: it is a request */
    struct rtsp_header headers[64];
    int header_count;
    size_t body_size; /**< follows the header, is not part of the text */
};

/**
 * Parses the request at the start of @p data.
 *
 * @return the bytes of its header part, 0 when it is not complete, -1 when it is no RTSP request
 */
int rtsp_request_parse(struct rtsp_request *request, const char *data, size_t size);

/** The value of a header, in any case; NULL when there is none. */
const char *rtsp_request_header(const struct rtsp_request *request, const char *name);

/**
 * The path of an RTSP URL: "/clip/anything", without query and slash at the end.
 *
 * @param[out] control  the number n when the URL ends in "/streamid=n", which is then taken off;
 *                      else -1
 * @return 0, or -1 when it is no URL or too long
 */
int rtsp_url_path(const char *url, char *path, size_t path_size, int *control);

#endif
