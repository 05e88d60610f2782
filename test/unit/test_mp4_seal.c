#include "frames.h"

#include <errno.h>

#include "segment/mp4_seal.h"

#define SECTOR 512

/* What reaches the disk, in order; a write without a size is a barrier. */
struct step {
    off_t offset;
    uint8_t *data; /* owned */
    size_t size;
};

static struct step steps[16];
static int step_count;
static int fail_at; /* this step fails with fail_errno; -1: none */
static int fail_errno;

ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t offset);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset);
int __wrap_fdatasync(int fd);
static bool is_recording;

static bool record(off_t offset, const void *data, size_t size)
{
    if (step_count == fail_at) {
        errno = fail_errno;
        step_count++;
        return false;
    }
    assert_true(step_count < (int)LENGTH(steps));
    struct step *step = &steps[step_count++];
    *step = (struct step){offset, malloc(size + 1), size};
    memcpy(step->data, size ? data : "", size);
    return true;
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset)
{
    if (is_recording && !record(offset, data, size))
        return -1;
    return __real_pwrite(fd, data, size, offset);
}

int __wrap_fdatasync(int fd)
{
    (void)fd;
    return is_recording && !record(0, NULL, 0) ? -1 : 0;
}

static void begin_record(int at, int errnum)
{
    is_recording = true;
    step_count = 0;
    fail_at = at;
    fail_errno = errnum;
}

static void end_record(void)
{
    is_recording = false;
    for (int i = 0; i < step_count; i++)
        free(steps[i].data);
    memset(steps, 0, sizeof(steps));
}

/* The open file with another head room: fragments may lie anywhere. */
static struct image with_room(const struct image *open, uint32_t room_bytes)
{
    struct mp4_buffer out = {0};
    size_t ftyp = mp4_u32(open->data), room = mp4_u32(open->data + ftyp);
    mp4_put(&out, open->data, ftyp);
    mp4_put_room(&out, room_bytes);
    mp4_put(&out, open->data + ftyp + room, open->size - ftyp - room);
    assert_false(out.failed);
    return (struct image){out.data, out.size};
}

/* What the moov of an open file takes. */
static uint32_t moov_bytes_of(const struct image *open)
{
    struct mp4_repaired repaired;
    struct rtsprec_error error;
    struct image image = with_room(open, 65536);
    int fd = memory_file();
    image_store(fd, image.data, image.size);
    assert_int_equal(mp4_repair(fd, NULL, &repaired, &error), 0);
    image_uninit(&image);
    image = image_of_fd(fd);
    close(fd);
    size_t ftyp = mp4_u32(image.data);
    uint32_t bytes = mp4_u32(image.data + ftyp);
    assert_memory_equal(image.data + ftyp + 4, "moov", 4);
    image_uninit(&image);
    return bytes;
}

static bool moov_is_in_front(int fd)
{
    struct image image = image_of_fd(fd);
    bool is_in_front = !memcmp(image.data + mp4_u32(image.data) + 4, "moov", 4);
    image_uninit(&image);
    return is_in_front;
}

static void require_same(const struct frames *found, const struct frames *expected,
                         const char *what)
{
    require(found->result == AVERROR_EOF, "%s", what);
    require(found->track_count == expected->track_count, "%s", what);
    for (int i = 0; i < expected->track_count; i++) {
        const struct frame_list *list = &expected->tracks[i];
        require(found->tracks[i].count == list->count, "%s: track %d: %zu of %zu", what, i,
                found->tracks[i].count, list->count);
        size_t same = frames_same(&found->tracks[i], list, list->count);
        require(same == list->count, "%s: track %d: frame %zu", what, i, same);
    }
}

