#include "ingest/rtp_lav.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/bprint.h>
#include <libavutil/common.h>
#include <libavutil/intreadwrite.h>

#include <rtsprec/error.h>

#include "base/av_glue.h"
#include "ingest/rtp.h"

enum {
    IO_BYTES = 1024,            /* serves the SDP; packets go past it */
    MAX_PACKET_BYTES = 65536,   /* RTP over TCP has 16 bits of length */
    DEFAULT_AAC_TICKS = 1024,   /* a frame of AAC, until the stream shows otherwise */
    MAX_UNIT_TICKS = 16 * 4096, /* no frame of sound is longer */
};

struct rtp_lav {
    AVFormatContext *format;
    bool is_intra_only;

    const char *sdp; /* what is left of it, while libavformat reads it */

    /* The packet that libavformat reads next. */
    uint8_t *packet; /* owned */
    size_t capacity;
    size_t size; /* 0: there is none */

    /*
     * libavformat counts from the first RTP time and confuses 0 with none, so it gets times that
     * begin with 1.
     */
    bool has_begun;
    uint32_t first_timestamp;

    /* Of several units in one packet only the first has a time. */
    uint32_t timestamp; /* of the last unit that had one */
    int64_t units;      /* since then, that one included */
    int64_t unit_ticks; /* how long one lasts */
};

/* ---- libavformat's side ---- */

static int read_sdp(struct rtp_lav *lav, uint8_t *out, int size)
{
    size_t left = strlen(lav->sdp);
    if (left == 0)
        return AVERROR_EOF;
    if ((size_t)size > left)
        size = (int)left;
    memcpy(out, lav->sdp, (size_t)size);
    lav->sdp += size;
    return size;
}

static int read_packet(void *opaque, uint8_t *out, int size)
{
    struct rtp_lav *lav = opaque;
    if (lav->sdp)
        return read_sdp(lav, out, size);
    if (lav->size == 0 || lav->size > (size_t)size) {
        lav->size = 0;
        return AVERROR(EAGAIN);
    }
    memcpy(out, lav->packet, lav->size);
    size = (int)lav->size;
    lav->size = 0;
    return size;
}

/* Receiver reports of libavformat's; the session writes its own. */
static int drop_report(void *opaque, AV_GLUE_WRITE_DATA *data, int size)
{
    (void)opaque;
    (void)data;
    return size;
}

/* ---- the SDP ---- */

static bool starts_with(const char *line, size_t size, const char *prefix)
{
    return size >= strlen(prefix) && !memcmp(line, prefix, strlen(prefix));
}

/* m=video 5000 RTP/AVP 96: with port 0. */
static void write_media_line(AVBPrint *out, const char *line, size_t size)
{
    const char *port = memchr(line, ' ', size), *end = line + size;
    if (!port)
        return;
    const char *behind = memchr(port + 1, ' ', (size_t)(end - port - 1));
    if (behind)
        av_bprintf(out, "%.*s 0%.*s\r\n", (int)(port - line), line, (int)(end - behind), behind);
}

/* Only what says how to depacketise: no address and no control reaches libavformat. */
static int write_sdp(AVBPrint *out, const struct sdp_media *media)
{
    static const char *const wanted[] = {"a=rtpmap:", "a=fmtp:", "a=framesize:"};
    av_bprint_init(out, 0, AV_BPRINT_SIZE_UNLIMITED);
    av_bprintf(out, "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n");
    const char *line = media->lines.data, *end = line + media->lines.size;
    while (line < end) {
        const char *stop = line;
        while (stop < end && *stop != '\r' && *stop != '\n')
            stop++;
        size_t size = (size_t)(stop - line);
        if (starts_with(line, size, "m="))
            write_media_line(out, line, size);
        for (size_t i = 0; i < FF_ARRAY_ELEMS(wanted); i++) {
            if (starts_with(line, size, wanted[i]))
                av_bprintf(out, "%.*s\r\n", (int)size, line);
        }
        line = stop + 1;
    }
    return av_bprint_is_complete(out) ? 0 : RTSPREC_ERROR_NO_MEMORY;
}

