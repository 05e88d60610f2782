#include "unit.h"

#include <pthread.h>
#include <sched.h>

#include <rtsprec/error.h>

#include "ingest/packet_queue.h"

#define MANY INT64_C(1000000000000)

static const struct queue_patience impatient = {0};

static struct queue_item packet_item(int track, bool is_key, int64_t media_us, int bytes)
{
    struct queue_item item = {
        .kind = QUEUE_PACKET,
        .packet = av_packet_alloc(),
        .bytes = bytes,
        .media_us = media_us,
    };
    item.packet->stream_index = track;
    item.packet->pts = media_us;
    item.packet->flags = is_key ? AV_PKT_FLAG_KEY : 0;
    return item;
}

/* Pushes a packet; when it is refused, shows that it is still the caller's. */
static int push(struct packet_queue *queue, int track, bool is_key, int64_t media_us, int bytes)
{
    struct queue_item item = packet_item(track, is_key, media_us, bytes);
    int result = packet_queue_push(queue, &item);
    if (result) {
        assert_int_equal(item.packet->pts, media_us);
        queue_item_uninit(&item);
        assert_null(item.packet);
    }
    return result;
}

/* Takes one out and returns its media time. */
static int64_t pop(struct packet_queue *queue)
{
    struct queue_item item;
    assert_true(packet_queue_pop(queue, &impatient, &item));
    int64_t media_us = item.media_us;
    queue_item_uninit(&item);
    return media_us;
}

static void assert_fill(struct packet_queue *queue, int64_t bytes, int64_t us)
{
    int64_t actual_bytes, actual_us;
    packet_queue_fill(queue, &actual_bytes, &actual_us);
    assert_int_equal(actual_bytes, bytes);
    assert_int_equal(actual_us, us);
}

static void assert_dropped(struct packet_queue *queue, int64_t packets, int64_t frames,
                           int64_t bytes)
{
    struct queue_dropped dropped = packet_queue_take_dropped(queue);
    assert_int_equal(dropped.packets, packets);
    assert_int_equal(dropped.frames, frames);
    assert_int_equal(dropped.bytes, bytes);
}

static void test_order_over_many_rounds(void **state)
{
    (void)state;
    struct packet_queue queue;
    assert_int_equal(packet_queue_init(&queue, MANY, MANY), 0);
    uint64_t random = 3;
    int64_t in = 0, out = 0;
    /* Filled and emptied at random, so that the ring grows while it is wrapped. */
    for (int round = 0; round < 300; round++) {
        for (int64_t n = random_between(&random, 0, 40); n > 0; n--, in++)
            assert_int_equal(push(&queue, (int)in % 3, in % 2, in, 10), 0);
        for (int64_t n = random_between(&random, 0, 40); n > 0 && out < in; n--)
            assert_int_equal(pop(&queue), out++);
        assert_fill(&queue, (in - out) * 10, in > out ? in - out - 1 : 0);
    }
    packet_queue_uninit(&queue); /* frees the rest */
}

static void test_bytes_are_bounded(void **state)
{
    (void)state;
    struct packet_queue queue;
    packet_queue_init(&queue, MANY, 100);
    assert_int_equal(push(&queue, 0, true, 0, 60), 0);
    assert_int_equal(push(&queue, 0, false, 1, 40), 0); /* just full */
    assert_int_equal(push(&queue, 0, false, 2, 1), 1);
    assert_int_equal(push(&queue, 0, true, 3, 1), 1);
    assert_fill(&queue, 100, 1);
    pop(&queue);
    /* There is room, but nothing that could be decoded before the next key frame. */
    assert_int_equal(push(&queue, 0, false, 4, 1), 1);
    assert_int_equal(push(&queue, 1, true, 4, 1), 1);  /* nor sound */
    assert_int_equal(push(&queue, 0, true, 5, 61), 1); /* a key frame that does not fit */
    assert_dropped(&queue, 5, 4, 65);                  /* told while it lasts */
    assert_int_equal(push(&queue, 0, true, 6, 60), 0);
    assert_dropped(&queue, 0, 0, 0);
    assert_int_equal(pop(&queue), 1);
    assert_int_equal(push(&queue, 0, false, 7, 40), 0);
    assert_int_equal(pop(&queue), 6);
    packet_queue_uninit(&queue);
}