/* What is on the disk can be read, repaired, and read again, all of it each time. */
static void check_state(const struct image *disk, const struct frames *expected, const char *what)
{
    int fd = memory_file();
    struct rtsprec_error error = {0};
    struct mp4_repaired repaired, again;
    image_store(fd, disk->data, disk->size);
    struct frames frames = frames_read_fd(fd);
    require_same(&frames, expected, what);
    frames_uninit(&frames);
    require(mp4_repair(fd, NULL, &repaired, &error) == 0, "%s: %s", what, error.text);
    frames = frames_read_fd(fd);
    require_same(&frames, expected, what);
    require(frames_first(&frames, 0)->pts == 0, "%s", what);
    frames_uninit(&frames);
    require(mp4_repair(fd, NULL, &again, &error) == 0 && again.was_sealed, "%s", what);
    close(fd);
}

/* Applies the bytes [from, to) of a write. */
static void apply(struct image *disk, const struct step *step, size_t from, size_t to)
{
    size_t end = (size_t)step->offset + to;
    if (from >= to)
        return;
    if (end > disk->size) {
        disk->data = realloc(disk->data, end);
        memset(disk->data + disk->size, 0, end - disk->size);
        disk->size = end;
    }
    memcpy(disk->data + (size_t)step->offset + from, step->data + from, to - from);
}

/*
 * The power is cut before, within and after each write. Up to the next barrier sectors of a write
 * may have reached the disk in any order: those in front of a boundary, those behind it, and one
 * alone stand for all.
 */
static void check_power_cuts(const struct image *open, const struct frames *expected)
{
    struct image disk = image_prefix(open, open->size);
    char what[64];
    for (int i = 0; i < step_count; i++) {
        const struct step *step = &steps[i];
        size_t next;
        for (size_t at = 0; at < step->size; at = next) {
            next = at + SECTOR - ((size_t)step->offset + at) % SECTOR;
            next = next < step->size ? next : step->size;
            const size_t parts[][2] = {{0, at}, {at, step->size}, {at, next}};
            for (size_t k = 0; k < LENGTH(parts); k++) {
                struct image torn = image_prefix(&disk, disk.size);
                apply(&torn, step, parts[k][0], parts[k][1]);
                snprintf(what, sizeof(what), "write %d, bytes %zu to %zu", i, parts[k][0],
                         parts[k][1]);
                check_state(&torn, expected, what);
                image_uninit(&torn);
            }
        }
        apply(&disk, step, 0, step->size);
        snprintf(what, sizeof(what), "after step %d", i);
        check_state(&disk, expected, what);
    }
    image_uninit(&disk);
}

/* Between two writes there is a barrier, and behind the last. */
static void check_barriers(void)
{
    for (int i = 0; i < step_count; i++)
        require((steps[i].size == 0) == (i % 2 == 1), "step %d", i);
    assert_int_equal(step_count % 2, 0);
}

static void seal_with_room(const struct image *source, uint32_t room_bytes, bool in_front)
{
    struct image open = with_room(source, room_bytes);
    struct rtsprec_error error = {0};
    struct mp4_repaired repaired;
    int fd = memory_file();
    image_store(fd, open.data, open.size);
    struct frames expected = frames_read_fd(fd);
    begin_record(-1, 0);
    require(mp4_repair(fd, NULL, &repaired, &error) == 0, "%s", error.text);
    is_recording = false;
    assert_true(moov_is_in_front(fd) == in_front);
    assert_int_equal(step_count, in_front ? 4 : 6);
    check_barriers();
    check_power_cuts(&open, &expected);
    end_record();
    frames_uninit(&expected);
    image_uninit(&open);
    close(fd);
}

static const char *const clips[] = {"h264", "h265", "h265b"};

static void test_power_cuts(void **state)
{
    (void)state;
    for (size_t i = 0; i < LENGTH(clips); i++) {
        struct recording recording;
        recording_make(&recording, &(struct recording_options){
                                       .clip = clips[i],
                                       .container = RTSPREC_CONTAINER_MP4,
                                       .duration_us = 8 * SECOND,
                                   });
        uint32_t moov_bytes = moov_bytes_of(&recording.open);
        seal_with_room(&recording.open, 2 * moov_bytes, true);
        seal_with_room(&recording.open, moov_bytes + 16, true);
        seal_with_room(&recording.open, moov_bytes + 15, false);
        seal_with_room(&recording.open, moov_bytes, false);
        seal_with_room(&recording.open, 4096 / 8, false);
        seal_with_room(&recording.open, 16, false);
        recording_uninit(&recording);
    }
}

