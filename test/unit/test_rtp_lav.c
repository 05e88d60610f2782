#include "rtp_packets.h"

#include <malloc.h>

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
    uint32_t base = 0;
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
                base = (uint32_t)(out->pts - expected->pts);
            require((uint32_t)(out->pts - expected->pts) == base, "%s: packet %d at %d, not %d",
                    name, count, (int)out->pts, (int)expected->pts);
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

/* Behind the headers, which RFC 2435 does not carry. */
static const uint8_t *jpeg_scan(const AVPacket *picture, size_t *size)
{
    static const uint8_t marker[] = {0xff, 0xda};
    const uint8_t *scan = memmem(picture->data, (size_t)picture->size, marker, sizeof(marker));
    assert_non_null(scan);
    *size = (size_t)(picture->data + picture->size - scan);
    return scan;
}

static void compare_pictures(const char *name, int number, const AVPacket *out,
                             const AVPacket *expected, uint32_t base, bool is_jpeg)
{
    size_t size = (size_t)out->size, expected_size = (size_t)expected->size;
    const uint8_t *data = is_jpeg ? jpeg_scan(out, &size) : out->data;
    const uint8_t *expected_data = is_jpeg ? jpeg_scan(expected, &expected_size) : expected->data;
    require(size == expected_size && !memcmp(data, expected_data, size), "%s: %d: %zu and %zu",
            name, number, size, expected_size);
    require((uint32_t)(out->pts - expected->pts) == base, "%s: %d: at %d, not %d", name, number,
            (int)(out->pts - base), (int)expected->pts);
    require((out->flags & AV_PKT_FLAG_KEY) == (expected->flags & AV_PKT_FLAG_KEY), "%s: %d", name,
            number);
}

static void test_pictures(void **state)
{
    (void)state;
    static const struct {
        const char *encoder, *options;
        int held; /* frames that the parser keeps until the next one begins */
    } rows[] = {
        {"mjpeg", "huffman=default force_duplicated_matrix=1 b=8000000", 0},
        {"mpeg4", "flags=+global_header b=2000000", 1},
        {"mpeg4", "flags=+global_header bf=2 b=2000000", 1},
        {"mpeg2video", "b=2000000", 1},
        {"libvpx", "deadline=realtime cpu-used=8 b=2000000", 0},
    };
    enum { COUNT = 30 };
    for (size_t i = 0; i < LENGTH(rows); i++) {
        const char *name = rows[i].encoder;
        AVPacket *units[COUNT + 1] = {0}, *out = av_packet_alloc();
        struct rtp_packets all;
        struct rtp_lav *lav;
        uint32_t base = 0;
        int count = 0;
        rtp_packets_encode(&all, name, COUNT, rows[i].options, units);
        assert_true(all.count > 2 * all.frames);
        require(create(&lav, all.sdp) == 0, "%s", name);
        for (int j = 0; j < all.count; j++) {
            assert_int_equal(rtp_lav_push(lav, all.packets[j].data, all.packets[j].size), 0);
            while (rtp_lav_pull(lav, out)) {
                if (count == 0)
                    base = (uint32_t)(out->pts - units[0]->pts);
                compare_pictures(name, count, out, units[count], base, !strcmp(name, "mjpeg"));
                count++;
                av_packet_unref(out);
            }
        }
        require(count == all.frames - rows[i].held, "%s: %d of %d", name, count, all.frames);
        for (int j = 0; j < all.frames; j++)
            av_packet_free(&units[j]);
        av_packet_free(&out);
        rtp_lav_destroy(&lav);
        rtp_packets_free(&all);
    }
}

/* Hundreds of cameras have sound: what a depacketiser takes is bounded, as malloc counts it. */
static void test_memory(void **state)
{
    (void)state;
    enum { COUNT = 16, MAX_BYTES = 150 * 1024 };
    struct rtp_packets all;
    struct rtp_lav *lavs[COUNT];
    AVPacket *out = av_packet_alloc();
    rtp_packets_make(&all, "h264", 1, SECOND, 5 * SECOND);
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(create(&lavs[i], all.sdp), 0);
        for (int j = 0; j < all.count; j++) {
            assert_int_equal(rtp_lav_push(lavs[i], all.packets[j].data, all.packets[j].size), 0);
            while (rtp_lav_pull(lavs[i], out))
                av_packet_unref(out);
        }
    }
    struct mallinfo2 after = mallinfo2();
    size_t bytes = (after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) / COUNT;
    require(bytes < MAX_BYTES, "%zu", bytes);
    for (int i = 0; i < COUNT; i++)
        rtp_lav_destroy(&lavs[i]);
    av_packet_free(&out);
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
        cmocka_unit_test(test_sound),          cmocka_unit_test(test_pictures),
        cmocka_unit_test(test_memory),         cmocka_unit_test(test_what_cannot_be_depacketised),
        cmocka_unit_test(test_random_packets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
