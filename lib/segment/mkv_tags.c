/* Elements as in RFC 9559 (Matroska). */
#include "segment/mkv_tags.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "segment/ebml.h"

enum {
    ID_SEGMENT = 0x18538067,
    ID_CLUSTER = 0x1F43B675,
    ID_VOID = 0xEC,
    ID_CRC = 0xBF,
};

int64_t mkv_frames_parse(const uint8_t *text, uint64_t size)
{
    int64_t frames = 0;
    size_t at = 0;
    if (size != MKV_FRAMES_BYTES)
        return 0;
    for (; at < MKV_FRAMES_BYTES && text[at] >= '0' && text[at] <= '9'; at++)
        frames = 10 * frames + (text[at] - '0');
    for (; at < MKV_FRAMES_BYTES; at++) {
        if (text[at] != 0)
            return 0;
    }
    return frames;
}

/* Takes the element at *at, which ends before end; *at is then behind it. */
static bool take_element(struct ebml_element *element, int fd, uint64_t *at, uint64_t end)
{
    uint8_t bytes[12];
    ssize_t count = *at < end ? file_read_at(fd, bytes, sizeof(bytes), (int64_t)*at) : 0;
    if (count <= 0 || !ebml_parse(element, bytes, (size_t)count, *at) || element->data > end)
        return false;
    /* Of a file that is not closed the segment is what there is. */
    if (element->id == ID_SEGMENT && element->size > end - element->data)
        element->size = end - element->data;
    if (element->size > end - element->data)
        return false;
    *at = element->data + element->size;
    return true;
}

/* The first element of a kind between *at and end, in front of the clusters; *at is then behind. */
static bool find_element(struct ebml_element *element, int fd, uint32_t id, uint64_t *at,
                         uint64_t end)
{
    while (take_element(element, fd, at, end) && element->id != ID_CLUSTER) {
        if (element->id == id)
            return true;
    }
    return false;
}

/* The text of a tag, when that is the one. */
static bool take_tag(struct ebml_element *text, int fd, const struct ebml_element *tag)
{
    char name[sizeof(MKV_FRAMES_TAG) - 1];
    struct ebml_element element;
    uint64_t at = tag->data, end = tag->data + tag->size;
    return find_element(&element, fd, MKV_ID_TAG_NAME, &at, end) && element.size == sizeof(name) &&
           file_read_at(fd, name, sizeof(name), (int64_t)element.data) == (ssize_t)sizeof(name) &&
           !memcmp(name, MKV_FRAMES_TAG, sizeof(name)) &&
           find_element(text, fd, MKV_ID_TAG_STRING, &at, end) && text->size == MKV_FRAMES_BYTES;
}

static bool find_text(struct ebml_element *text, int fd, const struct ebml_element *tags)
{
    struct ebml_element tag, simple;
    uint64_t at = tags->data, end = tags->data + tags->size;
    while (find_element(&tag, fd, MKV_ID_TAG, &at, end)) {
        uint64_t inner = tag.data, inner_end = tag.data + tag.size;
        while (find_element(&simple, fd, MKV_ID_SIMPLE_TAG, &inner, inner_end)) {
            if (take_tag(text, fd, &simple))
                return true;
        }
    }
    return false;
}

/* Tags begin with a checksum, which becomes a Void of the same length. */
static int void_checksum(int fd, const struct ebml_element *tags)
{
    struct ebml_element first;
    uint64_t at = tags->data;
    if (!take_element(&first, fd, &at, tags->data + tags->size) || first.id != ID_CRC)
        return 0;
    return file_write_all_at(fd, (uint8_t[]){ID_VOID}, 1, (int64_t)first.offset);
}

int mkv_frames_write(int fd, int64_t frames)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return -errno;
    char number[24] = {0}; /* any int64 */
    if (snprintf(number, sizeof(number), "%" PRId64, frames) > MKV_FRAMES_BYTES)
        return 0;
    struct ebml_element segment, tags, text;
    uint64_t at = 0, size = (uint64_t)status.st_size;
    if (!find_element(&segment, fd, ID_SEGMENT, &at, size) ||
        !find_element(&tags, fd, MKV_ID_TAGS, &segment.data, size) || !find_text(&text, fd, &tags))
        return 0;
    int err = void_checksum(fd, &tags);
    return err ? err : file_write_all_at(fd, number, MKV_FRAMES_BYTES, (int64_t)text.data);
}
