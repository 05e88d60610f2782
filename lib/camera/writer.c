/* Thread W: takes packets from the queue, and records what the transcoder makes of them. */
#include "camera/camera.h"
#include "camera/recording.h"
#include "camera/timelapse.h"
#include "camera/transcoder.h"

struct writer {
    struct rtsprec_camera *camera;
    struct recording recording;
    struct timelapse timelapse;
};

static void begin_stream(void *user, struct stream *stream)
{
    struct writer *writer = user;
    recording_begin(&writer->recording, stream, writer->camera->options.container);
    timelapse_begin(&writer->timelapse, stream);
}

static void take_packet(void *user, struct queue_item *item)
{
    struct writer *writer = user;
    timelapse_take(&writer->timelapse, item->packet, item->wall_us);
    recording_take(&writer->recording, item);
}

static void lose(void *user, enum rtsprec_coverage_reason reason, int64_t from_us)
{
    struct writer *writer = user;
    recording_lose(&writer->recording, reason, from_us);
}

static void leave_out(void *user, enum rtsprec_coverage_reason reason, int64_t start_us,
                      int64_t end_us)
{
    struct writer *writer = user;
    recording_leave_out(&writer->recording, reason, start_us, end_us);
}

static void init(struct writer *writer, struct rtsprec_camera *camera)
{
    const struct camera_options *options = &camera->options;
    bool is_synced = options->sync_interval_us != RTSPREC_SYNC_NEVER;
    writer->camera = camera;
    recording_init(&writer->recording, &camera->main);
    timelapse_init(&writer->timelapse, &(struct timelapse_options){
                                           .directory = camera->main.directory,
                                           .camera = options->name,
                                           .container = options->container,
                                           .every_us = options->timelapse_interval_us,
                                           .fps = (int)options->timelapse_fps,
                                           .archive = camera->main.archive,
                                           .durable = is_synced ? camera->durable : NULL,
                                           .sync_interval_us = options->sync_interval_us,
                                           .dispatcher = camera->dispatcher,
                                           .stop = &camera->cancel.stopped,
                                       });
    transcoder_open(camera->transcoder,
                    &(struct transcoder_sink){begin_stream, take_packet, lose, leave_out, writer});
}

static void uninit(struct writer *writer)
{
    transcoder_close(writer->camera->transcoder);
    recording_uninit(&writer->recording);
    timelapse_uninit(&writer->timelapse);
}

/* What may wait without delaying a write, or the encoder. */
static struct queue_patience patience(const struct writer *writer)
{
    if (transcoder_is_encoding(writer->camera->transcoder))
        return (struct queue_patience){0};
    return recording_patience(&writer->recording);
}

static void take_item(struct writer *writer, struct queue_item *item)
{
    struct transcoder *transcoder = writer->camera->transcoder;
    switch (item->kind) {
    case QUEUE_STREAM:
        transcoder_begin(transcoder, item->stream);
        break;
    case QUEUE_END:
        transcoder_end(transcoder);
        recording_end(&writer->recording, item->reason);
        break;
    case QUEUE_PACKET:
        transcoder_take(transcoder, item);
        break;
    }
}

void *writer_run(void *argument)
{
    struct rtsprec_camera *camera = argument;
    struct writer writer;
    struct queue_item item;
    init(&writer, camera);
    for (;;) {
        struct queue_patience while_gathering = patience(&writer);
        if (!packet_queue_pop(&camera->feed.queue, &while_gathering, &item))
            break;
        take_item(&writer, &item);
        queue_item_uninit(&item);
    }
    uninit(&writer);
    camera_leave_writer(camera);
    return NULL;
}
