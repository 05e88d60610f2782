/* Element IDs and structure as in RFC 8794 (EBML) and RFC 9559 (Matroska). */
#include "segment/mkv_repair.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/disk.h"
#include "base/file.h"
#include "segment/ebml.h"
#include "segment/mkv_tags.h"
#include "segment/mp4_box.h"

enum {
    ID_EBML = 0x1A45DFA3,
    ID_SEGMENT = 0x18538067,
    ID_INFO = 0x1549A966,
    ID_DURATION = 0x4489,
    ID_CLUSTER = 0x1F43B675,
    ID_TIMESTAMP = 0xE7,
    ID_SIMPLE_BLOCK = 0xA3,
    ID_BLOCK_GROUP = 0xA0,
    ID_BLOCK = 0xA1,
    ID_REFERENCE = 0xFB,
    ID_CUES = 0x1C53BB6B,
    ID_VOID = 0xEC,
    ID_CRC = 0xBF,
};

#define DURATION_BYTES 11 /* ID 2, size 1, a double */
#define VIDEO_TRACK    1  /* our first */

/* After a power cut a file can end with zeros that were never written. A frame of video does not
 * end with one, so it is torn when it reaches into them; silence may. */
#define ZEROS_OF_SOUND 64

/* A cluster of half a second at 100 Mbit/s has 6 MB. */
#define MAX_CLUSTER_BYTES (64 * 1024 * 1024)

/* The index, for which space is kept in front of the clusters. */
#define MAX_INDEX_BYTES (64 * 1024 * 1024)

/* Milliseconds; what goes beyond is damage. */
#define MAX_CLUSTER_TIME (INT64_C(1) << 40)

struct cue {
    int64_t time;
    uint64_t cluster; /* offset in the file */
};

struct scan {
    int fd;
    const atomic_bool *stop;         /* NULL: nobody does */
    uint64_t file_size, content_end; /* behind content_end are only zeros */
    struct ebml_element segment;
    uint64_t duration_at;     /* of space for a Duration, 0: none */
    uint64_t index, clusters; /* the space for the index reaches from here to the first cluster */

    int64_t cluster_time;                /* ms */
    int64_t last_time, second_last_time; /* of the video, in the order of showing */
    int64_t frames;                      /* of the video */
    int64_t blocks;                      /* of all tracks */
    uint64_t end;                        /* behind the last whole block */
    struct cue *cues;                    /* owned */
    size_t cue_count, cue_capacity;
    bool no_memory;
};

static bool read_element(const struct scan *scan, uint64_t offset, struct ebml_element *element)
{
    uint8_t bytes[12];
    ssize_t count = file_read_at(scan->fd, bytes, sizeof(bytes), (int64_t)offset);
    return count > 0 && ebml_parse(element, bytes, (size_t)count, offset);
}

static void add_cue(struct scan *scan, int64_t time, uint64_t cluster)
{
    if (scan->cue_count > 0 && scan->cues[scan->cue_count - 1].cluster == cluster)
        return;
    if (scan->cue_count == scan->cue_capacity) {
        size_t capacity = scan->cue_capacity ? 2 * scan->cue_capacity : 256;
        struct cue *cues = realloc(scan->cues, capacity * sizeof(*cues));
        if (!cues) {
            scan->no_memory = true;
            return;
        }
        scan->cues = cues;
        scan->cue_capacity = capacity;
    }
    scan->cues[scan->cue_count++] = (struct cue){time, cluster};
}

/* Counts a block: its track, a time of 16 bits against its cluster's, flags. */
static void take_block(struct scan *scan, const uint8_t *data, uint64_t size, bool is_key,
                       uint64_t cluster)
{
    uint64_t track;
    int length;
    scan->blocks++;
    if (!ebml_parse_number(data, (size_t)size, false, &track, &length) ||
        size < (uint64_t)length + 3 || track != VIDEO_TRACK)
        return;
    int64_t time = scan->cluster_time + (int16_t)(data[length] << 8 | data[length + 1]);
    if (scan->frames == 0) {
        scan->last_time = scan->second_last_time = time;
    } else if (time > scan->last_time) {
        scan->second_last_time = scan->last_time;
        scan->last_time = time;
    } else if (time > scan->second_last_time && time < scan->last_time) {
        scan->second_last_time = time;
    }
    scan->frames++;
    if (is_key)
        add_cue(scan, time, cluster);
}

