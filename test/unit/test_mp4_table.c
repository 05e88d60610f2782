/* Tables of fragments that are written by hand, and the moov that becomes of them. */
#include "mp4_build.h"

static const struct build_track video = {1, 90000, "vide", "avc1"};
static const struct build_track sound = {2, 32000, "soun", "mp4a"};
static const struct build_track more_sound = {5, 48000, "soun", "Opus"};

static void table_begin(struct mp4_table *table, const struct build_track *tracks, int count)
{
    struct mp4_buffer moov = {0};
    build_moov(&moov, tracks, count);
    assert_true(mp4_table_init(table, moov.data, moov.size));
    mp4_buffer_uninit(&moov);
}

/* A fragment at an offset of the file whose data may reach to data_end. */
static bool table_add(struct mp4_table *table, uint64_t offset, uint64_t data_end,
                      const struct build_run *runs, int count)
{
    struct mp4_buffer moof = {0};
    build_moof(&moof, runs, count);
    uint8_t *exact = malloc(moof.size);
    memcpy(exact, moof.data, moof.size);
    struct mp4_fragment fragment = {
        .moof = exact,
        .size = moof.size,
        .offset = offset,
        .data_end = data_end,
    };
    bool whole = mp4_table_add(table, &fragment);
    free(exact);
    mp4_buffer_uninit(&moof);
    return whole;
}

/* The moov in memory; its buffer is to be freed. */
static struct mp4_box write_moov(const struct mp4_table *table, struct mp4_buffer *out)
{
    *out = (struct mp4_buffer){0};
    assert_true(mp4_table_write_moov(table, out));
    struct mp4_box moov;
    const uint8_t *next = out->data;
    assert_true(mp4_box_next(&moov, &next, out->data + out->size));
    assert_ptr_equal(next, out->data + out->size);
    assert_int_equal(moov.type, BOX("moov"));
    assert_null(box_at(&moov, "mvex", 0).data);
    return moov;
}

/* The 32-bit words of a box behind its version, as far as they are given. */
#define assert_words(box, ...)                                                            \
    do {                                                                                  \
        const uint32_t words[] = {__VA_ARGS__};                                           \
        struct mp4_box one = (box);                                                       \
        assert_non_null(one.data);                                                        \
        assert_int_equal(one.size, sizeof(words) + 4);                                    \
        for (size_t w = 0; w < LENGTH(words); w++)                                        \
            require(mp4_u32(one.data + 4 + 4 * w) == words[w], "word %zu: %u, not %u", w, \
                    mp4_u32(one.data + 4 + 4 * w), words[w]);                             \
    } while (0)

#define STBL "trak/mdia/minf/stbl/"

static void test_one_track(void **state)
{
    (void)state;
    struct mp4_table table;
    struct mp4_buffer out;
    table_begin(&table, &video, 1);
    const struct build_sample samples[] = {
        {3600, 1000, KEY, 0}, {3600, 100, NOT_KEY, 0}, {3600, 200, NOT_KEY, 0}};
    const struct build_sample more[] = {{3600, 900, KEY, 0}, {4000, 90, NOT_KEY, 0}};
    assert_true(table_add(&table, 5000, 10000,
                          &(struct build_run){1, 500, 0, samples, LENGTH(samples)}, 1));
    assert_true(
        table_add(&table, 8000, 12000, &(struct build_run){1, 400, 10800, more, LENGTH(more)}, 1));
    assert_int_equal(mp4_table_samples(&table), 5);
    struct mp4_box moov = write_moov(&table, &out);
    assert_words(box_at(&moov, STBL "stts", 0), 2, 4, 3600, 1, 4000);
    assert_null(box_at(&moov, STBL "ctts", 0).data);
    assert_words(box_at(&moov, STBL "stss", 0), 2, 1, 4);
    assert_words(box_at(&moov, STBL "stsc", 0), 2, 1, 3, 1, 2, 2, 1);
    assert_words(box_at(&moov, STBL "stsz", 0), 0, 5, 1000, 100, 200, 900, 90);
    assert_words(box_at(&moov, STBL "stco", 0), 2, 5500, 8400);
    assert_words(box_at(&moov, "trak/mdia/mdhd", 0), 0, 0, 0, 0, 90000, 0, 4 * 3600 + 4000,
                 0x55c40000);
    assert_null(box_at(&moov, "trak/edts", 0).data);
    /* Durations in milliseconds: 18400 ticks are 204.4. */
    assert_int_equal(mp4_u32(box_at(&moov, "mvhd", 0).data + 16), 204);
    assert_int_equal(mp4_u32(box_at(&moov, "trak/tkhd", 0).data + 20), 204);
    assert_non_null(box_at(&moov, STBL "stsd", 0).data);
    mp4_buffer_uninit(&out);
    mp4_table_uninit(&table);
}

