/*
 * librtsprec records RTSP cameras into time-rotated mp4 and mkv files. This header is the umbrella.
 */
#ifndef RTSPREC_RTSPREC_H
#define RTSPREC_RTSPREC_H

#include <rtsprec/version.h>
#include <rtsprec/error.h>
#include <rtsprec/log.h>
#include <rtsprec/event.h>
#include <rtsprec/recorder.h>
#include <rtsprec/camera.h>
#include <rtsprec/schedule.h>
#include <rtsprec/archive.h>
#include <rtsprec/retention.h>

#endif
