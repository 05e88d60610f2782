#include "unit.h"

#include "camera/sound_hold.h"

static void add(struct sound_hold *hold, int track, int64_t pts_us)
{
    struct queue_item item = {.kind = QUEUE_PACKET, .packet = av_packet_alloc()};
    assert_int_equal(av_new_packet(item.packet, 10), 0);
    item.packet->stream_index = track;
    item.packet->pts = pts_us;
    sound_hold_add(hold, &item, pts_us);
    assert_null(item.packet);
}

static void expect(struct sound_hold *hold, int64_t until_us, int track, int64_t pts_us)
{
    struct queue_item item;
    assert_int_equal(sound_hold_take(hold, until_us, &item), 1);
    assert_int_equal(item.packet->stream_index, track);
    assert_int_equal(item.packet->pts, pts_us);
    queue_item_uninit(&item);
}

/* A track that lies ahead holds up no other. */
static void sound_comes_out_up_to_the_picture(void **state)
{
    struct sound_hold *hold = calloc(1, sizeof(*hold));
    struct queue_item item;
    (void)state;
    add(hold, 1, 10);
    add(hold, 2, 50);
    add(hold, 1, 20);
    add(hold, 1, 30);
    add(hold, 2, 25);
    expect(hold, 25, 1, 10);
    expect(hold, 25, 1, 20);
    expect(hold, 25, 2, 25);
    assert_int_equal(sound_hold_take(hold, 25, &item), 0);
    expect(hold, INT64_MAX, 2, 50);
    expect(hold, INT64_MAX, 1, 30);
    assert_int_equal(sound_hold_take(hold, INT64_MAX, &item), 0);
    free(hold);
}

static void the_oldest_goes_when_there_is_no_room(void **state)
{
    struct sound_hold *hold = calloc(1, sizeof(*hold));
    (void)state;
    for (int i = 0; i < SOUND_HOLD_MAX + 3; i++)
        add(hold, 1, i);
    assert_int_equal(hold->count, SOUND_HOLD_MAX);
    expect(hold, INT64_MAX, 1, 3);
    sound_hold_clear(hold);
    assert_int_equal(hold->count, 0);
    free(hold);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sound_comes_out_up_to_the_picture),
        cmocka_unit_test(the_oldest_goes_when_there_is_no_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