static void take_group(struct scan *scan, const uint8_t *data, uint64_t size, uint64_t cluster)
{
    const uint8_t *block = NULL;
    uint64_t block_size = 0;
    bool is_key = true;
    for (uint64_t at = 0; at < size;) {
        struct ebml_element child;
        if (!ebml_parse(&child, data + at, (size_t)(size - at), at) ||
            child.size > size - child.data)
            return;
        if (child.id == ID_BLOCK) {
            block = data + child.data;
            block_size = child.size;
        }
        is_key &= child.id != ID_REFERENCE;
        at = child.data + child.size;
    }
    if (block)
        take_block(scan, block, block_size, is_key, cluster);
}

/* end: of the element in the file. A simple block begins with its track. */
static bool reaches_into_zeros(const struct scan *scan, const struct ebml_element *element,
                               const uint8_t *content, uint64_t end)
{
    bool is_video =
        element->id == ID_SIMPLE_BLOCK && element->size > 0 && content[0] == (0x80 | VIDEO_TRACK);
    return end > scan->content_end + (is_video ? 0 : ZEROS_OF_SOUND);
}

/*
 * Takes the children of a cluster, of which the first bytes are in memory. Returns how many bytes
 * of its data are whole children.
 */
static uint64_t take_cluster(struct scan *scan, const struct ebml_element *cluster,
                             const uint8_t *data, uint64_t size)
{
    uint64_t at = 0;
    while (at < size) {
        struct ebml_element child;
        if (!ebml_parse(&child, data + at, (size_t)(size - at), at) ||
            child.size > size - child.data)
            break;
        const uint8_t *content = data + child.data;
        if (reaches_into_zeros(scan, &child, content, cluster->data + child.data + child.size))
            break;
        if (child.id == ID_TIMESTAMP && ebml_unsigned(content, child.size) <= MAX_CLUSTER_TIME)
            scan->cluster_time = (int64_t)ebml_unsigned(content, child.size);
        else if (child.id == ID_BLOCK_GROUP)
            take_group(scan, content, child.size, cluster->offset);
        else if (child.id == ID_SIMPLE_BLOCK && child.size > 4)
            take_block(scan, content, child.size, content[3] & 0x80, cluster->offset);
        else if (child.id != ID_CRC && child.id != ID_VOID)
            break;
        at = child.data + child.size;
    }
    return at;
}

/* Writes a size in the width it has already, which is enough: sizes only become smaller, and
 * unknown ones have 8 bytes. */
static int patch_size(const struct scan *scan, const struct ebml_element *element, uint64_t size)
{
    uint8_t bytes[8] = {0};
    for (int i = 0; i < element->size_bytes; i++)
        bytes[i] = (uint8_t)(size >> (8 * (element->size_bytes - 1 - i)));
    bytes[0] |= (uint8_t)(0x80 >> (element->size_bytes - 1));
    return file_write_all_at(scan->fd, bytes, (size_t)element->size_bytes,
                             (int64_t)element->offset + element->size_offset);
}

/* A checksum that is no longer true becomes a Void of the same length. */
static int void_checksum(const struct scan *scan, uint64_t offset)
{
    uint8_t id;
    if (file_read_at(scan->fd, &id, 1, (int64_t)offset) != 1 || id != ID_CRC)
        return 0;
    return file_write_all_at(scan->fd, (uint8_t[]){ID_VOID}, 1, (int64_t)offset);
}

/* Takes the cluster; one that is torn is made to end behind its last whole block. Sets *whole when
 * it is not. */
static int scan_cluster(struct scan *scan, const struct ebml_element *cluster, bool *whole)
{
    uint64_t there = scan->file_size - cluster->data;
    uint64_t size = cluster->size < there ? cluster->size : there;
    *whole = false;
    if (size > MAX_CLUSTER_BYTES ||
        (cluster->size == EBML_UNKNOWN_SIZE && cluster->size_bytes != 8))
        return 0;
    uint8_t *data = malloc(size ? (size_t)size : 1);
    if (!data)
        return -ENOMEM;
    int64_t before = scan->blocks;
    ssize_t got = file_read_at(scan->fd, data, (size_t)size, (int64_t)cluster->data);
    uint64_t taken = got == (ssize_t)size ? take_cluster(scan, cluster, data, size) : 0;
    free(data);
    *whole = taken == cluster->size;
    if (*whole || scan->blocks > before)
        scan->end = cluster->data + taken;
    if (*whole || scan->blocks == before)
        return 0;
    int err = patch_size(scan, cluster, taken);
    return err ? err : void_checksum(scan, cluster->data);
}

