/* Fragments as they are laid out, read back by the table that sealing and repair rely on. */
#include "mp4_build.h"

#include "segment/mp4_gather.h"

static const struct build_track tracks[] = {{1, 90000, "vide", "avc1"}, {2, 32000, "soun", "mp4a"}};

struct given {
    int track;
    int64_t pts, dts, duration;
    bool is_key;
    const char *payload;
};

static void add(struct mp4_gather *gather, const struct given *given)
{
    AVPacket *packet = av_packet_alloc();
    int size = (int)strlen(given->payload);
    assert_int_equal(av_new_packet(packet, size), 0);
    memcpy(packet->data, given->payload, (size_t)size);
    const uint8_t *data = packet->data;
    packet->stream_index = given->track;
    packet->pts = given->pts;
    packet->dts = given->dts;
    packet->duration = given->duration;
    packet->flags = given->is_key ? AV_PKT_FLAG_KEY : 0;
    assert_true(mp4_gather_add(gather, packet));
    assert_null(packet->data);
    assert_ptr_equal(gather->packets[gather->count - 1]->data, data); /* it was not copied */
    av_packet_free(&packet);
}

static void gather_all(struct mp4_gather *gather, const struct given *given, size_t count)
{
    for (size_t i = 0; i < count; i++)
        add(gather, &given[i]);
    assert_true(mp4_gather_lay_out(gather));
}

/* Appends the fragment to a file whose tables are read as it grows. */
static void append(struct mp4_gather *gather, struct mp4_buffer *file, struct mp4_table *table)
{
    size_t offset = file->size;
    for (size_t i = 0; i < gather->piece_count; i++)
        mp4_put(file, gather->pieces[i].iov_base, gather->pieces[i].iov_len);
    struct mp4_box moof, mdat;
    const uint8_t *next = file->data + offset, *end = file->data + file->size;
    assert_true(mp4_box_next(&moof, &next, end));
    assert_int_equal(moof.type, BOX("moof"));
    assert_int_equal(moof.size + 8, gather->moof_bytes);
    assert_true(mp4_box_next(&mdat, &next, end));
    assert_int_equal(mdat.type, BOX("mdat"));
    assert_ptr_equal(next, end);
    assert_true(mp4_table_add(table, &(struct mp4_fragment){
                                         .moof = moof.start,
                                         .size = gather->moof_bytes,
                                         .offset = offset,
                                         .data_end = file->size,
                                     }));
}

struct rig {
    struct mp4_gather gather;
    struct mp4_buffer file;
    struct mp4_table table;
};

static void rig_init(struct rig *rig)
{
    struct mp4_buffer moov = {0};
    *rig = (struct rig){0};
    build_moov(&moov, tracks, 2);
    assert_true(mp4_table_init(&rig->table, moov.data, moov.size));
    mp4_buffer_uninit(&moov);
    mp4_put(&rig->file, "the beginning", 13);
}

static void rig_uninit(struct rig *rig)
{
    mp4_gather_uninit(&rig->gather);
    mp4_buffer_uninit(&rig->file);
    mp4_table_uninit(&rig->table);
}

/* All samples of a track's chunks, one behind the other. */
static void assert_payload(const struct rig *rig, int index, const char *expected)
{
    const struct mp4_track *track = &rig->table.tracks[index];
    const struct mp4_chunk *chunks = track->chunks.items;
    const uint32_t *sizes = track->sizes.items;
    char found[256] = "";
    size_t sample = 0;
    for (size_t i = 0; i < track->chunks.count; i++) {
        uint64_t offset = chunks[i].offset;
        for (uint32_t n = 0; n < chunks[i].samples; n++, sample++) {
            strncat(found, (const char *)rig->file.data + offset, sizes[sample]);
            strcat(found, "|");
            offset += sizes[sample];
        }
    }
    assert_string_equal(found, expected);
}

