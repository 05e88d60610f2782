/* Boxes as in ISO/IEC 14496-12, elements as in RFC 9559 (Matroska). */
#include "segment/info.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "segment/ebml.h"
#include "segment/mkv_tags.h"
#include "segment/mp4_box.h"

/* The beginning of a file, and what leads to the end of its index, are two or three of these. */
#define WINDOW_BYTES 4096

/* A moov of two tracks has 40 boxes, an mkv's head 90 elements. */
#define MOST_PARTS 1000
#define MOST_DEPTH 10

#define SECONDS_1904_TO_1970 INT64_C(2082844800)
#define SECONDS_TO_2001      INT64_C(978307200)
#define LONGEST_SECONDS      (INT64_C(100) * 366 * 86400) /* more is damage */

/* A piece of the file in memory. */
struct reader {
    int fd, err;
    uint64_t size; /* of the file */
    uint64_t offset;
    size_t bytes;
    int parts; /* that were looked at */
    uint8_t data[WINDOW_BYTES];
};

/* Bytes of the file; NULL when they are not in it or cannot be read. At most WINDOW_BYTES. */
static const uint8_t *look(struct reader *reader, uint64_t offset, size_t bytes)
{
    if (offset > reader->size || bytes > reader->size - offset || bytes > WINDOW_BYTES)
        return NULL;
    if (offset < reader->offset || offset + bytes > reader->offset + reader->bytes) {
        ssize_t count = file_read_at(reader->fd, reader->data, WINDOW_BYTES, (int64_t)offset);
        reader->offset = offset;
        reader->bytes = count > 0 ? (size_t)count : 0;
        if (count < 0)
            reader->err = (int)count;
    }
    size_t skip = (size_t)(offset - reader->offset);
    return skip + bytes <= reader->bytes ? reader->data + skip : NULL;
}

/* value / per_second in µs, rounded to the nearest; 0 when that is no sane time. */
static int64_t to_us(uint64_t value, uint32_t per_second)
{
    if (per_second == 0 || value / per_second > (uint64_t)LONGEST_SECONDS)
        return 0;
    uint64_t rest = value % per_second * (uint64_t)US_PER_SECOND + per_second / 2;
    return (int64_t)(value / per_second) * US_PER_SECOND + (int64_t)(rest / per_second);
}

static void set_start(struct segment_info *info, int64_t start_us)
{
    info->has_start = true;
    info->start_us = start_us;
}

/* --- mp4 --- */

struct mp4_walk {
    struct reader *reader;
    struct segment_info *info;
    bool has_date;  /* µs; the movie header's seconds count no more */
    bool has_video; /* the first one counts */
    struct {
        uint32_t handler, timescale, frames, format, object_type;
        uint64_t duration;
        int width, height;
    } track;
};

static const char *mp4_codec(uint32_t format, uint32_t object_type)
{
    switch (format) {
    case MP4_TYPE('a', 'v', 'c', '1'):
    case MP4_TYPE('a', 'v', 'c', '3'):
        return "h264";
    case MP4_TYPE('h', 'v', 'c', '1'):
    case MP4_TYPE('h', 'e', 'v', '1'):
        return "hevc";
    case MP4_TYPE('a', 'v', '0', '1'):
        return "av1";
    case MP4_TYPE('v', 'p', '0', '8'):
        return "vp8";
    case MP4_TYPE('v', 'p', '0', '9'):
        return "vp9";
    case MP4_TYPE('m', 'p', '4', 'v'):
        return object_type == 0x20                          ? "mpeg4"
               : object_type == 0x6c                        ? "mjpeg"
               : object_type == 0x6a                        ? "mpeg1video"
               : object_type >= 0x60 && object_type <= 0x65 ? "mpeg2video"
                                                            : "";
    default:
        return "";
    }
}

/* The number at a place of the text, so many digits long; whether it is one. */
static bool take_digits(const uint8_t *text, int count, int *number)
{
    *number = 0;
    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *number = *number * 10 + (text[i] - '0');
    }
    return true;
}

/* YYYY-MM-DDTHH:MM:SS.uuuuuuZ, as container.c writes it. */
#define DATE_BYTES 27

static bool parse_date(const uint8_t text[DATE_BYTES], int64_t *time_us)
{
    static const char marks[] = "    -  -  T  :  :  .      Z";
    struct tm utc = {0};
    int us;
    for (int i = 0; i < DATE_BYTES; i++) {
        if (marks[i] != ' ' && text[i] != (uint8_t)marks[i])
            return false;
    }
    if (!take_digits(text, 4, &utc.tm_year) || !take_digits(text + 5, 2, &utc.tm_mon) ||
        !take_digits(text + 8, 2, &utc.tm_mday) || !take_digits(text + 11, 2, &utc.tm_hour) ||
        !take_digits(text + 14, 2, &utc.tm_min) || !take_digits(text + 17, 2, &utc.tm_sec) ||
        !take_digits(text + 20, 6, &us))
        return false;
    utc.tm_year -= 1900;
    utc.tm_mon--;
    *time_us = (int64_t)timegm(&utc) * US_PER_SECOND + us;
    return true;
}

