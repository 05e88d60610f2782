#include "ingest/media_filter.h"

#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/mem.h>

#include <rtsprec/error.h>

#include "ingest/aac_config.h"

/* Returns where the extradata is to be written, or NULL without memory. */
static uint8_t *renew_extradata(AVCodecParameters *parameters, size_t size)
{
    av_freep(&parameters->extradata);
    parameters->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    parameters->extradata_size = parameters->extradata ? (int)size : 0;
    return parameters->extradata;
}

static int open_lengths(struct media_filter *filter, AVCodecParameters *parameters)
{
    struct nal_lengths *lengths = calloc(1, sizeof(*lengths));
    if (!lengths || nal_lengths_init(lengths, parameters->codec_id, parameters->extradata,
                                     (size_t)parameters->extradata_size) < 0) {
        free(lengths);
        return AVERROR(ENOMEM);
    }
    filter->lengths = lengths;
    uint8_t *sets = renew_extradata(parameters, lengths->sets.bytes);
    if (!sets)
        return AVERROR(ENOMEM);
    parameter_sets_write(&lengths->sets, sets);
    return 0;
}

static int open_aac(struct media_filter *filter, AVCodecParameters *parameters,
                    AVRational time_base)
{
    uint8_t config[AAC_CONFIG_BYTES], *extradata;
    int err = av_bsf_alloc(av_bsf_get_by_name("aac_adtstoasc"), &filter->aac);
    if (err < 0)
        return err;
    filter->aac->time_base_in = time_base;
    if ((err = avcodec_parameters_copy(filter->aac->par_in, parameters)) < 0 ||
        (err = av_bsf_init(filter->aac)) < 0 ||
        (err = avcodec_parameters_copy(parameters, filter->aac->par_out)) < 0)
        return err;
    /* Files need the sound's configuration before its first packet. */
    if (!aac_config_make(config, parameters))
        return 0;
    if (!(extradata = renew_extradata(parameters, sizeof(config))))
        return AVERROR(ENOMEM);
    memcpy(extradata, config, sizeof(config));
    return 0;
}

int media_filter_open(struct media_filter *filter, AVCodecParameters *parameters,
                      AVRational time_base)
{
    int err = 0;
    *filter = (struct media_filter){NULL, NULL};
    if (parameters->codec_id == AV_CODEC_ID_H264 || parameters->codec_id == AV_CODEC_ID_HEVC)
        err = open_lengths(filter, parameters);
    else if (parameters->codec_id == AV_CODEC_ID_AAC && parameters->extradata_size == 0)
        err = open_aac(filter, parameters, time_base);
    if (err < 0)
        media_filter_close(filter);
    return err;
}

void media_filter_close(struct media_filter *filter)
{
    if (filter->lengths)
        nal_lengths_uninit(filter->lengths);
    free(filter->lengths);
    filter->lengths = NULL;
    av_bsf_free(&filter->aac);
}

static int run_aac(struct media_filter *filter, AVPacket *packet)
{
    int err = av_bsf_send_packet(filter->aac, packet);
    if (err >= 0)
        err = av_bsf_receive_packet(filter->aac, packet);
    av_packet_free_side_data(packet);
    if (err >= 0)
        return 1;
    av_packet_unref(packet);
    return err == AVERROR(ENOMEM) ? RTSPREC_ERROR_NO_MEMORY : 0;
}

int media_filter_run(struct media_filter *filter, AVPacket *packet)
{
    size_t size = 0;
    int err = 0;
    const uint8_t *extradata = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
    /* The demuxer's parameters stay those of the beginning; what is new comes with the packet. */
    if (extradata && size > 0) {
        if (filter->lengths)
            err = nal_lengths_renew(filter->lengths, extradata, size);
        av_bsf_free(&filter->aac); /* what has a configuration has no headers */
    }
    av_packet_free_side_data(packet);
    if (err < 0) {
        av_packet_unref(packet);
        return err;
    }
    if (filter->lengths)
        return nal_lengths_apply(filter->lengths, packet);
    return filter->aac ? run_aac(filter, packet) : 1;
}
