#include "segment/container.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

const char *container_muxer(enum rtsprec_container container)
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
