/*
 * A clip: a media file in memory as access units, ready to be sent round and round.
 */
#ifndef CAMERA_CLIP_H
#define CAMERA_CLIP_H

#include <stdint.h>

#include <libavformat/avformat.h>

/** One access unit: a video frame or an audio packet. */
struct clip_unit {
    uint8_t *data; /**< H.264 and H.265: Annex B, parameter sets before each IDR */
    int size;
    int key;
    int64_t pts_us;  /**< from the clip's first key frame */
    int64_t send_us; /**< when a camera sends it: increases by frame, 0 for the first */
    uint64_t hash;   /**< au_hash() */
};

struct clip_track {
    AVCodecParameters *par; /**< NULL: the clip has no such track */
    char kind;              /**< 'v' or 'a' */
    int64_t frame_us;       /**< length of a unit, the average when they differ */
    struct clip_unit *units;
    int count;
};

/** The order of clip.tracks; also the order of the media in the SDP. */
enum { CLIP_VIDEO, CLIP_AUDIO, CLIP_TRACKS };

/** Read-only once loaded. */
struct clip {
    char *name;
    int64_t duration_us; /**< of one loop: the video's length; the audio's without video */
    struct clip_track tracks[CLIP_TRACKS];
};

/**
 * Reads @p file: the first video track from its first key frame on, and the first audio track from
 * the same moment to the end of the video.
 *
 * @param[out] out  the clip, to be freed with clip_free()
 * @return 0, or a negative AVERROR; the reason stands on stderr
 */
int clip_load(struct clip **out, const char *name, const char *file);

/** Frees *clip and sets it to NULL; NULL is ignored. */
void clip_free(struct clip **clip);

#endif
