#include "ingest/packet_queue.h"

#include <stdlib.h>

#include <rtsprec/error.h>

int packet_queue_init(struct packet_queue *queue, int64_t max_us, int64_t max_bytes)
{
    *queue = (struct packet_queue){
        .max_us = max_us,
        .max_bytes = max_bytes,
        .latest_us = INT64_MIN,
    };
    if (pthread_mutex_init(&queue->lock, NULL) != 0)
        return RTSPREC_ERROR_SYSTEM;
    if (sem_init(&queue->wake, 0, 0) == 0)
        return 0;
    pthread_mutex_destroy(&queue->lock);
    return RTSPREC_ERROR_SYSTEM;
}

void packet_queue_uninit(struct packet_queue *queue)
{
    for (int i = 0; i < queue->count; i++)
        queue_item_uninit(&queue->items[(queue->first + i) % queue->capacity]);
    free(queue->items);
    sem_destroy(&queue->wake);
    pthread_mutex_destroy(&queue->lock);
}

void queue_item_uninit(struct queue_item *item)
{
    av_packet_free(&item->packet);
    stream_unref(&item->stream);
}

int queue_item_share(struct queue_item *out, const struct queue_item *item)
{
    *out = *item;
    if (item->packet && !(out->packet = av_packet_clone(item->packet)))
        return RTSPREC_ERROR_NO_MEMORY;
    if (item->stream)
        out->stream = stream_ref(item->stream);
    return 0;
}

static bool is_video(const struct queue_item *item)
{
    return item->kind == QUEUE_PACKET && item->packet->stream_index == 0;
}

static bool grow(struct packet_queue *queue)
{
    if (queue->count < queue->capacity)
        return true;
    int capacity = queue->capacity ? 2 * queue->capacity : 16;
    struct queue_item *items = malloc((size_t)capacity * sizeof(*items));
    if (!items)
        return false;
    for (int i = 0; queue->capacity > 0 && i < queue->count; i++)
        items[i] = queue->items[(queue->first + i) % queue->capacity];
    free(queue->items);
    queue->items = items;
    queue->capacity = capacity;
    queue->first = 0;
    return true;
}

/* By how much an item makes the run longer. Sound may lie behind the video: then not at all. */
static int64_t advance_us(const struct packet_queue *queue, const struct queue_item *item)
{
    bool has_started = item->kind == QUEUE_PACKET && queue->latest_us != INT64_MIN;
    return has_started && item->media_us > queue->latest_us ? item->media_us - queue->latest_us : 0;
}

/* Whether a packet has to be dropped; decides when dropping begins and ends. */
static bool refuse(struct packet_queue *queue, const struct queue_item *item)
{
    /* An empty one takes anything, else a frame larger than the bound would be refused for ever; so
     * does one whose writer only waits for more, and is woken by this. */
    bool is_full = queue->count > 0 && !queue->is_asleep &&
                   (queue->bytes + item->bytes > queue->max_bytes ||
                    queue->us + advance_us(queue, item) > queue->max_us);
    bool is_key = is_video(item) && (item->packet->flags & AV_PKT_FLAG_KEY);
    if (queue->refusing)
        queue->refusing = !is_key || is_full;
    else
        queue->refusing = is_full;
    return queue->refusing;
}

static void count_dropped(struct packet_queue *queue, const struct queue_item *item)
{
    struct queue_dropped *dropped = &queue->dropped;
    if (dropped->packets == 0 && dropped->start_us == 0)
        dropped->start_us = item->wall_us;
    if (dropped->packets == 0 || item->wall_us > dropped->end_us)
        dropped->end_us = item->wall_us;
    dropped->packets++;
    dropped->frames += is_video(item);
    dropped->bytes += item->bytes;
}

/* What was dropped is missing up to the frame that is taken again. */
static void end_dropped(struct packet_queue *queue, const struct queue_item *item)
{
    struct queue_dropped *dropped = &queue->dropped;
    if (dropped->packets == 0)
        dropped->start_us = 0;
    else if (item->wall_us > dropped->end_us)
        dropped->end_us = item->wall_us;
}

