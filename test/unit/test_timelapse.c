/* Frames of a clip at times of the test's own. */
#include "directory.h"
#include "frames.h"

#include <stdatomic.h>

#include "camera/timelapse.h"
#include "segment/verify.h"

#define NOON (INT64_C(1709380800) * SECOND) /* 2024-03-02 12:00:00 UTC */

static struct dispatcher *dispatcher;
static struct archive_root *roots, *root;
static atomic_int told_count;
static char told[16][700];

static void take_log(void *user, const struct rtsprec_log_record *record)
{
    (void)user;
    if (record->level == RTSPREC_LOG_DEBUG || told_count == (int)LENGTH(told))
        return;
    snprintf(told[told_count], sizeof(told[0]), "%.699s", record->text);
    told_count++; /* who reads the count may read the text */
}

static int times_told(const char *part)
{
    int found = 0;
    for (int i = 0; i < told_count; i++)
        found += strstr(told[i], part) != NULL;
    return found;
}

/* Up to 5 s, until that was told so often. */
static void wait_told(const char *part, int count)
{
    for (int i = 0; i < 5000 && times_told(part) < count; i++)
        usleep(1000);
    require(times_told(part) == count, "%s: %d times", part, times_told(part));
}

static int create(void **state)
{
    struct dispatcher_callbacks callbacks = {NULL, take_log, RTSPREC_LOG_DEBUG, NULL};
    struct rtsprec_error error;
    setenv("TZ", "UTC0", 1);
    tzset();
    told_count = 0;
    if (directory_create(state) < 0 || dispatcher_create(&dispatcher, &callbacks, &error) < 0)
        return -1;
    return archive_root_open(&root, &roots, *state, &error);
}

static int destroy(void **state)
{
    archive_root_close(&root, &roots);
    dispatcher_destroy(&dispatcher);
    return directory_remove(state);
}

static struct timelapse_options options_in(const char *directory)
{
    return (struct timelapse_options){
        .directory = directory,
        .camera = "cam",
        .every_us = 10 * SECOND,
        .fps = 25,
        .archive = root,
        .dispatcher = dispatcher,
    };
}

/* Gives packets of a clip until so many key frames are given, the key frames from wall_us on
 * each gap_us. */
static void give(struct timelapse *timelapse, struct clip *clip, int keys, int64_t wall_us,
                 int64_t gap_us)
{
    AVPacket *packet;
    int given = 0;
    while (given < keys && (packet = clip_read(clip, 0, INT64_MAX)) != NULL) {
        bool is_key = packet->stream_index == 0 && packet->flags & AV_PKT_FLAG_KEY;
        timelapse_take(timelapse, packet, wall_us + (given > 0 || is_key ? given * gap_us : 0));
        given += is_key;
        av_packet_free(&packet);
    }
    assert_int_equal(given, keys);
}

/* The key frames of a clip. */
static struct frames keys_of(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s.mkv", CLIPS, name);
    struct frames frames = frames_read(path);
    struct frame_list *list = &frames.tracks[0];
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].is_key)
            list->items[count++] = list->items[i];
    }
    list->count = count;
    return frames;
}

/* A file holds the count frames of keys from first on, each step of them one, and each lasts as
 * long as it shall. */
static void check(const char *path, const struct frames *keys, size_t first, size_t count,
                  AVRational frame)
{
    struct frames frames = frames_read(path);
    const struct frame_list *list = &frames.tracks[0];
    assert_int_equal(frames.result, AVERROR_EOF);
    assert_int_equal(frames.track_count, 1);
    require(list->count == count, "%s: %zu frames, not %zu", path, list->count, count);
    for (size_t i = 0; i < count; i++) {
        const struct frame *one = &list->items[i];
        require(one->is_key && one->hash == keys->tracks[0].items[first + i].hash, "%s: frame %zu",
                path, i);
        /* To the tick, which in an mkv is a millisecond. */
        require(one->pts == av_rescale_q((int64_t)i, frame, list->time_base), "%s: frame %zu at %d",
                path, i, (int)one->pts);
    }
    frames_uninit(&frames);
}

