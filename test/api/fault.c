#include "fault.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

static atomic_bool armed;
static atomic_int calls, first_failing, last_failing;
static atomic_bool failed;
static enum fault_scope scope; /* written before armed is set, read after it was seen */
static _Thread_local bool arming_thread;

void fault_arm(int first, int count, enum fault_scope wanted)
{
    calls = 0;
    failed = false;
    first_failing = first;
    last_failing = first + count - 1;
    scope = wanted;
    arming_thread = true;
    armed = true;
}

bool fault_disarm(void)
{
    armed = false;
    return failed;
}

static bool fails(void)
{
    if (!armed || (scope == FAULT_THIS_THREAD && !arming_thread))
        return false;
    int call = atomic_fetch_add(&calls, 1) + 1;
    if (call < first_failing || call > last_failing)
        return false;
    failed = true;
    errno = ENOMEM;
    return true;
}

/* A wrapped function of the same signature that returns `failure` when it is its turn. */
#define WRAP(type, name, parameters, arguments, failure)      \
    type __real_##name parameters;                            \
    type __wrap_##name parameters;                            \
    type __wrap_##name parameters                             \
    {                                                         \
        return fails() ? (failure) : __real_##name arguments; \
    }

WRAP(void *, malloc, (size_t size), (size), NULL)
WRAP(void *, calloc, (size_t count, size_t size), (count, size), NULL)
WRAP(void *, realloc, (void *old, size_t size), (old, size), NULL)
WRAP(char *, strdup, (const char *text), (text), NULL)
WRAP(char *, strndup, (const char *text, size_t size), (text, size), NULL)
WRAP(int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument),
     (thread, attributes, start, argument), EAGAIN)
WRAP(int, pipe2, (int ends[2], int flags), (ends, flags), -1)
WRAP(int, eventfd, (unsigned value, int flags), (value, flags), -1)

WRAP(void *, av_malloc, (size_t size), (size), NULL)
WRAP(void *, av_mallocz, (size_t size), (size), NULL)
WRAP(int, av_dict_set, (AVDictionary * *dict, const char *key, const char *value, int flags),
     (dict, key, value, flags), AVERROR(ENOMEM))
WRAP(AVPacket *, av_packet_alloc, (void), (), NULL)
WRAP(AVPacket *, av_packet_clone, (const AVPacket *packet), (packet), NULL)
WRAP(int, av_new_packet, (AVPacket * packet, int size), (packet, size), AVERROR(ENOMEM))
WRAP(AVCodecParameters *, avcodec_parameters_alloc, (void), (), NULL)
WRAP(int, avcodec_parameters_copy, (AVCodecParameters * to, const AVCodecParameters *from),
     (to, from), AVERROR(ENOMEM))
WRAP(AVCodecContext *, avcodec_alloc_context3, (const AVCodec *codec), (codec), NULL)
WRAP(AVFormatContext *, avformat_alloc_context, (void), (), NULL)

/* Variadic ones become vasprintf; the compiler calls the _chk ones in a fortified build. */
int __real_vasprintf(char **out, const char *format, va_list arguments);
int __wrap_vasprintf(char **out, const char *format, va_list arguments);
int __wrap_asprintf(char **out, const char *format, ...);
int __wrap___vasprintf_chk(char **out, int flag, const char *format, va_list arguments);
int __wrap___asprintf_chk(char **out, int flag, const char *format, ...);

int __wrap_vasprintf(char **out, const char *format, va_list arguments)
{
    return fails() ? -1 : __real_vasprintf(out, format, arguments);
}

int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = __wrap_vasprintf(out, format, arguments);
    va_end(arguments);
    return length;
}

int __wrap___vasprintf_chk(char **out, int flag, const char *format, va_list arguments)
{
    (void)flag;
    return __wrap_vasprintf(out, format, arguments);
}

int __wrap___asprintf_chk(char **out, int flag, const char *format, ...)
{
    va_list arguments;
    (void)flag;
    va_start(arguments, format);
    int length = __wrap_vasprintf(out, format, arguments);
    va_end(arguments);
    return length;
}
