/*
 * Fragmented mp4 -> plain, indexed mp4, in place.
 *
 * Open:   [ftyp][free: head room][moov, empty][moof][mdat][moof][mdat]…
 * Sealed: [ftyp][moov][mdat: all the rest]
 *
 * The moov is written inside the head room, followed by the header of an mdat that covers the rest,
 * and made durable; only then are the first 8 bytes of the free box turned into the moov's header,
 * and made durable again. At no instant is the file unreadable, nothing is copied, and a full disk
 * is no obstacle. When the head room is too small, the moov goes to the end and the free box
 * becomes the mdat.
 *
 * A file that a crash left open is sealed by the same code, its tables read from its fragments. A
 * sealed file can be opened again the same way back.
 */
#ifndef SEGMENT_MP4_SEAL_H
#define SEGMENT_MP4_SEAL_H

#include <stdatomic.h>

#include <rtsprec/error.h>

#include "segment/mp4_table.h"

/* Where things are in an open file. */
struct mp4_part {
    uint64_t room_offset, room_bytes; /* of the whole free box */
    uint64_t size;                    /* of the file */
};

/* The head room's box header, to be followed by room_bytes - 8 bytes of anything. 16 is the least.
 */
void mp4_put_room(struct mp4_buffer *out, uint32_t room_bytes);

/*
 * Seals a file whose tables are known. *moov_bytes is what the moov took, from which the next
 * file's head room can be judged.
 *
 * Returns 0, RTSPREC_ERROR_NO_MEMORY, RTSPREC_ERROR_NO_SPACE or RTSPREC_ERROR_IO; after a failure
 * the file is still the fragmented one, and playable.
 */
int mp4_seal(int fd, const struct mp4_part *part, const struct mp4_table *table, size_t *moov_bytes,
             struct rtsprec_error *error);

/*
 * Reads where things are in a sealed file of key frames that last equally long, each a fragment of
 * its own, and its tables, which need mp4_table_uninit() in any case. Changes nothing.
 *
 * Returns 0; RTSPREC_ERROR_UNSUPPORTED for every other file, also for one with its moov at the end
 * or with bytes behind the last frame; RTSPREC_ERROR_IO.
 */
int mp4_read_sealed(int fd, struct mp4_part *part, struct mp4_table *table,
                    struct rtsprec_error *error);

/* Whether the one track of both is described alike, so that samples of one can follow those of the
 * other. */
bool mp4_has_same_samples(const struct mp4_table *a, const struct mp4_table *b);

/*
 * Makes a sealed file the fragmented one again that it was, to which fragments can be appended: the
 * moov's header becomes that of the head room, and that is made durable. At no instant is the file
 * unreadable.
 *
 * Returns 0, RTSPREC_ERROR_NO_SPACE or RTSPREC_ERROR_IO.
 */
int mp4_unseal(int fd, const struct mp4_part *part, struct rtsprec_error *error);

/* What a repair found. */
struct mp4_repaired {
    bool was_sealed;     /* complete already: only its name was missing */
    bool is_empty;       /* it is one of our files, but no whole frame of video is in it */
    int64_t frames;      /* of the video */
    uint64_t lost_bytes; /* at the end, that belong to no whole frame */
};

/*
 * Seals a file that was left open, with every whole frame that is in it. Bytes behind them stay in
 * the file, unused. While it searches, which on a disk that seeks can take minutes, it hears stop
 * (NULL: nobody does), and leaves the file as it was.
 *
 * Returns 0, RTSPREC_ERROR_UNSUPPORTED when there is no frame that could be saved,
 * RTSPREC_ERROR_STOPPED, or as mp4_seal().
 */
int mp4_repair(int fd, const atomic_bool *stop, struct mp4_repaired *repaired,
               struct rtsprec_error *error);

#endif