/* ---- opening ---- */

/*
 * Whether libavformat's depacketiser gives whole frames with all that is needed. For MPEG-4 part 2
 * and its like it gives pieces, and for VP8 frames without key flags: their parsers mend that.
 * H.264 and H.265 are gathered by access_unit.c.
 */
static bool needs_parser(const AVCodecParameters *parameters, bool is_intra_only)
{
    switch (parameters->codec_id) {
    case AV_CODEC_ID_H264:
    case AV_CODEC_ID_HEVC:
        return false;
    case AV_CODEC_ID_MP2:
    case AV_CODEC_ID_MP3:
        return true;
    default:
        return parameters->codec_type == AVMEDIA_TYPE_VIDEO && !is_intra_only;
    }
}

static AVIOContext *open_io(struct rtp_lav *lav)
{
    uint8_t *buffer = av_malloc(IO_BYTES);
    AVIOContext *io =
        buffer ? avio_alloc_context(buffer, IO_BYTES, 0, lav, read_packet, drop_report, NULL)
               : NULL;
    if (!io)
        av_free(buffer);
    return io;
}

static int open_format(struct rtp_lav *lav, const char *sdp)
{
    AVDictionary *options = NULL;
    int err = RTSPREC_ERROR_NO_MEMORY;
    lav->format = avformat_alloc_context();
    if (!lav->format || !(lav->format->pb = open_io(lav)))
        return err;
    /* CUSTOM_IO: rtp_lav_destroy() frees pb, also when the format was never opened. */
    lav->format->flags |= AVFMT_FLAG_NOFILLIN | AVFMT_FLAG_NOPARSE | AVFMT_FLAG_CUSTOM_IO;
    if (av_dict_set(&options, "sdp_flags", "custom_io", 0) < 0 ||
        av_dict_set(&options, "reorder_queue_size", "0", 0) < 0)
        goto done;
    lav->sdp = sdp;
    AVIOContext *io = lav->format->pb; /* a failing avformat_open_input() forgets it */
    int averror = avformat_open_input(&lav->format, "", av_find_input_format("sdp"), &options);
    lav->sdp = NULL;
    if (averror < 0) {
        av_freep(&io->buffer);
        avio_context_free(&io);
        err = averror == AVERROR(ENOMEM) ? err : RTSPREC_ERROR_UNSUPPORTED;
        goto done;
    }
    /* From reading the SDP to packets: with write_flag, reads and reports go past the buffer. */
    io->eof_reached = 0;
    io->write_flag = 1;
    io->buf_ptr = io->buffer;
    io->buf_end = io->buffer + io->buffer_size;
    err = 0;
done:
    av_dict_free(&options);
    return err;
}

int rtp_lav_create(struct rtp_lav **out, const struct sdp_media *media)
{
    struct rtp_lav *lav = *out = calloc(1, sizeof(*lav));
    if (!lav)
        return RTSPREC_ERROR_NO_MEMORY;
    AVBPrint sdp;
    int err = write_sdp(&sdp, media);
    if (err >= 0)
        err = open_format(lav, sdp.str);
    av_bprint_finalize(&sdp, NULL);
    if (err >= 0 && (lav->format->nb_streams != 1 ||
                     lav->format->streams[0]->codecpar->codec_id == AV_CODEC_ID_NONE))
        err = RTSPREC_ERROR_UNSUPPORTED;
    if (err < 0) {
        rtp_lav_destroy(out);
        return err;
    }
    const AVCodecParameters *parameters = rtp_lav_parameters(lav);
    const AVCodecDescriptor *descriptor = avcodec_descriptor_get(parameters->codec_id);
    lav->is_intra_only = parameters->codec_type == AVMEDIA_TYPE_AUDIO ||
                         (descriptor && descriptor->props & AV_CODEC_PROP_INTRA_ONLY);
    if (needs_parser(parameters, lav->is_intra_only))
        lav->format->flags &= ~AVFMT_FLAG_NOPARSE;
    return 0;
}

