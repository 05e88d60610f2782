#include "segment/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "base/error.h"
#include "base/file.h"
#include "segment/mkv_repair.h"
#include "segment/mp4_box.h"

#define MAX_TRACKS 16

/* What a walk over the packets has to remember. */
struct check {
    AVFormatContext *format;
    int video;
    int64_t last_dts[MAX_TRACKS];
    int64_t frames;
};

static int broken(struct rtsprec_error *error, const char *what)
{
    return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "%s", what);
}

static bool ends_with(const char *path, const char *suffix)
{
    size_t length = strlen(path), tail = strlen(suffix);
    return length >= tail && !strcmp(path + length - tail, suffix);
}

/* A sealed mp4 is [ftyp][moov][mdat], or [ftyp][mdat][moov], to the last byte. */
static int check_boxes(int fd, uint64_t size, struct rtsprec_error *error)
{
    uint64_t offset = 0;
    int count = 0;
    uint32_t types[3] = {0};
    while (offset < size) {
        uint8_t bytes[16];
        struct mp4_header header;
        ssize_t got = file_read_at(fd, bytes, sizeof(bytes), (int64_t)offset);
        if (got < 0)
            return error_set_errno(error, RTSPREC_ERROR_IO, (int)-got, "cannot be read");
        if (count == 3 || !mp4_header_parse(&header, bytes, (size_t)got) ||
            header.size > size - offset)
            return broken(error, "the boxes of the file are not those of a closed segment");
        types[count++] = header.type;
        offset += header.size;
    }
    const uint32_t moov = MP4_TYPE('m', 'o', 'o', 'v'), mdat = MP4_TYPE('m', 'd', 'a', 't');
    bool is_sealed =
        count == 3 && types[0] == MP4_TYPE('f', 't', 'y', 'p') &&
        ((types[1] == moov && types[2] == mdat) || (types[1] == mdat && types[2] == moov));
    return is_sealed ? 0 : broken(error, "the boxes of the file are not those of a closed segment");
}

static int check_structure(const char *path, struct rtsprec_error *error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        int err = error_set_errno(error, RTSPREC_ERROR_IO, errno, "cannot be read");
        if (fd >= 0)
            close(fd);
        return err;
    }
    int err = status.st_size == 0 ? broken(error, "the file is empty") : 0;
    if (err == 0 && ends_with(path, ".mp4"))
        err = check_boxes(fd, (uint64_t)status.st_size, error);
    else if (err == 0 && !mkv_is_closed(fd, status.st_size))
        err = broken(error, "the elements of the file are not those of a closed segment");
    close(fd);
    return err;
}

/* Whether a decoder understands the parameters, shown by the first frame. */
static int check_decoder(struct check *check, const AVPacket *packet, struct rtsprec_error *error)
{
    const AVCodecParameters *parameters = check->format->streams[check->video]->codecpar;
    const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
    if (!codec)
        return 0; /* this FFmpeg cannot say */
    int err = RTSPREC_ERROR_NO_MEMORY;
    AVCodecContext *context = avcodec_alloc_context3(codec);
    AVFrame *frame = av_frame_alloc();
    if (!context || !frame || avcodec_parameters_to_context(context, parameters) < 0)
        goto done;
    context->thread_count = 1;
    err = 0;
    bool is_decoded =
        avcodec_open2(context, codec, NULL) == 0 && avcodec_send_packet(context, packet) == 0 &&
        avcodec_send_packet(context, NULL) == 0 && avcodec_receive_frame(context, frame) == 0;
    if (!is_decoded)
        err = broken(error, "the first frame cannot be decoded");
done:
    av_frame_free(&frame);
    avcodec_free_context(&context);
    return err;
}

static int check_packet(struct check *check, const AVPacket *packet, struct rtsprec_error *error)
{
    int track = packet->stream_index;
    bool is_video = track == check->video;
    if (track >= MAX_TRACKS)
        return broken(error, "it has too many tracks");
    if (packet->flags & AV_PKT_FLAG_CORRUPT)
        return broken(error, "a frame is not whole");
    if (is_video && check->frames == 0) {
        if (!(packet->flags & AV_PKT_FLAG_KEY))
            return broken(error, "it does not begin with a key frame");
        int err = check_decoder(check, packet, error);
        if (err < 0)
            return err;
    }
    /* mkv holds no dts: there its order is all that can be wrong, and the demuxer makes it up. */
    if (packet->dts != AV_NOPTS_VALUE) {
        if (packet->dts <= check->last_dts[track] && ends_with(check->format->url, ".mp4"))
            return error_set(error, RTSPREC_ERROR_UNSUPPORTED,
                             "the times of track %d do not increase", track);
        check->last_dts[track] = packet->dts;
    }
    check->frames += is_video;
    return 0;
}

static int check_packets(struct check *check, struct rtsprec_error *error)
{
    AVPacket *packet = av_packet_alloc();
    if (!packet)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    int err = 0, got;
    while (err == 0 && (got = av_read_frame(check->format, packet)) >= 0) {
        err = check_packet(check, packet, error);
        av_packet_unref(packet);
    }
    if (err == 0 && got != AVERROR_EOF)
        err = broken(error, "it cannot be read to its end");
    if (err == 0 && check->frames == 0)
        err = broken(error, "no video is in it");
    av_packet_free(&packet);
    return err;
}

int segment_verify(const char *path, int64_t *frames, struct rtsprec_error *error)
{
    *frames = 0;
    int err = check_structure(path, error);
    if (err < 0)
        return err;
    struct check check = {0};
    for (int i = 0; i < MAX_TRACKS; i++)
        check.last_dts[i] = INT64_MIN;
    if (avformat_open_input(&check.format, path, NULL, NULL) < 0)
        return broken(error, "it is no media file");
    check.video = av_find_best_stream(check.format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    err = check.video < 0 ? broken(error, "it has no video track") : check_packets(&check, error);
    *frames = check.frames;
    avformat_close_input(&check.format);
    return err;
}
