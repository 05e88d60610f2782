#include "clip.h"
#include "directory.h"

#include <inttypes.h>
#include <sys/resource.h>
#include <signal.h>

#include <libavcodec/avcodec.h>

#include "segment/segment.h"

static int file_open(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static void segment_begin(struct segment **segment, const struct clip *clip, const char *path,
                          enum rtsprec_container container, int64_t start_us)
{
    struct segment_options options = {
        .fd = file_open(path),
        .container = container,
        .stream = clip->stream,
        .start_pts = av_rescale_q(start_us, us, clip->stream->tracks[0].time_base),
        .start_wall_us = INT64_C(1750000000000000),
        .duration_us = MINUTE,
        .fragment_us = SECOND / 2,
    };
    struct rtsprec_error error = {0};
    require(segment_open(segment, &options, &error) == 0, "%s", error.text);
}

static uint8_t *load(const char *path, size_t *size)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    *size = (size_t)status.st_size;
    uint8_t *data = malloc(*size);
    FILE *file = fopen(path, "r");
    assert_int_equal(fread(data, 1, *size, file), *size);
    fclose(file);
    return data;
}

static void write_prefix(const char *path, const uint8_t *data, size_t size)
{
    FILE *file = fopen(path, "w");
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

/* As a crash at this moment leaves it. */
static void copy_file(const char *from, const char *to)
{
    size_t size;
    uint8_t *data = load(from, &size);
    write_prefix(to, data, size);
    free(data);
}

/* What was written of each track. */
struct written {
    int count[2];
    int64_t first_us[2]; /* pts relative to the segment's start */
};

/* Writes a clip that begins at the run's time at_us, the sound from sound_from_us of it on. What
 * the file was before the close is copied to open_path when that is not NULL. */
static struct segment_summary write_clip_copied(const char *name, const char *path,
                                                const char *open_path,
                                                enum rtsprec_container container, int64_t at_us,
                                                int64_t sound_from_us, struct written *written)
{
    struct clip clip;
    struct segment *segment;
    struct rtsprec_error error = {0};
    struct segment_summary summary;
    AVPacket *packet;
    clip_open(&clip, name);
    segment_begin(&segment, &clip, path, container, at_us);
    *written = (struct written){0};
    while ((packet = clip_read(&clip, at_us, HOUR)) != NULL) {
        int track = packet->stream_index;
        int64_t pts_us =
            av_rescale_q(packet->pts, clip.stream->tracks[track].time_base, us) - at_us;
        if (track == 0 || pts_us >= sound_from_us) {
            if (written->count[track]++ == 0)
                written->first_us[track] = pts_us;
            require(segment_write(segment, packet, &error) == 0, "%s", error.text);
        }
        av_packet_free(&packet);
    }
    if (open_path)
        copy_file(path, open_path);
    enum segment_end end;
    require(segment_close(&segment, &summary, &end, &error) == 0, "%s", error.text);
    assert_int_equal(end, SEGMENT_COMPLETE);
    assert_null(segment);
    clip_close(&clip);
    return summary;
}

static struct segment_summary write_clip(const char *name, const char *path,
                                         enum rtsprec_container container, int64_t at_us,
                                         int64_t sound_from_us, struct written *written)
{
    return write_clip_copied(name, path, NULL, container, at_us, sound_from_us, written);
}

/* What a player finds in a file. */
struct found {
    int count[2];
    int64_t first_us[2], last_us[2];
    bool begins_with_key, is_disordered;
    uint32_t tag;
};

static struct found read_back(const char *path)
{
    struct found found = {0};
    AVFormatContext *format = NULL;
    AVPacket *packet = av_packet_alloc();
    require(avformat_open_input(&format, path, NULL, NULL) == 0, "%s", path);
    require(avformat_find_stream_info(format, NULL) >= 0, "%s", path);
    found.tag = format->streams[0]->codecpar->codec_tag;
    int64_t last_dts[2] = {INT64_MIN, INT64_MIN};
    while (av_read_frame(format, packet) >= 0) {
        int track = packet->stream_index;
        int64_t pts = av_rescale_q(packet->pts, format->streams[track]->time_base, us);
        if (found.count[track]++ == 0) {
            found.first_us[track] = pts;
            if (track == 0)
                found.begins_with_key = packet->flags & AV_PKT_FLAG_KEY;
        }
        found.last_us[track] = pts > found.last_us[track] ? pts : found.last_us[track];
        found.is_disordered |= packet->dts <= last_dts[track];
        last_dts[track] = packet->dts;
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    avformat_close_input(&format);
    return found;
}

static const struct {
    const char *clip;
    enum rtsprec_container container;
} kinds[] = {
    {"h264", RTSPREC_CONTAINER_MP4},     {"h265", RTSPREC_CONTAINER_MP4},
    {"h264b", RTSPREC_CONTAINER_MP4},    {"h265b", RTSPREC_CONTAINER_MP4},
    {"h265gop4", RTSPREC_CONTAINER_MP4}, {"h264", RTSPREC_CONTAINER_MKV},
    {"h265", RTSPREC_CONTAINER_MKV},     {"h265b", RTSPREC_CONTAINER_MKV},
    {"h264pcma", RTSPREC_CONTAINER_MKV},
};

static void test_all_packets_are_in_the_file(void **state)
{
    const char *path = path_in(*state, "file");
    for (size_t i = 0; i < LENGTH(kinds); i++) {
        struct written written;
        struct segment_summary summary =
            write_clip(kinds[i].clip, path, kinds[i].container, 1000 * SECOND, 0, &written);
        struct found found = read_back(path);
        struct stat status;
        const char *name = kinds[i].clip;
        assert_int_equal(stat(path, &status), 0);
        require(found.count[0] == written.count[0] && found.count[1] == written.count[1],
                "%s: %d and %d, not %d and %d", name, found.count[0], found.count[1],
                written.count[0], written.count[1]);
        require(found.begins_with_key, "%s", name);
        /* mkv holds no dts: a reader makes them up. */
        require(kinds[i].container == RTSPREC_CONTAINER_MKV || !found.is_disordered, "%s", name);
        require(found.first_us[0] == 0, "%s: %" PRId64, name, found.first_us[0]);
        require(llabs(found.last_us[0] - found.first_us[0] - (written.count[0] - 1) * 40000) <=
                    1000,
                "%s: %" PRId64, name, found.last_us[0]);
        assert_int_equal(summary.frames, written.count[0]);
        assert_int_equal(summary.packets, written.count[0] + written.count[1]);
        assert_int_equal(summary.bytes, status.st_size);
        require(llabs(summary.duration_us - written.count[0] * 40000) <= 1000, "%s: %" PRId64, name,
                summary.duration_us);
        if (!strncmp(name, "h265", 4) && kinds[i].container == RTSPREC_CONTAINER_MP4)
            assert_int_equal(found.tag, MKTAG('h', 'v', 'c', '1'));
    }
}

/*
 * A camera whose frames do not come evenly: a packet's duration is a guess that the next packet may
 * contradict, also across the end of a fragment.
 */
static void test_uneven_times_stay_as_they_are(void **state)
{
    enum { MAX_FRAMES = 1000 };
    static int64_t expected[MAX_FRAMES];
    const char *closed = path_in(*state, "file.mp4"), *open_copy = path_in(*state, "open.mp4");
    struct clip clip;
    struct segment *segment;
    struct rtsprec_error error = {0};
    struct segment_summary summary;
    enum segment_end end;
    AVPacket *packet;
    int count = 0;
    clip_open(&clip, "h264v");
    segment_begin(&segment, &clip, closed, RTSPREC_CONTAINER_MP4, 0);
    while ((packet = clip_read(&clip, 0, HOUR)) != NULL && count < MAX_FRAMES) {
        static const int64_t late_us[] = {0, 15000, -12000, 3000, -19000};
        int64_t pts_us = av_rescale_q(packet->pts, clip.stream->tracks[0].time_base, us) +
                         (count ? late_us[count % 5] : 0);
        packet->pts = packet->dts = av_rescale_q(pts_us, us, clip.stream->tracks[0].time_base);
        expected[count++] = packet->pts;
        require(segment_write(segment, packet, &error) == 0, "%s", error.text);
        av_packet_free(&packet);
    }
    copy_file(closed, open_copy);
    require(segment_close(&segment, &summary, &end, &error) == 0, "%s", error.text);
    assert_int_equal(summary.frames, count);

    const char *const files[] = {closed, open_copy};
    for (int i = 0; i < 2; i++) {
        AVFormatContext *format = NULL;
        packet = av_packet_alloc();
        require(avformat_open_input(&format, files[i], NULL, NULL) == 0, "%s", files[i]);
        int at = 0;
        for (; av_read_frame(format, packet) >= 0; at++) {
            int64_t pts = av_rescale_q(packet->pts, format->streams[0]->time_base,
                                       clip.stream->tracks[0].time_base);
            require(at < count && pts == expected[at] && packet->dts == packet->pts,
                    "%s: frame %d at %" PRId64 ", not %" PRId64, files[i], at, pts, expected[at]);
            av_packet_unref(packet);
        }
        require(i == 0 ? at == count : at > count / 2, "%s: %d frames", files[i], at);
        av_packet_free(&packet);
        avformat_close_input(&format);
    }
    clip_close(&clip);
}

/* Their first dts lies before 0, and the sound must not move against them. */
static void test_reordered_pictures_begin_at_0_in_mp4(void **state)
{
    const char *path = path_in(*state, "file");
    static const char *const clips[] = {"h264b", "h265b"};
    for (size_t i = 0; i < LENGTH(clips); i++) {
        struct written written;
        write_clip(clips[i], path, RTSPREC_CONTAINER_MP4, 0, 0, &written);
        assert_int_equal(read_back(path).first_us[0], 0);
    }
}

static void test_a_track_that_begins_later_keeps_its_time(void **state)
{
    const char *path = path_in(*state, "file");
    for (int container = RTSPREC_CONTAINER_MP4; container <= RTSPREC_CONTAINER_MKV; container++) {
        struct written written;
        write_clip("h264", path, (enum rtsprec_container)container, 77 * SECOND, 3 * SECOND,
                   &written);
        struct found found = read_back(path);
        assert_int_equal(found.count[1], written.count[1]);
        assert_int_equal(found.first_us[0], 0);
        require(llabs(found.first_us[1] - written.first_us[1]) <= 1000,
                "container %d: %" PRId64 ", not %" PRId64, container, found.first_us[1],
                written.first_us[1]);
    }
}

static uint32_t read32(const uint8_t *data)
{
    return (uint32_t)data[0] << 24 | (uint32_t)data[1] << 16 | (uint32_t)data[2] << 8 | data[3];
}

static bool is_box(const uint8_t *box, const char *type)
{
    return !memcmp(box + 4, type, 4);
}

/* The first box of a type in [data, data + size), NULL when there is none. */
static const uint8_t *find_box(const uint8_t *data, size_t size, const char *type)
{
    for (size_t at = 0; at + 8 <= size; at += read32(data + at)) {
        if (is_box(data + at, type))
            return data + at;
        assert_true(read32(data + at) >= 8);
    }
    return NULL;
}

static void check_prefix(const char *path, const uint8_t *data, size_t size, int *frames)
{
    write_prefix(path, data, size);
    struct found found = read_back(path);
    /* Half a second is 12.5 frames. */
    require(found.count[0] > *frames && found.count[0] - *frames <= 13,
            "%zu bytes: %d frames after %d", size, found.count[0], *frames);
    require(found.first_us[0] == 0 && !found.is_disordered, "%zu bytes", size);
    *frames = found.count[0];
}

/* As a crash leaves it: a file that ends behind any of its fragments holds all up to there. */
static void test_mp4_is_readable_up_to_each_fragment(void **state)
{
    const char *path = path_in(*state, "file.mp4"), *open_path = path_in(*state, "open.mp4");
    const char *torn = path_in(*state, "torn.mp4");
    struct written written;
    write_clip_copied("h265gop4", path, open_path, RTSPREC_CONTAINER_MP4, 5 * SECOND, 0, &written);
    size_t size;
    uint8_t *data = load(open_path, &size);
    assert_non_null(find_box(data, size, "moov"));
    int fragments = 0, frames = 0;
    for (size_t at = 0; at + 8 <= size; at += read32(data + at)) {
        if (is_box(data + at, "moof") && fragments++ > 0)
            check_prefix(torn, data, at, &frames);
    }
    check_prefix(torn, data, size, &frames);
    /* The last one was still to be written. */
    require(fragments >= 23 && written.count[0] - frames <= 13, "%d fragments", fragments);
    free(data);
}

static void test_a_closed_mp4_has_its_index_in_front(void **state)
{
    const char *path = path_in(*state, "file.mp4");
    static const char *const order[] = {"ftyp", "moov", "mdat"};
    struct written written;
    write_clip("h264", path, RTSPREC_CONTAINER_MP4, 0, 0, &written);
    size_t size, at = 0;
    uint8_t *data = load(path, &size);
    for (size_t i = 0; i < LENGTH(order); i++) {
        require(at + 16 <= size && is_box(data + at, order[i]), "%s", order[i]);
        /* A size of 1 means 64 bits behind the type. */
        at += read32(data + at) == 1 ? (size_t)read32(data + at + 12) : read32(data + at);
    }
    assert_int_equal(at, size);
    free(data);
}

/* What is gathered goes to the disk with its fragment, not when the file is closed. */
static void test_fragments_are_written_out_at_once(void **state)
{
    for (int container = RTSPREC_CONTAINER_MP4; container <= RTSPREC_CONTAINER_MKV; container++) {
        const char *path = path_in(*state, "file"), *torn = path_in(*state, "torn");
        struct clip clip;
        struct segment *segment;
        struct rtsprec_error error;
        AVPacket *packet;
        clip_open(&clip, "h264v");
        segment_begin(&segment, &clip, path, (enum rtsprec_container)container, 0);
        for (int n = 1; (packet = clip_read(&clip, 0, 6 * SECOND)) != NULL; n++) {
            assert_int_equal(segment_write(segment, packet, &error), 0);
            av_packet_free(&packet);
            if (n < 30 || n > 56) /* two fragments */
                continue;
            copy_file(path, torn);
            struct found found = read_back(torn);
            require(found.count[0] >= n - 12, "container %d: %d of %d frames", container,
                    found.count[0], n);
        }
        struct segment_summary summary;
        enum segment_end end;
        assert_int_equal(segment_close(&segment, &summary, &end, &error), 0);
        assert_int_equal(end, SEGMENT_COMPLETE);
        clip_close(&clip);
    }
}

static void test_full_from_the_beginning(void **state)
{
    (void)state;
    for (int container = RTSPREC_CONTAINER_MP4; container <= RTSPREC_CONTAINER_MKV; container++) {
        struct clip clip;
        struct segment *segment = NULL;
        struct rtsprec_error error = {0};
        clip_open(&clip, "h264");
        struct segment_options options = {
            .fd = open("/dev/full", O_RDWR | O_CLOEXEC),
            .container = (enum rtsprec_container)container,
            .stream = clip.stream,
            .duration_us = MINUTE,
            .fragment_us = SECOND / 2,
        };
        assert_int_equal(segment_open(&segment, &options, &error), RTSPREC_ERROR_NO_SPACE);
        assert_null(segment);
        assert_int_equal(error.code, RTSPREC_ERROR_NO_SPACE);
        assert_int_equal(close(options.fd), 0); /* still ours */
        clip_close(&clip);
    }
}

/* The disk fills up on the way: the failure is told, what was whole is a complete file. */
static void test_full_on_the_way(void **state)
{
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit before, limit;
    getrlimit(RLIMIT_FSIZE, &before);
    for (int container = RTSPREC_CONTAINER_MP4; container <= RTSPREC_CONTAINER_MKV; container++) {
        const char *path = path_in(*state, "file");
        struct clip clip;
        struct segment *segment;
        struct rtsprec_error error = {0};
        struct segment_summary summary;
        AVPacket *packet;
        clip_open(&clip, "h264");
        segment_begin(&segment, &clip, path, (enum rtsprec_container)container, 0);
        limit = before;
        limit.rlim_cur = 150000;
        setrlimit(RLIMIT_FSIZE, &limit);
        int err = 0;
        while (err == 0 && (packet = clip_read(&clip, 0, HOUR)) != NULL) {
            err = segment_write(segment, packet, &error);
            av_packet_free(&packet);
        }
        assert_int_equal(err, RTSPREC_ERROR_IO); /* EFBIG */
        assert_int_equal(error.code, err);
        enum segment_end end;
        int closed = segment_close(&segment, &summary, &end, &error);
        setrlimit(RLIMIT_FSIZE, &before);
        assert_int_equal(closed, RTSPREC_ERROR_IO);
        assert_int_equal(end, SEGMENT_COMPLETE);
        assert_null(segment);
        struct found found = read_back(path);
        require(found.count[0] > 10, "container %d: %d frames", container, found.count[0]);
        clip_close(&clip);
    }
}

static void test_closed_without_a_packet(void **state)
{
    for (int container = RTSPREC_CONTAINER_MP4; container <= RTSPREC_CONTAINER_MKV; container++) {
        struct clip clip;
        struct segment *segment;
        struct segment_summary summary;
        struct rtsprec_error error;
        clip_open(&clip, "h265");
        segment_begin(&segment, &clip, path_in(*state, "file"), (enum rtsprec_container)container,
                      0);
        enum segment_end end;
        assert_int_equal(segment_close(&segment, &summary, &end, &error), 0);
        assert_int_equal(end, SEGMENT_EMPTY);
        assert_int_equal(summary.frames, 0);
        assert_int_equal(summary.duration_us, 0);
        assert_true(summary.bytes > 0);
        clip_close(&clip);
    }
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, directory_create, directory_remove)

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        CASE(test_all_packets_are_in_the_file),
        CASE(test_uneven_times_stay_as_they_are),
        CASE(test_reordered_pictures_begin_at_0_in_mp4),
        CASE(test_a_track_that_begins_later_keeps_its_time),
        CASE(test_mp4_is_readable_up_to_each_fragment),
        CASE(test_a_closed_mp4_has_its_index_in_front),
        CASE(test_fragments_are_written_out_at_once),
        CASE(test_full_from_the_beginning),
        CASE(test_full_on_the_way),
        CASE(test_closed_without_a_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