static int push_at(struct packet_queue *queue, bool is_key, int64_t media_us, int64_t wall_us)
{
    struct queue_item item = packet_item(0, is_key, media_us, 60);
    item.wall_us = wall_us;
    int result = packet_queue_push(queue, &item);
    if (result)
        queue_item_uninit(&item);
    return result;
}

static void assert_dropped_time(struct packet_queue *queue, int64_t start_us, int64_t end_us)
{
    struct queue_dropped dropped = packet_queue_take_dropped(queue);
    assert_int_equal(dropped.start_us, start_us);
    assert_int_equal(dropped.end_us, end_us);
}

static void test_when_packets_are_missing(void **state)
{
    (void)state;
    struct packet_queue queue;
    packet_queue_init(&queue, MANY, 100);
    assert_int_equal(push_at(&queue, true, 0, 1000), 0);
    assert_int_equal(push_at(&queue, false, 1, 1001), 1);
    assert_int_equal(push_at(&queue, false, 2, 1002), 1);
    assert_dropped_time(&queue, 1001, 1002); /* told while it lasts */
    assert_dropped_time(&queue, 1002, 0);    /* nothing since */
    assert_int_equal(push_at(&queue, false, 3, 1003), 1);
    pop(&queue);
    assert_int_equal(push_at(&queue, false, 4, 1004), 1);
    assert_int_equal(push_at(&queue, true, 5, 1005), 0);
    assert_dropped_time(&queue, 1002, 1005); /* without a gap, up to what is kept */
    pop(&queue);
    assert_int_equal(push_at(&queue, true, 6, 1006), 0);
    assert_int_equal(push_at(&queue, false, 7, 1007), 1);
    assert_dropped_time(&queue, 1007, 1007);
    pop(&queue);
    assert_int_equal(push_at(&queue, true, 8, 1008), 0);
    assert_dropped_time(&queue, 0, 0);
    assert_int_equal(push_at(&queue, true, 9, 1009), 1);
    assert_dropped_time(&queue, 1009, 1009); /* not from the time before */
    packet_queue_uninit(&queue);
}

/* Else a frame that is larger than the bound would be refused for ever. */
static void test_an_empty_queue_takes_anything(void **state)
{
    (void)state;
    struct packet_queue queue;
    packet_queue_init(&queue, MANY, 100);
    assert_int_equal(push(&queue, 0, true, 0, 1000), 0);
    assert_int_equal(push(&queue, 0, false, 1, 1), 1);
    pop(&queue);
    assert_int_equal(push(&queue, 0, true, 2, 1000), 0);
    assert_dropped(&queue, 1, 1, 1);
    packet_queue_uninit(&queue);
}

static void test_seconds_are_bounded(void **state)
{
    (void)state;
    struct packet_queue queue;
    packet_queue_init(&queue, 10 * SECOND, MANY);
    for (int64_t t = 0; t <= 10; t++)
        assert_int_equal(push(&queue, 0, t % 2 == 0, t * SECOND, 1), 0);
    assert_fill(&queue, 11, 10 * SECOND);
    assert_int_equal(push(&queue, 0, true, 10 * SECOND + 1, 1), 1);
    pop(&queue);
    assert_int_equal(push(&queue, 0, false, 10 * SECOND + 2, 1), 1);
    assert_int_equal(push(&queue, 0, true, 11 * SECOND, 1), 0);
    assert_fill(&queue, 11, 10 * SECOND);
    assert_dropped(&queue, 2, 2, 2);
    packet_queue_uninit(&queue);
}

/* Sound that lies behind or ahead of the video must not count twice. */
static void test_seconds_of_two_tracks(void **state)
{
    (void)state;
    struct packet_queue queue;
    packet_queue_init(&queue, 10 * SECOND, MANY);
    for (int64_t n = 0; n < 100; n++) {
        assert_int_equal(push(&queue, 0, true, n * 100000, 1), 0);
        assert_int_equal(push(&queue, 1, true, n * 100000 - 500000, 1), 0);
    }
    int64_t bytes, us;
    packet_queue_fill(&queue, &bytes, &us);
    assert_in_range(us, 9300000, 9900000);
    while (bytes > 0) {
        pop(&queue);
        packet_queue_fill(&queue, &bytes, &us);
        assert_in_range(us, 0, 9900000);
    }
    assert_int_equal(us, 0);
    packet_queue_uninit(&queue);
}

