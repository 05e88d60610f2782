/*
 * framedump FILE: one line per packet of a media file, in the file's order:
 *
 *     track(v|a) pts_us dts_us key bytes hash
 *
 * The hash is au_hash()'s, as in the log of rtspcam. A missing time is written as "-".
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <libavformat/avformat.h>
#include <libavutil/mathematics.h>

#include "au_hash.h"

static void print_time(int64_t time, AVRational time_base)
{
    if (time == AV_NOPTS_VALUE)
        printf("\t-");
    else
        printf("\t%" PRId64, av_rescale_q(time, time_base, AV_TIME_BASE_Q));
}

static void print_packet(const AVStream *stream, const AVPacket *packet)
{
    const AVCodecParameters *par = stream->codecpar;
    int length_size =
        au_nal_length_size(par->codec_id, par->extradata, (size_t)par->extradata_size);

    putchar(par->codec_type == AVMEDIA_TYPE_VIDEO ? 'v' : 'a');
    print_time(packet->pts, stream->time_base);
    print_time(packet->dts, stream->time_base);
    printf("\t%d\t%d\t%016" PRIx64 "\n", (packet->flags & AV_PKT_FLAG_KEY) != 0, packet->size,
           au_hash(par->codec_id, packet->data, (size_t)packet->size, length_size));
}

static int dump(const char *file)
{
    AVFormatContext *input = NULL;
    AVPacket *packet = av_packet_alloc();
    int err = packet != NULL ? 0 : AVERROR(ENOMEM);

    if (err < 0 || (err = avformat_open_input(&input, file, NULL, NULL)) < 0)
        goto done;
    /* The times of a file with B-frames may depend on what the parsers find. */
    if ((err = avformat_find_stream_info(input, NULL)) < 0)
        goto done;
    while ((err = av_read_frame(input, packet)) >= 0) {
        const AVStream *stream = input->streams[packet->stream_index];
        if (stream->codecpar->codec_type == AVMEDIA_TYPE_VIDEO ||
            stream->codecpar->codec_type == AVMEDIA_TYPE_AUDIO)
            print_packet(stream, packet);
        av_packet_unref(packet);
    }
    /* An input error in the middle looks like the end to some demuxers. */
    if (err == AVERROR_EOF)
        err = input->pb != NULL && input->pb->error < 0 ? input->pb->error : 0;

done:
    avformat_close_input(&input);
    av_packet_free(&packet);
    return err;
}

int main(int argc, char **argv)
{
    int err;

    if (argc != 2) {
        fprintf(stderr, "usage: framedump FILE\n");
        return 64;
    }
    av_log_set_level(AV_LOG_ERROR);
    if ((err = dump(argv[1])) < 0) {
        fprintf(stderr, "framedump: cannot read %s: %s\n", argv[1], av_err2str(err));
        return 1;
    }
    return fflush(stdout) == 0 ? 0 : 1;
}
