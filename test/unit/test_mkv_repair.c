/* Files as crashes leave them. 300 random truncations of each kind, 10,000 with ./check
 * --campaign. */
#include "campaign.h"
#include "frames.h"

#include "segment/info.h"
#include "segment/mkv_repair.h"

#define BLOCK_HEADER_BYTES 4 /* track, time, flags; in front of a frame */

static int64_t us_of(const struct frame_list *list, int64_t ticks)
{
    return av_rescale_q(ticks, list->time_base, us);
}

/* The duration is there, and a seek reaches each key frame by the index. */
static void check_player(const struct source *source, size_t count)
{
    AVFormatContext *format = NULL;
    AVPacket *packet = av_packet_alloc();
    const struct frame_list *all = &source->frames.tracks[0];
    assert_int_equal(avformat_open_input(&format, path_of_fd(source->fd), NULL, NULL), 0);
    int64_t last = 0, before = 0; /* in the order of showing */
    for (size_t i = 1; i < count; i++) {
        int64_t time = us_of(all, all->items[i].pts);
        if (time > last) {
            before = last;
            last = time;
        } else if (time > before) {
            before = time;
        }
    }
    require(count == 1 || format->duration == last + (last - before), "%zu frames: %lld us", count,
            (long long)format->duration);
    for (size_t i = 0; i < count; i++) {
        if (!all->items[i].is_key)
            continue;
        assert_true(av_seek_frame(format, 0, all->items[i].pts, AVSEEK_FLAG_BACKWARD) >= 0);
        do {
            av_packet_unref(packet);
            assert_true(av_read_frame(format, packet) >= 0);
        } while (packet->stream_index != 0);
        require(packet->pts == all->items[i].pts, "frame %zu: %lld", i, (long long)packet->pts);
    }
    av_packet_free(&packet);
    avformat_close_input(&format);
}

static void check_repaired(const struct source *source, size_t size, const size_t counts[])
{
    struct frames frames = frames_read_fd(source->fd);
    require(frames.result == AVERROR_EOF, "%zu bytes", size);
    for (int i = 0; i < frames.track_count; i++) {
        const struct frame_list *found = &frames.tracks[i], *all = &source->frames.tracks[i];
        require(found->count == counts[i], "%zu bytes: track %d: %zu of %zu", size, i, found->count,
                counts[i]);
        for (size_t k = 0; k < counts[i]; k++) {
            const struct frame *one = &found->items[k], *other = &all->items[k];
            require(one->hash == other->hash && one->size == other->size &&
                        one->pts == other->pts && one->is_key == other->is_key,
                    "%zu bytes: track %d: frame %zu", size, i, k);
        }
    }
    frames_uninit(&frames);
    struct segment_info info;
    assert_int_equal(segment_info_read(&info, source->fd, INT64_MAX), 0);
    require(info.frames == (int64_t)counts[0], "%zu bytes: it tells of %lld frames", size,
            (long long)info.frames);
    check_player(source, counts[0]);
}

static void check_cut(const struct source *source, size_t size, size_t zeros)
{
    struct rtsprec_error error = {0};
    struct mkv_repaired repaired;
    size_t counts[FRAMES_TRACKS] = {0};
    uint64_t end = 0;
    for (int i = 0; i < source->frames.track_count; i++)
        counts[i] = frames_whole(&source->frames.tracks[i], BLOCK_HEADER_BYTES, size, &end);

    image_store(source->fd, source->recording.open.data, size);
    assert_int_equal(ftruncate(source->fd, (off_t)(size + zeros)), 0);
    int err = mkv_repair(source->fd, NULL, &repaired, &error);
    require(err == (counts[0] ? 0 : RTSPREC_ERROR_UNSUPPORTED), "%zu bytes: %s", size, error.text);
    require(repaired.frames == (int64_t)counts[0], "%zu bytes: %lld of %zu frames", size,
            (long long)repaired.frames, counts[0]);
    if (err < 0)
        return;
    require(repaired.lost_bytes == (int64_t)(size + zeros - end), "%zu bytes: %lld lost", size,
            (long long)repaired.lost_bytes);
    require(mkv_is_closed(source->fd, (int64_t)end), "%zu bytes", size);
    check_repaired(source, size, counts);
}

static const char *const clips[] = {"h264", "h265", "h265b", "h264pcma", "h264opus"};

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    struct source source;
    source_init(&source, "h264tiny", RTSPREC_CONTAINER_MKV, SECOND * 3 / 2);
    for (size_t size = 0; size <= source.recording.open.size; size++)
        check_cut(&source, size, 0);
    source_uninit(&source);
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    uint64_t seed = 20250612;
    for (size_t i = 0; i < LENGTH(clips); i++) {
        struct source source;
        source_init(&source, clips[i], RTSPREC_CONTAINER_MKV, 4 * SECOND);
        int64_t size = (int64_t)source.recording.open.size;
        for (int n = campaign_size(300, 10000); n > 0; n--)
            check_cut(&source, (size_t)random_between(&seed, 0, size), 0);
        check_cut(&source, (size_t)size, 0);
        source_uninit(&source);
    }
}

