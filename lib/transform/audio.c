#include "transform/audio.h"

#include <stdlib.h>

#include <libavcodec/avcodec.h>
#include <libavutil/audio_fifo.h>
#include <libavutil/channel_layout.h>
#include <libavutil/mathematics.h>
#include <libswresample/swresample.h>

#include "base/clock.h"
#include "base/error.h"

/* Times of packets are rounded and slewed: less than this is no gap. */
#define GAP_US 40000
/* A longer one is a pause, and stays one. */
#define PAUSE_US (5 * US_PER_SECOND)

/* AAC has about 3 bits a sample for speech at 8 kHz, and no use for more than 64 kbit/s a channel.
 */
#define BITS_PER_SAMPLE 3
#define MOST_BITRATE    64000

struct audio {
    struct track in; /* its parameters are the caller's until the decoder is open */
    struct track out;
    AVCodecContext *decoder, *encoder;
    SwrContext *resampler; /* from what the decoder gives; NULL before its first frame */
    int in_rate, in_format;
    AVChannelLayout in_layout;
    AVAudioFifo *samples; /* decoded, not yet encoded */
    AVFrame *frame;       /* from the decoder */
    AVFrame *chunk;       /* for the encoder */

    bool has_begun;
    int64_t next_out; /* time of the next sample to encode, in samples */
    bool is_ending, is_at_end;
};

bool audio_is_encoded(enum rtsprec_audio wish, enum AVCodecID codec, bool is_accepted)
{
    switch (wish) {
    case RTSPREC_AUDIO_AUTO:
        return !is_accepted;
    case RTSPREC_AUDIO_AAC:
        return codec != AV_CODEC_ID_AAC;
    case RTSPREC_AUDIO_COPY:
    case RTSPREC_AUDIO_OFF:
        break;
    }
    return false;
}

bool audio_can_encode(const AVCodecParameters *parameters)
{
    return parameters->sample_rate > 0 && avcodec_find_decoder(parameters->codec_id) &&
           avcodec_find_encoder(AV_CODEC_ID_AAC);
}

static int no_memory(struct rtsprec_error *error)
{
    return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}

static int explain(int averror, const char *what, struct rtsprec_error *error)
{
    char text[AV_ERROR_MAX_STRING_SIZE];
    if (averror == AVERROR(ENOMEM))
        return no_memory(error);
    av_strerror(averror, text, sizeof(text));
    return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "%s: %s", what, text);
}

/* The lowest rate of AAC that loses nothing. */
static int rate_for(int rate)
{
    static const int rates[] = {8000,  11025, 12000, 16000, 22050, 24000,
                                32000, 44100, 48000, 64000, 88200, 96000};
    size_t count = sizeof(rates) / sizeof(rates[0]);
    for (size_t i = 0; i < count; i++) {
        if (rates[i] >= rate)
            return rates[i];
    }
    return rates[count - 1];
}

static int open_decoder(struct audio *audio, const AVCodecParameters *parameters,
                        struct rtsprec_error *error)
{
    const AVCodec *codec = avcodec_find_decoder(parameters->codec_id);
    if (!codec)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "there is no decoder of %s",
                         avcodec_get_name(parameters->codec_id));
    audio->decoder = avcodec_alloc_context3(codec);
    if (!audio->decoder || avcodec_parameters_to_context(audio->decoder, parameters) < 0)
        return no_memory(error);
    audio->decoder->pkt_timebase = audio->in.time_base;
    int err = avcodec_open2(audio->decoder, codec, NULL);
    return err < 0 ? explain(err, "the decoder of the sound does not open", error) : 0;
}

static int open_encoder(struct audio *audio, const AVCodecParameters *parameters,
                        struct rtsprec_error *error)
{
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_AAC);
    int channels = parameters->ch_layout.nb_channels >= 2 ? 2 : 1;
    if (!codec)
        return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "there is no encoder of AAC");
    audio->encoder = avcodec_alloc_context3(codec);
    if (!audio->encoder)
        return no_memory(error);
    AVCodecContext *encoder = audio->encoder;
    encoder->sample_rate = rate_for(parameters->sample_rate);
    encoder->sample_fmt = AV_SAMPLE_FMT_FLTP;
    encoder->time_base = (AVRational){1, encoder->sample_rate};
    encoder->bit_rate =
        (int64_t)channels * FFMIN(encoder->sample_rate * BITS_PER_SAMPLE, MOST_BITRATE);
    encoder->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_channel_layout_default(&encoder->ch_layout, channels);
    int err = avcodec_open2(encoder, codec, NULL);
    if (err < 0)
        return explain(err, "the encoder of the sound does not open", error);
    audio->samples = av_audio_fifo_alloc(encoder->sample_fmt, channels, encoder->frame_size);
    audio->out.time_base = encoder->time_base;
    audio->out.reorder_frames = -1;
    audio->out.parameters = avcodec_parameters_alloc();
    return audio->samples && audio->out.parameters &&
                   avcodec_parameters_from_context(audio->out.parameters, encoder) >= 0
               ? 0
               : no_memory(error);
}

