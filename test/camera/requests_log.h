/*
 * What was asked: one line for each request, when it is answered.
 *
 *     unix_us path method cseq url scheme connection status
 */
#ifndef CAMERA_REQUESTS_LOG_H
#define CAMERA_REQUESTS_LOG_H

#include <stdio.h>

#include "rtsp_message.h"

/**
 * Writes one line; does nothing when @p log is NULL. Of credentials it tells the scheme only.
 *
 * @param path    "" when the URL has none
 * @param status  of the answer; 0: there was none. Of a client's answer: what it says
 */
void requests_log_write(FILE *log, const struct rtsp_request *request, const char *path,
                        int connection, int status);

#endif
