/* Clips through decoder, scaler, frame rate and encoder, looked at by decoding what came out: every
 * frame shows its number in the bar code of test/camera/clips.cmake. */
#include "clip.h"

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavutil/opt.h>

#include "transform/video.h"

#define MOST_FRAMES 400

struct shown {
    int64_t pts_us;
    int number; /* of the clip's frame that is seen */
    bool is_key;
};

struct rig {
    struct video *video;
    AVCodecContext *viewer; /* decodes what came out */
    struct track track;     /* of the clip */
    struct shown shown[MOST_FRAMES];
    bool is_key[MOST_FRAMES];
    int count, packets;
    int64_t bytes, last_dts;
    int64_t key_us; /* when a file is to begin; INT64_MAX: never */
    int64_t asked_us[MOST_FRAMES];
    int asked, said;
};

/* While it is set, all decoders but this one fail. */
static const AVCodecContext *last_decoder;

int __real_avcodec_receive_frame(AVCodecContext *context, AVFrame *frame);
int __wrap_avcodec_receive_frame(AVCodecContext *context, AVFrame *frame);

int __wrap_avcodec_receive_frame(AVCodecContext *context, AVFrame *frame)
{
    return last_decoder && context != last_decoder ? AVERROR_INVALIDDATA
                                                   : __real_avcodec_receive_frame(context, frame);
}

static bool begins_file(void *user, int64_t pts_us)
{
    struct rig *rig = user;
    require(rig->asked < MOST_FRAMES, "%d", rig->asked);
    rig->asked_us[rig->asked++] = pts_us;
    if (pts_us < rig->key_us)
        return false;
    rig->key_us = INT64_MAX;
    return true;
}

static void hear(void *user, bool is_asked_for, const char *text)
{
    struct rig *rig = user;
    (void)is_asked_for, (void)text;
    rig->said++;
}

/* The cells are 16x16 pixels of 640x360. */
static int read_number(const AVFrame *frame)
{
    int number = 0;
    for (int i = 0; i < 20; i++) {
        int x = (16 * i + 8) * frame->width / 640, y = 8 * frame->height / 360;
        number |= (frame->data[0][y * frame->linesize[0] + x] > 125) << i;
    }
    return number;
}

static void look(struct rig *rig, const AVPacket *packet)
{
    AVFrame *frame = av_frame_alloc();
    assert_int_equal(avcodec_send_packet(rig->viewer, packet), 0);
    while (avcodec_receive_frame(rig->viewer, frame) == 0) {
        require(rig->count < MOST_FRAMES, "%d frames", rig->count);
        rig->shown[rig->count] = (struct shown){
            .pts_us = av_rescale_q(frame->best_effort_timestamp, rig->track.time_base, us),
            .number = read_number(frame),
            .is_key = rig->is_key[rig->count],
        };
        rig->count++;
        av_frame_unref(frame);
    }
    av_frame_free(&frame);
}

static void drain(struct rig *rig)
{
    AVPacket *packet = av_packet_alloc();
    struct rtsprec_error error = {0};
    int result;
    while ((result = video_receive(rig->video, packet, &error)) == 1) {
        require(packet->dts > rig->last_dts, "%d after %d", (int)packet->dts, (int)rig->last_dts);
        rig->last_dts = packet->dts;
        rig->is_key[rig->packets++] = packet->flags & AV_PKT_FLAG_KEY;
        rig->bytes += packet->size;
        look(rig, packet);
        av_packet_unref(packet);
    }
    require(result == 0, "%s", error.text);
    av_packet_free(&packet);
}

static struct encoder_wish wish(enum AVCodecID codec, int width, int height, AVRational rate)
{
    return (struct encoder_wish){.codec = codec,
                                 .width = width,
                                 .height = height,
                                 .frame_rate = rate,
                                 .bitrate = 1000000,
                                 .threads = 1,
                                 .name = "software"};
}

