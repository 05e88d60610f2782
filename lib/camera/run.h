/*
 * A run: what lies between connecting to a camera and losing it. Packets are read, joined, stamped
 * and handed to the writer's queue; the reader's thread, never a disk, is what it waits in.
 */
#ifndef CAMERA_RUN_H
#define CAMERA_RUN_H

#include <stdbool.h>

#include <rtsprec/error.h>

#include "camera/camera.h"

/*
 * One run from beginning to end. Returns what ended it, RTSPREC_ERROR_STOPPED after a request;
 * *was_recording says whether video was handed over.
 */
int run_record(struct rtsprec_camera *camera, bool *was_recording, struct rtsprec_error *error);

#endif
