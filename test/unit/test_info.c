#include "campaign.h"
#include "recording.h"

#include <errno.h>

#include "segment/info.h"
#include "segment/mkv_repair.h"
#include "segment/mkv_tags.h"
#include "segment/mp4_seal.h"

static void record(struct recording *recording, const char *clip, enum rtsprec_container container)
{
    struct recording_options options = {
        .clip = clip, .container = container, .duration_us = 2 * SECOND};
    recording_make(recording, &options);
}

static struct segment_info info_of(const uint8_t *data, size_t size)
{
    struct segment_info info;
    int fd = memory_file();
    image_store(fd, data, size);
    assert_int_equal(segment_info_read(&info, fd, (int64_t)size), 0);
    close(fd);
    return info;
}

static const struct {
    const char *clip, *codec;
    int width, height;
} clips[] = {
    {"h264", "h264", 640, 360},  {"h265", "hevc", 640, 360},     {"h264b", "h264", 640, 360},
    {"h265b", "hevc", 640, 360}, {"h264opus", "h264", 640, 360}, {"mjpeg", "mjpeg", 640, 360},
};

/* The length is that of the recorder's own account, to the container's tick. */
static void check_recording(const struct recording *recording, size_t row, bool is_mp4)
{
    struct segment_info info = info_of(recording->closed.data, recording->closed.size);
    int64_t tick_us = is_mp4 ? 12 : 1000,
            off_us = info.duration_us - recording->summary.duration_us;
    const char *name = clips[row].clip;
    require(info.has_start && info.start_us == RECORDING_START_US, "%s %d: %lld", name, is_mp4,
            (long long)info.start_us);
    /* An mkv's is that of its longest track. */
    bool is_close = off_us >= -tick_us && off_us <= (is_mp4 ? tick_us : SECOND / 5);
    require(is_close, "%s %d: %lld, expected %lld", name, is_mp4, (long long)info.duration_us,
            (long long)recording->summary.duration_us);
    require(info.frames == recording->summary.frames, "%s %d: %lld", name, is_mp4,
            (long long)info.frames);
    require(!strcmp(info.codec, clips[row].codec), "%s: %s", name, info.codec);
    require(info.width > 0 && info.height > 0, "%s: %dx%d", name, info.width, info.height);
}

static void test_what_was_recorded(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(clips); i++) {
        struct recording recording;
        record(&recording, clips[i].clip, RTSPREC_CONTAINER_MP4);
        check_recording(&recording, i, true);
        recording_uninit(&recording);
        record(&recording, clips[i].clip, RTSPREC_CONTAINER_MKV);
        check_recording(&recording, i, false);
        recording_uninit(&recording);
    }
}

/* Its moov at the end, behind the frames. */
static void test_an_index_at_the_end(void **state)
{
    (void)state;
    struct recording recording;
    struct recording_options options = {.clip = "h264",
                                        .container = RTSPREC_CONTAINER_MP4,
                                        .duration_us = SECOND,
                                        .index_bytes = 1};
    recording_make(&recording, &options);
    check_recording(&recording, 0, true);
    recording_uninit(&recording);
}

/* A crash changes nothing of what the file says of its beginning. */
static void test_a_repaired_file(void **state)
{
    (void)state;
    for (int is_mkv = 0; is_mkv < 2; is_mkv++) {
        struct recording recording;
        struct segment_info info;
        struct mp4_repaired mp4;
        struct mkv_repaired mkv;
        struct rtsprec_error error = {0};
        record(&recording, "h264", is_mkv ? RTSPREC_CONTAINER_MKV : RTSPREC_CONTAINER_MP4);
        int fd = memory_file();
        image_store(fd, recording.open.data, recording.open.size - 100);
        require(
            (is_mkv ? mkv_repair(fd, NULL, &mkv, &error) : mp4_repair(fd, NULL, &mp4, &error)) == 0,
            "%s", error.text);
        struct image image = image_of_fd(fd);
        assert_int_equal(segment_info_read(&info, fd, (int64_t)image.size), 0);
        assert_true(info.has_start);
        assert_int_equal(info.start_us, RECORDING_START_US);
        assert_true(info.duration_us > SECOND / 2 && info.duration_us < 2 * SECOND);
        assert_string_equal(info.codec, "h264");
        assert_int_equal(info.frames, is_mkv ? mkv.frames : mp4.frames);
        image_uninit(&image);
        close(fd);
        recording_uninit(&recording);
    }
}