static void verify(const char *path)
{
    struct rtsprec_error error;
    int64_t count;
    require(segment_verify(path, &count, &error) == 0, "%s: %s", path, error.text);
}

static void test_a_day(void **state)
{
    static const struct {
        const char *clip, *name;
        enum rtsprec_container container;
        int fps;
    } cases[] = {
        {"h264v", "cam/timelapse/2024-03-02.mp4", RTSPREC_CONTAINER_MP4, 25},
        {"h265b", "cam/timelapse/2024-03-02-2.mp4", RTSPREC_CONTAINER_MP4, 30},
        {"h264", "cam/timelapse/2024-03-02-3.mp4", RTSPREC_CONTAINER_MP4, 7},
        {"h264v", "cam/timelapse/2024-03-02.mkv", RTSPREC_CONTAINER_MKV, 24},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct timelapse_options options = options_in(*state);
        options.container = cases[i].container;
        options.fps = cases[i].fps;
        struct frames keys = keys_of(cases[i].clip);
        AVRational frame = {1, cases[i].fps};
        struct timelapse timelapse;
        struct clip clip;
        char part[512];
        clip_open(&clip, cases[i].clip);
        snprintf(part, sizeof(part), "%s.part", path_in(*state, cases[i].name));
        timelapse_init(&timelapse, &options);
        timelapse_begin(&timelapse, clip.stream);
        for (int k = 0; k < 8; k++) {
            give(&timelapse, &clip, 1, NOON + k * 10 * SECOND, 0);
            /* It is in the file at once, and what comes in between is not. */
            check(part, &keys, 0, (size_t)k + 1, frame);
        }
        timelapse_uninit(&timelapse);
        assert_false(file_exists(part));
        check(path_in(*state, cases[i].name), &keys, 0, 8, frame);
        verify(path_in(*state, cases[i].name));
        clip_close(&clip);
        frames_uninit(&keys);
    }
}

static void test_rarely(void **state)
{
    struct timelapse_options options = options_in(*state);
    struct frames keys = keys_of("h264v");
    struct timelapse timelapse;
    struct clip clip;
    clip_open(&clip, "h264v");
    options.every_us = 60 * SECOND;
    timelapse_init(&timelapse, &options);
    timelapse_begin(&timelapse, clip.stream);
    /* 12:00:58 is the first, 12:01:00 due; 02 to 12 are not. */
    give(&timelapse, &clip, 8, NOON + 58 * SECOND, 2 * SECOND);
    timelapse_uninit(&timelapse);
    check(path_in(*state, "cam/timelapse/2024-03-02.mp4"), &keys, 0, 2, (AVRational){1, 25});
    clip_close(&clip);
    frames_uninit(&keys);
}

/* In the local time of a zone: the day changes at 23:00 UTC. */
static void test_midnight(void **state)
{
    struct timelapse_options options = options_in(*state);
    struct frames keys = keys_of("h264v");
    struct timelapse timelapse;
    struct clip clip;
    setenv("TZ", "CET-1", 1);
    tzset();
    clip_open(&clip, "h264v");
    timelapse_init(&timelapse, &options);
    timelapse_begin(&timelapse, clip.stream);
    /* 23:59:45, :55, 00:00:05, :15 */
    give(&timelapse, &clip, 4, NOON + 11 * HOUR - 15 * SECOND, 10 * SECOND);
    check(path_in(*state, "cam/timelapse/2024-03-02.mp4"), &keys, 0, 2, (AVRational){1, 25});
    check(path_in(*state, "cam/timelapse/2024-03-03.mp4.part"), &keys, 2, 2, (AVRational){1, 25});
    /* A day without any leaves no file. */
    give(&timelapse, &clip, 1, NOON + 60 * HOUR, 0);
    timelapse_uninit(&timelapse);
    check(path_in(*state, "cam/timelapse/2024-03-03.mp4"), &keys, 2, 2, (AVRational){1, 25});
    check(path_in(*state, "cam/timelapse/2024-03-05.mp4"), &keys, 4, 1, (AVRational){1, 25});
    assert_false(file_exists(path_in(*state, "cam/timelapse/2024-03-04.mp4")));
    clip_close(&clip);
    frames_uninit(&keys);
}

