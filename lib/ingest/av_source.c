/*
 * The source that libavformat opens. Its RTSP code gives the packets of its depacketisers unparsed:
 * frames are joined and timestamps made by us (access_unit.c, timeline.c), because its parser costs
 * more than all else and neither is reliable there.
 */
#include "ingest/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/codec_desc.h>
#include <libavformat/avformat.h>
#include <libavutil/dict.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/resolve.h"

#define CLOSE_US (US_PER_SECOND / 2)

struct source {
    AVFormatContext *format;
    struct cancel *cancel;
    bool closing; /* TEARDOWN has to go out although a stop was requested */
};

static int interrupted(void *opaque)
{
    struct source *source = opaque;
    return source->closing ? cancel_expired(source->cancel) : cancel_interrupted(source->cancel);
}

/* What ended a call of libavformat, in our terms. Its codes for an interruption mean nothing. */
static int explain(struct source *source, int averror, const char *what,
                   struct rtsprec_error *error)
{
    if (cancel_requested(source->cancel))
        return error_set(error, RTSPREC_ERROR_STOPPED, "stopped");
    if (cancel_expired(source->cancel))
        return error_set(error, RTSPREC_ERROR_TIMEOUT, "%s: no answer in time", what);
    switch (averror) {
    case AVERROR_HTTP_UNAUTHORIZED:
        return error_set(error, RTSPREC_ERROR_UNAUTHORIZED,
                         "%s: 401, the camera refused the user name or password", what);
    case AVERROR_HTTP_FORBIDDEN:
        return error_set(error, RTSPREC_ERROR_UNAUTHORIZED,
                         "%s: 403, the camera forbids this user the stream", what);
    case AVERROR_HTTP_NOT_FOUND:
        return error_set(error, RTSPREC_ERROR_NOT_FOUND,
                         "%s: 404, the camera knows no such stream; check the URL's path", what);
    case AVERROR_HTTP_BAD_REQUEST:
    case AVERROR_HTTP_OTHER_4XX:
        return error_set(error, RTSPREC_ERROR_PROTOCOL, "%s: the camera refused the request (4xx)",
                         what);
    case AVERROR_HTTP_SERVER_ERROR:
        return error_set(error, RTSPREC_ERROR_PROTOCOL, "%s: the camera reports a fault (5xx)",
                         what);
    case AVERROR(ECONNREFUSED):
        return error_set(error, RTSPREC_ERROR_REFUSED,
                         "%s: connection refused, nothing listens at that address", what);
    case AVERROR(EHOSTUNREACH):
    case AVERROR(ENETUNREACH):
    case AVERROR(ENETDOWN):
    case AVERROR(EHOSTDOWN):
        return error_set_errno(error, RTSPREC_ERROR_UNREACHABLE, AVUNERROR(averror), "%s", what);
    case AVERROR(ETIMEDOUT):
        return error_set(error, RTSPREC_ERROR_TIMEOUT, "%s: no answer in time", what);
    case AVERROR_EOF:
    case AVERROR(ECONNRESET):
    case AVERROR(EPIPE):
        return error_set(error, RTSPREC_ERROR_CLOSED, "%s: the camera closed the connection", what);
    case AVERROR(ENOMEM):
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "%s: out of memory", what);
    default: {
        char text[AV_ERROR_MAX_STRING_SIZE] = "";
        av_strerror(averror, text, sizeof(text));
        return error_set(error, RTSPREC_ERROR_PROTOCOL, "%s: %s", what, text);
    }
    }
}

static int make_dictionary(AVDictionary **dictionary, const struct source_options *options)
{
    int err = av_dict_set(dictionary, "rtsp_transport",
                          options->transport == RTSPREC_TRANSPORT_UDP ? "udp" : "tcp", 0);
    if (err >= 0)
        err = av_dict_set_int(dictionary, "timeout", options->silence_us, 0);
    if (err >= 0)
        err = av_dict_set(dictionary, "allowed_media_types",
                          options->wants_audio ? "video+audio" : "video", 0);
    if (err >= 0)
        err = av_dict_set(dictionary, "user_agent", "rtsprec", 0);
    /* 2 MiB hold the key frame of a 5 MP camera ten times; the system's default loses the first. */
    if (err >= 0 && options->transport == RTSPREC_TRANSPORT_UDP)
        err = av_dict_set_int(dictionary, "buffer_size", 2 * 1024 * 1024, 0);
    return err < 0 ? RTSPREC_ERROR_NO_MEMORY : 0;
}