/* Where a text is in a file. */
static size_t find(const struct image *image, const char *text)
{
    const uint8_t *place = memmem(image->data, image->size, text, strlen(text));
    assert_non_null(place);
    return (size_t)(place - image->data);
}

/* While an mkv is open its tag says nothing; so does one that another program has written. */
static void test_the_frames_of_an_mkv(void **state)
{
    (void)state;
    struct recording recording;
    record(&recording, "h264", RTSPREC_CONTAINER_MKV);
    struct image *open = &recording.open, *closed = &recording.closed;
    assert_int_equal(info_of(open->data, open->size).frames, 0);
    assert_int_equal(info_of(closed->data, closed->size).frames, recording.summary.frames);
    assert_true(find(open, MKV_FRAMES_TAG) < find(open, MKV_FRAMES_UNKNOWN));
    /* No checksum is left that is true no more: a Void of its length. Open, there is no list of
     * what is where in front of the tags. */
    const uint8_t *tags = closed->data + find(open, "\x12\x54\xC3\x67");
    assert_memory_equal(tags, "\x12\x54\xC3\x67", 4);
    assert_non_null(memmem(tags, 12, "\xEC\x84", 2));
    closed->data[find(closed, MKV_FRAMES_TAG)] = 'M';
    assert_int_equal(info_of(closed->data, closed->size).frames, 0);
    recording_uninit(&recording);
}

static void test_texts_of_a_number(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t size;
        int64_t frames;
    } texts[] = {
        {"7\0\0\0\0\0\0\0\0", 10, 7},
        {"9999999999", 10, INT64_C(9999999999)},
        {MKV_FRAMES_UNKNOWN, MKV_FRAMES_BYTES, 0},
        {"\0\0\0\0\0\0\0\0\0", 10, 0},
        {"7\0\0\0\0\0\0\0\0007", 10, 0}, /* behind the end */
        {"-7\0\0\0\0\0\0\0", 10, 0},
        {"7 frames\0", 10, 0},
        {"7", 1, 0}, /* a copy */
        {"00000000007", 11, 0},
    };
    for (size_t i = 0; i < LENGTH(texts); i++) {
        int64_t frames = mkv_frames_parse((const uint8_t *)texts[i].text, texts[i].size);
        require(frames == texts[i].frames, "%zu: %lld", i, (long long)frames);
    }
}

static void test_what_is_none(void **state)
{
    (void)state;
    static const uint8_t zeros[5000];
    struct segment_info info = info_of(zeros, 0);
    assert_false(info.has_start);
    info = info_of(zeros, sizeof(zeros));
    assert_false(info.has_start);
    assert_int_equal(info.duration_us, 0);
    assert_string_equal(info.codec, "");
    info = info_of((const uint8_t *)"no video", 8);
    assert_false(info.has_start);
    assert_int_equal(segment_info_read(&info, -1, 100), -EBADF);
}

/* Whatever is in the file, nothing is read beyond it and the reading comes to an end. */
static void test_damage(void **state)
{
    (void)state;
    uint64_t seed = 20261122;
    for (int is_mkv = 0; is_mkv < 2; is_mkv++) {
        struct recording recording;
        record(&recording, "h264tiny", is_mkv ? RTSPREC_CONTAINER_MKV : RTSPREC_CONTAINER_MP4);
        struct image *image = &recording.closed;
        size_t head = image->size < 3000 ? image->size : 3000;
        for (int i = 0; i < campaign_size(3000, 100000); i++) {
            struct image copy = image_prefix(
                image, i % 2 ? image->size : (size_t)random_between(&seed, 0, (int64_t)head));
            for (int k = (int)random_between(&seed, 0, 4); k > 0 && copy.size > 0; k--) {
                size_t most = copy.size < head ? copy.size : head;
                copy.data[random_between(&seed, 0, (int64_t)most - 1)] =
                    (uint8_t)next_random(&seed);
            }
            struct segment_info info = info_of(copy.data, copy.size);
            assert_true(info.duration_us >= 0 && info.frames >= 0);
            image_uninit(&copy);
        }
        recording_uninit(&recording);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_recorded),
        cmocka_unit_test(test_an_index_at_the_end),
        cmocka_unit_test(test_a_repaired_file),
        cmocka_unit_test(test_the_frames_of_an_mkv),
        cmocka_unit_test(test_texts_of_a_number),
        cmocka_unit_test(test_what_is_none),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
