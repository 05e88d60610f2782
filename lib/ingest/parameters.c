#include "ingest/parameters.h"

#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/mem.h>

#include <rtsprec/error.h>

#include "ingest/nal.h"
#include "ingest/parameter_record.h"
#include "ingest/sps.h"

/* Of all sets together: many times what cameras send. Each set is compared with all before it. */
#define MAX_SETS_BYTES (16 * 1024)

static const uint8_t start_code[4] = {0, 0, 0, 1};

static bool is_h26x(const AVCodecParameters *codec)
{
    return codec->codec_id == AV_CODEC_ID_H264 || codec->codec_id == AV_CODEC_ID_HEVC;
}

/* What the parameter sets of a byte stream say. */
struct sets {
    uint8_t *data; /* the sets alone, each with a start code; allocated with padding */
    int size;
    bool complete; /* an SPS that could be read, a PPS, and for H.265 a VPS */
    struct sps sps;
};

/* Some cameras repeat a set within one frame. */
static bool sets_contain(const struct sets *sets, const struct nal *nal)
{
    struct nal known;
    const uint8_t *next = sets->data;
    while (nal_next(&known, &next, sets->data + sets->size)) {
        if (known.size == nal->size && !memcmp(known.data, nal->data, nal->size))
            return true;
    }
    return false;
}

/* Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
static int sets_collect(struct sets *sets, enum AVCodecID codec, const uint8_t *data, size_t size)
{
    *sets = (struct sets){0};
    sets->data = av_mallocz(MAX_SETS_BYTES + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!sets->data)
        return RTSPREC_ERROR_NO_MEMORY;

    bool has_vps = codec != AV_CODEC_ID_HEVC, has_sps = false, has_pps = false;
    struct nal nal;
    const uint8_t *next = data;
    while (nal_next(&nal, &next, data + size)) {
        enum nal_kind kind = nal_kind(codec, &nal);
        if (kind == NAL_SLICE || kind == NAL_KEY_SLICE)
            break;
        size_t room = MAX_SETS_BYTES - (size_t)sets->size;
        if ((kind != NAL_VPS && kind != NAL_SPS && kind != NAL_PPS) || sets_contain(sets, &nal))
            continue;
        if (sizeof(start_code) + nal.size > room)
            break;
        has_vps |= kind == NAL_VPS;
        has_pps |= kind == NAL_PPS;
        if (kind == NAL_SPS && !has_sps)
            has_sps = sps_parse(&sets->sps, codec, &nal);
        memcpy(sets->data + sets->size, start_code, sizeof(start_code));
        memcpy(sets->data + sets->size + sizeof(start_code), nal.data, nal.size);
        sets->size += (int)(sizeof(start_code) + nal.size);
    }
    sets->complete = has_vps && has_sps && has_pps;
    return 0;
}

/* What the extradata is to be. Returns 1, 0 when the sets make no record, or
 * RTSPREC_ERROR_NO_MEMORY. */
static int make_extradata(uint8_t **extradata, size_t *size, const struct parameters *parameters,
                          const struct sets *sets)
{
    *size = (size_t)sets->size;
    if (parameters->is_length_prefixed) {
        int result = parameter_record_make(extradata, size, parameters->current->codec_id,
                                           sets->data, *size);
        return result == RTSPREC_ERROR_NO_MEMORY ? result : result == 0;
    }
    *extradata = av_mallocz(*size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!*extradata)
        return RTSPREC_ERROR_NO_MEMORY;
    memcpy(*extradata, sets->data, *size);
    return 1;
}

/* Takes the sets over when they are complete and new: 1, else 0; or RTSPREC_ERROR_NO_MEMORY. */
static int sets_apply(struct sets *sets, struct parameters *parameters)
{
    AVCodecParameters *current = parameters->current;
    uint8_t *extradata;
    size_t size;
    if (!sets->complete || (parameters->sets && parameters->sets_size == sets->size &&
                            !memcmp(parameters->sets, sets->data, (size_t)sets->size)))
        return 0;
    int result = make_extradata(&extradata, &size, parameters, sets);
    if (result <= 0)
        return result;
    av_free(current->extradata);
    current->extradata = extradata;
    current->extradata_size = (int)size;
    current->width = sets->sps.width;
    current->height = sets->sps.height;
    parameters->reorder_frames = sets->sps.reorder_frames;
    av_free(parameters->sets);
    /* What is kept need not have the room for all there might be. */
    uint8_t *shrunk = av_realloc(sets->data, (size_t)sets->size);
    parameters->sets = shrunk ? shrunk : sets->data;
    parameters->sets_size = sets->size;
    sets->data = NULL;
    return 1;
}