void rtp_lav_destroy(struct rtp_lav **lav)
{
    if (!*lav)
        return;
    if ((*lav)->format) {
        AVIOContext *io = (*lav)->format->pb;
        avformat_close_input(&(*lav)->format);
        if (io)
            av_freep(&io->buffer);
        avio_context_free(&io);
    }
    free((*lav)->packet);
    free(*lav);
    *lav = NULL;
}

const AVCodecParameters *rtp_lav_parameters(const struct rtp_lav *lav)
{
    return lav->format->streams[0]->codecpar;
}

/* ---- packets ---- */

int rtp_lav_push(struct rtp_lav *lav, const uint8_t *data, size_t size)
{
    struct rtp_packet packet;
    if (size > MAX_PACKET_BYTES || !rtp_parse(&packet, data, size))
        return 0;
    if (size > lav->capacity) {
        uint8_t *grown = realloc(lav->packet, size);
        if (!grown)
            return RTSPREC_ERROR_NO_MEMORY;
        lav->packet = grown;
        lav->capacity = size;
    }
    if (!lav->has_begun)
        lav->first_timestamp = packet.timestamp;
    lav->has_begun = true;
    memcpy(lav->packet, data, size);
    AV_WB32(lav->packet + 4, packet.timestamp - lav->first_timestamp + 1);
    lav->size = size;
    return 0;
}

static int64_t default_unit_ticks(const struct rtp_lav *lav, int size)
{
    AVCodecParameters *parameters = lav->format->streams[0]->codecpar;
    int ticks = av_get_audio_frame_duration2(parameters, size);
    return ticks > 0 ? ticks : DEFAULT_AAC_TICKS;
}

/* A unit with a time: what lay between it and the one before tells how long a unit lasts; unless
 * packets were lost, so that the least counts. */
static void begin_units(struct rtp_lav *lav, uint32_t timestamp)
{
    int64_t passed = (int32_t)(timestamp - lav->timestamp);
    int64_t ticks = lav->units > 1 && passed > 0 ? passed / lav->units : 0;
    if (ticks > 0 && ticks <= MAX_UNIT_TICKS && (lav->unit_ticks == 0 || ticks < lav->unit_ticks))
        lav->unit_ticks = ticks;
    lav->timestamp = timestamp;
    lav->units = 1;
}

static void set_time(struct rtp_lav *lav, AVPacket *out)
{
    out->dts = AV_NOPTS_VALUE;
    if (lav->units == 0 && out->pts == AV_NOPTS_VALUE)
        out->pts = 0; /* a parser has none for its first frame */
    if (out->pts != AV_NOPTS_VALUE) {
        begin_units(lav, (uint32_t)out->pts + lav->first_timestamp);
        out->pts = lav->timestamp;
    } else if (lav->units > 0 && rtp_lav_parameters(lav)->codec_type == AVMEDIA_TYPE_AUDIO) {
        int64_t ticks = lav->unit_ticks > 0 ? lav->unit_ticks : default_unit_ticks(lav, out->size);
        out->pts = (uint32_t)(lav->timestamp + lav->units++ * ticks);
    }
}

int rtp_lav_pull(struct rtp_lav *lav, AVPacket *out)
{
    int err;
    /* Whatever is wrong with a packet, it is taken off: this ends. */
    do {
        err = av_read_frame(lav->format, out);
    } while (err < 0 && lav->size > 0);
    if (err < 0)
        return 0;
    set_time(lav, out);
    if (lav->is_intra_only)
        out->flags |= AV_PKT_FLAG_KEY;
    return 1;
}
