#include "segment/mp4_seal.h"

#include <errno.h>

#include "base/error.h"
#include "base/disk.h"
#include "base/file.h"

#define HEADER_BYTES      8
#define LONG_HEADER_BYTES 16

void mp4_put_room(struct mp4_buffer *out, uint32_t room_bytes)
{
    mp4_put_u32(out, room_bytes);
    mp4_put_u32(out, MP4_TYPE('f', 'r', 'e', 'e'));
    static const uint8_t zeros[4096];
    for (size_t left = room_bytes - HEADER_BYTES; left > 0 && !out->failed;) {
        size_t count = left < sizeof(zeros) ? left : sizeof(zeros);
        mp4_put(out, zeros, count);
        left -= count;
    }
}

static int write_at(int fd, const uint8_t *data, size_t size, uint64_t offset)
{
    return file_write_all_at(fd, data, size, (int64_t)offset);
}

/* Writes all but the first 8 bytes at offset, a barrier, then those 8, which make it valid, a
 * barrier. */
static int write_and_flip(int fd, const struct mp4_buffer *buffer, uint64_t offset)
{
    int err = write_at(fd, buffer->data + HEADER_BYTES, buffer->size - HEADER_BYTES,
                       offset + HEADER_BYTES);
    if (err == 0)
        err = disk_sync(fd);
    if (err == 0)
        err = write_at(fd, buffer->data, HEADER_BYTES, offset);
    if (err == 0)
        err = disk_sync(fd);
    return err;
}

static void put_mdat_header(struct mp4_buffer *out, uint64_t size)
{
    mp4_put_u32(out, 1); /* the size follows in 64 bits */
    mp4_put_u32(out, MP4_TYPE('m', 'd', 'a', 't'));
    mp4_put_u64(out, size);
}

/* buffer holds the moov. */
static int seal_in_room(int fd, const struct mp4_part *part, struct mp4_buffer *buffer)
{
    uint64_t mdat_offset = part->room_offset + buffer->size;
    put_mdat_header(buffer, part->size - mdat_offset);
    return buffer->failed ? -ENOMEM : write_and_flip(fd, buffer, part->room_offset);
}

static int seal_at_end(int fd, const struct mp4_part *part, const struct mp4_buffer *moov)
{
    int err = write_at(fd, moov->data, moov->size, part->size);
    if (err == 0)
        err = disk_sync(fd);
    if (err < 0)
        return err;
    struct mp4_buffer mdat = {0};
    put_mdat_header(&mdat, part->size - part->room_offset);
    err = mdat.failed ? -ENOMEM : write_and_flip(fd, &mdat, part->room_offset);
    mp4_buffer_uninit(&mdat);
    return err;
}

int mp4_seal(int fd, const struct mp4_part *part, const struct mp4_table *table, size_t *moov_bytes,
             struct rtsprec_error *error)
{
    struct mp4_buffer moov = {0};
    int err;
    if (!mp4_table_write_moov(table, &moov)) {
        err = -ENOMEM;
    } else {
        *moov_bytes = moov.size;
        bool fits = moov.size + LONG_HEADER_BYTES <= part->room_bytes;
        err = fits ? seal_in_room(fd, part, &moov) : seal_at_end(fd, part, &moov);
    }
    mp4_buffer_uninit(&moov);
    return err < 0 ? error_set_errno(error, error_code_of_errno(-err), -err, "sealing failed") : 0;
}

int mp4_unseal(int fd, const struct mp4_part *part, struct rtsprec_error *error)
{
    struct mp4_buffer header = {0};
    mp4_put_u32(&header, (uint32_t)part->room_bytes);
    mp4_put_u32(&header, MP4_TYPE('f', 'r', 'e', 'e'));
    int err = header.failed ? -ENOMEM : write_at(fd, header.data, header.size, part->room_offset);
    if (err == 0)
        err = disk_sync(fd);
    mp4_buffer_uninit(&header);
    return err < 0 ? error_set_errno(error, error_code_of_errno(-err), -err, "unsealing failed")
                   : 0;
}