/* Returns 1 when the sets are complete and new, 0, or RTSPREC_ERROR_NO_MEMORY. */
static int take_sets(struct parameters *parameters, const uint8_t *data, size_t size)
{
    struct sets sets;
    if (size == 0)
        return 0;
    int result = sets_collect(&sets, parameters->current->codec_id, data, size);
    if (result == 0)
        result = sets_apply(&sets, parameters);
    av_free(sets.data);
    return result;
}

int parameters_init(struct parameters *parameters, const AVCodecParameters *announced,
                    bool is_length_prefixed)
{
    *parameters = (struct parameters){.current = avcodec_parameters_alloc(),
                                      .reorder_frames = -1,
                                      .is_length_prefixed = is_length_prefixed};
    AVCodecParameters *current = parameters->current;
    if (!current || avcodec_parameters_copy(current, announced) < 0)
        return RTSPREC_ERROR_NO_MEMORY;
    parameters->announced_width = announced->width;
    parameters->announced_height = announced->height;
    current->width = current->height = 0;
    if (!is_h26x(current) || !is_length_prefixed)
        return 0;
    /* Start codes in the extradata would say that they stand in the frames. */
    av_freep(&current->extradata);
    current->extradata_size = 0;
    int result = take_sets(parameters, announced->extradata, (size_t)announced->extradata_size);
    return result < 0 ? result : 0;
}

void parameters_uninit(struct parameters *parameters)
{
    avcodec_parameters_free(&parameters->current);
    av_freep(&parameters->sets);
}

int parameters_take_sets(struct parameters *parameters, const uint8_t *sets, size_t size)
{
    int result = take_sets(parameters, sets, size);
    if (result < 0 || parameters->current->width == 0)
        return result;
    bool is_news = result == 1 || !parameters->is_told;
    parameters->is_told = true;
    return is_news;
}

/* In-band sets win; when a key frame brings none, those of the SDP have to do. */
static int update_h26x(struct parameters *parameters, const AVPacket *key_frame)
{
    AVCodecParameters *current = parameters->current;
    if (parameters->is_length_prefixed) {
        size_t size = 0;
        const uint8_t *sets = av_packet_get_side_data(key_frame, AV_PKT_DATA_NEW_EXTRADATA, &size);
        return parameters_take_sets(parameters, sets, sets ? size : 0);
    }
    int result = parameters_take_sets(parameters, key_frame->data, (size_t)key_frame->size);
    if (result != 0 || current->width > 0 || current->extradata_size == 0)
        return result;
    return parameters_take_sets(parameters, current->extradata, (size_t)current->extradata_size);
}

/* Size and pixel format of a frame, by decoding it. */
static int decode(AVCodecContext *context, const AVPacket *key_frame, AVFrame *frame)
{
    int err;
    if ((err = avcodec_send_packet(context, key_frame)) < 0)
        return err;
    if ((err = avcodec_receive_frame(context, frame)) != AVERROR(EAGAIN))
        return err;
    avcodec_send_packet(context, NULL);
    return avcodec_receive_frame(context, frame);
}

static int update_by_decoding(struct parameters *parameters, const AVPacket *key_frame)
{
    AVCodecParameters *current = parameters->current;
    const AVCodec *codec = avcodec_find_decoder(current->codec_id);
    AVCodecContext *context = codec ? avcodec_alloc_context3(codec) : NULL;
    AVFrame *frame = av_frame_alloc();
    int result = 0;

    if (codec && (!context || !frame)) {
        result = RTSPREC_ERROR_NO_MEMORY;
        goto done;
    }
    if (!codec || avcodec_parameters_to_context(context, current) < 0)
        goto done;
    context->thread_count = 1;
    if (avcodec_open2(context, codec, NULL) < 0 || decode(context, key_frame, frame) < 0)
        goto done;
    if (frame->width == current->width && frame->height == current->height)
        goto done;
    current->width = frame->width;
    current->height = frame->height;
    current->format = frame->format;
    result = 1;
done:
    av_frame_free(&frame);
    avcodec_free_context(&context);
    return result;
}

static int update_raw(struct parameters *parameters)
{
    parameters->current->width = parameters->announced_width;
    parameters->current->height = parameters->announced_height;
    return parameters->current->width > 0;
}

int parameters_update(struct parameters *parameters, const AVPacket *key_frame)
{
    if (is_h26x(parameters->current))
        return update_h26x(parameters, key_frame);
    /* Once only: decoding every key frame would cost what copying saves. */
    if (parameters->current->width > 0)
        return 0;
    return parameters->current->codec_id == AV_CODEC_ID_RAWVIDEO
               ? update_raw(parameters)
               : update_by_decoding(parameters, key_frame);
}
