#include "ingest/media_filter.h"

#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/mem.h>

#include "ingest/aac_config.h"

static int set_extradata(AVCodecParameters *parameters, const uint8_t *data, size_t size)
{
    av_freep(&parameters->extradata);
    parameters->extradata_size = 0;
    parameters->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!parameters->extradata)
        return AVERROR(ENOMEM);
    memcpy(parameters->extradata, data, size);
    parameters->extradata_size = (int)size;
    return 0;
}

static const char *filter_name(const AVCodecParameters *parameters)
{
    /* avcC and hvcC begin with their version, 1; a byte stream with a 0. */
    bool is_record = parameters->extradata_size > 0 && parameters->extradata[0] == 1;
    switch (parameters->codec_id) {
    case AV_CODEC_ID_H264:
        return is_record ? "h264_mp4toannexb" : NULL;
    case AV_CODEC_ID_HEVC:
        return is_record ? "hevc_mp4toannexb" : NULL;
    case AV_CODEC_ID_AAC:
        return parameters->extradata_size == 0 ? "aac_adtstoasc" : NULL;
    default:
        return NULL;
    }
}

int media_filter_open(AVBSFContext **out, const AVCodecParameters *parameters, AVRational time_base)
{
    AVBSFContext *filter = NULL;
    uint8_t config[AAC_CONFIG_BYTES];
    const char *name = filter_name(parameters);
    int err = 0;
    *out = NULL;
    if (!name)
        return 0;
    if ((err = av_bsf_alloc(av_bsf_get_by_name(name), &filter)) < 0)
        return err;
    filter->time_base_in = time_base;
    if ((err = avcodec_parameters_copy(filter->par_in, parameters)) < 0 ||
        (err = av_bsf_init(filter)) < 0)
        goto done;
    /* Files need the sound's configuration before its first packet. */
    if (parameters->codec_id == AV_CODEC_ID_AAC && aac_config_make(config, parameters))
        err = set_extradata(filter->par_out, config, sizeof(config));
done:
    if (err < 0)
        av_bsf_free(&filter);
    *out = filter;
    return err;
}

/* The demuxer's parameters stay those of the beginning; what is new comes with the packet. */
static int renew(AVBSFContext **filter, const uint8_t *extradata, size_t size)
{
    AVBSFContext *renewed = NULL;
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    int err = parameters ? avcodec_parameters_copy(parameters, (*filter)->par_in) : AVERROR(ENOMEM);
    if (err >= 0)
        err = set_extradata(parameters, extradata, size);
    if (err >= 0)
        err = media_filter_open(&renewed, parameters, (*filter)->time_base_in);
    if (err >= 0) {
        av_bsf_free(filter);
        *filter = renewed;
    }
    avcodec_parameters_free(&parameters);
    return err;
}

int media_filter_run(AVBSFContext **filter, AVPacket *packet)
{
    size_t size;
    int err = 0;
    if (!*filter)
        return 1;
    const uint8_t *extradata = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
    if (extradata && size > 0)
        err = renew(filter, extradata, size);
    if (err >= 0 && !*filter)
        return 1;
    if (err < 0 || (err = av_bsf_send_packet(*filter, packet)) < 0 ||
        (err = av_bsf_receive_packet(*filter, packet)) < 0) {
        av_packet_unref(packet);
        return err == AVERROR(ENOMEM) ? err : 0;
    }
    return 1;
}