/* A write or barrier that fails: it is told, nothing is tried after it, all can still be read. */
static void test_failures(void **state)
{
    (void)state;
    struct recording recording;
    recording_make(&recording, &(struct recording_options){
                                   .clip = "h264",
                                   .container = RTSPREC_CONTAINER_MP4,
                                   .duration_us = 3 * SECOND,
                               });
    static const struct {
        uint32_t room_bytes;
        int steps;
    } cases[] = {{65536, 4}, {16, 6}};
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct image open = with_room(&recording.open, cases[i].room_bytes);
        for (int at = 0; at < cases[i].steps; at++) {
            struct rtsprec_error error = {0};
            struct mp4_repaired repaired;
            int fd = memory_file();
            image_store(fd, open.data, open.size);
            struct frames expected = frames_read_fd(fd);
            bool is_full = at % 4 == 0;
            begin_record(at, is_full ? ENOSPC : EIO);
            int err = mp4_repair(fd, NULL, &repaired, &error);
            assert_int_equal(err, is_full ? RTSPREC_ERROR_NO_SPACE : RTSPREC_ERROR_IO);
            assert_int_equal(step_count, at + 1);
            end_record();
            struct image disk = image_of_fd(fd);
            check_state(&disk, &expected, "after a failure");
            image_uninit(&disk);
            frames_uninit(&expected);
            close(fd);
        }
        image_uninit(&open);
    }
    recording_uninit(&recording);
}

/* What is played of a closed file is what was played of it while it was open, and its times say
 * how long. */
static void test_sealed_is_as_open(void **state)
{
    (void)state;
    static const char *const all[] = {"h264", "h265", "h264b", "h265b", "h265gop4", "h264opus"};
    for (size_t i = 0; i < LENGTH(all); i++) {
        struct recording recording;
        recording_make(&recording, &(struct recording_options){
                                       .clip = all[i],
                                       .container = RTSPREC_CONTAINER_MP4,
                                       .duration_us = 7 * SECOND,
                                       .sound_from_us = 1234567,
                                   });
        int fd = memory_file();
        image_store(fd, recording.open.data, recording.open.size);
        struct frames open = frames_read_fd(fd);
        image_store(fd, recording.closed.data, recording.closed.size);
        struct frames closed = frames_read_fd(fd);
        for (int k = 0; k < closed.track_count; k++) {
            const struct frame_list *list = &closed.tracks[k];
            require(list->count == (size_t)recording.count[k], "%s: track %d", all[i], k);
            /* The last fragment was not yet in the open file. */
            assert_true(open.tracks[k].count > 0);
            size_t same = frames_same(list, &open.tracks[k], open.tracks[k].count);
            require(same == open.tracks[k].count, "%s: track %d: frame %zu", all[i], k, same);
            int64_t first_us = av_rescale_q(frames_first(&closed, k)->pts, list->time_base, us);
            require(llabs(first_us - recording.first_us[k]) <= 1000, "%s: track %d: %lld", all[i],
                    k, (long long)first_us);
        }
        assert_int_equal(frames_first(&closed, 0)->pts, 0);
        /* The sound may end a packet later than the video. */
        require(closed.duration_us >= recording.summary.duration_us - 1000 &&
                    closed.duration_us <= recording.summary.duration_us + 70000,
                "%s: %lld us", all[i], (long long)closed.duration_us);
        frames_uninit(&open);
        frames_uninit(&closed);
        recording_uninit(&recording);
        close(fd);
    }
}

int main(void)
{
    av_log_set_level(AV_LOG_QUIET);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_cuts),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_sealed_is_as_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