static void test_variable_times(void **state)
{
    (void)state;
    struct mp4_table table;
    struct mp4_buffer out;
    table_begin(&table, &video, 1);
    const struct build_sample samples[] = {
        {3600, 10, KEY, 0}, {3601, 10, KEY, 0}, {90000, 10, KEY, 0}, {3599, 10, KEY, 0}};
    assert_true(table_add(&table, 0, 10000, &(struct build_run){1, 500, 0, samples, 4}, 1));
    /* The next fragment begins later than the last sample's duration says: what counts is tfdt. */
    assert_true(table_add(&table, 1000, 10000, &(struct build_run){1, 500, 200000, samples, 1}, 1));
    struct mp4_box moov = write_moov(&table, &out);
    assert_words(box_at(&moov, STBL "stts", 0), 5, 1, 3600, 1, 3601, 1, 90000, 1,
                 200000 - 3600 - 3601 - 90000, 1, 3600);
    assert_null(box_at(&moov, STBL "stss", 0).data); /* all are key frames */
    mp4_buffer_uninit(&out);
    mp4_table_uninit(&table);
}

/* The first picture is shown at 0 although it is decoded two frames earlier. */
static void test_reordered(void **state)
{
    (void)state;
    struct mp4_table table;
    struct mp4_buffer out;
    table_begin(&table, &video, 1);
    /* dts 0 3600 …, pts as the muxer writes them: offsets without the delay, below 0, too. */
    const struct build_sample samples[] = {{3600, 10, KEY, 0},
                                           {3600, 10, NOT_KEY, 7200},
                                           {3600, 10, NOT_KEY, -3600},
                                           {3600, 10, NOT_KEY, -3600}};
    assert_true(table_add(&table, 0, 10000, &(struct build_run){1, 500, 0, samples, 4}, 1));
    struct mp4_box moov = write_moov(&table, &out);
    assert_words(box_at(&moov, STBL "ctts", 0), 3, 1, 3600, 1, 10800, 2, 0);
    struct mp4_box elst = box_at(&moov, "trak/edts/elst", 0);
    assert_int_equal(elst.data[0], 1);
    /* One edit: 160 ms from media time 3600 on. */
    assert_words(elst, 1, 0, 160, 0, 3600, 0x00010000);
    mp4_buffer_uninit(&out);
    mp4_table_uninit(&table);
}

static void test_sound_that_begins_later(void **state)
{
    (void)state;
    struct mp4_table table;
    struct mp4_buffer out;
    const struct build_track tracks[] = {video, sound, more_sound};
    table_begin(&table, tracks, 3);
    const struct build_sample frames[] = {{90000, 100, KEY, 0}, {90000, 100, NOT_KEY, 0}};
    const struct build_sample packets[] = {{1024, 50, KEY, 0}, {1024, 60, KEY, 0}};
    const struct build_run runs[] = {
        {1, 700, 0, frames, 2}, {2, 900, 16000, packets, 2}, {5, 1010, 960, packets, 1}};
    assert_true(table_add(&table, 4000, 8000, runs, 3));
    struct mp4_box moov = write_moov(&table, &out);
    assert_null(box_at(&moov, "trak/edts", 0).data);
    struct mp4_box second = box_at(&moov, "trak", 1), third = box_at(&moov, "trak", 2);
    /* An empty edit of half a second, then all of the media. */
    assert_words(box_at(&second, "edts/elst", 0), 2, 0, 500, 0xffffffff, 0xffffffff, 0x00010000, 0,
                 64, 0, 0, 0x00010000);
    assert_words(box_at(&third, "edts/elst", 0), 2, 0, 20, 0xffffffff, 0xffffffff, 0x00010000, 0,
                 21, 0, 0, 0x00010000);
    assert_words(box_at(&second, "mdia/minf/stbl/stco", 0), 1, 4900);
    assert_words(box_at(&third, "mdia/minf/stbl/stco", 0), 1, 5010);
    assert_words(box_at(&third, "mdia/minf/stbl/stsz", 0), 0, 1, 50);
    /* 2 s of video are longer than the sound. */
    assert_int_equal(mp4_u32(box_at(&moov, "mvhd", 0).data + 16), 2000);
    mp4_buffer_uninit(&out);
    mp4_table_uninit(&table);
}

