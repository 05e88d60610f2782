/*
 * What libavformat opens besides RTSP. Its demuxers and parsers give whole frames with their times
 * and key flags, in whatever form the container has them (media_filter.h).
 */
#include "ingest/media_source.h"

#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avstring.h>
#include <libavutil/mathematics.h>
#include <libavutil/mem.h>
#include <libavutil/opt.h>

#include "base/clock.h"
#include "base/error.h"
#include "ingest/device.h"
#include "ingest/failure.h"
#include "ingest/media_filter.h"
#include "ingest/media_kind.h"
#include "ingest/pace.h"

#define CLOSE_US (US_PER_SECOND / 2)

/*
 * Looked at before the tracks are known: time for a packet of each. Sizes and parameter sets come
 * from the key frames later. In bytes some key frames of a 5 MP camera.
 */
#define PROBE_BYTES (4 * 1024 * 1024)
#define PROBE_US    US_PER_SECOND

/* A packet that takes longer to read was not gathered before. */
#define GATHERED_US 10000

/* How often a device that has no picture yet is asked again. */
#define DEVICE_POLL_US 5000

struct media_source {
    struct source base;
    const struct media_kind *kind;
    struct source_options options; /* the camera's, which outlives the source */
    AVFormatContext *format;
    struct cancel *cancel;
    bool closing; /* good-byes have to go out although a stop was requested */

    int stream[SOURCE_MAX_TRACKS]; /* libavformat's number of each track */
    struct media_filter filter[SOURCE_MAX_TRACKS];
    AVCodecParameters *parameters[SOURCE_MAX_TRACKS];
    struct pace pace;

    /* Of a live stream: what was gathered while looking for the tracks arrived before. */
    int64_t opened_us; /* monotonic: when the first packet can have come */
    int64_t first_media_us;
    bool has_first, is_current;
};

static struct media_source *of(struct source *base)
{
    return (struct media_source *)base;
}

static int no_memory(struct rtsprec_error *error)
{
    return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}

static int interrupted(void *opaque)
{
    struct media_source *source = opaque;
    return source->closing ? cancel_expired(source->cancel) : cancel_interrupted(source->cancel);
}

/* Whether a redirect has led from an encrypted connection to one that is not. */
static bool is_downgraded(AVIOContext *connection, const char *url)
{
    uint8_t *location = NULL;
    if (strncmp(url, "https:", 6) != 0 ||
        av_opt_get(connection, "location", AV_OPT_SEARCH_CHILDREN, &location) < 0)
        return false;
    bool result = location && !av_stristart((const char *)location, "https:", NULL);
    av_free(location);
    return result;
}

/* Opens each connection, those that a playlist names too, under the same conditions. */
static int open_connection(AVFormatContext *format, AVIOContext **out, const char *url, int flags,
                           AVDictionary **given)
{
    struct media_source *source = format->opaque;
    AVDictionary *dictionary = NULL;
    *out = NULL;
    int err = given ? av_dict_copy(&dictionary, *given, 0) : 0;
    if (err >= 0 && media_kind_connection(source->kind, &source->options, &dictionary) < 0)
        err = AVERROR(ENOMEM);
    if (err >= 0)
        err = avio_open2(out, url, flags, &format->interrupt_callback, &dictionary);
    av_dict_free(&dictionary);
    if (err >= 0 && is_downgraded(*out, url)) {
        avio_closep(out);
        err = AVERROR(EACCES);
    }
    return err;
}

/* Opening. */

static int add_track(struct media_source *source, int index)
{
    AVStream *stream = source->format->streams[index];
    int track = source->base.track_count;
    if (track == SOURCE_MAX_TRACKS)
        return 0;
    int err;
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    source->parameters[track] = parameters;
    if (!parameters)
        return AVERROR(ENOMEM);
    if ((err = avcodec_parameters_copy(parameters, stream->codecpar)) < 0 ||
        (err = media_filter_open(&source->filter[track], parameters, stream->time_base)) < 0)
        return err;
    if (parameters->codec_id == AV_CODEC_ID_RAWVIDEO && parameters->codec_tag == 0)
        parameters->codec_tag = avcodec_pix_fmt_to_codec_tag(parameters->format);
    stream->discard = AVDISCARD_DEFAULT;
    source->stream[track] = index;
    source->base.track_count++;
    source->base.tracks[track] = (struct source_track){
        .parameters = parameters,
        .time_base = stream->time_base,
    };
    return 0;
}

/* Whether a stream belongs to the one video that is recorded: a playlist has one per quality. */
static bool is_beside(AVFormatContext *format, int video, int index)
{
    AVProgram *program = av_find_program_from_stream(format, NULL, video);
    for (unsigned i = 0; program && i < program->nb_stream_indexes; i++) {
        if (program->stream_index[i] == (unsigned)index)
            return true;
    }
    return !program;
}

