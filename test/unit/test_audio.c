/* The sound of clips, an uninterrupted tone, becomes AAC; it is looked at by decoding that. */
#include "clip.h"

#include <libavcodec/avcodec.h>

#include "ingest/rtp_lav.h"
#include "ingest/sdp.h"
#include "transform/audio.h"

#define MOST_SAMPLES (48000 * 40)

struct rig {
    struct audio *audio;
    AVCodecContext *listener;
    int rate, packets;
    int64_t first_pts, next_pts, pauses; /* samples; how often a packet did not follow the last */
    float *heard;                        /* by time, in samples from start */
    int64_t start, end;
};

static void hear(struct rig *rig, const AVPacket *packet)
{
    AVFrame *frame = av_frame_alloc();
    assert_int_equal(avcodec_send_packet(rig->listener, packet), 0);
    while (avcodec_receive_frame(rig->listener, frame) == 0) {
        const float *samples = (const float *)frame->data[0];
        for (int i = 0; i < frame->nb_samples; i++) {
            int64_t at = frame->pts - rig->start + i;
            if (at >= 0 && at < MOST_SAMPLES)
                rig->heard[at] = samples[i];
        }
        rig->end = frame->pts + frame->nb_samples;
    }
    av_frame_free(&frame);
}

static void drain(struct rig *rig)
{
    AVPacket *packet = av_packet_alloc();
    struct rtsprec_error error = {0};
    int result;
    while ((result = audio_receive(rig->audio, packet, &error)) == 1) {
        assert_int_equal(packet->dts, packet->pts);
        assert_true(packet->flags & AV_PKT_FLAG_KEY);
        if (rig->packets++ == 0)
            rig->first_pts = packet->pts;
        else
            rig->pauses += packet->pts != rig->next_pts;
        rig->next_pts = packet->pts + 1024;
        hear(rig, packet);
        av_packet_unref(packet);
    }
    require(result == 0, "%s", error.text);
    av_packet_free(&packet);
}

static void rig_open(struct rig *rig, const struct track *track, int64_t start_us)
{
    struct rtsprec_error error = {0};
    *rig = (struct rig){.heard = calloc(MOST_SAMPLES, sizeof(float))};
    require(audio_open(&rig->audio, track, &error) == 0, "%s", error.text);
    const struct track *out = audio_track(rig->audio);
    rig->rate = out->parameters->sample_rate;
    rig->start = av_rescale(start_us, rig->rate, SECOND);
    assert_int_equal(out->parameters->codec_id, AV_CODEC_ID_AAC);
    assert_true(out->parameters->extradata_size > 0);
    assert_int_equal(out->time_base.den, rig->rate);
    rig->listener = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_AAC));
    assert_true(avcodec_parameters_to_context(rig->listener, out->parameters) >= 0);
    rig->listener->pkt_timebase = out->time_base;
    assert_int_equal(avcodec_open2(rig->listener, NULL, NULL), 0);
}

static void rig_send(struct rig *rig, const AVPacket *packet)
{
    struct rtsprec_error error = {0};
    require(audio_send(rig->audio, packet, &error) == 0, "%s", error.text);
    drain(rig);
}

static void rig_close(struct rig *rig)
{
    avcodec_free_context(&rig->listener);
    audio_close(&rig->audio);
    free(rig->heard);
}

/* Loudness of 20 ms at a time. */
static float loudness(const struct rig *rig, int64_t at_us)
{
    int64_t at = av_rescale(at_us, rig->rate, SECOND), count = rig->rate / 50;
    float sum = 0;
    for (int64_t i = at; i < at + count; i++)
        sum += rig->heard[i] * rig->heard[i];
    return sum / (float)count;
}

#define START_US (100 * SECOND)
#define TONE     0.02F /* its loudness is 0.08 */

/* Sends the sound of a clip; what lies in [gap_us, gap_end_us) is lost, and what follows comes
 * shift_us later. */
static void send_clip(struct rig *rig, struct clip *clip, int64_t length_us, int64_t gap_us,
                      int64_t gap_end_us, int64_t shift_us)
{
    AVPacket *packet;
    while ((packet = clip_read(clip, START_US, length_us)) != NULL) {
        AVRational base = clip->stream->tracks[packet->stream_index].time_base;
        int64_t at_us = av_rescale_q(packet->pts, base, us) - START_US;
        if (packet->stream_index == 1 && (at_us < gap_us || at_us >= gap_end_us)) {
            if (at_us >= gap_end_us)
                packet->pts += av_rescale_q(shift_us, us, base);
            packet->dts = packet->pts;
            rig_send(rig, packet);
        }
        av_packet_free(&packet);
    }
    rig_send(rig, NULL);
}

