/* The recorder's side that its cameras see. */
#ifndef LIB_RECORDER_H
#define LIB_RECORDER_H

#include <rtsprec/recorder.h>

#include "base/dispatcher.h"

struct rtsprec_camera;

/* Adds a camera unless its name is taken. Returns 0 or RTSPREC_ERROR_EXISTS. */
int recorder_add(struct rtsprec_recorder *recorder, struct rtsprec_camera *camera,
                 struct rtsprec_error *error);
void recorder_remove(struct rtsprec_recorder *recorder, struct rtsprec_camera *camera);

struct dispatcher *recorder_dispatcher(struct rtsprec_recorder *recorder);

#endif
