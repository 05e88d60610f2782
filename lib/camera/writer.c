/* Thread W: takes packets from the queue; what the transcoder makes of them is recorded. */
#include "camera/camera.h"
#include "camera/recording.h"
#include "camera/transcoder.h"

static void begin_stream(void *user, struct stream *stream)
{
    struct recording *recording = user;
    recording_begin(recording, stream);
}

static void take_packet(void *user, struct queue_item *item)
{
    struct recording *recording = user;
    recording_take(recording, item);
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
    struct recording recording;
    recording_init(&recording, &camera->main);
    transcoder_open(camera->transcoder,
                    &(struct transcoder_sink){begin_stream, take_packet, &recording});

    struct queue_item item;
    for (;;) {
        struct queue_patience while_gathering = patience(camera, &recording);
        if (!packet_queue_pop(&camera->queue, &while_gathering, &item))
            break;
        switch (item.kind) {
        case QUEUE_STREAM:
            transcoder_begin(camera->transcoder, item.stream);
            break;
        case QUEUE_END:
            transcoder_flush(camera->transcoder);
            recording_end(&recording, item.reason);
            break;
        case QUEUE_PACKET:
            transcoder_take(camera->transcoder, &item);
            break;
        }
        queue_item_uninit(&item);
    }
    transcoder_close(camera->transcoder);
    recording_uninit(&recording);
    camera_set_state(camera, RTSPREC_CAMERA_STOPPED, NULL, 0);
    return NULL;
}