static void sound_stays_at_its_time(void **state)
{
    const char *const clips[] = {"h265pcmu", "h264pcma", "h264opus", "h265"};
    const int64_t length_us = 4 * SECOND, gap_us = 1500000, gap_end_us = 2500000;
    (void)state;
    for (size_t i = 0; i < LENGTH(clips); i++) {
        struct clip clip;
        struct rig rig;
        clip_open(&clip, clips[i]);
        rig_open(&rig, &clip.stream->tracks[1], START_US);
        assert_int_equal(rig.rate, clip.stream->tracks[1].parameters->sample_rate);
        send_clip(&rig, &clip, length_us, gap_us, gap_end_us, 0);
        /* What is lost is silence, not a gap; to 40 ms, which is also what codecs smear. */
        require(rig.pauses == 0, "%s: %d pauses", clips[i], (int)rig.pauses);
        for (int64_t at = 200000; at < length_us - 200000; at += 20000) {
            bool is_gap = at >= gap_us + 80000 && at < gap_end_us - 80000;
            bool is_edge = !is_gap && at >= gap_us - 80000 && at < gap_end_us + 80000;
            if (!is_edge)
                require((loudness(&rig, at) < TONE) == is_gap, "%s: %f at %d us", clips[i],
                        (double)loudness(&rig, at), (int)at);
        }
        int64_t end_us = av_rescale(rig.end - rig.start, SECOND, rig.rate);
        require(llabs(end_us - length_us) <= 150000, "%s: %d us", clips[i], (int)end_us);
        rig_close(&rig);
        clip_close(&clip);
    }
}

static void a_long_pause_stays_one(void **state)
{
    struct clip clip;
    struct rig rig;
    (void)state;
    clip_open(&clip, "h265pcmu");
    rig_open(&rig, &clip.stream->tracks[1], START_US);
    send_clip(&rig, &clip, 3 * SECOND, SECOND, SECOND, 20 * SECOND);
    assert_int_equal(rig.pauses, 1);
    assert_true(rig.packets < 4 * rig.rate / 1024);
    assert_true(loudness(&rig, 500000) > TONE);
    assert_true(loudness(&rig, 10 * SECOND) < TONE);
    assert_true(loudness(&rig, 21 * SECOND + 500000) > TONE);
    rig_close(&rig);
    clip_close(&clip);
}

/* Times that step back a little: what comes twice is heard once. */
static void what_comes_twice_is_heard_once(void **state)
{
    struct clip clip;
    struct rig rig;
    (void)state;
    clip_open(&clip, "h264pcma");
    rig_open(&rig, &clip.stream->tracks[1], START_US);
    send_clip(&rig, &clip, 3 * SECOND, SECOND, SECOND, -SECOND / 2);
    assert_int_equal(rig.pauses, 0);
    int64_t end_us = av_rescale(rig.end - rig.start, SECOND, rig.rate);
    require(llabs(end_us - 2500000) <= 150000, "%d us", (int)end_us);
    rig_close(&rig);
    clip_close(&clip);
}

#define G726_BYTES   80 /* 20 ms */
#define G726_SAMPLES 160

/* 20 ms of a tone of 400 Hz, behind an RTP header. */
static void make_g726(AVCodecContext *encoder, int index, uint8_t *rtp)
{
    AVFrame *frame = av_frame_alloc();
    AVPacket *packet = av_packet_alloc();
    frame->nb_samples = G726_SAMPLES;
    frame->format = encoder->sample_fmt;
    frame->sample_rate = encoder->sample_rate;
    av_channel_layout_copy(&frame->ch_layout, &encoder->ch_layout);
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    for (int i = 0; i < G726_SAMPLES; i++)
        ((int16_t *)frame->data[0])[i] = i / 10 % 2 ? 10000 : -10000;
    assert_int_equal(avcodec_send_frame(encoder, frame), 0);
    assert_int_equal(avcodec_receive_packet(encoder, packet), 0);
    assert_int_equal(packet->size, G726_BYTES);
    uint32_t time = (uint32_t)(index * G726_SAMPLES);
    const uint8_t header[12] = {0x80,
                                98,
                                (uint8_t)(index >> 8),
                                (uint8_t)index,
                                time >> 24,
                                time >> 16 & 255,
                                time >> 8 & 255,
                                time & 255};
    memcpy(rtp, header, sizeof(header));
    memcpy(rtp + sizeof(header), packet->data, G726_BYTES);
    av_packet_free(&packet);
    av_frame_free(&frame);
}

