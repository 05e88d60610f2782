/*
 * The source that libavformat opens. Its RTSP code gives the packets of its depacketisers unparsed:
 * frames are joined and timestamps made by us (access_unit.c, timeline.c), because its parser costs
 * more than all else and neither is reliable there.
 */
#include "ingest/av_source.h"

#include <stdlib.h>
#include <string.h>

#include <libavcodec/codec_desc.h>
#include <libavformat/avformat.h>
#include <libavutil/dict.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/resolve.h"
#include "ingest/access_unit.h"
#include "ingest/failure.h"
#include "ingest/nal_lengths.h"

#define CLOSE_US (US_PER_SECOND / 2)

struct av_source {
    struct source base;
    AVFormatContext *format;
    struct cancel *cancel;
    bool closing; /* TEARDOWN has to go out although a stop was requested */

    /* Of each track that comes in pieces, and a piece of one. */
    bool has_fragments[SOURCE_MAX_TRACKS];
    struct access_unit units[SOURCE_MAX_TRACKS];
    struct nal_lengths lengths[SOURCE_MAX_TRACKS];
    AVPacket *fragment;
};

static struct av_source *of(struct source *base)
{
    return (struct av_source *)base;
}

static int interrupted(void *opaque)
{
    struct av_source *source = opaque;
    return source->closing ? cancel_expired(source->cancel) : cancel_interrupted(source->cancel);
}

/* libavformat tries UDP first when it may choose, unless prefer_tcp says otherwise. */
static const char *transport_name(enum rtsprec_transport transport)
{
    switch (transport) {
    case RTSPREC_TRANSPORT_UDP:
        return "udp";
    case RTSPREC_TRANSPORT_MULTICAST:
        return "udp_multicast";
    case RTSPREC_TRANSPORT_AUTO:
        return "tcp+udp";
    case RTSPREC_TRANSPORT_TCP:
        break;
    }
    return "tcp";
}

static int make_dictionary(AVDictionary **dictionary, const struct source_options *options)
{
    int err = av_dict_set(dictionary, "rtsp_transport", transport_name(options->transport), 0);
    if (err >= 0 && options->transport == RTSPREC_TRANSPORT_AUTO)
        err = av_dict_set(dictionary, "rtsp_flags", "prefer_tcp", 0);
    if (err >= 0)
        err = av_dict_set_int(dictionary, "timeout", options->silence_us, 0);
    if (err >= 0)
        err = av_dict_set(dictionary, "allowed_media_types",
                          options->wants_audio ? "video+audio" : "video", 0);
    if (err >= 0)
        err = av_dict_set(dictionary, "user_agent", "rtsprec", 0);
    /* 2 MiB hold the key frame of a 5 MP camera ten times; the system's default loses the first. */
    if (err >= 0 && options->transport != RTSPREC_TRANSPORT_TCP)
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

/* What libavformat found, as the source's tracks. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
static int add_tracks(struct av_source *source)
{
    AVFormatContext *format = source->format;
    bool has_fragments = false;
    for (unsigned i = 0; i < format->nb_streams && i < SOURCE_MAX_TRACKS; i++) {
        const AVStream *stream = format->streams[i];
        const AVCodecParameters *parameters = stream->codecpar;
        source->base.tracks[i] = (struct source_track){
            .parameters = parameters,
            .time_base = stream->time_base,
        };
        source->base.track_count++;
        source->has_fragments[i] = is_fragmented(parameters);
        has_fragments |= source->has_fragments[i];
        access_unit_init(&source->units[i], parameters->codec_id);
        if (source->has_fragments[i] &&
            nal_lengths_init(&source->lengths[i], parameters->codec_id, parameters->extradata,
                             (size_t)parameters->extradata_size) < 0)
            return RTSPREC_ERROR_NO_MEMORY;
    }
    /* Other codecs than H.264 and H.265 rely on libavformat's parsers for frames and key flags. */
    if (!has_fragments)
        format->flags &= ~(AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN);
    return 0;
}

static bool is_intra_only(enum AVCodecID codec)
{
    const AVCodecDescriptor *descriptor = avcodec_descriptor_get(codec);
    return descriptor && (descriptor->props & AV_CODEC_PROP_INTRA_ONLY);
}