static void test_parameters(void **state)
{
    struct timelapse_options options = options_in(*state);
    struct frames keys = keys_of("h264v"), other_keys = keys_of("h265small");
    struct timelapse timelapse;
    struct clip clip, again, other;
    clip_open(&clip, "h264v");
    clip_open(&again, "h264v");
    clip_open(&other, "h265small");
    timelapse_init(&timelapse, &options);
    timelapse_begin(&timelapse, clip.stream);
    give(&timelapse, &clip, 2, NOON, 10 * SECOND);
    /* Another connection to the same camera is no reason for another file. */
    timelapse_begin(&timelapse, again.stream);
    give(&timelapse, &clip, 1, NOON + 20 * SECOND, 0);
    timelapse_begin(&timelapse, other.stream);
    give(&timelapse, &other, 2, NOON + 30 * SECOND, 10 * SECOND);
    timelapse_uninit(&timelapse);
    check(path_in(*state, "cam/timelapse/2024-03-02.mp4"), &keys, 0, 3, (AVRational){1, 25});
    check(path_in(*state, "cam/timelapse/2024-03-02-2.mp4"), &other_keys, 0, 2,
          (AVRational){1, 25});
    clip_close(&clip);
    clip_close(&again);
    clip_close(&other);
    frames_uninit(&keys);
    frames_uninit(&other_keys);
}

static void copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(in >= 0 && out >= 0);
    struct image image = image_of_fd(in);
    image_store(out, image.data, image.size);
    image_uninit(&image);
    close(in);
    close(out);
}

/* A timelapse of the rig's camera that begins with the packets of a clip. */
static void begin(struct timelapse *timelapse, const struct timelapse_options *options,
                  const struct clip *clip)
{
    timelapse_init(timelapse, options);
    timelapse_begin(timelapse, clip->stream);
}

/* Nothing is lost but what was torn; also by a camera that has no timelapse any more. */
static void test_a_crash(void **state)
{
    for (int is_off = 0; is_off < 2; is_off++) {
        struct timelapse_options options = options_in(*state);
        struct frames keys = keys_of("h264v");
        struct timelapse timelapse;
        struct clip clip;
        const char *part = path_in(*state, "cam/timelapse/2024-03-01.mp4.part");
        const char *whole = path_in(*state, "cam/timelapse/2024-03-02.mp4");
        clip_open(&clip, "h264v");
        begin(&timelapse, &options, &clip);
        give(&timelapse, &clip, 4, NOON, 10 * SECOND);
        copy_file(path_in(*state, "cam/timelapse/2024-03-02.mp4.part"), part);
        timelapse_uninit(&timelapse);
        assert_int_equal(remove(whole), 0);
        struct stat status;
        assert_int_equal(stat(part, &status), 0);
        assert_int_equal(truncate(part, status.st_size - 1), 0);
        options.every_us = is_off ? 0 : options.every_us;
        timelapse_init(&timelapse, &options);
        timelapse_uninit(&timelapse);
        wait_told("Repaired after a crash: ", is_off + 1);
        const char *repaired = path_in(*state, is_off ? "cam/timelapse/2024-03-01-2.mp4"
                                                      : "cam/timelapse/2024-03-01.mp4");
        check(repaired, &keys, 0, 3, (AVRational){1, 25});
        verify(repaired);
        assert_false(file_exists(part));
        clip_close(&clip);
        frames_uninit(&keys);
    }
}