static bool is_fragmented(const AVCodecParameters *parameters)
{
    return parameters->codec_id == AV_CODEC_ID_H264 || parameters->codec_id == AV_CODEC_ID_HEVC;
}

/*
 * libavformat gets the address: its own look-up hears neither deadline nor stop. A certificate is
 * for the name, so there it has to look again, by now probably in the resolver's cache.
 */
static char *format_url(const struct url *url, char *address)
{
    struct url resolved = *url;
    if (strcmp(url->scheme, "rtsps") != 0)
        resolved.host = address;
    return url_format(&resolved);
}

int source_open(struct source **out, const struct source_options *options,
                struct rtsprec_error *error)
{
    *out = NULL;
    AVDictionary *dictionary = NULL;
    char *url = NULL;
    int err;
    struct source *source = calloc(1, sizeof(*source));
    if (!source)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    source->cancel = options->cancel;

    char address[RESOLVER_ADDRESS_BYTES];
    err = resolver_lookup(options->resolver, options->url->host, options->cancel, address, error);
    if (err < 0)
        goto done;
    url = format_url(options->url, address);
    source->format = avformat_alloc_context();
    if (!url || !source->format || make_dictionary(&dictionary, options) < 0) {
        err = error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
        goto done;
    }
    source->format->interrupt_callback =
        (AVIOInterruptCB){.callback = interrupted, .opaque = source};
    source->format->flags |= AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN;

    err = avformat_open_input(&source->format, url, NULL, &dictionary);
    if (err < 0) {
        err = explain(source, err, "connecting", error);
        goto done;
    }
    const AVDictionaryEntry *left = av_dict_get(dictionary, "", NULL, AV_DICT_IGNORE_SUFFIX);
    if (left) {
        err = error_set(error, RTSPREC_ERROR_UNSUPPORTED,
                        "this FFmpeg does not know the RTSP option %s", left->key);
        goto done;
    }
    /* Other codecs than H.264 and H.265 rely on libavformat's parsers for frames and key flags. */
    bool has_fragments = false;
    for (unsigned i = 0; i < source->format->nb_streams; i++)
        has_fragments |= is_fragmented(source->format->streams[i]->codecpar);
    if (!has_fragments)
        source->format->flags &= ~(AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN);
    *out = source;
    source = NULL;
done:
    av_dict_free(&dictionary);
    secret_free(url);
    source_close(&source);
    return err < 0 ? err : 0;
}

int source_track_count(const struct source *source)
{
    return (int)source->format->nb_streams;
}

struct source_track source_track(const struct source *source, int index)
{
    const AVStream *stream = source->format->streams[index];
    return (struct source_track){stream->codecpar, stream->time_base};
}

bool source_sends_fragments(const struct source *source, int index)
{
    return is_fragmented(source->format->streams[index]->codecpar);
}

static bool is_intra_only(enum AVCodecID codec)
{
    const AVCodecDescriptor *descriptor = avcodec_descriptor_get(codec);
    return descriptor && (descriptor->props & AV_CODEC_PROP_INTRA_ONLY);
}

int source_read(struct source *source, AVPacket *packet, struct rtsprec_error *error)
{
    int err = av_read_frame(source->format, packet);
    if (err < 0)
        return explain(source, err, "receiving", error);
    if (is_intra_only(source->format->streams[packet->stream_index]->codecpar->codec_id))
        packet->flags |= AV_PKT_FLAG_KEY;
    return 0;
}

void source_close(struct source **source_pointer)
{
    struct source *source = *source_pointer;
    *source_pointer = NULL;
    if (!source)
        return;
    if (source->format) {
        source->closing = true;
        cancel_set_timeout(source->cancel, CLOSE_US);
        avformat_close_input(&source->format);
        cancel_set_timeout(source->cancel, -1);
    }
    free(source);
}