static void test_a_track_without_samples_is_left_out(void **state)
{
    (void)state;
    struct mp4_table table;
    struct mp4_buffer out;
    const struct build_track tracks[] = {sound, video};
    table_begin(&table, tracks, 2);
    const struct build_sample frame = {90000, 100, KEY, 0};
    assert_false(mp4_table_write_moov(&table, &(struct mp4_buffer){0}));
    assert_true(table_add(&table, 0, 8000, &(struct build_run){1, 700, 0, &frame, 1}, 1));
    struct mp4_box moov = write_moov(&table, &out);
    struct mp4_box trak = box_at(&moov, "trak", 0);
    assert_memory_equal(box_at(&trak, "mdia/hdlr", 0).data + 8, "vide", 4);
    assert_null(box_at(&moov, "trak", 1).data);
    mp4_buffer_uninit(&out);
    mp4_table_uninit(&table);
}

static void test_beyond_4_gib(void **state)
{
    (void)state;
    struct mp4_table table;
    struct mp4_buffer out;
    table_begin(&table, &video, 1);
    const struct build_sample frame = {3600, 100, KEY, 0};
    uint64_t far = UINT64_C(5) << 32;
    assert_true(table_add(&table, 1000, INT64_MAX, &(struct build_run){1, 500, 0, &frame, 1}, 1));
    /* The last offset that fits into 32 bits, then one that does not. */
    assert_true(table_add(&table, UINT32_MAX - 500, INT64_MAX,
                          &(struct build_run){1, 500, 3600, &frame, 1}, 1));
    struct mp4_box moov = write_moov(&table, &out);
    assert_words(box_at(&moov, STBL "stco", 0), 2, 1500, UINT32_MAX);
    mp4_buffer_uninit(&out);
    assert_true(table_add(&table, far, INT64_MAX, &(struct build_run){1, 500, 7200, &frame, 1}, 1));
    moov = write_moov(&table, &out);
    assert_null(box_at(&moov, STBL "stco", 0).data);
    assert_words(box_at(&moov, STBL "co64", 0), 3, 0, 1500, 0, UINT32_MAX, 5, 500);
    mp4_buffer_uninit(&out);
    mp4_table_uninit(&table);
}

/* A day at 90 kHz has more ticks than 32 bits count. */
static void test_24_hours(void **state)
{
    (void)state;
    struct mp4_table table;
    struct mp4_buffer out;
    table_begin(&table, &video, 1);
    const struct build_sample frame = {3600, 100, KEY, 0};
    uint64_t frames = UINT64_C(24) * 3600 * 25, step = 3600;
    for (uint64_t i = 0; i < frames; i += frames / 8)
        assert_true(table_add(&table, 1000 + 1000 * i, INT64_MAX,
                              &(struct build_run){1, 500, i * step, &frame, 1}, 1));
    assert_true(table_add(&table, UINT64_C(1) << 40, INT64_MAX,
                          &(struct build_run){1, 500, (frames - 1) * step, &frame, 1}, 1));
    struct mp4_box moov = write_moov(&table, &out);
    struct mp4_box mdhd = box_at(&moov, "trak/mdia/mdhd", 0);
    assert_int_equal(mdhd.data[0], 1);
    assert_int_equal(mp4_u64(mdhd.data + 24), UINT64_C(24) * 3600 * 90000);
    assert_int_equal(mp4_u32(box_at(&moov, "mvhd", 0).data + 16), 24 * 3600 * 1000);
    mp4_buffer_uninit(&out);
    mp4_table_uninit(&table);
}

/* Everything that does not fit together is refused, and what stood before it stays. */
static void test_damage(void **state)
{
    (void)state;
    const struct build_sample good[] = {{3600, 100, KEY, 0}, {3600, 100, NOT_KEY, 0}};
    const struct build_sample empty[] = {{3600, 100, KEY, 0}, {3600, 0, NOT_KEY, 0}};
    const struct build_sample still[] = {{0, 100, KEY, 0}, {3600, 100, NOT_KEY, 0}};
    const struct build_sample large[] = {{3600, 100, KEY, 0}, {3600, UINT32_MAX, NOT_KEY, 0}};
    static const struct {
        const char *what;
        int samples;
    } cases[] = {
        {"an unknown track", 0},        {"data in front of the moof", 0},
        {"data inside the moof", 0},    {"a sample behind the end", 1},
        {"a sample without a byte", 1}, {"two samples at one time", 1},
        {"a time beyond all files", 0}, {"a sample too large", 1},
    };
    const struct build_run runs[] = {
        {9, 500, 0, good, 2},
        {1, -100, 0, good, 2},
        {1, 8, 0, good, 2},
        {1, 900, 0, good, 2},
        {1, 500, 0, empty, 2},
        {1, 500, 0, still, 2},
        {1, 500, UINT64_C(1) << 63, good, 2},
        {1, 500, 0, large, 2},
    };
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct mp4_table table;
        table_begin(&table, &video, 1);
        require(!table_add(&table, 1000, 1000 + 1050, &runs[i], 1), "%s", cases[i].what);
        require(mp4_table_samples(&table) == (size_t)cases[i].samples, "%s: %zu", cases[i].what,
                mp4_table_samples(&table));
        mp4_table_uninit(&table);
    }
}