/* What a camera's description says of it is all that the decoder gets to know. */
static void g726_is_heard(void **state)
{
    static const char description[] = "m=audio 0 RTP/AVP 98\r\na=rtpmap:98 G726-32/8000\r\n";
    struct sdp sdp;
    struct rtp_lav *lav;
    struct rig rig;
    uint8_t rtp[12 + G726_BYTES];
    (void)state;
    AVCodecContext *encoder =
        avcodec_alloc_context3(avcodec_find_encoder(AV_CODEC_ID_ADPCM_G726LE));
    encoder->sample_rate = 8000;
    encoder->sample_fmt = AV_SAMPLE_FMT_S16;
    encoder->bit_rate = 32000;
    av_channel_layout_default(&encoder->ch_layout, 1);
    assert_int_equal(avcodec_open2(encoder, NULL, NULL), 0);
    assert_int_equal(sdp_parse(&sdp, (struct text){description, strlen(description)}), 0);
    assert_int_equal(rtp_lav_create(&lav, &sdp.media[0]), 0);
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    assert_int_equal(avcodec_parameters_copy(parameters, rtp_lav_parameters(lav)), 0);
    assert_true(audio_can_encode(parameters));
    rig_open(&rig, &(struct track){.parameters = parameters, .time_base = {1, 8000}}, 0);
    AVPacket *packet = av_packet_alloc();
    for (int i = 0; i < 100; i++) {
        make_g726(encoder, i, rtp);
        assert_int_equal(rtp_lav_push(lav, rtp, sizeof(rtp)), 0);
        while (rtp_lav_pull(lav, packet)) {
            rig_send(&rig, packet);
            av_packet_unref(packet);
        }
    }
    rig_send(&rig, NULL);
    assert_int_equal(rig.rate, 8000);
    assert_int_equal(rig.pauses, 0);
    for (int64_t at = 200000; at < 1800000; at += 20000)
        require(loudness(&rig, at) > TONE, "%f at %d us", (double)loudness(&rig, at), (int)at);
    av_packet_free(&packet);
    avcodec_parameters_free(&parameters);
    avcodec_free_context(&encoder);
    rtp_lav_destroy(&lav);
    rig_close(&rig);
}

static void what_is_wanted_decides(void **state)
{
    (void)state;
    assert_false(audio_is_encoded(RTSPREC_AUDIO_AUTO, AV_CODEC_ID_OPUS, true));
    assert_true(audio_is_encoded(RTSPREC_AUDIO_AUTO, AV_CODEC_ID_PCM_ALAW, false));
    assert_true(audio_is_encoded(RTSPREC_AUDIO_AAC, AV_CODEC_ID_PCM_ALAW, true));
    assert_false(audio_is_encoded(RTSPREC_AUDIO_AAC, AV_CODEC_ID_AAC, true));
    assert_false(audio_is_encoded(RTSPREC_AUDIO_COPY, AV_CODEC_ID_PCM_ALAW, false));
    AVCodecParameters parameters = {.codec_id = AV_CODEC_ID_PCM_ALAW};
    assert_false(audio_can_encode(&parameters));
    parameters.sample_rate = 8000;
    assert_true(audio_can_encode(&parameters));
    parameters.codec_id = AV_CODEC_ID_NONE;
    assert_false(audio_can_encode(&parameters));
}

static void what_nobody_decodes_does_not_open(void **state)
{
    AVCodecParameters parameters = {.codec_type = AVMEDIA_TYPE_AUDIO, .sample_rate = 8000};
    struct track track = {.parameters = &parameters, .time_base = {1, 8000}};
    struct audio *audio = NULL;
    struct rtsprec_error error = {0};
    (void)state;
    assert_int_equal(audio_open(&audio, &track, &error), RTSPREC_ERROR_UNSUPPORTED);
    assert_null(audio);
    assert_string_equal(error.text, "there is no decoder of none");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_stays_at_its_time),
        cmocka_unit_test(a_long_pause_stays_one),
        cmocka_unit_test(what_comes_twice_is_heard_once),
        cmocka_unit_test(g726_is_heard),
        cmocka_unit_test(what_is_wanted_decides),
        cmocka_unit_test(what_nobody_decodes_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
