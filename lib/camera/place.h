/*
 * An archive that a camera records to, and what is told of the camera there. What fails in one
 * archive is no matter of another.
 */
#ifndef CAMERA_PLACE_H
#define CAMERA_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/error.h>
#include <rtsprec/event.h>

#include "archive/root.h"
#include "camera/condition.h"
#include "keeper/keeper.h"

struct rtsprec_camera;

struct place {
    /* constant */
    struct rtsprec_camera *camera;
    const char *directory;        /* the options' */
    bool is_counted;              /* what is recorded here is what the statistics tell of */
    struct archive_root *archive; /* shared with the cameras of the same directory */
    struct keeper_camera *keeper; /* likewise: who notes what it does */

    /* with the camera's lock */
    struct condition condition; /* why it is recorded here or not */
    bool is_idle;               /* what the camera sends now has no need to be recorded here */
    int storage_error;          /* why no file can be written; 0: they can */
};

/* To be closed in any case. Returns as recorder_open_archive(). */
int place_open(struct place *place, struct rtsprec_camera *camera, const char *directory,
               bool is_counted, struct rtsprec_error *error);
void place_close(struct place *place);

/* --- for the ledger; by the writer, without the camera's lock --- */

/* A file begins with the frame of this time. */
void place_note_recorded(struct place *place, int64_t start_us);

/* Video of from_us on is in no file, because of an error of the disk, or for that reason. */
void place_note_lost(struct place *place, int error, int64_t from_us);
void place_note_missing(struct place *place, enum rtsprec_coverage_reason reason, int64_t from_us);

/* From from_us on there is need to record it here, or not: then nothing is missing. */
void place_note_use(struct place *place, bool is_used, int64_t from_us);

/* Frames of [start_us, end_us) were dropped on their way to a file, for that reason. By the reader,
 * too. */
void place_note_hole(struct place *place, enum rtsprec_coverage_reason reason, int64_t start_us,
                     int64_t end_us);

/* --- likewise; by anyone, with the camera's lock --- */

/* The program wants it recorded from from_us on, or not. */
void place_note_wish(struct place *place, bool is_wanted, int64_t from_us, int64_t now_us);

/* The camera enters a state; error (NULL: none) is why. */
void place_note_state(struct place *place, enum rtsprec_camera_state state,
                      const struct rtsprec_error *error);

#endif
