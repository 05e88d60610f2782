#include <rtsprec/version.h>

#include <stdio.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <pthread.h>

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

const char *rtsprec_version(void)
{
    return TEXT(RTSPREC_VERSION_MAJOR) "." TEXT(RTSPREC_VERSION_MINOR) "." TEXT(
        RTSPREC_VERSION_PATCH);
}

static char ffmpeg_text[128];

static void write_ffmpeg_text(void)
{
    unsigned format = avformat_version(), codec = avcodec_version(), util = avutil_version();
    snprintf(ffmpeg_text, sizeof(ffmpeg_text),
             "libavformat %u.%u.%u, libavcodec %u.%u.%u, libavutil %u.%u.%u",
             AV_VERSION_MAJOR(format), AV_VERSION_MINOR(format), AV_VERSION_MICRO(format),
             AV_VERSION_MAJOR(codec), AV_VERSION_MINOR(codec), AV_VERSION_MICRO(codec),
             AV_VERSION_MAJOR(util), AV_VERSION_MINOR(util), AV_VERSION_MICRO(util));
}

const char *rtsprec_version_of_ffmpeg(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, write_ffmpeg_text);
    return ffmpeg_text;
}
