#include "rtp_packets.h"

#include <rtsprec/error.h>

#include "ingest/rtp_lav.h"
#include "ingest/sdp.h"

static int create(struct rtp_lav **lav, const char *text)
{
    struct sdp sdp;
    assert_int_equal(sdp_parse(&sdp, (struct text){text, strlen(text)}), 0);
    return rtp_lav_create(lav, &sdp.media[0]);
}

/* A packet of each kind that libavformat's muxer makes comes out as it went in. */
static void compare_with_clip(const char *name, int track)
{
    struct rtp_packets all;
    struct rtp_lav *lav;
    struct clip clip;
    rtp_packets_make(&all, name, track, SECOND, 5 * SECOND);
    assert_int_equal(create(&lav, all.sdp), 0);
    assert_int_equal(rtp_lav_parameters(lav)->codec_id, all.parameters->codec_id);
    clip_open(&clip, name);
    AVPacket *out = av_packet_alloc(), *expected = NULL;
    int64_t first = 0;
    int count = 0;
    for (int i = 0; i < all.count; i++) {
        assert_int_equal(rtp_lav_pull(lav, out), 0);
        assert_int_equal(rtp_lav_push(lav, all.packets[i].data, all.packets[i].size), 0);
        while (rtp_lav_pull(lav, out)) {
            do {
                av_packet_free(&expected);
                expected = clip_read(&clip, SECOND, 6 * SECOND);
            } while (expected && expected->stream_index != track);
            assert_non_null(expected);
            require(out->size == expected->size &&
                        !memcmp(out->data, expected->data, (size_t)out->size),
                    "%s: packet %d", name, count);
            if (count++ == 0)
                first = out->pts - expected->pts;
            require(out->pts - expected->pts == first, "%s: packet %d at %d, not %d", name, count,
                    (int)out->pts, (int)expected->pts);
            require(out->flags & AV_PKT_FLAG_KEY, "%s: packet %d", name, count);
            av_packet_unref(out);
        }
    }
    if (track == 1 && all.parameters->codec_id == AV_CODEC_ID_AAC)
        assert_true(all.count < all.frames / 3);
    /* The muxer keeps AAC that does not fill a packet. */
    require(count > all.frames - 8 && count > 100, "%s: %d of %d", name, count, all.frames);
    av_packet_free(&expected);
    av_packet_free(&out);
    clip_close(&clip);
    rtp_lav_destroy(&lav);
    rtp_packets_free(&all);
}

static void test_what_cannot_be_depacketised(void **state)
{
    (void)state;
    static const struct {
        const char *sdp;
        int result;
    } rows[] = {
        {"m=video 0 RTP/AVP 96\r\na=rtpmap:96 XX99/90000\r\n", RTSPREC_ERROR_UNSUPPORTED},
        {"m=video 0 RTP/AVP 33\r\n", RTSPREC_ERROR_UNSUPPORTED}, /* an MPEG transport stream */
        {"m=audio 0 RTP/AVP 97\r\n", RTSPREC_ERROR_UNSUPPORTED},
        {"m=audio 5004 RTP/AVP 0\r\nc=IN IP4 239.1.1.1\r\na=control:rtsp://x/\r\n", 0},
        {"m=audio 0 RTP/AVP 8\n", 0},
        {"m=video 0 RTP/AVP 26", 0},
        {"m=audio 0 RTP/AVP 98\na=rtpmap:98 G726-32/8000\n", 0},
    };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct rtp_lav *lav;
        require(create(&lav, rows[i].sdp) == rows[i].result, "%s", rows[i].sdp);
        require((lav != NULL) == (rows[i].result == 0), "%s", rows[i].sdp);
        rtp_lav_destroy(&lav);
    }
}

/* No order of bytes makes it spin, crash or keep a packet for ever. */
static void test_random_packets(void **state)
{
    (void)state;
    static const char *const sdps[] = {
        "m=audio 0 RTP/AVP 0\r\n",
        "m=video 0 RTP/AVP 26\r\n",
        "m=audio 0 RTP/AVP 96\r\na=rtpmap:96 MPEG4-GENERIC/32000/1\r\na=fmtp:96 "
        "mode=AAC-hbr;sizelength=13;indexlength=3;indexdeltalength=3;config=128856E500\r\n",
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 MP4V-ES/90000\r\n",
        "m=video 0 RTP/AVP 96\r\na=rtpmap:96 VP8/90000\r\n",
    };
    uint64_t random = 29;
    AVPacket *out = av_packet_alloc();
    for (size_t i = 0; i < LENGTH(sdps); i++) {
        struct rtp_lav *lav;
        assert_int_equal(create(&lav, sdps[i]), 0);
        for (int round = 0; round < 5000; round++) {
            uint8_t data[80];
            size_t size = (size_t)random_between(&random, 0, sizeof(data));
            for (size_t j = 0; j < size; j++)
                data[j] = (uint8_t)(next_random(&random) % (j % 2 ? 256 : 4));
            data[0] = (uint8_t)(0x80 | (round % 7 == 0 ? 0x30 : 0));
            data[1] = (uint8_t)((atoi(strstr(sdps[i], "AVP") + 4)) | (round % 3 ? 0 : 0x80));
            AV_WB16(data + 2, (uint16_t)round);
            assert_int_equal(rtp_lav_push(lav, data, size), 0);
            while (rtp_lav_pull(lav, out))
                av_packet_unref(out);
        }
        rtp_lav_destroy(&lav);
    }
    av_packet_free(&out);
}

static void test_sound(void **state)
{
    (void)state;
    compare_with_clip("h264", 1); /* AAC, several units in a packet */
    compare_with_clip("h265pcmu", 1);
    compare_with_clip("h264pcma", 1);
    compare_with_clip("h264opus", 1);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound),
        cmocka_unit_test(test_what_cannot_be_depacketised),
        cmocka_unit_test(test_random_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