static void rig_open(struct rig *rig, const struct clip *clip, const struct encoder_wish *wanted,
                     int64_t key_us)
{
    struct rtsprec_error error = {0};
    *rig = (struct rig){.track = clip->stream->tracks[0], .last_dts = INT64_MIN, .key_us = key_us};
    struct video_options options = {
        .track = &rig->track, .wish = *wanted, .is_key = begins_file, .say = hear, .user = rig};
    require(video_open(&rig->video, &options, &error) == 0, "%s", error.text);
    const AVCodecContext *from = video_context(rig->video);
    rig->viewer = avcodec_alloc_context3(avcodec_find_decoder(wanted->codec));
    AVCodecParameters *parameters = avcodec_parameters_alloc();
    assert_true(avcodec_parameters_from_context(parameters, from) >= 0);
    assert_true(avcodec_parameters_to_context(rig->viewer, parameters) >= 0);
    avcodec_parameters_free(&parameters);
    rig->viewer->thread_count = 1;
    rig->viewer->pkt_timebase = rig->track.time_base;
    assert_int_equal(avcodec_open2(rig->viewer, NULL, NULL), 0);
}

static void rig_send_some(struct rig *rig, const AVPacket *packet, int keep_every, bool repeats)
{
    struct rtsprec_error error = {0};
    require(video_send(rig->video, packet, keep_every, repeats, &error) == 0, "%s", error.text);
    drain(rig);
}

static void rig_send(struct rig *rig, const AVPacket *packet)
{
    rig_send_some(rig, packet, 1, true);
}

static void rig_finish(struct rig *rig)
{
    rig_send(rig, NULL);
    look(rig, NULL);
    assert_int_equal(rig->count, rig->packets);
}

static void rig_close(struct rig *rig)
{
    avcodec_free_context(&rig->viewer);
    video_close(&rig->video);
}

/* All of a clip's video up to end_us, as if it began at START_US. */
#define START_US (100 * SECOND)

static void rig_send_clip(struct rig *rig, struct clip *clip, int64_t end_us)
{
    AVPacket *packet;
    while ((packet = clip_read(clip, START_US, end_us)) != NULL) {
        if (packet->stream_index == 0)
            rig_send(rig, packet);
        av_packet_free(&packet);
    }
    rig_finish(rig);
}

static void every_kind_keeps_its_times_and_pictures(void **state)
{
    const struct {
        const char *clip;
        enum AVCodecID codec;
        int width, height; /* the bound */
        int out_width, out_height;
        AVRational rate;
    } rows[] = {
        {"h264v", AV_CODEC_ID_HEVC, 0, 0, 640, 360, {25, 1}},
        {"h264b", AV_CODEC_ID_HEVC, 320, 320, 320, 180, {15, 1}},
        {"h265b", AV_CODEC_ID_H264, 480, 0, 480, 270, {25, 2}},
        {"h265v", AV_CODEC_ID_MPEG4, 1280, 720, 640, 360, {30, 1}},
        {"mjpeg", AV_CODEC_ID_H264, 0, 0, 640, 360, {40, 1}},
        {"h264v", AV_CODEC_ID_AV1, 320, 180, 320, 180, {25, 1}},
    };
    const int64_t length_us = 3 * SECOND;
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct clip clip;
        struct rig rig;
        clip_open(&clip, rows[i].clip);
        struct encoder_wish wanted =
            wish(rows[i].codec, rows[i].width, rows[i].height, rows[i].rate);
        int64_t key_us = START_US + 1300000;
        rig_open(&rig, &clip, &wanted, key_us);
        const AVCodecContext *to = video_context(rig.video);
        require(to->width == rows[i].out_width && to->height == rows[i].out_height, "%zu: %dx%d", i,
                to->width, to->height);
        rig_send_clip(&rig, &clip, length_us);

        int64_t place_us = SECOND * rows[i].rate.den / rows[i].rate.num;
        int64_t longest_us = place_us > 40000 ? place_us : 40000;
        int64_t end_us = rig.shown[rig.count - 1].pts_us + place_us - START_US;
        require(llabs(end_us - length_us) <= longest_us, "%zu: %d us", i, (int)end_us);
        bool was_key = false;
        for (int j = 0; j < rig.count; j++) {
            const struct shown *shown = &rig.shown[j];
            int64_t at_us = shown->pts_us - START_US, of_us = shown->number * INT64_C(40000);
            require(llabs(at_us - j * place_us) <= place_us / 100 + 30, "%zu: frame %d at %d us", i,
                    j, (int)at_us);
            /* The frame that is seen is that of its time: rounded, or the one before, repeated. */
            require(llabs(at_us - of_us) <= longest_us, "%zu: at %d us number %d", i, (int)at_us,
                    shown->number);
            require(j == 0 || shown->number >= rig.shown[j - 1].number, "%zu: frame %d", i, j);
            if (shown->pts_us >= key_us && !was_key) {
                require(shown->is_key && shown->pts_us - key_us < place_us, "%zu: frame %d", i, j);
                was_key = true;
            }
        }
        require(was_key && rig.said == 0, "%zu", i);
        rig_close(&rig);
        clip_close(&clip);
    }
}

