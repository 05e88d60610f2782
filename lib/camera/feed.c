#include "camera/feed.h"

#include <assert.h>

#include "base/clock.h"
#include "camera/camera.h"
#include "camera/place.h"

/* How often a loss that goes on is told. */
#define REPORT_EVERY_US (10 * US_PER_SECOND)

int feed_init(struct feed *feed, struct place *place)
{
    const struct camera_options *options = &place->camera->options;
    int err = packet_queue_init(&feed->queue, options->queue_duration_us, options->queue_bytes);
    feed->place = err < 0 ? NULL : place;
    return err;
}

void feed_uninit(struct feed *feed)
{
    if (feed->place)
        packet_queue_uninit(&feed->queue);
    feed->place = NULL;
}

void feed_open(struct feed *feed)
{
    packet_queue_reopen(&feed->queue);
}

/* Posts what the queue refused since the last time, if anything. */
static void report_refusals(struct feed *feed)
{
    struct queue_dropped dropped = packet_queue_take_dropped(&feed->queue);
    bool is_encoding = feed->backlog.is_encoding;
    if (dropped.packets == 0)
        return;
    struct rtsprec_event event = {
        .type = RTSPREC_EVENT_PACKETS_DROPPED,
        .camera = feed->place->camera->options.name,
        .u.dropped = {dropped.packets, dropped.frames, dropped.bytes, dropped.start_us,
                      dropped.end_us, is_encoding, feed->place->directory},
    };
    place_note_hole(feed->place,
                    is_encoding ? RTSPREC_COVERAGE_OVERLOADED : RTSPREC_COVERAGE_DISK_SLOW,
                    dropped.start_us, dropped.end_us);
    dispatcher_post(feed->place->camera->dispatcher, &event);
}

static void count_refusal(struct feed *feed, const struct queue_item *item)
{
    struct rtsprec_camera *camera = feed->place->camera;
    assert(item->packet); /* only packets are refused */
    if (feed->place->is_counted) {
        count(&camera->counters.dropped_packets, 1);
        count(&camera->counters.dropped_frames, item->packet->stream_index == 0);
    }
    if (!feed->has_refusals) {
        backlog_judge(&feed->backlog);
        dispatcher_log(camera->dispatcher, RTSPREC_LOG_ERROR, camera->options.name,
                       "%s does not keep up and the queue is full: dropping what comes",
                       feed->backlog.is_encoding ? "Transcoding"
                       : feed->place->is_counted ? "The disk"
                                                 : "The original's disk");
        feed->last_report_us = clock_monotonic_us();
    }
    feed->has_refusals = true;
}

int feed_push(struct feed *feed, struct queue_item *item)
{
    int result = packet_queue_push(&feed->queue, item);
    const struct rtsprec_camera *camera = feed->place->camera;
    backlog_look(&feed->backlog,
                 feed->place->is_counted &&
                     atomic_load_explicit(&camera->is_encoding, memory_order_relaxed));
    if (result == 1)
        count_refusal(feed, item);
    if (result != 0)
        queue_item_uninit(item);
    /* When it is over, and from time to time: a disk that hangs for ever never comes to that. */
    if (feed->has_refusals &&
        (result == 0 || clock_monotonic_us() - feed->last_report_us > REPORT_EVERY_US)) {
        feed->has_refusals = result != 0;
        feed->last_report_us = clock_monotonic_us();
        report_refusals(feed);
        if (feed->has_refusals)
            backlog_judge(&feed->backlog);
    }
    return result < 0 ? result : 0;
}

void feed_close(struct feed *feed)
{
    packet_queue_close(&feed->queue);
    report_refusals(feed);
}
