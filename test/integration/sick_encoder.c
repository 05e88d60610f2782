/*
 * Preloaded, makes a program's video encoders sick, each of them on its own count: SICK_ENCODER is
 * "fail N" (every frame from the Nth on fails), "fail end" (what it holds back never comes), "slow
 * MS" (each frame takes so long) or "slow MS until N" (only the first N frames do). No processor is
 * needed to be overloaded. With SICK_DECODER, "slow MS", each packet of video takes a decoder so
 * long.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libavcodec/avcodec.h>

typedef int send_fn(AVCodecContext *context, const AVFrame *frame);
typedef int send_packet_fn(AVCodecContext *context, const AVPacket *packet);

static void nap(long ms)
{
    const struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

int avcodec_send_frame(AVCodecContext *context, const AVFrame *frame)
{
    static send_fn *send;
    if (!send)
        *(void **)&send = dlsym(RTLD_NEXT, "avcodec_send_frame");
    const char *how = getenv("SICK_ENCODER");
    /* The encoder's own count of frames: those that it was given before. */
    long number, ms, until = -1;
    if (how && !frame && context->codec_type == AVMEDIA_TYPE_VIDEO && !strcmp(how, "fail end"))
        return AVERROR(EIO);
    if (how && frame && context->codec_type == AVMEDIA_TYPE_VIDEO) {
        if (sscanf(how, "fail %ld", &number) == 1 && frame->pts >= number)
            return AVERROR(EIO);
        if (sscanf(how, "slow %ld until %ld", &ms, &until) >= 1 &&
            (until < 0 || frame->pts < until))
            nap(ms);
    }
    return send(context, frame);
}

int avcodec_send_packet(AVCodecContext *context, const AVPacket *packet)
{
    static send_packet_fn *send;
    if (!send)
        *(void **)&send = dlsym(RTLD_NEXT, "avcodec_send_packet");
    const char *how = getenv("SICK_DECODER");
    long ms;
    if (how && packet && context->codec_type == AVMEDIA_TYPE_VIDEO &&
        sscanf(how, "slow %ld", &ms) == 1)
        nap(ms);
    return send(context, packet);
}
