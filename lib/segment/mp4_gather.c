#include "segment/mp4_gather.h"

#include <stdlib.h>
#include <string.h>

/* ISO/IEC 14496-12, 8.8.7, 8.8.8, and 8.8.3.1 for the flags of a sample. */
#define TFHD_DEFAULT_DURATION 0x000008
#define TFHD_DEFAULT_FLAGS    0x000020
#define TFHD_BASE_IS_MOOF     0x020000
#define TRUN_DATA_OFFSET      0x000001
#define TRUN_DURATIONS        0x000100
#define TRUN_SIZES            0x000200
#define TRUN_FLAGS            0x000400
#define TRUN_OFFSETS          0x000800
#define SAMPLE_KEY            0x02000000 /* depends on no other */
#define SAMPLE_NO_KEY         0x01010000 /* depends on others, is no sync sample */

#define VERSION_1 0x01000000 /* 64-bit times; signed composition offsets */

void mp4_gather_uninit(struct mp4_gather *gather)
{
    for (size_t i = 0; i < gather->capacity; i++)
        av_packet_free(&gather->packets[i]);
    free(gather->packets);
    free(gather->pieces);
    mp4_buffer_uninit(&gather->head);
    *gather = (struct mp4_gather){0};
}

static bool grow(struct mp4_gather *gather)
{
    if (gather->count < gather->capacity)
        return true;
    size_t capacity = gather->capacity ? 2 * gather->capacity : 32;
    AVPacket **packets = realloc(gather->packets, capacity * sizeof(AVPacket *));
    if (!packets)
        return false;
    gather->packets = packets;
    while (gather->capacity < capacity) {
        AVPacket *packet = av_packet_alloc();
        if (!packet)
            break;
        packets[gather->capacity++] = packet;
    }
    return gather->count < gather->capacity;
}

bool mp4_gather_add(struct mp4_gather *gather, AVPacket *packet)
{
    int track = packet->stream_index;
    if (!grow(gather))
        return false;
    if (!gather->has_begun[track]) {
        gather->has_begun[track] = true;
        gather->delay[track] = packet->pts - packet->dts;
    }
    AVPacket *latest = gather->latest[track];
    if (latest)
        latest->duration = packet->dts - latest->dts;
    gather->latest[track] = gather->packets[gather->count++];
    av_packet_move_ref(gather->latest[track], packet);
    return true;
}

void mp4_gather_clear(struct mp4_gather *gather)
{
    for (size_t i = 0; i < gather->count; i++)
        av_packet_unref(gather->packets[i]);
    gather->count = 0;
    memset(gather->latest, 0, sizeof(gather->latest));
}

static uint32_t flags_of(const AVPacket *packet)
{
    return packet->flags & AV_PKT_FLAG_KEY ? SAMPLE_KEY : SAMPLE_NO_KEY;
}

/* From decoding, as the file has it, to presentation: 0 at first, below 0 for pictures that the
 * reordering moves forward. */
static int64_t offset_of(const struct mp4_gather *gather, const AVPacket *packet)
{
    return packet->pts - packet->dts - gather->delay[packet->stream_index];
}

/* What the samples of one track have in common. */
struct summary {
    const AVPacket *first; /* NULL: there are none */
    uint32_t count;
    bool has_one_duration, has_one_kind, has_offsets;
};

static struct summary summarise(const struct mp4_gather *gather, int track)
{
    struct summary summary = {.has_one_duration = true, .has_one_kind = true};
    for (size_t i = 0; i < gather->count; i++) {
        const AVPacket *packet = gather->packets[i];
        if (packet->stream_index != track)
            continue;
        if (!summary.first)
            summary.first = packet;
        summary.count++;
        summary.has_one_duration &= packet->duration == summary.first->duration;
        summary.has_one_kind &= flags_of(packet) == flags_of(summary.first);
        summary.has_offsets |= offset_of(gather, packet) != 0;
    }
    return summary;
}

