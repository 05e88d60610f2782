/* The depacketiser of H.264 and H.265 (rtp_h26x.c) against libavformat's (rtp_lav.c,
 * access_unit.c, nal_lengths.c): the same RTP packets, the same frames. */
#include "rtp_packets.h"

#include "ingest/access_unit.h"
#include "ingest/nal_lengths.h"
#include "ingest/rtp_h26x.h"
#include "ingest/rtp_lav.h"
#include "ingest/sdp.h"

/* A frame, and the parameter sets that come with it. */
struct seen {
    uint8_t *data;
    size_t size;
    uint8_t *sets; /* NULL: none */
    size_t sets_size;
    int64_t pts;
    bool is_key, is_corrupt;
};

struct frames {
    struct seen seen[2048];
    int count;
    bool slices_only; /* a lost SEI before the first slice is not noticed */
};

static void add_unit(const struct frames *frames, struct seen *seen, enum AVCodecID codec,
                     const struct nal *nal)
{
    enum nal_kind kind = nal_kind(codec, nal);
    assert_false(nal_kind_is_left_out(kind));
    if (frames->slices_only && !nal_kind_is_slice(kind))
        return;
    seen->data = realloc(seen->data, seen->size + 4 + nal->size);
    AV_WB32(seen->data + seen->size, (uint32_t)nal->size);
    memcpy(seen->data + seen->size + 4, nal->data, nal->size);
    seen->size += 4 + nal->size;
}

static struct seen *begin(struct frames *frames, const AVPacket *packet)
{
    struct seen *seen = &frames->seen[frames->count++];
    assert_true(frames->count < (int)LENGTH(frames->seen));
    *seen = (struct seen){
        .pts = packet->pts,
        .is_key = packet->flags & AV_PKT_FLAG_KEY,
        .is_corrupt = packet->flags & AV_PKT_FLAG_CORRUPT,
    };
    const uint8_t *sets =
        av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &seen->sets_size);
    if (sets) {
        seen->sets = malloc(seen->sets_size);
        memcpy(seen->sets, sets, seen->sets_size);
    }
    return seen;
}

static void add(struct frames *frames, enum AVCodecID codec, const AVPacket *packet)
{
    struct seen *seen = begin(frames, packet);
    const uint8_t *next = packet->data, *end = next + packet->size;
    while (next < end) {
        struct nal nal = {next + 4, AV_RB32(next)};
        assert_true(nal.size > 0 && nal.size <= (size_t)(end - next) - 4);
        add_unit(frames, seen, codec, &nal);
        next += 4 + nal.size;
    }
}

static void free_frames(struct frames *frames)
{
    for (int i = 0; i < frames->count; i++) {
        free(frames->seen[i].data);
        free(frames->seen[i].sets);
    }
    free(frames);
}

static struct frames *gather_by_libavformat(const struct rtp_packets *all)
{
    enum AVCodecID codec = all->parameters->codec_id;
    struct frames *frames = calloc(1, sizeof(*frames));
    struct access_unit unit;
    struct nal_lengths lengths;
    struct sdp sdp;
    struct rtp_lav *lav;
    struct frame frame;
    AVPacket *fragment = av_packet_alloc(), *whole = av_packet_alloc();
    assert_int_equal(sdp_parse(&sdp, (struct text){all->sdp, strlen(all->sdp)}), 0);
    assert_int_equal(rtp_lav_create(&lav, &sdp.media[0]), 0);
    access_unit_init(&unit, codec);
    assert_int_equal(nal_lengths_init(&lengths, codec, NULL, 0), 0);
    for (int i = 0; i < all->count; i++) {
        assert_int_equal(rtp_lav_push(lav, all->packets[i].data, all->packets[i].size), 0);
        while (rtp_lav_pull(lav, fragment)) {
            if (access_unit_push(&unit, fragment, 0, whole, &frame) == 1) {
                assert_int_equal(nal_lengths_apply(&lengths, whole), 1);
                add(frames, codec, whole);
            }
            av_packet_unref(whole);
        }
    }
    access_unit_uninit(&unit);
    nal_lengths_uninit(&lengths);
    rtp_lav_destroy(&lav);
    av_packet_free(&fragment);
    av_packet_free(&whole);
    return frames;
}