/* Who stops does not wait for the repair of a day; the next start does it. */
static void test_a_stop_during_a_repair(void **state)
{
    atomic_bool stop = true;
    struct timelapse_options options = options_in(*state);
    struct timelapse timelapse;
    struct clip clip;
    const char *part = path_in(*state, "cam/timelapse/2024-03-01.mp4.part");
    clip_open(&clip, "h264v");
    begin(&timelapse, &options, &clip);
    give(&timelapse, &clip, 4, NOON, 10 * SECOND);
    copy_file(path_in(*state, "cam/timelapse/2024-03-02.mp4.part"), part);
    timelapse_uninit(&timelapse);
    clip_close(&clip);

    options.stop = &stop;
    timelapse_init(&timelapse, &options);
    timelapse_uninit(&timelapse);
    assert_true(file_exists(part));
    atomic_store(&stop, false);
    timelapse_init(&timelapse, &options);
    timelapse_uninit(&timelapse);
    assert_false(file_exists(part));
    wait_told("Repaired after a crash: ", 1);
    verify(path_in(*state, "cam/timelapse/2024-03-01.mp4"));
}

static void test_goes_on(void **state)
{
    struct timelapse_options options = options_in(*state);
    struct frames keys = keys_of("h265b");
    struct timelapse timelapse;
    struct clip clip;
    const char *path = path_in(*state, "cam/timelapse/2024-03-02.mp4");
    const char *part = path_in(*state, "cam/timelapse/2024-03-02.mp4.part");
    clip_open(&clip, "h265b");
    for (int start = 0; start < 4; start++) {
        begin(&timelapse, &options, &clip);
        for (int k = 0; k < 2; k++) {
            give(&timelapse, &clip, 1, NOON + (2 * start + k) * MINUTE, 0);
            check(part, &keys, 0, (size_t)start * 2 + (size_t)k + 1, (AVRational){1, 25});
            assert_false(file_exists(path));
        }
        timelapse_uninit(&timelapse);
        check(path, &keys, 0, (size_t)start * 2 + 2, (AVRational){1, 25});
        verify(path);
        assert_false(file_exists(part));
    }
    /* A start without a frame leaves it alone. */
    begin(&timelapse, &options, &clip);
    timelapse_uninit(&timelapse);
    check(path, &keys, 0, 8, (AVRational){1, 25});
    /* Other parameters are for another file, of which the latest goes on. */
    struct clip other;
    struct frames other_keys = keys_of("h265small");
    clip_open(&other, "h265small");
    for (int start = 0; start < 2; start++) {
        begin(&timelapse, &options, &other);
        give(&timelapse, &other, 2, NOON + (10 + 2 * start) * MINUTE, MINUTE);
        timelapse_uninit(&timelapse);
    }
    check(path, &keys, 0, 8, (AVRational){1, 25});
    verify(path);
    check(path_in(*state, "cam/timelapse/2024-03-02-2.mp4"), &other_keys, 0, 4,
          (AVRational){1, 25});
    /* So is another speed. */
    options.fps = 50;
    begin(&timelapse, &options, &other);
    give(&timelapse, &other, 2, NOON + 20 * MINUTE, MINUTE);
    timelapse_uninit(&timelapse);
    check(path_in(*state, "cam/timelapse/2024-03-02-2.mp4"), &other_keys, 0, 4,
          (AVRational){1, 25});
    check(path_in(*state, "cam/timelapse/2024-03-02-3.mp4"), &other_keys, 4, 2,
          (AVRational){1, 50});
    clip_close(&clip);
    clip_close(&other);
    frames_uninit(&keys);
    frames_uninit(&other_keys);
}

/* A file that goes on, cut anywhere behind what it held: all that is whole is saved, and it goes on
 * again where nothing is torn. */