/* To a microsecond, also when its place is between two ticks: else a file that should begin with a
 * frame would begin with the next key frame. */
static void a_frame_is_asked_about_at_the_time_that_it_gets(void **state)
{
    struct clip clip;
    struct rig rig;
    struct encoder_wish wanted = wish(AV_CODEC_ID_MPEG4, 160, 90, (AVRational){14, 1});
    (void)state;
    clip_open(&clip, "h264v");
    rig_open(&rig, &clip, &wanted, INT64_MAX);
    rig_send_clip(&rig, &clip, 2 * SECOND);
    assert_int_equal(rig.asked, rig.count);
    for (int i = 0; i < rig.count; i++)
        assert_int_equal(rig.asked_us[i], rig.shown[i].pts_us);
    rig_close(&rig);
    clip_close(&clip);
}

/* What a lossy network makes of it: a part is missing in the middle, another is damaged. */
static void broken_frames_are_not_the_end(void **state)
{
    const char *const clips[] = {"h264v", "h265v", "mjpeg"};
    (void)state;
    for (size_t i = 0; i < LENGTH(clips); i++) {
        struct clip clip;
        struct rig rig;
        AVPacket *packet;
        uint64_t seed = 3 + i;
        int number = 0;
        clip_open(&clip, clips[i]);
        struct encoder_wish wanted = wish(AV_CODEC_ID_H264, 320, 180, (AVRational){25, 1});
        rig_open(&rig, &clip, &wanted, INT64_MAX);
        while ((packet = clip_read(&clip, START_US, 4 * SECOND)) != NULL) {
            int n = number++;
            assert_int_equal(av_packet_make_writable(packet), 0);
            if (n >= 30 && n < 40) {
                for (int k = 0; k < 20; k++)
                    packet->data[random_between(&seed, 0, packet->size - 1)] ^= 0x55;
            }
            if (n == 41)
                av_shrink_packet(packet, 3);
            if (n < 20 || n >= 25)
                rig_send(&rig, packet);
            av_packet_free(&packet);
        }
        rig_finish(&rig);
        /* The last second, after the next key frames, is whole again. */
        require(rig.count > 60, "%s: %d frames", clips[i], rig.count);
        for (int j = 0; j < rig.count; j++) {
            int64_t at_us = rig.shown[j].pts_us - START_US;
            if (at_us >= 3 * SECOND)
                require(rig.shown[j].number == at_us / 40000, "%s: %d at %d us", clips[i],
                        rig.shown[j].number, (int)at_us);
        }
        rig_close(&rig);
        clip_close(&clip);
    }
}