int audio_open(struct audio **out, const struct track *track, struct rtsprec_error *error)
{
    *out = NULL;
    struct audio *audio = calloc(1, sizeof(*audio));
    if (!audio)
        return no_memory(error);
    audio->in = *track;
    audio->frame = av_frame_alloc();
    audio->chunk = av_frame_alloc();
    int err = audio->frame && audio->chunk ? open_decoder(audio, track->parameters, error)
                                           : no_memory(error);
    if (err == 0)
        err = open_encoder(audio, track->parameters, error);
    if (err < 0) {
        audio_close(&audio);
        return err;
    }
    *out = audio;
    return 0;
}

void audio_close(struct audio **audio_pointer)
{
    struct audio *audio = *audio_pointer;
    *audio_pointer = NULL;
    if (!audio)
        return;
    avcodec_free_context(&audio->decoder);
    avcodec_free_context(&audio->encoder);
    avcodec_parameters_free(&audio->out.parameters);
    swr_free(&audio->resampler);
    av_channel_layout_uninit(&audio->in_layout);
    if (audio->samples)
        av_audio_fifo_free(audio->samples);
    av_frame_free(&audio->frame);
    av_frame_free(&audio->chunk);
    free(audio);
}

const struct track *audio_track(const struct audio *audio)
{
    return &audio->out;
}

int audio_send(struct audio *audio, const AVPacket *packet, struct rtsprec_error *error)
{
    if (!packet)
        audio->is_ending = true;
    int err = avcodec_send_packet(audio->decoder, packet);
    return err == AVERROR(ENOMEM) ? no_memory(error) : 0;
}

/* For what the decoder gives now. Returns 0 or an AVERROR. */
static int set_up_resampler(struct audio *audio, AVFrame *frame)
{
    AVCodecContext *to = audio->encoder;
    if (audio->resampler && frame->sample_rate == audio->in_rate &&
        frame->format == audio->in_format &&
        av_channel_layout_compare(&frame->ch_layout, &audio->in_layout) == 0)
        return 0;
    swr_free(&audio->resampler);
    int err = av_channel_layout_copy(&audio->in_layout, &frame->ch_layout);
    if (err >= 0)
        err =
            swr_alloc_set_opts2(&audio->resampler, &to->ch_layout, to->sample_fmt, to->sample_rate,
                                &frame->ch_layout, frame->format, frame->sample_rate, 0, NULL);
    if (err >= 0)
        err = swr_init(audio->resampler);
    audio->in_rate = frame->sample_rate;
    audio->in_format = frame->format;
    return err;
}

/* Takes a frame's samples, or count samples of silence when it is NULL; the first "skipped" of the
 * frame are left out. Returns 0 or an AVERROR. */
static int add_samples(struct audio *audio, const AVFrame *frame, int count, int skipped)
{
    const AVCodecContext *to = audio->encoder;
    uint8_t **data = NULL;
    int room = frame ? swr_get_out_samples(audio->resampler, frame->nb_samples) : count;
    int err = room < 0 ? room
                       : av_samples_alloc_array_and_samples(&data, NULL, to->ch_layout.nb_channels,
                                                            room + 1, to->sample_fmt, 0);
    if (err < 0)
        return err;
    if (frame)
        err = swr_convert(audio->resampler, data, room, (const uint8_t **)frame->extended_data,
                          frame->nb_samples);
    else
        err = av_samples_set_silence(data, 0, count, to->ch_layout.nb_channels, to->sample_fmt);
    if (err >= 0)
        count = frame ? err : count;
    if (err >= 0 && count > skipped) {
        uint8_t *from[2] = {
            data[0] + (size_t)skipped * sizeof(float),
            to->ch_layout.nb_channels > 1 ? data[1] + (size_t)skipped * sizeof(float) : NULL};
        err = av_audio_fifo_write(audio->samples, (void **)from, count - skipped);
    }
    av_freep(&data[0]);
    av_freep(&data);
    return err < 0 ? err : 0;
}

