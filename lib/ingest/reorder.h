/*
 * Decoding times of frames that are sent in decoding order and shown in another one. Each frame's
 * dts is the pts that as many frames seen so far exceed as the stream's reordering is deep.
 *
 * dts strictly increases and pts >= dts. While a depth that the stream does not say is being
 * learned, and where it grows, a frame's pts is raised to its dts; else pts stays as it is.
 */
#ifndef INGEST_REORDER_H
#define INGEST_REORDER_H

#include <stdbool.h>
#include <stdint.h>

#define REORDER_MAX 16 /* the most that H.264 and H.265 allow */

/* Times in ticks. */
struct reorder {
    int depth; /* how many frames overtake another at most; grows when it is not known */
    bool depth_is_known;
    int64_t latest[REORDER_MAX + 1]; /* the largest pts since the restart, sorted */
    int count;
    bool is_restarted; /* and latest does not tell of what was before */
    int64_t lead;      /* the most that an overtaking frame's pts lay ahead */
    int64_t last_dts;  /* INT64_MIN before the first */
};

/* Sound is never reordered; of video depth becomes known, or shows. */
void reorder_init(struct reorder *reorder, bool is_video);

/* What the stream says (struct sps); below 0: nothing. */
void reorder_set_depth(struct reorder *reorder, int frames);

/* Whether a frame of that pts is more than reordering explains: the times went back. */
bool reorder_is_step_back(const struct reorder *reorder, int64_t pts);

/* Whether frames overtake each other, or may still show that they do: then they are sent in the
 * order of dts, at its times. An SPS may allow for more than there is. */
bool reorder_is_seen(const struct reorder *reorder);

/* The times begin anew, after all that came before. */
void reorder_restart(struct reorder *reorder);

/* Takes the next frame in decoding order; duration is that of a frame. Returns its dts. */
int64_t reorder_take(struct reorder *reorder, int64_t *pts, int64_t duration);

#endif