/* Times begin anew with each run; a disk that hangs over a reconnection must not undo the bound. */
static void test_seconds_over_runs(void **state)
{
    (void)state;
    struct packet_queue queue;
    packet_queue_init(&queue, 10 * SECOND, MANY);
    int accepted = 0;
    for (int run = 0; run < 8; run++) {
        for (int64_t t = 0; t < 3; t++)
            accepted += push(&queue, 0, true, (run % 2 ? 0 : HOUR) + t * SECOND, 1) == 0;
        struct queue_item end = {.kind = QUEUE_END, .media_us = (run % 2 ? 0 : HOUR) + 2 * SECOND};
        assert_int_equal(packet_queue_push(&queue, &end), 0);
    }
    assert_in_range(accepted, 10, 18);
    int64_t bytes, us;
    packet_queue_fill(&queue, &bytes, &us);
    assert_in_range(us, 8 * SECOND, 10 * SECOND);
    packet_queue_uninit(&queue);
}

static void test_streams_and_ends_are_never_refused(void **state)
{
    (void)state;
    struct packet_queue queue;
    packet_queue_init(&queue, SECOND, 1);
    struct stream *stream = stream_create();
    assert_int_equal(push(&queue, 0, true, 0, 1), 0);
    assert_int_equal(push(&queue, 0, true, 0, 1), 1);
    struct queue_item item = {.kind = QUEUE_STREAM, .stream = stream_ref(stream)};
    assert_int_equal(packet_queue_push(&queue, &item), 0);
    item = (struct queue_item){.kind = QUEUE_END, .reason = RTSPREC_SEGMENT_STOPPED};
    assert_int_equal(packet_queue_push(&queue, &item), 0);
    pop(&queue);
    assert_true(packet_queue_pop(&queue, &impatient, &item));
    assert_int_equal(item.kind, QUEUE_STREAM);
    assert_ptr_equal(item.stream, stream);
    queue_item_uninit(&item);
    assert_null(item.stream);
    assert_true(packet_queue_pop(&queue, &impatient, &item));
    assert_int_equal(item.kind, QUEUE_END);
    assert_int_equal(item.reason, RTSPREC_SEGMENT_STOPPED);
    queue_item_uninit(&item);
    assert_int_equal(atomic_load(&stream->references), 1);
    /* What is left is freed with the queue. */
    item = (struct queue_item){.kind = QUEUE_STREAM, .stream = stream_ref(stream)};
    assert_int_equal(packet_queue_push(&queue, &item), 0);
    packet_queue_uninit(&queue);
    assert_int_equal(atomic_load(&stream->references), 1);
    stream_unref(&stream);
}

static void test_close_lets_the_rest_out(void **state)
{
    (void)state;
    struct packet_queue queue;
    struct queue_item item;
    packet_queue_init(&queue, MANY, 10);
    push(&queue, 0, true, 1, 10);
    push(&queue, 0, true, 2, 10);
    packet_queue_close(&queue);
    assert_dropped(&queue, 1, 1, 10);
    assert_int_equal(pop(&queue), 1);
    assert_false(packet_queue_pop(&queue, &impatient, &item));
    assert_false(packet_queue_pop(&queue, &impatient, &item));
    packet_queue_reopen(&queue);
    assert_int_equal(push(&queue, 0, false, 3, 1), 0); /* a new start refuses nothing */
    assert_int_equal(pop(&queue), 3);
    packet_queue_uninit(&queue);
}

static bool is_asleep(struct packet_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    bool is_asleep = queue->is_asleep;
    pthread_mutex_unlock(&queue->lock);
    return is_asleep;
}

static void *pop_patiently(void *argument)
{
    struct packet_queue *queue = argument;
    struct queue_item item;
    assert_true(
        packet_queue_pop(queue, &(struct queue_patience){.media_us = 100, .bytes = 50}, &item));
    queue_item_uninit(&item);
    return NULL;
}