/* Encodes a whole frame of what there is, at the end also less. Returns 1, 0 or an AVERROR. */
static int encode(struct audio *audio, bool is_last)
{
    AVCodecContext *encoder = audio->encoder;
    int there = av_audio_fifo_size(audio->samples);
    if (there < encoder->frame_size && !(is_last && there > 0))
        return 0;
    AVFrame *frame = audio->chunk;
    av_frame_unref(frame);
    frame->nb_samples = FFMIN(there, encoder->frame_size);
    frame->format = encoder->sample_fmt;
    frame->sample_rate = encoder->sample_rate;
    int err = av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout);
    if (err >= 0)
        err = av_frame_get_buffer(frame, 0);
    if (err >= 0)
        err = av_audio_fifo_read(audio->samples, (void **)frame->extended_data, frame->nb_samples);
    if (err < 0)
        return err;
    frame->pts = audio->next_out;
    audio->next_out += frame->nb_samples;
    err = avcodec_send_frame(encoder, frame);
    return err < 0 ? err : 1;
}

/* What is left before a pause ends in silence; what follows begins at that sample. Returns 0 or an
 * AVERROR. */
static int begin_anew(struct audio *audio, int64_t at)
{
    int left = av_audio_fifo_size(audio->samples), whole = audio->encoder->frame_size;
    int err = left > 0 ? add_samples(audio, NULL, whole - left, 0) : 0;
    if (err >= 0 && left > 0)
        err = encode(audio, false);
    audio->next_out = at;
    return err < 0 ? err : 0;
}

/* Puts what was decoded at its time. Returns 0 or an AVERROR. */
static int place(struct audio *audio, AVFrame *frame)
{
    int64_t rate = audio->encoder->sample_rate;
    int err = set_up_resampler(audio, frame);
    if (err < 0)
        return err;
    int64_t pts = frame->best_effort_timestamp;
    int skipped = 0;
    if (pts != AV_NOPTS_VALUE) {
        int64_t at = av_rescale_q(pts, audio->in.time_base, audio->encoder->time_base);
        at -= swr_get_delay(audio->resampler, rate);
        int64_t expected = audio->next_out + av_audio_fifo_size(audio->samples);
        int64_t gap = at - expected, gap_us = av_rescale(gap, US_PER_SECOND, rate);
        if (!audio->has_begun)
            audio->next_out = at;
        else if (gap_us > PAUSE_US)
            err = begin_anew(audio, at);
        else if (gap_us > GAP_US)
            err = add_samples(audio, NULL, (int)gap, 0);
        else if (gap_us < -GAP_US)
            skipped = (int)FFMIN(-gap, INT32_MAX);
        audio->has_begun = true;
    }
    return err < 0 ? err : add_samples(audio, frame, 0, skipped);
}

/* One step: 1, 0 when the decoder wants more, or an AVERROR. */
static int advance(struct audio *audio)
{
    int err = encode(audio, audio->is_at_end);
    if (err != 0)
        return err;
    if (audio->is_at_end)
        return 0;
    av_frame_unref(audio->frame);
    err = avcodec_receive_frame(audio->decoder, audio->frame);
    if (err >= 0) {
        err = place(audio, audio->frame);
        return err < 0 ? err : 1;
    }
    if (err == AVERROR_EOF && audio->is_ending) {
        audio->is_at_end = true;
        while ((err = encode(audio, true)) > 0)
            ;
        if (err == 0)
            err = avcodec_send_frame(audio->encoder, NULL);
        return err < 0 ? err : 1;
    }
    return err == AVERROR(ENOMEM) ? err : 0;
}

int audio_receive(struct audio *audio, AVPacket *packet, struct rtsprec_error *error)
{
    for (;;) {
        int err = avcodec_receive_packet(audio->encoder, packet);
        if (err >= 0) {
            packet->flags |= AV_PKT_FLAG_KEY;
            return 1;
        }
        if (err == AVERROR_EOF)
            return 0;
        if (err == AVERROR(EAGAIN))
            err = advance(audio);
        if (err < 0)
            return explain(err, "the sound cannot be encoded", error);
        if (err == 0)
            return 0;
    }
}