/* The best video and the sound that belongs to it; nothing else is read. */
static int add_tracks(struct media_source *source, struct rtsprec_error *error)
{
    AVFormatContext *format = source->format;
    for (unsigned i = 0; i < format->nb_streams; i++)
        format->streams[i]->discard = AVDISCARD_ALL;
    int video = av_find_best_stream(format, AVMEDIA_TYPE_VIDEO, -1, -1, NULL, 0);
    if (video < 0)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "there is no video in it");
    int err = add_track(source, video);
    for (int i = 0; err >= 0 && source->options.wants_audio && i < (int)format->nb_streams; i++) {
        if (format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO &&
            is_beside(format, video, i))
            err = add_track(source, i);
    }
    return err < 0 ? failure_of_averror(source->cancel, err, "reading the tracks", error) : 0;
}

/* Some containers have no header that names the tracks, some no parameters there. */
static bool has_to_probe(const AVFormatContext *format)
{
    if (format->nb_streams == 0 || (format->ctx_flags & AVFMTCTX_NOHEADER))
        return true;
    for (unsigned i = 0; i < format->nb_streams; i++) {
        const AVCodecParameters *parameters = format->streams[i]->codecpar;
        if (parameters->codec_id == AV_CODEC_ID_NONE ||
            (parameters->codec_type == AVMEDIA_TYPE_AUDIO && parameters->sample_rate == 0))
            return true;
    }
    return false;
}

/*
 * libavformat's own look-up of a name hears neither stop nor deadline, so it only follows one that
 * does. Not where a proxy may be the one that knows the name.
 */
static int look_up(struct media_source *source, struct rtsprec_error *error)
{
    const struct source_options *options = &source->options;
    char address[RESOLVER_ADDRESS_BYTES];
    if (!options->url->host || getenv("http_proxy"))
        return 0;
    return resolver_lookup(options->resolver, options->url->host, source->cancel, address, error);
}

/* What libavformat is to open, allocated, and with which demuxer. */
static int prepare(struct media_source *source, char **name, const AVInputFormat **demuxer,
                   AVDictionary **dictionary, struct rtsprec_error *error)
{
    AVFormatContext *format = source->format;
    if (source->kind->is_device) {
        int err = device_find(demuxer, source->kind->scheme, error);
        if (err < 0)
            return err;
        const char *path = source->options.url->path;
        if (!strcmp(source->kind->scheme, "lavfi"))
            *name = strdup(path);
        else if (media_kind_device(name, path, dictionary) == RTSPREC_ERROR_INVALID)
            return error_set(error, RTSPREC_ERROR_INVALID,
                             "the device's options: expected name=value, joined by &");
        /* Reading from a device hears no stop while it waits. */
        format->flags |= AVFMT_FLAG_NONBLOCK;
    } else {
        *name = url_format(source->options.url);
        format->protocol_whitelist = av_strdup(source->kind->protocols);
        if (!format->protocol_whitelist)
            return no_memory(error);
    }
    format->interrupt_callback = (AVIOInterruptCB){.callback = interrupted, .opaque = source};
    format->opaque = source;
    format->io_open = open_connection;
    format->probesize = PROBE_BYTES;
    format->max_analyze_duration = PROBE_US;
    return *name ? 0 : no_memory(error);
}

static int connect_input(struct media_source *source, struct rtsprec_error *error)
{
    const AVInputFormat *demuxer = NULL;
    AVDictionary *dictionary = NULL;
    char *name = NULL;
    int err = look_up(source, error);
    if (err == 0)
        err = prepare(source, &name, &demuxer, &dictionary, error);
    if (err < 0)
        goto done;
    err = avformat_open_input(&source->format, name, demuxer, &dictionary);
    if (err < 0) {
        err = failure_of_averror(source->cancel, err, "connecting", error);
        goto done;
    }
    source->opened_us = clock_monotonic_us();
    const AVDictionaryEntry *left = av_dict_get(dictionary, "", NULL, AV_DICT_IGNORE_SUFFIX);
    if (left) {
        err =
            error_set(error, RTSPREC_ERROR_UNSUPPORTED, "the device knows no option %s", left->key);
        goto done;
    }
    if (has_to_probe(source->format) &&
        ((err = avformat_find_stream_info(source->format, NULL)) < 0 ||
         cancel_interrupted(source->cancel)))
        err = failure_of_averror(source->cancel, err, "looking for tracks", error);
done:
    av_dict_free(&dictionary);
    secret_free(name);
    return err < 0 ? err : 0;
}

/* Reading. */

static int track_of(const struct media_source *source, int stream)
{
    for (int i = 0; i < source->base.track_count; i++) {
        if (source->stream[i] == stream)
            return i;
    }
    return -1;
}