/* Whether the last of two packets wakes a writer that waits for time 100 or 50 bytes. */
static bool wakes_behind(int first_bytes, int64_t max_us, int64_t max_bytes, int track, bool is_key,
                         int64_t media_us, int bytes)
{
    struct packet_queue queue;
    pthread_t thread;
    packet_queue_init(&queue, max_us, max_bytes);
    assert_int_equal(pthread_create(&thread, NULL, pop_patiently, &queue), 0);
    while (!is_asleep(&queue))
        sched_yield();
    assert_int_equal(push(&queue, 0, false, 10, first_bytes), 0);
    assert_true(is_asleep(&queue));
    assert_int_equal(push(&queue, track, is_key, media_us, bytes), 0);
    bool wakes = !is_asleep(&queue);
    packet_queue_close(&queue);
    pthread_join(thread, NULL);
    packet_queue_uninit(&queue);
    return wakes;
}

static bool wakes(int64_t max_us, int64_t max_bytes, int track, bool is_key, int64_t media_us,
                  int bytes)
{
    return wakes_behind(10, max_us, max_bytes, track, is_key, media_us, bytes);
}

/* Two queues share what is in an item, and either may be done with it first. */
static void test_shared_items(void **state)
{
    (void)state;
    struct packet_queue queues[2];
    struct queue_item shared, item = packet_item(1, true, 7, 100), got;
    assert_int_equal(av_new_packet(item.packet, 100), 0);
    memset(item.packet->data, 'x', 100);
    for (int i = 0; i < 2; i++)
        assert_int_equal(packet_queue_init(&queues[i], MANY, MANY), 0);
    assert_int_equal(queue_item_share(&shared, &item), 0);
    assert_ptr_not_equal(shared.packet, item.packet);
    assert_ptr_equal(shared.packet->data, item.packet->data);
    assert_int_equal(packet_queue_push(&queues[0], &item), 0);
    assert_int_equal(packet_queue_push(&queues[1], &shared), 0);
    packet_queue_uninit(&queues[0]);
    assert_true(packet_queue_pop(&queues[1], &impatient, &got));
    assert_int_equal(got.media_us, 7);
    assert_int_equal(got.packet->data[99], 'x');
    queue_item_uninit(&got);
    packet_queue_uninit(&queues[1]);

    struct queue_item stream = {.kind = QUEUE_STREAM, .stream = stream_create()};
    assert_int_equal(queue_item_share(&shared, &stream), 0);
    assert_ptr_equal(shared.stream, stream.stream);
    assert_null(shared.packet);
    queue_item_uninit(&stream);
    assert_int_equal(shared.stream->track_count, 0);
    queue_item_uninit(&shared);
}

static void test_patience(void **state)
{
    (void)state;
    assert_false(wakes_behind(50, MANY, MANY, 0, false, 11, 1000));
    assert_true(wakes_behind(51, MANY, MANY, 0, false, 11, 1));
    assert_false(wakes(MANY, MANY, 0, false, 99, 1000));
    assert_true(wakes(MANY, MANY, 0, false, 100, 1));
    assert_true(wakes(MANY, MANY, 0, true, 11, 1));
    assert_false(wakes(MANY, MANY, 1, true, 11, 1)); /* each packet of sound is a key frame */
    assert_true(wakes(MANY, 40, 0, false, 11, 10));
    assert_true(wakes(40, MANY, 0, false, 30, 1));
}

/* What is gathered leaves no room for a key frame, but that is not for want of a writer. */
static void test_nothing_is_refused_for_one_that_sleeps(void **state)
{
    (void)state;
    struct packet_queue queue;
    pthread_t thread;
    packet_queue_init(&queue, MANY, 100);
    assert_int_equal(pthread_create(&thread, NULL, pop_patiently, &queue), 0);
    while (!is_asleep(&queue))
        sched_yield();
    assert_int_equal(push(&queue, 0, false, 10, 20), 0);
    assert_true(is_asleep(&queue));
    assert_int_equal(push(&queue, 0, true, 11, 120), 0);
    pthread_join(thread, NULL);
    assert_int_equal(push(&queue, 0, true, 12, 120), 1); /* now it is behind */
    assert_int_equal(pop(&queue), 11);
    packet_queue_uninit(&queue);
}

static void test_anything_else_wakes(void **state)
{
    (void)state;
    struct packet_queue queue;
    pthread_t thread;
    packet_queue_init(&queue, MANY, MANY);
    assert_int_equal(pthread_create(&thread, NULL, pop_patiently, &queue), 0);
    while (!is_asleep(&queue))
        sched_yield();
    struct queue_item item = {.kind = QUEUE_END, .reason = RTSPREC_SEGMENT_STOPPED};
    assert_int_equal(packet_queue_push(&queue, &item), 0);
    pthread_join(thread, NULL);
    packet_queue_uninit(&queue);
}