/* Writes a track's samples; returns the place of their offset, which is filled in later. */
static size_t put_run(struct mp4_gather *gather, int track, const struct summary *summary)
{
    struct mp4_buffer *out = &gather->head;
    uint32_t flags = TRUN_DATA_OFFSET | TRUN_SIZES;
    flags |= summary->has_one_duration ? 0 : TRUN_DURATIONS;
    flags |= summary->has_one_kind ? 0 : TRUN_FLAGS;
    flags |= summary->has_offsets ? TRUN_OFFSETS : 0;
    size_t box = mp4_box_begin(out, MP4_TYPE('t', 'r', 'u', 'n'));
    mp4_put_u32(out, VERSION_1 | flags);
    mp4_put_u32(out, summary->count);
    size_t offset_place = out->size;
    mp4_put_u32(out, 0);
    for (size_t i = 0; i < gather->count; i++) {
        const AVPacket *packet = gather->packets[i];
        if (packet->stream_index != track)
            continue;
        if (flags & TRUN_DURATIONS)
            mp4_put_u32(out, (uint32_t)packet->duration);
        mp4_put_u32(out, (uint32_t)packet->size);
        if (flags & TRUN_FLAGS)
            mp4_put_u32(out, flags_of(packet));
        if (flags & TRUN_OFFSETS)
            mp4_put_u32(out, (uint32_t)offset_of(gather, packet));
    }
    mp4_box_end(out, box);
    return offset_place;
}

static size_t put_track(struct mp4_gather *gather, int track, const struct summary *summary)
{
    struct mp4_buffer *out = &gather->head;
    uint32_t flags = TFHD_BASE_IS_MOOF;
    flags |= summary->has_one_duration ? TFHD_DEFAULT_DURATION : 0;
    flags |= summary->has_one_kind ? TFHD_DEFAULT_FLAGS : 0;

    size_t traf = mp4_box_begin(out, MP4_TYPE('t', 'r', 'a', 'f'));
    size_t tfhd = mp4_box_begin(out, MP4_TYPE('t', 'f', 'h', 'd'));
    mp4_put_u32(out, flags);
    mp4_put_u32(out, (uint32_t)track + 1);
    if (summary->has_one_duration)
        mp4_put_u32(out, (uint32_t)summary->first->duration);
    if (summary->has_one_kind)
        mp4_put_u32(out, flags_of(summary->first));
    mp4_box_end(out, tfhd);

    size_t tfdt = mp4_box_begin(out, MP4_TYPE('t', 'f', 'd', 't'));
    mp4_put_u32(out, VERSION_1);
    mp4_put_u64(out, (uint64_t)(summary->first->dts + gather->delay[track]));
    mp4_box_end(out, tfdt);

    size_t offset_place = put_run(gather, track, summary);
    mp4_box_end(out, traf);
    return offset_place;
}

static bool reserve_pieces(struct mp4_gather *gather, size_t count)
{
    if (count <= gather->piece_capacity)
        return true;
    struct iovec *pieces = realloc(gather->pieces, 2 * count * sizeof(*pieces));
    if (!pieces)
        return false;
    gather->pieces = pieces;
    gather->piece_capacity = 2 * count;
    return true;
}

bool mp4_gather_lay_out(struct mp4_gather *gather)
{
    struct mp4_buffer *out = &gather->head;
    size_t offset_places[STREAM_MAX_TRACKS] = {0};
    out->size = 0;
    gather->sequence++;

    size_t moof = mp4_box_begin(out, MP4_TYPE('m', 'o', 'o', 'f'));
    size_t mfhd = mp4_box_begin(out, MP4_TYPE('m', 'f', 'h', 'd'));
    mp4_put_u32(out, 0);
    mp4_put_u32(out, gather->sequence);
    mp4_box_end(out, mfhd);
    for (int i = 0; i < STREAM_MAX_TRACKS; i++) {
        struct summary summary = summarise(gather, i);
        if (summary.first)
            offset_places[i] = put_track(gather, i, &summary);
    }
    mp4_box_end(out, moof);
    gather->moof_bytes = out->size;

    size_t mdat = mp4_box_begin(out, MP4_TYPE('m', 'd', 'a', 't'));
    if (out->failed || !reserve_pieces(gather, gather->count + 1))
        return false;
    size_t payload = 0;
    gather->piece_count = 1;
    for (int track = 0; track < STREAM_MAX_TRACKS; track++) {
        if (offset_places[track])
            mp4_patch_u32(out, offset_places[track], (uint32_t)(out->size + payload));
        for (size_t i = 0; i < gather->count; i++) {
            const AVPacket *packet = gather->packets[i];
            if (packet->stream_index != track)
                continue;
            gather->pieces[gather->piece_count++] =
                (struct iovec){packet->data, (size_t)packet->size};
            payload += (size_t)packet->size;
        }
    }
    mp4_patch_u32(out, mdat, (uint32_t)(out->size - mdat + payload));
    gather->pieces[0] = (struct iovec){out->data, out->size};
    return true;
}
