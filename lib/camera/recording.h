/*
 * The packets of one stream after the other become closed segment files of an archive. Belongs to
 * the writer's thread. What goes wrong with the disk is told, and the next key frame tries again.
 */
#ifndef CAMERA_RECORDING_H
#define CAMERA_RECORDING_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/archive.h>

#include "archive/segment_file.h"
#include "ingest/packet_queue.h"
#include "ingest/stream.h"
#include "segment/segment.h"
#include "segment/splitter.h"

struct place;
struct rtsprec_camera;

struct output {
    struct segment *segment; /* NULL: there is none */
    struct segment_file file;
    int64_t start_wall_us;
    int64_t bytes; /* of what was written, by the packets' size */
};

struct recording {
    struct rtsprec_camera *camera;
    struct place *place;   /* of the camera's, where it goes */
    struct stream *stream; /* a reference: what is recorded; NULL before the first */
    enum rtsprec_container container;
    struct splitter splitter;
    struct output current, earlier; /* earlier: ended, but sound of it may still come */
    bool follows;                   /* another segment ended where the current one begins */
    bool is_failing;                /* the last segment could not be opened or written */
    bool is_full;                   /* because the disk is full */
    int failure;                    /* the last error of one */
    bool is_recovered;              /* what a crash left open has been repaired */
    int64_t index_bytes;            /* what the next one's index will take; 0: not yet known */
};

/* Repairs what a crash left open, if the disk is there; else that is done when it is. The place
 * stays the caller's. */
void recording_init(struct recording *recording, struct place *place);

/* Closes all files; the camera was stopped. */
void recording_uninit(struct recording *recording);

/* What follows is of this stream, of which a reference is taken: segments end here. */
void recording_begin(struct recording *recording, struct stream *stream,
                     enum rtsprec_container container);

/* A packet of it, which may be taken out of the item. */
void recording_take(struct recording *recording, struct queue_item *item);

/* What comes from from_us on is in no file until one begins; or, while one is written, what came
 * between start_us and end_us is not in it. Times are of the clock. */
void recording_lose(struct recording *recording, enum rtsprec_coverage_reason reason,
                    int64_t from_us);
void recording_leave_out(struct recording *recording, enum rtsprec_coverage_reason reason,
                         int64_t start_us, int64_t end_us);

/* Closes all files. A key frame of the same stream may follow. */
void recording_end(struct recording *recording, enum rtsprec_segment_reason reason);

/* What may wait without delaying a write. */
struct queue_patience recording_patience(const struct recording *recording);

#endif