static void take_mvhd(struct mp4_walk *walk, const uint8_t *data)
{
    uint64_t created = data[0] == 1 ? mp4_u64(data + 4) : mp4_u32(data + 4);
    int64_t seconds = created <= INT64_MAX ? (int64_t)created - SECONDS_1904_TO_1970 : 0;
    if (!walk->has_date && seconds > 0 && seconds < LONGEST_SECONDS)
        set_start(walk->info, seconds * US_PER_SECOND);
}

static void take_mdhd(struct mp4_walk *walk, const uint8_t *data)
{
    bool is_long = data[0] == 1;
    walk->track.timescale = mp4_u32(data + (is_long ? 20 : 12));
    walk->track.duration = is_long ? mp4_u64(data + 24) : mp4_u32(data + 16);
}

/* The length of a descriptor is written in up to four bytes. */
static size_t skip_descriptor_length(const uint8_t *data, size_t at, size_t size)
{
    for (int i = 0; i < 4 && at < size; i++) {
        if (!(data[at++] & 0x80))
            break;
    }
    return at;
}

/* What kind of mp4v: esds holds an ES descriptor (3), and that a decoder's (4). */
static uint32_t object_type(const uint8_t *data, size_t size)
{
    size_t at = 4;
    if (at >= size || data[at++] != 3)
        return 0;
    at = skip_descriptor_length(data, at, size) + 3;
    if (at >= size || data[at++] != 4)
        return 0;
    at = skip_descriptor_length(data, at, size);
    return at < size ? data[at] : 0;
}

/* The first sample description, of a visual one. */
static void take_stsd(struct mp4_walk *walk, uint64_t offset, uint64_t size)
{
    enum { LIST = 8, BOX = 8, VISUAL = 78, ESDS = 40 };
    const uint8_t *data = look(walk->reader, offset, LIST + BOX + VISUAL);
    if (size < LIST + BOX + VISUAL || !data)
        return;
    walk->track.format = mp4_u32(data + LIST + 4);
    walk->track.width = data[LIST + BOX + 24] << 8 | data[LIST + BOX + 25];
    walk->track.height = data[LIST + BOX + 26] << 8 | data[LIST + BOX + 27];
    const uint8_t *esds = look(walk->reader, offset + LIST + BOX + VISUAL, BOX + ESDS);
    if (esds && mp4_u32(esds + 4) == MP4_TYPE('e', 's', 'd', 's'))
        walk->track.object_type = object_type(esds + BOX, ESDS);
}

static void end_track(struct mp4_walk *walk)
{
    struct segment_info *info = walk->info;
    if (walk->has_video || walk->track.handler != MP4_TYPE('v', 'i', 'd', 'e'))
        return;
    walk->has_video = true;
    info->duration_us = to_us(walk->track.duration, walk->track.timescale);
    info->frames = walk->track.frames;
    info->width = walk->track.width;
    info->height = walk->track.height;
    snprintf(info->codec, sizeof(info->codec), "%s",
             mp4_codec(walk->track.format, walk->track.object_type));
}

static void take_date(struct mp4_walk *walk, uint64_t offset, uint64_t size)
{
    enum { TYPE_AND_LOCALE = 8 };
    const uint8_t *data = look(walk->reader, offset, TYPE_AND_LOCALE + DATE_BYTES);
    int64_t start_us;
    if (size == TYPE_AND_LOCALE + DATE_BYTES && data &&
        parse_date(data + TYPE_AND_LOCALE, &start_us)) {
        walk->has_date = true;
        set_start(walk->info, start_us);
    }
}