/* Info has its Duration at its end, or the space for it. */
static void scan_info(struct scan *scan, const struct ebml_element *info)
{
    struct ebml_element child;
    uint64_t end = info->data + info->size;
    for (uint64_t at = info->data; at < end; at = child.data + child.size) {
        if (!read_element(scan, at, &child) || child.data > end || child.size > end - child.data)
            return;
        bool has_length = child.data + child.size - child.offset == DURATION_BYTES;
        if (has_length && (child.id == ID_DURATION || child.id == ID_VOID))
            scan->duration_at = child.offset;
    }
}

static bool is_cluster(const struct scan *scan, uint64_t offset)
{
    struct ebml_element cluster, child;
    return read_element(scan, offset, &cluster) && cluster.id == ID_CLUSTER &&
           read_element(scan, cluster.data, &child) &&
           (child.id == ID_TIMESTAMP || child.id == ID_CRC || child.id == ID_VOID);
}

/* A cut during the writing of the index leaves anything in its space: the first cluster is behind
 * it. Returns its offset, 0 when there is none. */
static uint64_t find_cluster(const struct scan *scan, uint64_t from)
{
    enum { STEP = 65536 };
    uint8_t *bytes = malloc(STEP + 3);
    uint64_t found = 0;
    for (uint64_t at = from; bytes && !found && at < from + MAX_INDEX_BYTES; at += STEP) {
        ssize_t count = file_read_at(scan->fd, bytes, STEP + 3, (int64_t)at);
        for (ssize_t i = 0; i + 4 <= count && !found; i++) {
            if (mp4_u32(bytes + i) == ID_CLUSTER && is_cluster(scan, at + (uint64_t)i))
                found = at + (uint64_t)i;
        }
        if (count < STEP + 3)
            break;
    }
    free(bytes);
    return found;
}

/* What stands before the clusters. False when it is not the beginning of a segment. */
static bool scan_head(struct scan *scan)
{
    struct ebml_element element;
    if (!read_element(scan, 0, &element) || element.id != ID_EBML ||
        element.size > scan->file_size ||
        !read_element(scan, element.data + element.size, &scan->segment) ||
        scan->segment.id != ID_SEGMENT || scan->segment.size_bytes != 8)
        return false;
    scan->index = scan->segment.data;
    for (uint64_t at = scan->segment.data; at < scan->file_size;) {
        if (is_cluster(scan, at)) {
            scan->clusters = at;
            return true;
        }
        if (!read_element(scan, at, &element) || element.size > scan->file_size - element.data)
            break;
        at = element.data + element.size;
        if (element.id == ID_INFO)
            scan_info(scan, &element);
        if (element.id != ID_VOID && element.id != ID_CUES)
            scan->index = at;
    }
    scan->clusters = find_cluster(scan, scan->index);
    return true;
}

static int scan_file(struct scan *scan)
{
    if (!scan_head(scan) || !scan->clusters)
        return 0;
    struct ebml_element element;
    int err = 0;
    bool whole = true;
    for (uint64_t at = scan->clusters; err == 0 && whole && at < scan->file_size;) {
        if (scan->stop && atomic_load_explicit(scan->stop, memory_order_relaxed))
            return -ECANCELED;
        if (!read_element(scan, at, &element))
            break;
        if (element.id == ID_CLUSTER)
            err = scan_cluster(scan, &element, &whole);
        if (element.size > scan->file_size - element.data)
            break;
        at = element.data + element.size;
    }
    return scan->no_memory ? -ENOMEM : err;
}

static int write_duration(const struct scan *scan)
{
    if (!scan->duration_at)
        return 0;
    /* The last frame is taken to last as long as the one before it. */
    double duration = (double)(2 * scan->last_time - scan->second_last_time);
    uint64_t bits;
    memcpy(&bits, &duration, sizeof(bits));
    struct mp4_buffer out = {0};
    mp4_put(&out, (uint8_t[]){0x44, 0x89, 0x88}, 3);
    mp4_put_u64(&out, bits);
    int err = out.failed
                  ? -ENOMEM
                  : file_write_all_at(scan->fd, out.data, out.size, (int64_t)scan->duration_at);
    mp4_buffer_uninit(&out);
    return err;
}

/* An element of fixed form: ID of one byte, a size of one byte, eight bytes. */
static void put_long(struct mp4_buffer *out, uint8_t id, uint64_t value)
{
    mp4_put(out, (uint8_t[]){id, 0x88}, 2);
    mp4_put_u64(out, value);
}

#define CUE_BYTES \
    27 /* CuePoint 2, CueTime 10, CueTrackPositions 2, CueTrack 3, CueClusterPosition 10 */

#define VOID_BYTES 9 /* its header; the size in 8 bytes */

