/* Files that go on, and those that must not: damaged ones, and segments. */
#include "frames.h"

#include "segment/mp4_seal.h"

#define FRAMES 5

/* The key frames of a clip, each flushed, as a closed file. */
static struct image make_lapse(int64_t index_bytes)
{
    struct clip clip;
    struct segment *segment;
    struct segment_summary summary;
    struct rtsprec_error error = {0};
    enum segment_end end;
    AVPacket *packet;
    int64_t count = 0;
    int fd = memory_file(), copy = dup(fd);
    clip_open(&clip, "h264tiny");
    struct stream *stream = stream_create();
    stream_add_track(stream, clip.stream->tracks[0].parameters, (AVRational){1, 25}, 0);
    struct segment_options options = {
        .fd = fd,
        .container = RTSPREC_CONTAINER_MP4,
        .stream = stream,
        .duration_us = SECOND,
        .fragment_us = SECOND,
        .index_bytes = index_bytes,
    };
    require(segment_open(&segment, &options, &error) == 0, "%s", error.text);
    while (count < FRAMES && (packet = clip_read(&clip, 0, INT64_MAX)) != NULL) {
        if (packet->stream_index == 0 && packet->flags & AV_PKT_FLAG_KEY) {
            packet->pts = packet->dts = count++;
            packet->duration = 1;
            assert_int_equal(segment_write(segment, packet, &error), 0);
            assert_int_equal(segment_flush(segment, &error), 0);
        }
        av_packet_free(&packet);
    }
    assert_int_equal(segment_close(&segment, &summary, &end, &error), 0);
    struct image image = image_of_fd(copy);
    close(copy);
    stream_unref(&stream);
    clip_close(&clip);
    return image;
}

/* The number of frames of what can go on; a negative code of what cannot, and is as it was. */
static int64_t read_sealed(const struct image *image)
{
    struct mp4_part part;
    struct mp4_table table;
    struct rtsprec_error error;
    int fd = memory_file();
    image_store(fd, image->data, image->size);
    int64_t result = mp4_read_sealed(fd, &part, &table, &error);
    if (result == 0) {
        result = (int64_t)mp4_table_samples(&table);
        assert_int_equal(part.size, image->size);
    }
    mp4_table_uninit(&table);
    struct image after = image_of_fd(fd);
    assert_int_equal(after.size, image->size);
    assert_memory_equal(after.data, image->data, after.size);
    image_uninit(&after);
    close(fd);
    return result;
}

/* What is unsealed is read again as it was written, and sealed again the same. */
static void test_to_and_fro(void **state)
{
    (void)state;
    struct image image = make_lapse(0);
    struct mp4_part part;
    struct mp4_table table;
    struct mp4_repaired repaired;
    struct rtsprec_error error;
    int fd = memory_file();
    image_store(fd, image.data, image.size);
    assert_int_equal(mp4_read_sealed(fd, &part, &table, &error), 0);
    assert_int_equal(mp4_table_samples(&table), FRAMES);
    assert_int_equal(mp4_unseal(fd, &part, &error), 0);
    struct frames frames = frames_read_fd(fd);
    assert_int_equal(frames.tracks[0].count, FRAMES);
    frames_uninit(&frames);
    assert_int_equal(mp4_repair(fd, NULL, &repaired, &error), 0);
    assert_int_equal(repaired.frames, FRAMES);
    assert_int_equal(repaired.lost_bytes, 0);
    assert_false(repaired.was_sealed);
    struct image again = image_of_fd(fd);
    assert_int_equal(again.size, image.size);
    assert_memory_equal(again.data, image.data, image.size);
    image_uninit(&again);
    image_uninit(&image);
    mp4_table_uninit(&table);
    close(fd);
}

static void test_others(void **state)
{
    (void)state;
    struct image at_end = make_lapse(16); /* which is too little: the least is taken */
    assert_int_equal(read_sealed(&at_end), FRAMES);
    image_uninit(&at_end);
    struct recording recording;
    recording_make(&recording,
                   &(struct recording_options){.clip = "h264tiny", .duration_us = SECOND});
    assert_int_equal(read_sealed(&recording.closed), RTSPREC_ERROR_UNSUPPORTED);
    assert_int_equal(read_sealed(&recording.open), RTSPREC_ERROR_UNSUPPORTED);
    recording_uninit(&recording);
    recording_make(&recording, &(struct recording_options){.clip = "h265tiny",
                                                           .container = RTSPREC_CONTAINER_MKV,
                                                           .duration_us = SECOND});
    assert_int_equal(read_sealed(&recording.closed), RTSPREC_ERROR_UNSUPPORTED);
    recording_uninit(&recording);
    struct image empty = {NULL, 0};
    assert_int_equal(read_sealed(&empty), RTSPREC_ERROR_UNSUPPORTED);
}

/* A file with bytes behind its last frame, as a repair leaves one, does not go on. */
static void test_cut_and_longer(void **state)
{
    (void)state;
    struct image image = make_lapse(0);
    for (size_t size = 0; size < image.size; size += size < 200 ? 1 : 37) {
        struct image prefix = image_prefix(&image, size);
        require(read_sealed(&prefix) == RTSPREC_ERROR_UNSUPPORTED, "%zu bytes", size);
        image_uninit(&prefix);
    }
    struct image longer = {calloc(1, image.size + 9), image.size + 9};
    memcpy(longer.data, image.data, image.size);
    assert_int_equal(read_sealed(&longer), RTSPREC_ERROR_UNSUPPORTED);
    image_uninit(&longer);
    image_uninit(&image);
}

/* Whether a byte is one of the frames' entries of a table. */
static bool is_entry(const struct image *image, const char *type, size_t head_bytes, size_t at)
{
    const uint8_t *box = memmem(image->data, image->size, type, 4);
    size_t first = box ? (size_t)(box - image->data) + 4 + head_bytes : SIZE_MAX;
    return at >= first && at < first + FRAMES * (size_t)4;
}

/* Nothing of the moov can be changed without being noticed, but for the sizes and places of frames
 * that lie between others. */
static void test_damage(void **state)
{
    (void)state;
    struct image image = make_lapse(0);
    uint64_t seed = 20261123;
    struct mp4_header ftyp, moov;
    assert_true(mp4_header_parse(&ftyp, image.data, 16));
    assert_true(mp4_header_parse(&moov, image.data + ftyp.size, 16));
    for (size_t at = 0; at < ftyp.size + moov.size + 16; at++) {
        uint8_t old = image.data[at];
        image.data[at] = (uint8_t)(old ^ (1 << random_between(&seed, 0, 7)));
        int64_t result = read_sealed(&image);
        bool is_name = at >= 8 && at < ftyp.size; /* of the brand */
        if (result == FRAMES &&
            (is_entry(&image, "stsz", 12, at) || is_entry(&image, "stco", 8, at)))
            result = RTSPREC_ERROR_UNSUPPORTED;
        require(result == (is_name ? FRAMES : RTSPREC_ERROR_UNSUPPORTED), "byte %zu of %d + %d: %d",
                at, (int)ftyp.size, (int)moov.size, (int)result);
        image.data[at] = old;
    }
    image_uninit(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_to_and_fro),
        cmocka_unit_test(test_others),
        cmocka_unit_test(test_cut_and_longer),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