/* A box that holds no boxes, within one of type parent. */
static void take_box(struct mp4_walk *walk, uint32_t parent, uint32_t type, uint64_t offset,
                     uint64_t size)
{
    const uint8_t *data = size >= 12 ? look(walk->reader, offset, size < 32 ? 12 : 32) : NULL;
    if (!data)
        return;
    switch (type) {
    case MP4_TYPE('m', 'v', 'h', 'd'):
        take_mvhd(walk, data);
        break;
    case MP4_TYPE('m', 'd', 'h', 'd'):
        /* 24 bytes, or 36 with 64 bits. */
        if (size >= 32 || (size >= 24 && data[0] == 0 && (data = look(walk->reader, offset, 24))))
            take_mdhd(walk, data);
        break;
    case MP4_TYPE('h', 'd', 'l', 'r'):
        if (parent == MP4_TYPE('m', 'd', 'i', 'a'))
            walk->track.handler = mp4_u32(data + 8);
        break;
    case MP4_TYPE('s', 't', 's', 'd'):
        take_stsd(walk, offset, size);
        break;
    case MP4_TYPE('s', 't', 's', 'z'):
        walk->track.frames = mp4_u32(data + 8);
        break;
    case MP4_TYPE('d', 'a', 't', 'a'):
        if (parent == MP4_TYPE(0xa9, 'd', 'a', 'y'))
            take_date(walk, offset, size);
        break;
    default:
        break;
    }
}

/* The boxes between two offsets of the file, which are those of a box of type parent. */
static void walk_boxes(struct mp4_walk *walk, uint64_t at, uint64_t end, uint32_t parent, int depth)
{
    while (at + 8 <= end && depth < MOST_DEPTH && walk->reader->parts++ < MOST_PARTS) {
        size_t left = end - at < 16 ? (size_t)(end - at) : 16;
        const uint8_t *data = look(walk->reader, at, left);
        struct mp4_header header;
        if (!data || !mp4_header_parse(&header, data, left) || header.size > end - at)
            return;
        uint64_t content = at + (uint64_t)header.header_bytes, box_end = at + header.size;
        switch (header.type) {
        case MP4_TYPE('t', 'r', 'a', 'k'):
            memset(&walk->track, 0, sizeof(walk->track));
            walk_boxes(walk, content, box_end, header.type, depth + 1);
            end_track(walk);
            break;
        case MP4_TYPE('m', 'e', 't', 'a'):
            content += 4; /* version and flags */
            /* fallthrough */
        case MP4_TYPE('m', 'o', 'o', 'v'):
        case MP4_TYPE('m', 'd', 'i', 'a'):
        case MP4_TYPE('m', 'i', 'n', 'f'):
        case MP4_TYPE('s', 't', 'b', 'l'):
        case MP4_TYPE('u', 'd', 't', 'a'):
        case MP4_TYPE('i', 'l', 's', 't'):
        case MP4_TYPE(0xa9, 'd', 'a', 'y'):
            walk_boxes(walk, content, box_end, header.type, depth + 1);
            break;
        default:
            take_box(walk, parent, header.type, content, box_end - content);
        }
        at = box_end;
    }
}

/* --- mkv --- */

enum {
    ID_EBML = 0x1A45DFA3,
    ID_SEGMENT = 0x18538067,
    ID_INFO = 0x1549A966,
    ID_SCALE = 0x2AD7B1, /* ns */
    ID_DURATION = 0x4489,
    ID_DATE = 0x4461, /* ns since 2001-01-01 UTC */
    ID_TRACKS = 0x1654AE6B,
    ID_TRACK = 0xAE,
    ID_TRACK_TYPE = 0x83, /* 1: video */
    ID_CODEC = 0x86,
    ID_VIDEO = 0xE0,
    ID_WIDTH = 0xB0,
    ID_HEIGHT = 0xBA,
    ID_CLUSTER = 0x1F43B675,
};

struct mkv_walk {
    struct reader *reader;
    struct segment_info *info;
    uint64_t scale_ns;
    double duration; /* in scale_ns */
    bool has_video;
    bool is_count; /* the tag that is looked at is the number of frames */
    struct {
        uint64_t type, width, height;
        char codec[32];
    } track;
};

static const char *mkv_codec(const char *id)
{
    static const struct {
        const char *id, *codec;
    } codecs[] = {
        {"V_MPEG4/ISO/AVC", "h264"},
        {"V_MPEGH/ISO/HEVC", "hevc"},
        {"V_MJPEG", "mjpeg"},
        {"V_MPEG4/ISO/ASP", "mpeg4"},
        {"V_MPEG1", "mpeg1video"},
        {"V_MPEG2", "mpeg2video"},
        {"V_AV1", "av1"},
        {"V_VP8", "vp8"},
        {"V_VP9", "vp9"},
        {"V_UNCOMPRESSED", "rawvideo"},
    };
    for (size_t i = 0; i < sizeof(codecs) / sizeof(codecs[0]); i++) {
        if (!strcmp(codecs[i].id, id))
            return codecs[i].codec;
    }
    return "";
}

static double float_of(const uint8_t *data, uint64_t size)
{
    uint64_t bits = ebml_unsigned(data, size);
    if (size == 4) {
        uint32_t half = (uint32_t)bits;
        float single;
        memcpy(&single, &half, sizeof(single));
        return (double)single;
    }
    double value = 0;
    if (size == 8)
        memcpy(&value, &bits, sizeof(value));
    return value;
}

