#include "camera/announced.h"

#include <libavcodec/avcodec.h>

#include "base/error.h"
#include "camera/camera.h"
#include "camera/original.h"
#include "camera/transcoder.h"
#include "segment/container.h"
#include "transform/audio.h"

static int no_memory(struct rtsprec_error *error)
{
    return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
}

static int add_track(struct announced *announced, const struct source *source, int index,
                     const AVCodecParameters *parameters, struct rtsprec_error *error)
{
    struct source_track track = source->tracks[index];
    announced->source_track[announced->stream->track_count] = index;
    return stream_add_track(announced->stream, parameters, track.time_base, -1) < 0
               ? no_memory(error)
               : 0;
}

static int add_video(struct announced *announced, const struct rtsprec_camera *camera,
                     const struct source *source, struct parameters *video,
                     struct rtsprec_error *error)
{
    enum rtsprec_container container = camera->options.container;
    for (int i = 0; i < source->track_count; i++) {
        struct source_track track = source->tracks[i];
        if (track.parameters->codec_type != AVMEDIA_TYPE_VIDEO)
            continue;
        enum AVCodecID codec = track.parameters->codec_id;
        struct policy_wish wish = transcoder_wish(&camera->options);
        if (!container_accepts(container, track.parameters) &&
            !(policy_encodes(&wish, codec) && avcodec_find_decoder(codec)))
            return error_set(error, RTSPREC_ERROR_UNSUPPORTED,
                             "the camera's video is %s, which %s files cannot hold%s",
                             avcodec_get_name(codec), container_extension(container),
                             container_accepts(RTSPREC_CONTAINER_MKV, track.parameters)
                                 ? " (mkv files hold it)"
                                 : "");
        if (parameters_init(video, track.parameters) < 0)
            return no_memory(error);
        return add_track(announced, source, i, video->current, error);
    }
    return error_set(error, RTSPREC_ERROR_UNSUPPORTED, "the camera announces no video");
}

/* Samples of one packet, where the codec fixes them and the SDP does not say. */
static int frame_size_of(enum AVCodecID codec)
{
    return codec == AV_CODEC_ID_AAC ? 1024 : codec == AV_CODEC_ID_OPUS ? 960 : 0;
}

static int add_audio(struct announced *announced, struct rtsprec_camera *camera,
                     const struct source *source, struct rtsprec_error *error)
{
    enum rtsprec_container container = camera->options.container;
    enum AVCodecID video = announced->stream->tracks[0].parameters->codec_id;
    for (int i = 0; i < source->track_count; i++) {
        struct source_track track = source->tracks[i];
        if (track.parameters->codec_type != AVMEDIA_TYPE_AUDIO ||
            announced->stream->track_count == STREAM_MAX_TRACKS)
            continue;
        enum AVCodecID codec = track.parameters->codec_id;
        if (!container_accepts(container, track.parameters) &&
            !(audio_is_encoded(camera->options.audio, codec, false) &&
              audio_can_encode(track.parameters))) {
            bool would_fit = container_accepts(RTSPREC_CONTAINER_MKV, track.parameters);
            dispatcher_log(camera->dispatcher, RTSPREC_LOG_WARNING, camera->options.name,
                           "The camera's sound is %s, which %s files cannot hold: recording "
                           "without it%s",
                           avcodec_get_name(codec), container_extension(container),
                           would_fit ? " (mkv files hold it)" : "");
            if (!would_fit || !original_is_kept(&camera->options, video))
                continue;
        }
        AVCodecParameters *parameters = avcodec_parameters_alloc();
        if (!parameters || avcodec_parameters_copy(parameters, track.parameters) < 0) {
            avcodec_parameters_free(&parameters);
            return no_memory(error);
        }
        if (parameters->frame_size == 0)
            parameters->frame_size = frame_size_of(codec);
        int err = add_track(announced, source, i, parameters, error);
        avcodec_parameters_free(&parameters);
        if (err < 0)
            return err;
    }
    return 0;
}

int announced_init(struct announced *announced, struct rtsprec_camera *camera,
                   const struct source *source, struct parameters *video,
                   struct rtsprec_error *error)
{
    int err;
    announced->stream = stream_create();
    if (!announced->stream)
        return no_memory(error);
    /* The video first: wherever a track is named by number, 0 is the video. */
    if ((err = add_video(announced, camera, source, video, error)) < 0)
        return err;
    return add_audio(announced, camera, source, error);
}

void announced_uninit(struct announced *announced)
{
    stream_unref(&announced->stream);
}

int announced_track(const struct announced *announced, int source_index)
{
    for (int i = 0; i < announced->stream->track_count; i++) {
        if (announced->source_track[i] == source_index)
            return i;
    }
    return -1;
}
