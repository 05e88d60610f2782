/*
 * How many frames of video a Matroska file holds: nothing in one tells but a tag, by the name that
 * mkvmerge's statistics gave it. Its place is kept in the header; the number comes when the file is
 * closed.
 */
#ifndef SEGMENT_MKV_TAGS_H
#define SEGMENT_MKV_TAGS_H

#include <stddef.h>
#include <stdint.h>

#define MKV_FRAMES_TAG     "NUMBER_OF_FRAMES"
#define MKV_FRAMES_UNKNOWN "0000000000" /* until the file is closed */
#define MKV_FRAMES_BYTES   10           /* decimal; zero bytes fill it up */

enum {
    MKV_ID_TAGS = 0x1254C367,
    MKV_ID_TAG = 0x7373,
    MKV_ID_SIMPLE_TAG = 0x67C8,
    MKV_ID_TAG_NAME = 0x45A3,
    MKV_ID_TAG_STRING = 0x4487,
};

/*
 * The number that a tag's text holds, 0 when it is none of ours: those that other programs copy
 * from a file into a part of it have lost their width.
 */
int64_t mkv_frames_parse(const uint8_t *text, uint64_t size);

/* Writes the number where the file has a place for it. Returns 0 or a negative errno. */
int mkv_frames_write(int fd, int64_t frames);

#endif