static void test_a_crash_of_what_goes_on(void **state)
{
    struct timelapse_options options = options_in(*state);
    struct frames keys = keys_of("h264tiny");
    struct timelapse timelapse;
    struct clip clip;
    struct stat old, grown;
    const char *path = path_in(*state, "cam/timelapse/2024-03-02.mp4");
    const char *part = path_in(*state, "cam/timelapse/2024-03-02.mp4.part");
    const char *copy = path_in(*state, "copy");
    clip_open(&clip, "h264tiny");
    begin(&timelapse, &options, &clip);
    give(&timelapse, &clip, 3, NOON, 10 * SECOND);
    timelapse_uninit(&timelapse);
    assert_int_equal(stat(path, &old), 0);
    begin(&timelapse, &options, &clip);
    give(&timelapse, &clip, 1, NOON + 30 * SECOND, 0);
    copy_file(part, copy);
    timelapse_uninit(&timelapse);
    assert_int_equal(stat(copy, &grown), 0);
    for (off_t size = old.st_size; size <= grown.st_size;
         size += size + 7 < grown.st_size ? 7 : 1) {
        assert_int_equal(remove(path), 0);
        copy_file(copy, part);
        assert_int_equal(truncate(part, size), 0);
        timelapse_init(&timelapse, &options);
        timelapse_uninit(&timelapse);
        check(path, &keys, 0, size == grown.st_size ? 4 : 3, (AVRational){1, 25});
        verify(path);
    }
    /* What only a name was missing of, too. */
    assert_int_equal(rename(path, part), 0);
    begin(&timelapse, &options, &clip);
    timelapse_uninit(&timelapse);
    begin(&timelapse, &options, &clip);
    give(&timelapse, &clip, 1, NOON + 40 * SECOND, 0);
    timelapse_uninit(&timelapse);
    check(path, &keys, 0, 5, (AVRational){1, 25});
    clip_close(&clip);
    frames_uninit(&keys);
}

static void test_off(void **state)
{
    struct timelapse_options options = options_in(*state);
    struct timelapse timelapse;
    struct clip clip;
    options.every_us = 0;
    clip_open(&clip, "h264v");
    timelapse_init(&timelapse, &options);
    timelapse_begin(&timelapse, clip.stream);
    give(&timelapse, &clip, 3, NOON, 10 * SECOND);
    timelapse_uninit(&timelapse);
    assert_false(file_exists(path_in(*state, "cam")));
    clip_close(&clip);
}

static void test_trouble(void **state)
{
    struct timelapse_options options = options_in(*state);
    struct frames keys = keys_of("h264v");
    struct timelapse timelapse;
    struct clip clip;
    clip_open(&clip, "h264v");
    timelapse_init(&timelapse, &options);
    timelapse_begin(&timelapse, clip.stream);
    assert_int_equal(mkdir(path_in(*state, "cam"), 0700), 0);
    write_file(path_in(*state, "cam/timelapse"), "in the way");
    give(&timelapse, &clip, 3, NOON, 10 * SECOND);
    assert_int_equal(remove(path_in(*state, "cam/timelapse")), 0);
    give(&timelapse, &clip, 2, NOON + 30 * SECOND, 10 * SECOND);
    wait_told("The timelapse is written again", 1);
    assert_int_equal(times_told("The timelapse cannot be written: "), 1);
    timelapse_uninit(&timelapse);
    check(path_in(*state, "cam/timelapse/2024-03-02.mp4"), &keys, 3, 2, (AVRational){1, 25});
    clip_close(&clip);
    frames_uninit(&keys);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, create, destroy)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_a_day),    CASE(test_rarely),
        CASE(test_midnight), CASE(test_parameters),
        CASE(test_a_crash),  CASE(test_a_stop_during_a_repair),
        CASE(test_goes_on),  CASE(test_a_crash_of_what_goes_on),
        CASE(test_off),      CASE(test_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
