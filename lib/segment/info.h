/*
 * What a closed segment says of itself, read from its beginning and its index with a few small
 * reads: no frame is looked at. The file may be anything.
 */
#ifndef SEGMENT_INFO_H
#define SEGMENT_INFO_H

#include <stdbool.h>
#include <stdint.h>

struct segment_info {
    bool has_start;
    int64_t start_us;    /* wall-clock time of its first frame, µs UTC, as container.c wrote it; of
                            files of others to the second */
    int64_t duration_us; /* of the video; of an mkv of all tracks, to the millisecond; 0: unknown */
    int64_t frames;      /* of the video; 0: unknown, as of an mkv of others */
    char codec[16];      /* of the video, FFmpeg's name; "": unknown */
    int width, height;   /* 0: unknown */
};

/* Reads an mp4 or mkv of a size. What it does not say stays 0. Returns 0 or a negative errno. */
int segment_info_read(struct segment_info *info, int fd, int64_t size);

#endif
