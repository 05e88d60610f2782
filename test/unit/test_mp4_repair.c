/* Files as crashes leave them. 300 random truncations of each kind, 10,000 with ./check --campaign;
 * of the smallest file every one. */
#include "campaign.h"
#include "frames.h"

#include "segment/mp4_seal.h"

/* What was cut off behind `size` bytes, with `zeros` instead of it, is repaired to all that is
 * whole. */
static void check_cut(const struct source *source, size_t size, size_t zeros)
{
    struct rtsprec_error error = {0};
    struct mp4_repaired repaired, again;
    size_t counts[FRAMES_TRACKS] = {0};
    uint64_t end = 0;
    for (int i = 0; i < source->frames.track_count; i++)
        counts[i] = frames_whole(&source->frames.tracks[i], 0, size, &end);

    image_store(source->fd, source->recording.open.data, size);
    assert_int_equal(ftruncate(source->fd, (off_t)(size + zeros)), 0);
    int err = mp4_repair(source->fd, NULL, &repaired, &error);
    require(err == (counts[0] ? 0 : RTSPREC_ERROR_UNSUPPORTED), "%zu bytes: %s", size, error.text);
    require(repaired.frames == (int64_t)counts[0], "%zu bytes: %lld of %zu frames", size,
            (long long)repaired.frames, counts[0]);
    if (err < 0)
        return;
    require(repaired.lost_bytes == size + zeros - end, "%zu bytes: %llu lost", size,
            (unsigned long long)repaired.lost_bytes);
    assert_int_equal(mp4_repair(source->fd, NULL, &again, &error), 0);
    assert_true(again.was_sealed);

    struct frames frames = frames_read_fd(source->fd);
    require(frames.result == AVERROR_EOF, "%zu bytes", size);
    for (int i = 0; i < frames.track_count; i++) {
        const struct frame_list *found = &frames.tracks[i], *all = &source->frames.tracks[i];
        require(found->count == counts[i], "%zu bytes: track %d: %zu of %zu", size, i, found->count,
                counts[i]);
        size_t same = frames_same(found, all, counts[i]);
        require(same == counts[i], "%zu bytes: track %d: frame %zu", size, i, same);
    }
    assert_int_equal(frames_first(&frames, 0)->pts, 0);
    frames_uninit(&frames);
}

static const char *const clips[] = {"h264", "h265", "h264b", "h265b", "h264opus"};

static void test_cut_at_every_byte(void **state)
{
    (void)state;
    struct source source;
    source_init(&source, "h264tiny", RTSPREC_CONTAINER_MP4, SECOND * 3 / 2);
    for (size_t size = 0; size <= source.recording.open.size; size++)
        check_cut(&source, size, 0);
    source_uninit(&source);
}

static void test_cut_anywhere(void **state)
{
    (void)state;
    uint64_t seed = 20250611;
    for (size_t i = 0; i < LENGTH(clips); i++) {
        struct source source;
        source_init(&source, clips[i], RTSPREC_CONTAINER_MP4, 4 * SECOND);
        int64_t size = (int64_t)source.recording.open.size;
        for (int n = campaign_size(300, 10000); n > 0; n--)
            check_cut(&source, (size_t)random_between(&seed, 0, size), 0);
        check_cut(&source, (size_t)size, 0);
        source_uninit(&source);
    }
}

