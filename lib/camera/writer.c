/* Thread W: takes packets from the queue; what the transcoder makes of them is recorded. */
#include "camera/camera.h"
#include "camera/recording.h"
#include "camera/timelapse.h"
#include "camera/transcoder.h"

/* Where packets go. */
struct sinks {
    struct recording recording;
    struct timelapse timelapse;
};

static void begin_stream(void *user, struct stream *stream)
{
    struct sinks *sinks = user;
    recording_begin(&sinks->recording, stream);
    timelapse_begin(&sinks->timelapse, stream);
}

static void take_packet(void *user, struct queue_item *item)
{
    struct sinks *sinks = user;
    timelapse_take(&sinks->timelapse, item->packet, item->wall_us);
    recording_take(&sinks->recording, item);
}

static void init_sinks(struct sinks *sinks, struct rtsprec_camera *camera)
{
    const struct camera_options *options = &camera->options;
    bool is_synced = options->sync_interval_us != RTSPREC_SYNC_NEVER;
    recording_init(&sinks->recording, &camera->main);
    timelapse_init(&sinks->timelapse, &(struct timelapse_options){
                                          .directory = camera->main.directory,
                                          .camera = options->name,
                                          .container = options->container,
                                          .every_us = options->timelapse_interval_us,
                                          .fps = (int)options->timelapse_fps,
                                          .archive = camera->main.archive,
                                          .durable = is_synced ? camera->durable : NULL,
                                          .sync_interval_us = options->sync_interval_us,
                                          .dispatcher = camera->dispatcher,
                                      });
}

/* What may wait without delaying a write, or the encoder. */
static struct queue_patience patience(const struct rtsprec_camera *camera,
                                      const struct recording *recording)
{
    return transcoder_is_encoding(camera->transcoder) ? (struct queue_patience){0}
                                                      : recording_patience(recording);
}

void *writer_run(void *argument)
{
    struct rtsprec_camera *camera = argument;
    struct sinks sinks;
    init_sinks(&sinks, camera);
    transcoder_open(camera->transcoder,
                    &(struct transcoder_sink){begin_stream, take_packet, &sinks});

    struct queue_item item;
    for (;;) {
        struct queue_patience while_gathering = patience(camera, &sinks.recording);
        if (!packet_queue_pop(&camera->queue, &while_gathering, &item))
            break;
        switch (item.kind) {
        case QUEUE_STREAM:
            transcoder_begin(camera->transcoder, item.stream);
            break;
        case QUEUE_END:
            transcoder_flush(camera->transcoder);
            recording_end(&sinks.recording, item.reason);
            break;
        case QUEUE_PACKET:
            transcoder_take(camera->transcoder, &item);
            break;
        }
        queue_item_uninit(&item);
    }
    transcoder_close(camera->transcoder);
    recording_uninit(&sinks.recording);
    timelapse_uninit(&sinks.timelapse);
    camera_set_state(camera, RTSPREC_CAMERA_STOPPED, NULL, 0);
    return NULL;
}