/* Without sound: a block of it whose end is missing may be padding. */
static void test_zeros_at_the_end(void **state)
{
    (void)state;
    static const char *const silent[] = {"h264v", "h265v", "h264b"};
    uint64_t seed = 4712;
    for (size_t i = 0; i < LENGTH(silent); i++) {
        struct source source;
        source_init(&source, silent[i], RTSPREC_CONTAINER_MKV, 4 * SECOND);
        int64_t whole = (int64_t)source.recording.open.size;
        for (int n = campaign_size(150, 5000); n > 0; n--) {
            size_t size = (size_t)random_between(&seed, 0, whole);
            check_cut(&source, size, (size_t)(whole - (int64_t)size));
        }
        source_uninit(&source);
    }
}

/* Nothing is promised of what is saved, but the repair ends and its result can be read. */
static void test_flipped_bits(void **state)
{
    (void)state;
    uint64_t seed = 98;
    struct source source;
    source_init(&source, "h264tiny", RTSPREC_CONTAINER_MKV, SECOND * 3 / 2);
    for (int n = campaign_size(1000, 20000); n > 0; n--) {
        struct image image = image_prefix(&source.recording.open, source.recording.open.size);
        if (image.size == 0)
            abort();
        for (int64_t flips = random_between(&seed, 1, 8); flips > 0; flips--) {
            int64_t at = random_between(&seed, 0, (int64_t)image.size - 1);
            image.data[at] ^= (uint8_t)(1 << random_between(&seed, 0, 7));
        }
        struct rtsprec_error error = {0};
        struct mkv_repaired repaired;
        image_store(source.fd, image.data, image.size);
        int err = mkv_repair(source.fd, NULL, &repaired, &error);
        require(err == 0 || err == RTSPREC_ERROR_UNSUPPORTED, "%s", error.text);
        struct frames frames = frames_read_fd(source.fd);
        frames_uninit(&frames);
        image_uninit(&image);
    }
    source_uninit(&source);
}

/* The first place of an element's ID in front of the clusters. */
static size_t find(const struct image *image, const char *id, size_t from)
{
    const uint8_t *place = memmem(image->data + from, image->size - from, id, strlen(id));
    assert_non_null(place);
    return (size_t)(place - image->data);
}

/* A cut while the index was being written in front: of it and its space anything is there. */
static void test_a_torn_index(void **state)
{
    (void)state;
    struct source source;
    source_init(&source, "h264", RTSPREC_CONTAINER_MKV, 4 * SECOND);
    const struct image *closed = &source.recording.closed;
    size_t cues = find(closed, "\x1C\x53\xBB\x6B", 200);
    size_t clusters = find(closed, "\x1F\x43\xB6\x75", cues);
    frames_uninit(&source.frames);
    image_store(source.fd, closed->data, closed->size);
    source.frames = frames_read_fd(source.fd);
    size_t counts[FRAMES_TRACKS] = {0};
    for (int i = 0; i < source.frames.track_count; i++)
        counts[i] = source.frames.tracks[i].count;
    for (size_t at = cues; at < clusters; at += 16) {
        struct rtsprec_error error = {0};
        struct mkv_repaired repaired;
        struct image torn = image_prefix(closed, closed->size);
        memset(torn.data + at, 0, clusters - at);
        image_store(source.fd, torn.data, torn.size);
        require(mkv_repair(source.fd, NULL, &repaired, &error) == 0, "%zu: %s", at, error.text);
        assert_int_equal(repaired.lost_bytes, 0);
        check_repaired(&source, torn.size, counts);
        image_uninit(&torn);
    }
    source_uninit(&source);
}

/* What a crash during a repair leaves is repaired again, to the same. */
static void test_twice_is_as_once(void **state)
{
    (void)state;
    struct source source;
    struct rtsprec_error error = {0};
    struct mkv_repaired repaired;
    source_init(&source, "h265", RTSPREC_CONTAINER_MKV, 4 * SECOND);
    image_store(source.fd, source.recording.open.data, source.recording.open.size * 2 / 3);
    assert_int_equal(mkv_repair(source.fd, NULL, &repaired, &error), 0);
    struct image once = image_of_fd(source.fd);
    assert_int_equal(mkv_repair(source.fd, NULL, &repaired, &error), 0);
    assert_int_equal(repaired.lost_bytes, 0);
    struct image twice = image_of_fd(source.fd);
    assert_int_equal(once.size, twice.size);
    assert_memory_equal(once.data, twice.data, once.size);
    size_t tracks = find(&once, "\x16\x54\xAE\x6B", 200); /* behind the SeekHead */
    assert_true(find(&once, "\x1C\x53\xBB\x6B", tracks) < find(&once, "\x1F\x43\xB6\x75", tracks));
    image_uninit(&once);
    image_uninit(&twice);
    source_uninit(&source);
}

static void test_what_is_no_segment(void **state)
{
    (void)state;
    static const char text[] = "This is not a segment, but long enough to have elements in it.";
    struct rtsprec_error error = {0};
    struct mkv_repaired repaired;
    int fd = memory_file();
    assert_int_equal(mkv_repair(fd, NULL, &repaired, &error), RTSPREC_ERROR_UNSUPPORTED);
    assert_string_equal(error.text, "the file is empty");
    assert_false(repaired.is_empty);
    image_store(fd, (const uint8_t *)text, sizeof(text));
    assert_int_equal(mkv_repair(fd, NULL, &repaired, &error), RTSPREC_ERROR_UNSUPPORTED);
    assert_string_equal(error.text, "no whole frame is in it");
    assert_false(repaired.is_empty); /* nobody knows whose it is */
    close(fd);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_byte),  cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_zeros_at_the_end),   cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_a_torn_index),       cmocka_unit_test(test_twice_is_as_once),
        cmocka_unit_test(test_what_is_no_segment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