static void end_mkv_track(struct mkv_walk *walk)
{
    struct segment_info *info = walk->info;
    if (walk->has_video || walk->track.type != 1)
        return;
    walk->has_video = true;
    info->width = walk->track.width < 65536 ? (int)walk->track.width : 0;
    info->height = walk->track.height < 65536 ? (int)walk->track.height : 0;
    snprintf(info->codec, sizeof(info->codec), "%s", mkv_codec(walk->track.codec));
}

static void take_value(struct mkv_walk *walk, const struct ebml_element *element)
{
    size_t size = element->size < sizeof(walk->track.codec) ? (size_t)element->size : 0;
    const uint8_t *data = size > 0 ? look(walk->reader, element->data, size) : NULL;
    if (!data)
        return;
    switch (element->id) {
    case ID_SCALE:
        walk->scale_ns = ebml_unsigned(data, size);
        break;
    case ID_DURATION:
        walk->duration = float_of(data, size);
        break;
    case ID_DATE: {
        int64_t us = (int64_t)ebml_unsigned(data, size) / 1000;
        if (size == 8 && us > -SECONDS_TO_2001 * US_PER_SECOND &&
            us < LONGEST_SECONDS * US_PER_SECOND)
            set_start(walk->info, SECONDS_TO_2001 * US_PER_SECOND + us);
        break;
    }
    case ID_TRACK_TYPE:
        walk->track.type = ebml_unsigned(data, size);
        break;
    case ID_CODEC:
        memcpy(walk->track.codec, data, size);
        walk->track.codec[size] = '\0';
        break;
    case ID_WIDTH:
        walk->track.width = ebml_unsigned(data, size);
        break;
    case ID_HEIGHT:
        walk->track.height = ebml_unsigned(data, size);
        break;
    case MKV_ID_TAG_NAME:
        walk->is_count = size == strlen(MKV_FRAMES_TAG) && !memcmp(data, MKV_FRAMES_TAG, size);
        break;
    case MKV_ID_TAG_STRING:
        if (walk->is_count)
            walk->info->frames = mkv_frames_parse(data, size);
        break;
    default:
        break;
    }
}

static void walk_elements(struct mkv_walk *walk, uint64_t at, uint64_t end, int depth)
{
    while (at < end && depth < MOST_DEPTH && walk->reader->parts++ < MOST_PARTS) {
        size_t left = end - at < 12 ? (size_t)(end - at) : 12;
        const uint8_t *data = look(walk->reader, at, left);
        struct ebml_element element;
        if (!data || !ebml_parse(&element, data, left, at) || element.id == ID_CLUSTER)
            return;
        if (element.data > end)
            return;
        /* Of a file that was not closed, or has lost its end, the segment is what there is. */
        if (element.id == ID_SEGMENT && element.size > end - element.data)
            element.size = end - element.data;
        if (element.size > end - element.data)
            return;
        uint64_t element_end = element.data + element.size;
        switch (element.id) {
        case ID_TRACK:
            memset(&walk->track, 0, sizeof(walk->track));
            walk_elements(walk, element.data, element_end, depth + 1);
            end_mkv_track(walk);
            break;
        case ID_SEGMENT:
        case ID_INFO:
        case ID_TRACKS:
        case ID_VIDEO:
        case MKV_ID_TAGS:
        case MKV_ID_TAG:
        case MKV_ID_SIMPLE_TAG:
            walk_elements(walk, element.data, element_end, depth + 1);
            break;
        default:
            take_value(walk, &element);
        }
        at = element_end;
    }
}

static void read_mkv(struct reader *reader, struct segment_info *info)
{
    struct mkv_walk walk = {.reader = reader, .info = info, .scale_ns = 1000000};
    walk_elements(&walk, 0, reader->size, 0);
    double us = walk.duration * (double)walk.scale_ns / 1000;
    if (us > 0 && us < (double)LONGEST_SECONDS * (double)US_PER_SECOND)
        info->duration_us = (int64_t)(us + 0.5);
}

int segment_info_read(struct segment_info *info, int fd, int64_t size)
{
    *info = (struct segment_info){0};
    struct reader reader = {.fd = fd, .size = size > 0 ? (uint64_t)size : 0};
    const uint8_t *head = look(&reader, 0, 4);
    if (head && mp4_u32(head) == ID_EBML) {
        read_mkv(&reader, info);
    } else if (head) {
        struct mp4_walk walk = {.reader = &reader, .info = info};
        walk_boxes(&walk, 0, reader.size, 0, 0);
    }
    return reader.err;
}