/* With packets left out: one in lose_one_of, by chance; 0: none. */
static struct frames *gather_by_own(const struct rtp_packets *all, int lose_one_of, uint64_t random,
                                    bool slices_only)
{
    enum AVCodecID codec = all->parameters->codec_id;
    struct frames *frames = calloc(1, sizeof(*frames));
    frames->slices_only = slices_only;
    struct rtp_receiver receiver = {.clock_rate = 90000};
    struct rtp_h26x *h26x;
    AVPacket *whole = av_packet_alloc();
    assert_int_equal(rtp_h26x_create(&h26x, codec, NULL, 0, false), 0);
    for (int i = 0; i < all->count; i++) {
        struct rtp_packet packet;
        int64_t timestamp, arrival_us;
        if (lose_one_of && next_random(&random) % (uint64_t)lose_one_of == 0)
            continue;
        assert_true(rtp_parse(&packet, all->packets[i].data, all->packets[i].size));
        bool lost = rtp_receiver_take(&receiver, &packet, 0, &timestamp) != 0;
        int result = rtp_h26x_push(h26x, &packet, timestamp, lost, 0, whole, &arrival_us);
        while (result == 1) {
            add(frames, codec, whole);
            av_packet_unref(whole);
            result = rtp_h26x_push(h26x, NULL, 0, false, 0, whole, &arrival_us);
        }
        assert_int_equal(result, 0);
    }
    rtp_h26x_destroy(&h26x);
    av_packet_free(&whole);
    return frames;
}

/* Clips, and streams as they have none: slices, delimiters, SEI, sliding intra refresh. */
static const struct source {
    const char *name;    /* of a clip, or ... */
    const char *options; /* ... of an encoder, with these */
} sources[] = {
    {"h264", NULL},
    {"h264b", NULL},
    {"h264gop4", NULL},
    {"h264tiny", NULL},
    {"h265", NULL},
    {"h265b", NULL},
    {"h265gop4", NULL},
    {"h265tiny", NULL},
    {"libx264", "preset=ultrafast x264-params=slices=5:aud=1:bframes=2:keyint=10"},
    {"libx264", "preset=ultrafast x264-params=slice-max-size=600:nal-hrd=vbr:vbv-maxrate=4000:"
                "vbv-bufsize=4000:keyint=10"},
    {"libx264", "preset=ultrafast x264-params=intra-refresh=1:keyint=10"},
    {"libx264", "preset=ultrafast x264-params=open-gop=1:bframes=2:keyint=10"},
    {"libx265", "preset=ultrafast x265-params=slices=4:aud=1:hrd=1:vbv-maxrate=4000:"
                "vbv-bufsize=4000:hash=1:keyint=10:log-level=none"},
};

static void make(struct rtp_packets *all, const struct source *source)
{
    if (source->options)
        rtp_packets_encode(all, source->name, 40, source->options, NULL);
    else
        rtp_packets_make(all, source->name, 0, SECOND, 12 * SECOND);
}

static void test_frame_by_frame(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(sources); i++) {
        struct rtp_packets all;
        make(&all, &sources[i]);
        struct frames *reference = gather_by_libavformat(&all);
        struct frames *own = gather_by_own(&all, 0, 0, false);
        /* The last frame ends with a marker, which the reference does not know. */
        require(reference->count == all.frames - 1, "%s: %d of %d", sources[i].name,
                reference->count, all.frames);
        require(own->count == all.frames, "%s: %d of %d", sources[i].name, own->count, all.frames);
        for (int j = 0; j < reference->count; j++) {
            const struct seen *a = &reference->seen[j], *b = &own->seen[j];
            require((uint32_t)a->pts == (uint32_t)b->pts, "%s: frame %d: %d and %d",
                    sources[i].name, j, (int)a->pts, (int)b->pts);
            require(a->is_key == b->is_key && !b->is_corrupt, "%s: frame %d", sources[i].name, j);
            require(a->size == b->size && a->size > 0 && !memcmp(a->data, b->data, a->size),
                    "%s: frame %d: %zu and %zu bytes", sources[i].name, j, a->size, b->size);
        }
        free_frames(reference);
        free_frames(own);
        rtp_packets_free(&all);
    }
}

/* The served frame that is this one; -1: none is. */
static int find(const struct frames *served, const struct seen *frame, int from)
{
    for (int i = from; i < served->count; i++) {
        const struct seen *other = &served->seen[i];
        if (other->pts == frame->pts && other->size == frame->size &&
            !memcmp(other->data, frame->data, frame->size))
            return i;
    }
    return -1;
}

static void test_what_is_whole_was_served(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(sources); i++) {
        struct rtp_packets all;
        make(&all, &sources[i]);
        struct frames *served = gather_by_own(&all, 0, 0, true);
        for (int lose_one_of = 2; lose_one_of <= 128; lose_one_of *= 4) {
            struct frames *own = gather_by_own(&all, lose_one_of, (uint64_t)lose_one_of + 91, true);
            int next = 0, whole = 0;
            for (int j = 0; j < own->count; j++) {
                if (own->seen[j].is_corrupt)
                    continue;
                int found = find(served, &own->seen[j], next);
                require(found >= 0, "%s, one of %d: frame %d is none that was served",
                        sources[i].name, lose_one_of, j);
                next = found + 1;
                whole++;
            }
            /* Frames of few packets mostly survive. */
            require(lose_one_of < 128 || whole > served->count / 2, "%s: %d of %d", sources[i].name,
                    whole, served->count);
            free_frames(own);
        }
        free_frames(served);
        rtp_packets_free(&all);
    }
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_by_frame),
        cmocka_unit_test(test_what_is_whole_was_served),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