/* Takes source->fragment. Returns 1 with a whole packet, 0 without, or an error. */
static int take(struct av_source *source, struct source_packet *out, struct rtsprec_error *error)
{
    AVPacket *fragment = source->fragment;
    int track = fragment->stream_index;
    if (track >= source->base.track_count) {
        av_packet_unref(fragment);
        return 0;
    }
    out->arrival_us = clock_monotonic_us();
    if (!source->has_fragments[track]) {
        if (is_intra_only(source->base.tracks[track].parameters->codec_id))
            fragment->flags |= AV_PKT_FLAG_KEY;
        av_packet_move_ref(out->packet, fragment);
        return 1;
    }
    struct frame frame;
    int result =
        access_unit_push(&source->units[track], fragment, out->arrival_us, out->packet, &frame);
    if (result == 1)
        result = nal_lengths_apply(&source->lengths[track], out->packet);
    if (result == RTSPREC_ERROR_PROTOCOL) {
        out->lost_frames++;
        return 0;
    }
    if (result < 0)
        return error_set(error, result, "out of memory");
    if (result == 0)
        return 0;
    out->arrival_us = frame.arrival_us;
    return result;
}

static int read_packet(struct source *base, struct source_packet *out, struct rtsprec_error *error)
{
    struct av_source *source = of(base);
    int result = 0;
    while (result == 0) {
        int err = av_read_frame(source->format, source->fragment);
        if (err < 0)
            return failure_of_averror(source->cancel, err, "receiving", error);
        result = take(source, out, error);
    }
    return result < 0 ? result : 0;
}

static void close_source(struct source *base)
{
    struct av_source *source = of(base);
    if (source->format) {
        source->closing = true;
        cancel_set_timeout(source->cancel, CLOSE_US);
        avformat_close_input(&source->format);
        cancel_set_timeout(source->cancel, -1);
    }
    for (int i = 0; i < base->track_count; i++) {
        access_unit_uninit(&source->units[i]);
        nal_lengths_uninit(&source->lengths[i]);
    }
    av_packet_free(&source->fragment);
    free(source);
}

static const struct source_kind av_source_kind = {.read = read_packet, .close = close_source};

int av_source_open(struct source **out, const struct source_options *options,
                   struct rtsprec_error *error)
{
    *out = NULL;
    AVDictionary *dictionary = NULL;
    char *url = NULL;
    int err;
    /* Its TLS takes no options from its RTSP. */
    if (url_is_encrypted(options->url) && options->tls_verify == RTSPREC_TLS_VERIFY)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED,
                         "libavformat cannot verify the certificate of an rtsps:// URL");
    struct av_source *source = calloc(1, sizeof(*source));
    if (!source)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    source->base.kind = &av_source_kind;
    source->base.has_common_times = true;
    source->cancel = options->cancel;

    char address[RESOLVER_ADDRESS_BYTES];
    err = resolver_lookup(options->resolver, options->url->host, options->cancel, address, error);
    if (err < 0)
        goto done;
    url = format_url(options->url, address);
    source->format = avformat_alloc_context();
    source->fragment = av_packet_alloc();
    if (!url || !source->format || !source->fragment || make_dictionary(&dictionary, options) < 0) {
        err = error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
        goto done;
    }
    source->format->interrupt_callback =
        (AVIOInterruptCB){.callback = interrupted, .opaque = source};
    source->format->flags |= AVFMT_FLAG_NOPARSE | AVFMT_FLAG_NOFILLIN;

    err = avformat_open_input(&source->format, url, NULL, &dictionary);
    if (err < 0) {
        err = failure_of_averror(source->cancel, err, "connecting", error);
        goto done;
    }
    const AVDictionaryEntry *left = av_dict_get(dictionary, "", NULL, AV_DICT_IGNORE_SUFFIX);
    if (left) {
        err = error_set(error, RTSPREC_ERROR_UNSUPPORTED,
                        "this FFmpeg does not know the RTSP option %s", left->key);
        goto done;
    }
    if ((err = add_tracks(source)) < 0) {
        error_set(error, err, "out of memory");
        goto done;
    }
    *out = &source->base;
    source = NULL;
done:
    av_dict_free(&dictionary);
    secret_free(url);
    if (source)
        close_source(&source->base);
    return err < 0 ? err : 0;
}
