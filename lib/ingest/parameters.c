#include "ingest/parameters.h"

#include <string.h>

#include <libavcodec/avcodec.h>
#include <libavutil/macros.h>
#include <libavutil/mem.h>

#include <rtsprec/error.h>

#include "ingest/parameter_record.h"
#include "ingest/parameter_sets.h"
#include "ingest/sps.h"

static bool is_h26x(const AVCodecParameters *codec)
{
    return codec->codec_id == AV_CODEC_ID_H264 || codec->codec_id == AV_CODEC_ID_HEVC;
}

bool parameters_are_same(const AVCodecParameters *a, const AVCodecParameters *b)
{
    return a->codec_id == b->codec_id && a->width == b->width && a->height == b->height &&
           a->extradata_size == b->extradata_size &&
           (a->extradata_size == 0 ||
            !memcmp(a->extradata, b->extradata, (size_t)a->extradata_size));
}

/* All sets in Annex B, allocated; NULL without memory. */
static uint8_t *write_sets(const struct parameter_sets *sets)
{
    uint8_t *data = av_malloc(sets->bytes);
    if (data)
        parameter_sets_write(sets, data);
    return data;
}

/* What the first SPS says of the picture. */
static void apply_sps(struct parameters *parameters, const struct parameter_sets *sets)
{
    struct sps sps;
    for (int i = 0; i < sets->count; i++) {
        const struct parameter_set *set = &sets->sets[i];
        if (set->kind != NAL_SPS)
            continue;
        if (sps_parse(&sps, sets->codec, &(struct nal){set->data, set->size})) {
            parameters->current->width = sps.width;
            parameters->current->height = sps.height;
            parameters->reorder_frames = sps.reorder_frames;
        }
        return;
    }
}

/* Takes the sets over when they are complete and new: 1, else 0; or RTSPREC_ERROR_NO_MEMORY. */
static int apply(struct parameters *parameters, const struct parameter_sets *sets)
{
    AVCodecParameters *current = parameters->current;
    uint8_t *record = NULL, *data = sets->count > 0 ? write_sets(sets) : NULL;
    size_t record_size;
    int result = 0;
    if (sets->count == 0)
        return 0;
    if (!data)
        return RTSPREC_ERROR_NO_MEMORY;
    if (parameters->sets && (size_t)parameters->sets_size == sets->bytes &&
        !memcmp(parameters->sets, data, sets->bytes))
        goto done;
    result = parameter_record_make(&record, &record_size, current->codec_id, data, sets->bytes);
    if (result < 0) {
        result = result == RTSPREC_ERROR_NO_MEMORY ? result : 0;
        goto done;
    }
    av_free(current->extradata);
    current->extradata = record;
    current->extradata_size = (int)record_size;
    FFSWAP(uint8_t *, parameters->sets, data);
    parameters->sets_size = (int)sets->bytes;
    apply_sps(parameters, sets);
    result = 1;
done:
    av_free(data);
    return result;
}

/* Returns 1 when the sets are complete and new, 0, or RTSPREC_ERROR_NO_MEMORY. */
static int take_sets(struct parameters *parameters, const uint8_t *data, size_t size)
{
    struct parameter_sets sets;
    parameter_sets_init(&sets, parameters->current->codec_id);
    int result = parameter_sets_take_all(&sets, data, size);
    if (result == 0)
        result = apply(parameters, &sets);
    parameter_sets_uninit(&sets);
    return result;
}

int parameters_init(struct parameters *parameters, const AVCodecParameters *announced)
{
    *parameters = (struct parameters){.current = avcodec_parameters_alloc(), .reorder_frames = -1};
    AVCodecParameters *current = parameters->current;
    if (!current || avcodec_parameters_copy(current, announced) < 0)
        return RTSPREC_ERROR_NO_MEMORY;
    parameters->announced_width = announced->width;
    parameters->announced_height = announced->height;
    current->width = current->height = 0;
    if (!is_h26x(current))
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

static int update_h26x(struct parameters *parameters, const AVPacket *frame)
{
    size_t size = 0;
    const uint8_t *sets = av_packet_get_side_data(frame, AV_PKT_DATA_NEW_EXTRADATA, &size);
    return sets ? take_sets(parameters, sets, size) : 0;
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

/* Once only: decoding every key frame would cost what copying saves. */
bool parameters_want_decoding(const struct parameters *parameters)
{
    const AVCodecParameters *current = parameters->current;
    return !is_h26x(current) && current->codec_id != AV_CODEC_ID_RAWVIDEO && current->width == 0;
}

int parameters_update(struct parameters *parameters, const AVPacket *frame)
{
    if (is_h26x(parameters->current))
        return update_h26x(parameters, frame);
    if (!(frame->flags & AV_PKT_FLAG_KEY) || parameters->current->width > 0)
        return 0;
    return parameters_want_decoding(parameters) ? update_by_decoding(parameters, frame)
                                                : update_raw(parameters);
}