static void put_void(struct mp4_buffer *out, uint64_t bytes)
{
    mp4_put(out, (uint8_t[]){ID_VOID}, 1);
    mp4_put_u64(out, (bytes - VOID_BYTES) | UINT64_C(1) << 56);
}

static void put_cues(struct mp4_buffer *out, const struct scan *scan)
{
    mp4_put_u32(out, ID_CUES);
    mp4_put_u64(out, scan->cue_count * CUE_BYTES | UINT64_C(1) << 56);
    for (size_t i = 0; i < scan->cue_count; i++) {
        mp4_put(out, (uint8_t[]){0xBB, 0x80 | (CUE_BYTES - 2)}, 2);
        put_long(out, 0xB3, (uint64_t)scan->cues[i].time);
        mp4_put(out, (uint8_t[]){0xB7, 0x80 | 13, 0xF7, 0x81, VIDEO_TRACK}, 5);
        put_long(out, 0xF1, scan->cues[i].cluster - scan->segment.data);
    }
}

/* The index takes its space with a Void behind it, or is left out when it does not fit: then all is
 * Void. */
static int write_cues(const struct scan *scan)
{
    uint64_t room = scan->clusters - scan->index, need = 4 + 8 + scan->cue_count * CUE_BYTES;
    bool fits = scan->cue_count > 0 && need + VOID_BYTES <= room;
    struct mp4_buffer out = {0};
    if (room < VOID_BYTES)
        return 0;
    if (fits)
        put_cues(&out, scan);
    put_void(&out, fits ? room - need : room);
    int err = out.failed ? -ENOMEM
                         : file_write_all_at(scan->fd, out.data, out.size, (int64_t)scan->index);
    mp4_buffer_uninit(&out);
    return err;
}

static int finish(const struct scan *scan)
{
    int err = ftruncate(scan->fd, (off_t)scan->end) == 0 ? 0 : -errno;
    if (err == 0)
        err = write_duration(scan);
    if (err == 0)
        err = mkv_frames_write(scan->fd, scan->frames);
    if (err == 0)
        err = write_cues(scan);
    if (err == 0)
        err = patch_size(scan, &scan->segment, scan->end - scan->segment.data);
    return err ? err : disk_sync(scan->fd);
}

int mkv_repair(int fd, const atomic_bool *stop, struct mkv_repaired *repaired,
               struct rtsprec_error *error)
{
    *repaired = (struct mkv_repaired){0};
    struct stat status;
    if (fstat(fd, &status) != 0)
        return error_set_errno(error, RTSPREC_ERROR_IO, errno, "cannot be examined");
    struct scan scan = {.fd = fd, .stop = stop, .file_size = (uint64_t)status.st_size};
    scan.content_end = (uint64_t)file_content_end(fd, status.st_size);
    int err = scan_file(&scan);
    repaired->is_empty = err == 0 && scan.frames == 0 && scan.segment.id == ID_SEGMENT;
    if (err == 0 && scan.frames > 0) {
        repaired->frames = scan.frames;
        repaired->lost_bytes = (int64_t)(scan.file_size - scan.end);
        err = finish(&scan);
    }
    free(scan.cues);
    if (err == -ECANCELED)
        return error_set(error, RTSPREC_ERROR_STOPPED, "stopped");
    if (err < 0)
        return error_set_errno(error, error_code_of_errno(-err), -err, "repairing failed");
    if (scan.frames == 0)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED,
                         status.st_size == 0 ? "the file is empty" : "no whole frame is in it");
    return 0;
}

/* Whether elements, and those of clusters, fill [at, end) exactly. */
static bool is_filled(const struct scan *scan, uint64_t at, uint64_t end, bool is_cluster_data)
{
    while (at < end) {
        struct ebml_element element;
        if (!read_element(scan, at, &element) || element.data > end ||
            element.size > end - element.data)
            return false;
        at = element.data + element.size;
        if (element.id == ID_CLUSTER &&
            (is_cluster_data || !is_filled(scan, element.data, at, true)))
            return false;
    }
    return true;
}

bool mkv_is_closed(int fd, int64_t size)
{
    struct scan scan = {.fd = fd, .file_size = (uint64_t)size};
    struct ebml_element ebml, segment;
    return read_element(&scan, 0, &ebml) && ebml.id == ID_EBML && ebml.size < scan.file_size &&
           read_element(&scan, ebml.data + ebml.size, &segment) && segment.id == ID_SEGMENT &&
           segment.data <= scan.file_size && segment.size == scan.file_size - segment.data &&
           is_filled(&scan, segment.data, scan.file_size, false);
}