/* Runs whose samples share bytes would let a small box stand for endless tables. */
static void test_runs_that_share_bytes(void **state)
{
    (void)state;
    struct mp4_table table;
    const struct build_track tracks[] = {video, sound};
    table_begin(&table, tracks, 2);
    const struct build_sample sample = {3600, 100, KEY, 0};
    const struct build_run runs[] = {{1, 500, 0, &sample, 1}, {2, 599, 0, &sample, 1}};
    assert_false(table_add(&table, 0, 10000, runs, 2));
    assert_int_equal(mp4_table_samples(&table), 1);
    mp4_table_uninit(&table);
}

static void test_fragments_torn_at_every_byte(void **state)
{
    (void)state;
    const struct build_sample samples[] = {{3600, 100, KEY, 0}, {3600, 100, NOT_KEY, 0}};
    struct mp4_buffer moof = {0};
    build_moof(&moof, &(struct build_run){1, 500, 0, samples, 2}, 1);
    for (size_t size = 0; size < moof.size; size++) {
        struct mp4_table table;
        table_begin(&table, &video, 1);
        uint8_t *torn = malloc(size ? size : 1);
        memcpy(torn, moof.data, size);
        /* As it is: the box says that there is more. */
        assert_false(
            mp4_table_add(&table, &(struct mp4_fragment){torn, size, 0, 10000, NULL, NULL}));
        /* And with a size that is true, as damage inside may have it. */
        if (size >= 8) {
            for (int i = 0; i < 4; i++)
                torn[i] = (uint8_t)(size >> (24 - 8 * i));
            mp4_table_add(&table, &(struct mp4_fragment){torn, size, 0, 10000, NULL, NULL});
            assert_true(mp4_table_samples(&table) <= 2);
        }
        free(torn);
        mp4_table_uninit(&table);
    }
    mp4_buffer_uninit(&moof);
}

static void test_moovs_torn_at_every_byte(void **state)
{
    (void)state;
    struct mp4_buffer moov = {0};
    build_moov(&moov, &video, 1);
    for (size_t size = 0; size < moov.size; size++) {
        struct mp4_table table;
        uint8_t *torn = malloc(size ? size : 1);
        memcpy(torn, moov.data, size);
        assert_false(mp4_table_init(&table, torn, size));
        mp4_table_uninit(&table);
        free(torn);
    }
    mp4_buffer_uninit(&moov);
}

static void test_too_many_tracks(void **state)
{
    (void)state;
    struct mp4_table table;
    struct build_track tracks[MP4_MAX_TRACKS + 1];
    for (int i = 0; i <= MP4_MAX_TRACKS; i++)
        tracks[i] = (struct build_track){(uint32_t)i + 1, 90000, "vide", "avc1"};
    table_begin(&table, tracks, MP4_MAX_TRACKS);
    mp4_table_uninit(&table);
    struct mp4_buffer moov = {0};
    build_moov(&moov, tracks, MP4_MAX_TRACKS + 1);
    assert_false(mp4_table_init(&table, moov.data, moov.size));
    mp4_table_uninit(&table);
    mp4_buffer_uninit(&moov);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_track),
        cmocka_unit_test(test_variable_times),
        cmocka_unit_test(test_reordered),
        cmocka_unit_test(test_sound_that_begins_later),
        cmocka_unit_test(test_a_track_without_samples_is_left_out),
        cmocka_unit_test(test_beyond_4_gib),
        cmocka_unit_test(test_24_hours),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_runs_that_share_bytes),
        cmocka_unit_test(test_fragments_torn_at_every_byte),
        cmocka_unit_test(test_moovs_torn_at_every_byte),
        cmocka_unit_test(test_too_many_tracks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
