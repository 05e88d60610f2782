/* The file that a segment is written to, up to its first failure: that one counts, and is kept. */
#ifndef SEGMENT_SINK_H
#define SEGMENT_SINK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct sink {
    int fd;
    int error;        /* negative errno of the first failure */
    int64_t size;     /* of the file */
    int64_t reserved; /* up to here disk space is taken */
};

/* Appends; after a failure does nothing. */
void sink_write(struct sink *sink, const void *data, size_t size);

/* The same for pieces one behind the other; they are changed. */
void sink_write_pieces(struct sink *sink, struct iovec *pieces, size_t count);

#endif
