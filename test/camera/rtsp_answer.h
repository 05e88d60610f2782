/*
 * The camera's answers.
 */
#ifndef CAMERA_RTSP_ANSWER_H
#define CAMERA_RTSP_ANSWER_H

#include "client.h"

/** Acts on the request and queues the answer. Returns 0, or -1 to close the connection. */
int rtsp_answer(struct client *client, const struct rtsp_request *request);

#endif
