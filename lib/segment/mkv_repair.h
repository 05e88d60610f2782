/*
 * A Matroska file that a crash left open -> a closed one, in place: cut behind the last whole
 * frame, with its duration, its number of frames, its size and, in the space that was reserved
 * for it, its index.
 */
#ifndef SEGMENT_MKV_REPAIR_H
#define SEGMENT_MKV_REPAIR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/error.h>

struct mkv_repaired {
    bool is_empty;      /* it is one of our files, but no whole frame of video is in it */
    int64_t frames;     /* of the video */
    int64_t lost_bytes; /* at the end, that belonged to no whole frame */
};

/*
 * While it searches it hears stop (NULL: nobody does), and leaves the file as it was.
 *
 * Returns 0, RTSPREC_ERROR_UNSUPPORTED when there is no frame that could be saved,
 * RTSPREC_ERROR_STOPPED, RTSPREC_ERROR_NO_MEMORY, RTSPREC_ERROR_IO.
 */
int mkv_repair(int fd, const atomic_bool *stop, struct mkv_repaired *repaired,
               struct rtsprec_error *error);

/* Whether the elements of a file are those of a closed segment, to the last byte. */
bool mkv_is_closed(int fd, int64_t size);

#endif
