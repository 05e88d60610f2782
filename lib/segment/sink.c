#include "segment/sink.h"

#include "base/disk.h"
#include "base/file.h"

#define RESERVE_BYTES (INT64_C(4) * 1024 * 1024) /* how much disk space is taken ahead */

void sink_write(struct sink *sink, const void *data, size_t size)
{
    struct iovec piece = {(void *)data, size};
    sink_write_pieces(sink, &piece, 1);
}

void sink_write_pieces(struct sink *sink, struct iovec *pieces, size_t count)
{
    if (sink->error)
        return;
    int64_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += (int64_t)pieces[i].iov_len;
    if (sink->size + size > sink->reserved) {
        sink->reserved = sink->size + size + RESERVE_BYTES;
        disk_reserve(sink->fd, sink->size, sink->reserved - sink->size);
    }
    sink->error = file_write_pieces(sink->fd, pieces, count);
    if (sink->error == 0)
        sink->size += size;
}