static void test_two_tracks(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    const struct given first[] = {
        {0, 0, 0, 3600, true, "key"},          {1, 100, 100, 1024, true, "a0"},
        {0, 3600, 3600, 3600, false, "p1"},    {1, 1124, 1124, 1024, true, "a1"},
        {0, 7200, 7200, 5000, false, "three"},
    };
    gather_all(&rig.gather, first, LENGTH(first));
    append(&rig.gather, &rig.file, &rig.table);
    mp4_gather_clear(&rig.gather);
    assert_int_equal(rig.gather.count, 0);

    const struct given second[] = {{0, 12200, 12200, 3600, false, "p4"}};
    gather_all(&rig.gather, second, 1);
    append(&rig.gather, &rig.file, &rig.table);
    assert_payload(&rig, 0, "key|p1|three|p4|");
    assert_payload(&rig, 1, "a0|a1|");

    const struct mp4_track *video = &rig.table.tracks[0], *sound = &rig.table.tracks[1];
    assert_int_equal(video->first_dts, 0);
    assert_int_equal(video->last_dts, 12200);
    assert_int_equal(video->last_duration, 3600);
    assert_int_equal(video->keys.count, 1);
    assert_int_equal(video->least_offset, 0);
    const struct mp4_run *durations = video->durations.items;
    assert_int_equal(video->durations.count, 2);
    assert_int_equal(durations[0].count, 2);
    assert_int_equal(durations[0].value, 3600);
    assert_int_equal(durations[1].value, 5000);
    assert_int_equal(sound->first_dts, 100);
    assert_int_equal(sound->keys.count, 2);
    rig_uninit(&rig);
}

/* A duration that was guessed gives way to the next packet's time. */
static void test_durations_follow_from_times(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    const struct given given[] = {{0, 0, 0, 9999, true, "a"}, {0, 50, 50, 70, false, "b"}};
    gather_all(&rig.gather, given, 2);
    append(&rig.gather, &rig.file, &rig.table);
    assert_int_equal(rig.table.tracks[0].last_dts, 50);
    assert_int_equal(rig.table.tracks[0].last_duration, 70);
    rig_uninit(&rig);
}

/* Shown 2 pictures later than decoded: decoding begins at 0, and so does what is shown. */
static void test_reordered_pictures(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    const struct given given[] = {
        {0, 0, -200, 100, true, "I"},
        {0, 300, -100, 100, false, "P"},
        {0, 100, 0, 100, false, "B"},
        {0, 200, 100, 100, false, "b"},
    };
    gather_all(&rig.gather, given, LENGTH(given));
    append(&rig.gather, &rig.file, &rig.table);
    const struct mp4_track *track = &rig.table.tracks[0];
    assert_int_equal(track->first_dts, 0);
    assert_int_equal(track->last_dts, 300);
    static const int32_t expected[] = {0, 200, -100, -100};
    const struct mp4_run *runs = track->offsets.items;
    size_t sample = 0;
    for (size_t i = 0; i < track->offsets.count; i++) {
        for (uint32_t n = 0; n < runs[i].count; n++)
            assert_int_equal(runs[i].value, expected[sample++]);
    }
    assert_int_equal(sample, LENGTH(expected));
    rig_uninit(&rig);
}

static void test_sequence_numbers(void **state)
{
    (void)state;
    struct rig rig;
    rig_init(&rig);
    for (uint32_t i = 1; i <= 3; i++) {
        const struct given given[] = {{1, 100 * i, 100 * i, 100, true, "s"}};
        gather_all(&rig.gather, given, 1);
        assert_int_equal(mp4_u32(rig.gather.head.data + 20), i);
        append(&rig.gather, &rig.file, &rig.table);
        mp4_gather_clear(&rig.gather);
    }
    rig_uninit(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_tracks),
        cmocka_unit_test(test_durations_follow_from_times),
        cmocka_unit_test(test_reordered_pictures),
        cmocka_unit_test(test_sequence_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