/* What the encoder holds back comes out all the same: this one holds three frames. */
static void a_decoder_that_fails_at_the_end_costs_only_what_it_holds(void **state)
{
    struct clip clip;
    struct rig rig;
    AVPacket *packet;
    struct encoder_wish wanted = wish(AV_CODEC_ID_AV1, 320, 180, (AVRational){25, 1});
    (void)state;
    clip_open(&clip, "h264v");
    rig_open(&rig, &clip, &wanted, INT64_MAX);
    while ((packet = clip_read(&clip, START_US, SECOND)) != NULL) {
        rig_send(&rig, packet);
        av_packet_free(&packet);
    }
    int before = rig.packets;
    last_decoder = rig.viewer;
    rig_finish(&rig);
    last_decoder = NULL;
    require(before < 25 && rig.count == 25, "%d, then %d", before, rig.count);
    assert_int_equal(rig.shown[24].number, 24);
    rig_close(&rig);
    clip_close(&clip);
}

static void overload_leaves_frames_out_evenly(void **state)
{
    const struct {
        int keep_every;
        bool repeats;
        int count; /* of 75 frames at 25 per second that are to become 50 per second */
    } rows[] = {{1, true, 149}, {1, false, 75}, {2, false, 37}, {4, false, 18}, {8, false, 9}};
    (void)state;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct clip clip;
        struct rig rig;
        AVPacket *packet;
        int every = rows[i].keep_every;
        clip_open(&clip, "h264v");
        struct encoder_wish wanted = wish(AV_CODEC_ID_H264, 320, 180, (AVRational){50, 1});
        rig_open(&rig, &clip, &wanted, INT64_MAX);
        while ((packet = clip_read(&clip, START_US, 3 * SECOND)) != NULL) {
            rig_send_some(&rig, packet, every, rows[i].repeats);
            av_packet_free(&packet);
        }
        rig_finish(&rig);
        require(rig.count == rows[i].count, "%zu: %d frames", i, rig.count);
        require(video_skipped(rig.video) == (every == 1 ? 0 : 75 - 75 / every), "%d: %d", every,
                (int)video_skipped(rig.video));
        for (int j = 1; j < rig.count && every > 1; j++)
            require(rig.shown[j].number - rig.shown[j - 1].number == every, "%d: frame %d", every,
                    j);
        rig_close(&rig);
        clip_close(&clip);
    }
}

/* The camera changes its size without a word, which only its parameter sets would have told. */
static void another_size_is_scaled_to_the_first(void **state)
{
    struct clip first, second;
    struct rig rig;
    AVPacket *packet;
    (void)state;
    clip_open(&first, "mjpeg");
    clip_open(&second, "mjpeg");
    struct encoder_wish wanted = wish(AV_CODEC_ID_H264, 0, 0, (AVRational){25, 1});
    rig_open(&rig, &first, &wanted, INT64_MAX);
    while ((packet = clip_read(&first, START_US, SECOND)) != NULL) {
        /* SOF0 of a 640x360 picture: cut to 320 lines, which is whole rows of blocks. */
        for (int i = 0; i + 9 < packet->size && rig.packets >= 10; i++) {
            if (packet->data[i] == 0xff && packet->data[i + 1] == 0xc0) {
                assert_int_equal(av_packet_make_writable(packet), 0);
                packet->data[i + 5] = 320 >> 8;
                packet->data[i + 6] = 320 & 0xff;
                break;
            }
        }
        rig_send(&rig, packet);
        av_packet_free(&packet);
    }
    rig_finish(&rig);
    assert_int_equal(rig.count, 25);
    assert_int_equal(video_context(rig.video)->height, 360);
    rig_close(&rig);
    clip_close(&first);
    clip_close(&second);
}

static void what_nobody_decodes_does_not_open(void **state)
{
    AVCodecParameters parameters = {.codec_type = AVMEDIA_TYPE_VIDEO,
                                    .codec_id = AV_CODEC_ID_NONE,
                                    .width = 640,
                                    .height = 360};
    struct track track = {.parameters = &parameters, .time_base = {1, 90000}};
    struct rig rig = {0};
    struct video_options options = {.track = &track,
                                    .wish = wish(AV_CODEC_ID_H264, 0, 0, (AVRational){25, 1}),
                                    .is_key = begins_file,
                                    .say = hear,
                                    .user = &rig};
    struct rtsprec_error error = {0};
    (void)state;
    assert_int_equal(video_open(&rig.video, &options, &error), RTSPREC_ERROR_UNSUPPORTED);
    assert_null(rig.video);
    assert_string_equal(error.text, "there is no decoder of none");
}