/* A power cut can leave the size of a file but not its end: blocks of zeros. */
static void test_zeros_at_the_end(void **state)
{
    (void)state;
    uint64_t seed = 4711;
    /* Of Opus a torn packet that only lacks padding is taken. */
    for (size_t i = 0; i + 1 < LENGTH(clips); i++) {
        struct source source;
        source_init(&source, clips[i], RTSPREC_CONTAINER_MP4, 4 * SECOND);
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
    uint64_t seed = 99;
    struct source source;
    source_init(&source, "h264tiny", RTSPREC_CONTAINER_MP4, SECOND * 3 / 2);
    for (int n = campaign_size(1000, 20000); n > 0; n--) {
        struct image image = image_prefix(&source.recording.open, source.recording.open.size);
        if (image.size == 0)
            abort();
        for (int64_t flips = random_between(&seed, 1, 8); flips > 0; flips--) {
            int64_t at = random_between(&seed, 0, (int64_t)image.size - 1);
            /* Rather in boxes than in the frames. */
            if (random_between(&seed, 0, 1))
                at = random_between(&seed, 0, 6000);
            image.data[at] ^= (uint8_t)(1 << random_between(&seed, 0, 7));
        }
        struct rtsprec_error error = {0};
        struct mp4_repaired repaired;
        image_store(source.fd, image.data, image.size);
        int err = mp4_repair(source.fd, NULL, &repaired, &error);
        require(err == 0 || err == RTSPREC_ERROR_UNSUPPORTED, "%s", error.text);
        if (err == 0 && !repaired.was_sealed) {
            assert_true(repaired.frames > 0);
            assert_int_equal(mp4_repair(source.fd, NULL, &repaired, &error), 0);
            assert_true(repaired.was_sealed);
        }
        struct frames frames = frames_read_fd(source.fd);
        frames_uninit(&frames);
        image_uninit(&image);
    }
    source_uninit(&source);
}

static void test_a_closed_file_stays_as_it_is(void **state)
{
    (void)state;
    struct source source;
    struct rtsprec_error error;
    struct mp4_repaired repaired;
    source_init(&source, "h265", RTSPREC_CONTAINER_MP4, 2 * SECOND);
    const struct image *closed = &source.recording.closed;
    image_store(source.fd, closed->data, closed->size);
    assert_int_equal(mp4_repair(source.fd, NULL, &repaired, &error), 0);
    assert_true(repaired.was_sealed);
    struct image after = image_of_fd(source.fd);
    assert_int_equal(after.size, closed->size);
    assert_memory_equal(after.data, closed->data, after.size);
    image_uninit(&after);
    source_uninit(&source);
}

/* As if there were 5 GiB of earlier fragments: the index needs offsets of 64 bits. */
static void test_beyond_4_gib(void **state)
{
    (void)state;
    struct source source;
    struct rtsprec_error error = {0};
    struct mp4_repaired repaired;
    source_init(&source, "h264", RTSPREC_CONTAINER_MP4, 2 * SECOND);
    const struct image *open = &source.recording.open;
    uint64_t hole = UINT64_C(5) << 30;
    size_t head = mp4_u32(open->data);
    head += mp4_u32(open->data + head);
    head += mp4_u32(open->data + head);
    struct mp4_buffer mdat = {0};
    mp4_put_u32(&mdat, 1);
    mp4_put_u32(&mdat, MP4_TYPE('m', 'd', 'a', 't'));
    mp4_put_u64(&mdat, hole);
    image_store(source.fd, open->data, head);
    assert_int_equal(pwrite(source.fd, mdat.data, mdat.size, (off_t)head), mdat.size);
    assert_int_equal(pwrite(source.fd, open->data + head, open->size - head, (off_t)(head + hole)),
                     open->size - head);
    mp4_buffer_uninit(&mdat);

    require(mp4_repair(source.fd, NULL, &repaired, &error) == 0, "%s", error.text);
    assert_int_equal(repaired.frames, source.frames.tracks[0].count);
    assert_int_equal(repaired.lost_bytes, 0);
    struct frames frames = frames_read_fd(source.fd);
    for (int i = 0; i < frames.track_count; i++) {
        const struct frame_list *all = &source.frames.tracks[i];
        assert_int_equal(frames.tracks[i].count, all->count);
        assert_int_equal(frames_same(&frames.tracks[i], all, all->count), all->count);
        assert_true(frames_first(&frames, i)->pos > (int64_t)hole);
    }
    frames_uninit(&frames);
    assert_int_equal(mp4_repair(source.fd, NULL, &repaired, &error), 0);
    assert_true(repaired.was_sealed);
    source_uninit(&source);
}

static void test_what_is_no_segment(void **state)
{
    (void)state;
    static const char text[] = "This is not a segment, but long enough to have boxes in it.";
    struct rtsprec_error error = {0};
    struct mp4_repaired repaired;
    int fd = memory_file();
    assert_int_equal(mp4_repair(fd, NULL, &repaired, &error), RTSPREC_ERROR_UNSUPPORTED);
    assert_string_equal(error.text, "the file is empty");
    assert_false(repaired.is_empty); /* nobody knows whose it is */
    image_store(fd, (const uint8_t *)text, sizeof(text));
    assert_int_equal(mp4_repair(fd, NULL, &repaired, &error), RTSPREC_ERROR_UNSUPPORTED);
    assert_string_equal(error.text, "the beginning of the file is not that of a segment");
    assert_false(repaired.is_empty);
    struct image image = image_of_fd(fd);
    assert_int_equal(image.size, sizeof(text));
    assert_memory_equal(image.data, text, sizeof(text));
    image_uninit(&image);
    close(fd);
}

static void test_only_the_beginning(void **state)
{
    (void)state;
    struct source source;
    struct rtsprec_error error = {0};
    struct mp4_repaired repaired;
    source_init(&source, "h264tiny", RTSPREC_CONTAINER_MP4, SECOND);
    size_t first_frame = (size_t)frames_first(&source.frames, 0)->pos;
    image_store(source.fd, source.recording.open.data, first_frame + 1);
    assert_int_equal(mp4_repair(source.fd, NULL, &repaired, &error), RTSPREC_ERROR_UNSUPPORTED);
    assert_string_equal(error.text, "no whole frame is in it");
    assert_true(repaired.is_empty);
    source_uninit(&source);
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_at_every_byte),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_zeros_at_the_end),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_a_closed_file_stays_as_it_is),
        cmocka_unit_test(test_beyond_4_gib),
        cmocka_unit_test(test_what_is_no_segment),
        cmocka_unit_test(test_only_the_beginning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