struct consumer {
    struct packet_queue *queue;
    int64_t count, last_us;
    bool is_disordered;
};

static void *consume(void *argument)
{
    struct consumer *consumer = argument;
    struct queue_item item;
    while (packet_queue_pop(consumer->queue, &impatient, &item)) {
        consumer->is_disordered |= item.media_us <= consumer->last_us;
        consumer->last_us = item.media_us;
        consumer->count++;
        queue_item_uninit(&item);
    }
    return NULL;
}

/* Each packet is received in order or counted as dropped. */
static void test_two_threads(void **state)
{
    (void)state;
    struct packet_queue queue;
    packet_queue_init(&queue, MANY, 50);
    struct consumer consumer = {.queue = &queue, .last_us = -1};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, consume, &consumer), 0);
    int64_t refused = 0;
    for (int64_t n = 0; n < 50000; n++)
        refused += push(&queue, 0, n % 10 == 0, n, 1);
    packet_queue_close(&queue);
    pthread_join(thread, NULL);
    assert_dropped(&queue, refused, refused, refused);
    assert_int_equal(consumer.count + refused, 50000);
    assert_false(consumer.is_disordered);
    packet_queue_uninit(&queue);
}

static void test_close_wakes_a_waiting_thread(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++) {
        struct packet_queue queue;
        packet_queue_init(&queue, MANY, MANY);
        struct consumer consumer = {.queue = &queue, .last_us = -1};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, consume, &consumer), 0);
        if (i % 2)
            push(&queue, 0, true, 1, 1);
        packet_queue_close(&queue);
        pthread_join(thread, NULL);
        assert_int_equal(consumer.count, i % 2);
        packet_queue_uninit(&queue);
    }
}

/* Random pushes and pops against the rule, written down once more. */
static void test_refusal_fuzz(void **state)
{
    (void)state;
    uint64_t random = 77;
    struct packet_queue queue;
    packet_queue_init(&queue, 5 * SECOND, 500);
    int64_t bytes = 0, us, sizes[4096], dropped = 0, told = 0;
    int64_t first = 0, next = 0, time = 0;
    bool must_be_key = false;
    for (int n = 0; n < 20000; n++) {
        if (random_between(&random, 0, 9) < (n / 1000 % 2 ? 3 : 6) && first < next) {
            bytes -= sizes[first++ % 4096];
            pop(&queue);
        } else {
            int size = (int)random_between(&random, 1, 30);
            bool is_key = random_between(&random, 0, 7) == 0;
            int track = random_between(&random, 0, 4) == 0;
            int result = push(&queue, track, is_key, time += 40000, size);
            if (must_be_key && !(is_key && track == 0))
                assert_int_equal(result, 1);
            must_be_key = result == 1;
            dropped += result;
            if (result == 0) {
                sizes[next++ % 4096] = size;
                bytes += size;
            }
            told += packet_queue_take_dropped(&queue).packets;
            if (result == 0)
                assert_int_equal(told, dropped);
        }
        int64_t actual;
        packet_queue_fill(&queue, &actual, &us);
        assert_int_equal(actual, bytes);
        assert_true(bytes <= 500 && us <= 5 * SECOND);
    }
    assert_true(dropped > 1000);
    packet_queue_uninit(&queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_over_many_rounds),
        cmocka_unit_test(test_bytes_are_bounded),
        cmocka_unit_test(test_when_packets_are_missing),
        cmocka_unit_test(test_an_empty_queue_takes_anything),
        cmocka_unit_test(test_seconds_are_bounded),
        cmocka_unit_test(test_seconds_of_two_tracks),
        cmocka_unit_test(test_seconds_over_runs),
        cmocka_unit_test(test_streams_and_ends_are_never_refused),
        cmocka_unit_test(test_close_lets_the_rest_out),
        cmocka_unit_test(test_shared_items),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_nothing_is_refused_for_one_that_sleeps),
        cmocka_unit_test(test_anything_else_wakes),
        cmocka_unit_test(test_two_threads),
        cmocka_unit_test(test_close_wakes_a_waiting_thread),
        cmocka_unit_test(test_refusal_fuzz),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
