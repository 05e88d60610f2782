#include "segment/container.h"

#include <stdio.h>
#include <time.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "base/clock.h"

static const char *container_muxer(enum rtsprec_container container)
{
    return container == RTSPREC_CONTAINER_MKV ? "matroska" : "mp4";
}

/*
 * What the muxer says of a codec is not the last word: mp3 at 8 kHz fails in its header, for one,
 * and raw video whose pixels have no tag.
 */
static bool header_succeeds(enum rtsprec_container container, const AVCodecParameters *parameters)
{
    AVFormatContext *format = NULL;
    uint8_t *header = NULL;
    bool succeeds = false;
    if (avformat_alloc_output_context2(&format, NULL, container_muxer(container), NULL) < 0)
        return false;
    AVStream *stream = avformat_new_stream(format, NULL);
    if (!stream || avcodec_parameters_copy(stream->codecpar, parameters) < 0 ||
        avio_open_dyn_buf(&format->pb) < 0)
        goto done;
    if (parameters->codec_id != AV_CODEC_ID_RAWVIDEO)
        stream->codecpar->codec_tag = 0;
    stream->time_base = (AVRational){1, parameters->sample_rate > 0 ? parameters->sample_rate : 1};
    AVDictionary *options = NULL;
    if (container == RTSPREC_CONTAINER_MP4)
        av_dict_set(&options, "movflags", "frag_custom+empty_moov", 0);
    succeeds = avformat_write_header(format, &options) >= 0;
    av_dict_free(&options);
    avio_close_dyn_buf(format->pb, &header);
    av_free(header);
done:
    avformat_free_context(format);
    return succeeds;
}

bool container_accepts(enum rtsprec_container container, const AVCodecParameters *parameters)
{
    const AVOutputFormat *format = av_guess_format(container_muxer(container), NULL, NULL);
    enum AVCodecID codec = parameters->codec_id;
    /* mkv files hold G.711 by the codec numbers of WAV, which libavformat counts as unofficial, as
     * it does much that then fails. */
    bool is_listed = container == RTSPREC_CONTAINER_MKV &&
                     (codec == AV_CODEC_ID_PCM_ALAW || codec == AV_CODEC_ID_PCM_MULAW);
    if (codec == AV_CODEC_ID_NONE || !format ||
        (!is_listed && avformat_query_codec(format, codec, FF_COMPLIANCE_NORMAL) != 1))
        return false;
    bool is_certain = parameters->codec_type != AVMEDIA_TYPE_AUDIO && codec != AV_CODEC_ID_RAWVIDEO;
    return is_certain || header_succeeds(container, parameters);
}

const char *container_extension(enum rtsprec_container container)
{
    return container == RTSPREC_CONTAINER_MKV ? "mkv" : "mp4";
}

static int add_streams(AVFormatContext *format, enum rtsprec_container container,
                       const struct stream *stream)
{
    for (int i = 0; i < stream->track_count; i++) {
        const struct track *track = &stream->tracks[i];
        AVStream *out = avformat_new_stream(format, NULL);
        if (!out || avcodec_parameters_copy(out->codecpar, track->parameters) < 0)
            return AVERROR(ENOMEM);
        out->time_base = track->time_base;
        /* Each container has tags of its own; hvc1 is what Apple's players insist on. Of raw video
         * the tag says how its pixels lie. */
        if (out->codecpar->codec_id != AV_CODEC_ID_RAWVIDEO)
            out->codecpar->codec_tag = 0;
        if (out->codecpar->codec_id == AV_CODEC_ID_HEVC && container == RTSPREC_CONTAINER_MP4)
            out->codecpar->codec_tag = MKTAG('h', 'v', 'c', '1');
    }
    return 0;
}

/*
 * When the first frame was. An mkv's DateUTC holds it to the nanosecond; an mp4's header, which
 * libavformat writes in seconds, does not, so that there a "date" tag says it again.
 */
static int set_start_time(AVFormatContext *format, enum rtsprec_container container,
                          int64_t wall_us)
{
    time_t seconds = (time_t)floor_div(wall_us, US_PER_SECOND);
    struct tm utc;
    char date[32], text[48];
    gmtime_r(&seconds, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, sizeof(text), "%s.%06dZ", date,
             (int)(wall_us - (int64_t)seconds * US_PER_SECOND));
    int err = av_dict_set(&format->metadata, "creation_time", text, 0);
    if (err >= 0 && container == RTSPREC_CONTAINER_MP4)
        err = av_dict_set(&format->metadata, "date", text, 0);
    return err;
}

int container_begin(AVFormatContext **out, enum rtsprec_container container,
                    const struct stream *stream, int64_t wall_us)
{
    int err = avformat_alloc_output_context2(out, NULL, container_muxer(container), NULL);
    if (err >= 0)
        err = add_streams(*out, container, stream);
    if (err >= 0)
        err = set_start_time(*out, container, wall_us);
    return err;
}