static void append(struct packet_queue *queue, const struct queue_item *item)
{
    struct queue_item *slot = &queue->items[(queue->first + queue->count) % queue->capacity];
    *slot = *item;
    slot->advance_us = advance_us(queue, item);
    queue->us += queue->count > 0 ? slot->advance_us : 0;
    queue->bytes += slot->bytes;
    queue->count++;
    if (item->kind == QUEUE_PACKET && item->media_us > queue->latest_us)
        queue->latest_us = item->media_us;
    if (item->kind == QUEUE_END)
        queue->latest_us = INT64_MIN; /* times begin anew with the next run */
}

/* Whether an item that was appended is to wake the writer. */
static bool ends_patience(const struct packet_queue *queue, const struct queue_item *item)
{
    return item->kind != QUEUE_PACKET ||
           (is_video(item) && (item->packet->flags & AV_PKT_FLAG_KEY)) ||
           item->media_us >= queue->patience.media_us ||
           queue->bytes - item->bytes > queue->patience.bytes ||
           queue->bytes >= queue->max_bytes / 2 || queue->us >= queue->max_us / 2;
}

/* With the lock; whoever gets true posts wake, once it is let go of. */
static bool end_sleep(struct packet_queue *queue)
{
    bool was_asleep = queue->is_asleep;
    queue->is_asleep = false;
    return was_asleep;
}

int packet_queue_push(struct packet_queue *queue, const struct queue_item *item)
{
    int result = 0;
    bool is_due = false;
    pthread_mutex_lock(&queue->lock);
    bool was_refusing = queue->refusing;
    if (item->kind == QUEUE_PACKET && refuse(queue, item)) {
        count_dropped(queue, item);
        result = 1;
        goto done;
    }
    if (was_refusing && !queue->refusing)
        end_dropped(queue, item);
    if (!grow(queue)) {
        result = RTSPREC_ERROR_NO_MEMORY;
        goto done;
    }
    append(queue, item);
    is_due = ends_patience(queue, item) && end_sleep(queue);
done:
    pthread_mutex_unlock(&queue->lock);
    if (is_due)
        sem_post(&queue->wake);
    return result;
}

void packet_queue_close(struct packet_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->closed = true;
    bool was_asleep = end_sleep(queue);
    pthread_mutex_unlock(&queue->lock);
    if (was_asleep)
        sem_post(&queue->wake);
}

void packet_queue_reopen(struct packet_queue *queue)
{
    queue->closed = queue->refusing = false;
    queue->latest_us = INT64_MIN;
    queue->dropped = (struct queue_dropped){0};
}

bool packet_queue_pop(struct packet_queue *queue, const struct queue_patience *patience,
                      struct queue_item *item)
{
    pthread_mutex_lock(&queue->lock);
    queue->patience = *patience;
    if (queue->count == 0 && !queue->closed) {
        queue->is_asleep = true;
        pthread_mutex_unlock(&queue->lock);
        while (sem_wait(&queue->wake) != 0) {
        }
        pthread_mutex_lock(&queue->lock);
    }
    bool has_item = queue->count > 0;
    if (has_item) {
        *item = queue->items[queue->first];
        queue->first = (queue->first + 1) % queue->capacity;
        queue->count--;
        queue->bytes -= item->bytes;
        queue->us -= queue->count > 0 ? queue->items[queue->first].advance_us : 0;
    }
    pthread_mutex_unlock(&queue->lock);
    return has_item;
}

struct queue_dropped packet_queue_take_dropped(struct packet_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    struct queue_dropped dropped = queue->dropped;
    if (dropped.packets > 0)
        queue->dropped = (struct queue_dropped){
            .start_us = queue->refusing ? dropped.end_us : 0,
        };
    pthread_mutex_unlock(&queue->lock);
    return dropped;
}

void packet_queue_fill(struct packet_queue *queue, int64_t *bytes, int64_t *us)
{
    pthread_mutex_lock(&queue->lock);
    *bytes = queue->bytes;
    *us = queue->us;
    pthread_mutex_unlock(&queue->lock);
}