/* A half size would have players guess that the colours are those of a small picture. */
static void what_colours_mean_is_said_again(void **state)
{
    const enum AVCodecID codecs[] = {AV_CODEC_ID_HEVC, AV_CODEC_ID_H264};
    (void)state;
    for (size_t i = 0; i < LENGTH(codecs); i++) {
        struct clip clip;
        struct rig rig = {.key_us = INT64_MAX, .last_dts = INT64_MIN};
        AVBSFContext *tell = NULL;
        struct rtsprec_error error = {0};
        clip_open(&clip, "h264v");
        assert_int_equal(av_bsf_alloc(av_bsf_get_by_name("h264_metadata"), &tell), 0);
        av_opt_set_int(tell->priv_data, "colour_primaries", AVCOL_PRI_BT2020, 0);
        av_opt_set_int(tell->priv_data, "transfer_characteristics", AVCOL_TRC_BT709, 0);
        av_opt_set_int(tell->priv_data, "matrix_coefficients", AVCOL_SPC_BT2020_NCL, 0);
        avcodec_parameters_copy(tell->par_in, clip.stream->tracks[0].parameters);
        assert_int_equal(av_bsf_init(tell), 0);
        rig.track = (struct track){.parameters = tell->par_out,
                                   .time_base = clip.stream->tracks[0].time_base};

        AVPacket *packet = clip_read(&clip, START_US, SECOND);
        assert_int_equal(av_bsf_send_packet(tell, packet), 0);
        assert_int_equal(av_bsf_receive_packet(tell, packet), 0);
        struct video_options options = {.track = &rig.track,
                                        .first = packet,
                                        .wish = wish(codecs[i], 320, 180, (AVRational){25, 1}),
                                        .is_key = begins_file,
                                        .say = hear,
                                        .user = &rig};
        require(video_open(&rig.video, &options, &error) == 0, "%s", error.text);
        const AVCodecContext *from = video_context(rig.video);
        rig.viewer = avcodec_alloc_context3(avcodec_find_decoder(codecs[i]));
        rig.viewer->extradata =
            av_mallocz((size_t)from->extradata_size + AV_INPUT_BUFFER_PADDING_SIZE);
        memcpy(rig.viewer->extradata, from->extradata, (size_t)from->extradata_size);
        rig.viewer->extradata_size = from->extradata_size;
        rig.viewer->thread_count = 1;
        assert_int_equal(avcodec_open2(rig.viewer, NULL, NULL), 0);
        /* It is there as if it had not been looked at. */
        rig_send(&rig, packet);
        rig_finish(&rig);
        assert_int_equal(rig.count, 1);
        assert_true(rig.shown[0].is_key);
        assert_int_equal(rig.viewer->color_primaries, AVCOL_PRI_BT2020);
        assert_int_equal(rig.viewer->color_trc, AVCOL_TRC_BT709);
        assert_int_equal(rig.viewer->colorspace, AVCOL_SPC_BT2020_NCL);
        av_packet_free(&packet);
        av_bsf_free(&tell);
        rig_close(&rig);
        clip_close(&clip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_keeps_its_times_and_pictures),
        cmocka_unit_test(a_frame_is_asked_about_at_the_time_that_it_gets),
        cmocka_unit_test(broken_frames_are_not_the_end),
        cmocka_unit_test(a_decoder_that_fails_at_the_end_costs_only_what_it_holds),
        cmocka_unit_test(overload_leaves_frames_out_evenly),
        cmocka_unit_test(another_size_is_scaled_to_the_first),
        cmocka_unit_test(what_colours_mean_is_said_again),
        cmocka_unit_test(what_nobody_decodes_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