/* When a packet of a live stream came, as long as it may be one of those gathered while probing. */
static int64_t arrival_of(struct media_source *source, int64_t media_us, int64_t now_us)
{
    if (!source->has_first) {
        source->has_first = true;
        source->first_media_us = media_us;
    }
    int64_t arrival_us = source->opened_us + (media_us - source->first_media_us);
    if (arrival_us >= now_us || arrival_us < source->opened_us)
        source->is_current = true;
    return source->is_current ? now_us : arrival_us;
}

/*
 * Waits until the packet is due; says when it came. Returns 0, RTSPREC_ERROR_STOPPED or
 * RTSPREC_ERROR_TIMEOUT.
 */
static int wait_until_due(struct media_source *source, const AVPacket *packet, AVRational time_base,
                          int64_t *arrival_us, struct rtsprec_error *error)
{
    int64_t ticks = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    int64_t now_us = clock_monotonic_us();
    *arrival_us = now_us;
    if (ticks == AV_NOPTS_VALUE)
        return 0;
    int64_t media_us = av_rescale_q(ticks, time_base, (AVRational){1, US_PER_SECOND});
    if (!source->kind->is_paced) {
        if (!source->is_current)
            *arrival_us = arrival_of(source, media_us, now_us);
        return 0;
    }
    int64_t due_us = pace_due_us(&source->pace, media_us, now_us);
    if (due_us > source->cancel->deadline_us)
        due_us = source->cancel->deadline_us;
    if (due_us > now_us)
        cancel_wait(source->cancel, due_us - now_us);
    *arrival_us = clock_monotonic_us();
    return cancel_interrupted(source->cancel)
               ? failure_of_interruption(source->cancel, "receiving", error)
               : 0;
}

static int read_error(struct media_source *source, int averror, struct rtsprec_error *error)
{
    if (averror == AVERROR_EOF && !cancel_interrupted(source->cancel))
        return error_set(error, RTSPREC_ERROR_CLOSED, "receiving: the end of the %s",
                         !strcmp(source->kind->scheme, "file") ? "file" : "stream");
    return failure_of_averror(source->cancel, averror, "receiving", error);
}

static int read_packet(struct source *base, struct source_packet *out, struct rtsprec_error *error)
{
    struct media_source *source = of(base);
    AVPacket *packet = out->packet;
    for (;;) {
        int64_t before_us = clock_monotonic_us();
        int err = av_read_frame(source->format, packet);
        if (clock_monotonic_us() - before_us > GATHERED_US)
            source->is_current = true;
        if (err == AVERROR(EAGAIN) && !cancel_interrupted(source->cancel)) {
            cancel_wait(source->cancel, DEVICE_POLL_US);
            continue;
        }
        if (err < 0)
            return read_error(source, err, error);
        /* The rest of a frame whose end is lost, and nothing tells it from a whole one. */
        bool is_broken = source->format->pb && source->format->pb->error < 0;
        int track = track_of(source, packet->stream_index);
        if (track < 0 || packet->size == 0 || is_broken) {
            av_packet_unref(packet);
            continue;
        }
        err = media_filter_run(&source->filter[track], packet);
        if (err == RTSPREC_ERROR_NO_MEMORY)
            return no_memory(error);
        out->lost_frames += err == RTSPREC_ERROR_PROTOCOL;
        if (err <= 0)
            continue;
        err =
            wait_until_due(source, packet, base->tracks[track].time_base, &out->arrival_us, error);
        if (err < 0) {
            av_packet_unref(packet);
            return err;
        }
        packet->stream_index = track;
        return 0;
    }
}

static void close_source(struct source *base)
{
    struct media_source *source = of(base);
    source->closing = true;
    cancel_set_timeout(source->cancel, CLOSE_US);
    avformat_close_input(&source->format);
    cancel_set_timeout(source->cancel, -1);
    for (int i = 0; i < SOURCE_MAX_TRACKS; i++) {
        media_filter_close(&source->filter[i]);
        avcodec_parameters_free(&source->parameters[i]);
    }
    free(source);
}

static const struct source_kind media_source_kind = {.read = read_packet, .close = close_source};

int media_source_open(struct source **out, const struct source_options *options,
                      struct rtsprec_error *error)
{
    *out = NULL;
    const struct media_kind *kind = media_kind_of(options->url->scheme);
    if (!kind)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "URLs of %s: are not known",
                         options->url->scheme);
    struct media_source *source = calloc(1, sizeof(*source));
    if (!source)
        return no_memory(error);
    source->base.kind = &media_source_kind;
    source->kind = kind;
    source->options = *options;
    source->cancel = options->cancel;
    pace_init(&source->pace, kind->ahead_ppm);
    source->format = avformat_alloc_context();
    if (!source->format) {
        free(source);
        return no_memory(error);
    }
    int err = connect_input(source, error);
    if (err == 0)
        err = add_tracks(source, error);
    if (err < 0)
        close_source(&source->base);
    else
        *out = &source->base;
    return err;
}
