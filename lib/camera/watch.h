/*
 * What goes wrong in a run without ending it, told once or from time to time: sound that stops, no
 * key frame, packets that the network lost. And the one silence that does end it: of the video.
 */
#ifndef CAMERA_WATCH_H
#define CAMERA_WATCH_H

#include "camera/camera.h"
#include "ingest/source.h"

struct watch {
    struct rtsprec_camera *camera;
    int track_count;
    int64_t start_us;                           /* monotonic */
    int64_t last_arrival_us[STREAM_MAX_TRACKS]; /* monotonic; 0: nothing yet */
    bool told_silent[STREAM_MAX_TRACKS], told_no_key;
    int64_t untold_packets; /* lost on the network and not told yet */
    int64_t last_loss_us;   /* monotonic: when that was last told; 0: never */
};

/* A run begins; tracks: how many there are, 0 is the video. Times are monotonic. */
void watch_init(struct watch *watch, struct rtsprec_camera *camera, int tracks, int64_t now_us);

/* Whether the video is overdue, whatever else goes on arriving; and the error that it is. */
bool watch_is_late(const struct watch *watch, int64_t now_us);
int watch_explain_silence(const struct watch *watch, int64_t now_us, struct rtsprec_error *error);

/* A packet of a track has come; has_stream: there is something to record. */
void watch_arrival(struct watch *watch, int track, const struct source_packet *packet,
                   bool has_stream, int64_t now_us);

#endif
