/* The recorder's side that its cameras see. */
#ifndef LIB_RECORDER_H
#define LIB_RECORDER_H

#include <stdbool.h>

#include <rtsprec/recorder.h>

#include "archive/root.h"
#include "base/dispatcher.h"
#include "camera/common_reader.h"
#include "keeper/keeper.h"
#include "segment/durable.h"

struct rtsprec_camera;

/* Adds a camera unless its name is taken. Returns 0 or RTSPREC_ERROR_EXISTS. */
int recorder_add(struct rtsprec_recorder *recorder, struct rtsprec_camera *camera,
                 struct rtsprec_error *error);
void recorder_remove(struct rtsprec_recorder *recorder, struct rtsprec_camera *camera);

/*
 * The archive in a directory, shared by the cameras that record there, and a camera's place with
 * its keeper. Returns as archive_root_open() and keeper_create(). To be closed after a failure,
 * too.
 */
int recorder_open_archive(struct rtsprec_recorder *recorder, struct archive_root **root,
                          struct keeper_camera **keeper, const char *camera, const char *directory,
                          struct rtsprec_error *error);
void recorder_close_archive(struct rtsprec_recorder *recorder, struct archive_root **root,
                            struct keeper_camera **keeper);

struct dispatcher *recorder_dispatcher(struct rtsprec_recorder *recorder);
struct durable *recorder_durable(struct rtsprec_recorder *recorder);
struct common_reader *recorder_common_reader(struct rtsprec_recorder *recorder);

/* Takes one of the places for transcoding; false when all are taken. */
bool recorder_begin_transcode(struct rtsprec_recorder *recorder);
void recorder_end_transcode(struct rtsprec_recorder *recorder);

#endif
