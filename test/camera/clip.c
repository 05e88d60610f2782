#include "clip.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/bsf.h>
#include <libavutil/mathematics.h>

#include "au_hash.h"
#include "av_compat.h"

/* What it takes to read one track; lives only while loading. */
struct track_reader {
    struct clip_track *track;
    AVStream *stream;
    AVBSFContext *bsf;
    int capacity;
    int64_t samples; /* audio: length of what was read so far */
    int64_t first_us;
};

static const char *filter_for(enum AVCodecID codec)
{
    switch (codec) {
    case AV_CODEC_ID_H264:
        return "h264_mp4toannexb";
    case AV_CODEC_ID_HEVC:
        return "hevc_mp4toannexb";
    default:
        return "null";
    }
}

static int reader_open(struct track_reader *reader, struct clip_track *track, AVStream *stream)
{
    int err;

    reader->track = track;
    reader->stream = stream;
    stream->discard = AVDISCARD_DEFAULT;
    err = av_bsf_alloc(av_bsf_get_by_name(filter_for(stream->codecpar->codec_id)), &reader->bsf);
    if (err < 0)
        return err;
    reader->bsf->time_base_in = stream->time_base;
    if ((err = avcodec_parameters_copy(reader->bsf->par_in, stream->codecpar)) < 0)
        return err;
    if ((err = av_bsf_init(reader->bsf)) < 0)
        return err;
    if ((track->par = avcodec_parameters_alloc()) == NULL)
        return AVERROR(ENOMEM);
    if ((err = avcodec_parameters_copy(track->par, reader->bsf->par_out)) < 0)
        return err;
    track->par->codec_tag = 0;
    return 0;
}

/*
 * Containers like Matroska round times to a millisecond. Audio is continuous, so its times are
 * counted in samples from the first packet on, which makes them exact.
 */
static int64_t audio_time(struct track_reader *reader, const AVPacket *packet)
{
    const AVCodecParameters *par = reader->track->par;
    int64_t length = par->frame_size;
    int64_t time_us;

    if (par->codec_id == AV_CODEC_ID_PCM_ALAW || par->codec_id == AV_CODEC_ID_PCM_MULAW)
        length = packet->size / FFMAX(codec_channels(par), 1);
    else if (length <= 0)
        length = av_rescale_q(packet->duration, reader->stream->time_base,
                              (AVRational){1, par->sample_rate});
    if (reader->track->count == 0 && packet->pts != AV_NOPTS_VALUE)
        reader->first_us = av_rescale_q(packet->pts, reader->stream->time_base, AV_TIME_BASE_Q);
    time_us = reader->first_us + av_rescale(reader->samples, 1000000, par->sample_rate);
    reader->samples += length;
    return time_us;
}

static int reader_append(struct track_reader *reader, const AVPacket *packet)
{
    struct clip_track *track = reader->track;
    struct clip_unit *unit;

    if (track->count == reader->capacity) {
        int capacity = reader->capacity > 0 ? 2 * reader->capacity : 512;
        void *units = realloc(track->units, (size_t)capacity * sizeof(*track->units));
        if (units == NULL)
            return AVERROR(ENOMEM);
        track->units = units;
        reader->capacity = capacity;
    }
    unit = &track->units[track->count];
    memset(unit, 0, sizeof(*unit));
    if (track->kind == 'a')
        unit->pts_us = audio_time(reader, packet);
    else if (packet->pts != AV_NOPTS_VALUE)
        unit->pts_us = av_rescale_q(packet->pts, reader->stream->time_base, AV_TIME_BASE_Q);
    else
        return AVERROR_INVALIDDATA;
    if ((unit->data = malloc((size_t)packet->size + AV_INPUT_BUFFER_PADDING_SIZE)) == NULL)
        return AVERROR(ENOMEM);
    memcpy(unit->data, packet->data, (size_t)packet->size);
    memset(unit->data + packet->size, 0, AV_INPUT_BUFFER_PADDING_SIZE);
    unit->size = packet->size;
    unit->key = track->kind == 'a' || (packet->flags & AV_PKT_FLAG_KEY) != 0;
    unit->hash = au_hash(track->par->codec_id, packet->data, (size_t)packet->size, 0);
    track->count++;
    return 0;
}

/* Takes over what `packet` refers to. */
static int reader_take(struct track_reader *reader, AVPacket *packet)
{
    int err;

    if (reader->track->kind == 'v' && reader->track->count == 0 &&
        !(packet->flags & AV_PKT_FLAG_KEY)) {
        av_packet_unref(packet);
        return 0;
    }
    if ((err = av_bsf_send_packet(reader->bsf, packet)) < 0) {
        av_packet_unref(packet);
        return err;
    }
    while ((err = av_bsf_receive_packet(reader->bsf, packet)) == 0) {
        err = reader_append(reader, packet);
        av_packet_unref(packet);
        if (err < 0)
            return err;
    }
    return err == AVERROR(EAGAIN) ? 0 : err;
}

static int compare_times(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;

    return (a > b) - (a < b);
}

/* A frame is sent when its turn in presentation order has come, whatever its own pts is. */
static int set_send_times(struct clip_track *track)
{
    int64_t *times;

    if (track->count == 0)
        return 0;
    if ((times = malloc((size_t)track->count * sizeof(*times))) == NULL)
        return AVERROR(ENOMEM);
    for (int i = 0; i < track->count; i++)
        times[i] = track->units[i].pts_us;
    qsort(times, (size_t)track->count, sizeof(*times), compare_times);
    for (int i = 0; i < track->count; i++)
        track->units[i].send_us = times[i];
    if (track->count > 1)
        track->frame_us = (times[track->count - 1] - times[0]) / (track->count - 1);
    free(times);
    return 0;
}

/* Moves all times so that the clip begins at 0, drops the audio outside of the video. */
static void align_tracks(struct clip *clip)
{
    struct clip_track *video = &clip->tracks[CLIP_VIDEO], *audio = &clip->tracks[CLIP_AUDIO];
    struct clip_track *main_track = video->count > 0 ? video : audio;
    int64_t zero_us = main_track->units[0].send_us;
    int kept = 0;

    clip->duration_us =
        main_track->units[main_track->count - 1].send_us - zero_us + main_track->frame_us;
    for (int i = 0; i < video->count; i++) {
        video->units[i].pts_us -= zero_us;
        video->units[i].send_us -= zero_us;
    }
    for (int i = 0; i < audio->count; i++) {
        struct clip_unit *unit = &audio->units[i];
        unit->pts_us -= zero_us;
        unit->send_us -= zero_us;
        if (unit->send_us < 0 || unit->send_us >= clip->duration_us)
            free(unit->data);
        else
            audio->units[kept++] = *unit;
    }
    audio->count = kept;
}

static int read_tracks(struct track_reader *readers, AVFormatContext *input)
{
    AVPacket *packet = av_packet_alloc();
    int err = 0;

    if (packet == NULL)
        return AVERROR(ENOMEM);
    while (err >= 0 && (err = av_read_frame(input, packet)) >= 0) {
        for (int i = 0; i < CLIP_TRACKS; i++) {
            if (readers[i].stream != NULL && readers[i].stream->index == packet->stream_index) {
                err = reader_take(&readers[i], packet);
                break;
            }
        }
        av_packet_unref(packet);
    }
    av_packet_free(&packet);
    return err == AVERROR_EOF ? 0 : err;
}

static int load_tracks(struct clip *clip, AVFormatContext *input)
{
    static const enum AVMediaType types[CLIP_TRACKS] = {AVMEDIA_TYPE_VIDEO, AVMEDIA_TYPE_AUDIO};
    struct track_reader readers[CLIP_TRACKS] = {{0}};
    int err = 0;

    for (unsigned i = 0; i < input->nb_streams; i++)
        input->streams[i]->discard = AVDISCARD_ALL;
    for (int i = 0; i < CLIP_TRACKS && err >= 0; i++) {
        int index = av_find_best_stream(input, types[i], -1, -1, NULL, 0);
        clip->tracks[i].kind = i == CLIP_VIDEO ? 'v' : 'a';
        if (index >= 0)
            err = reader_open(&readers[i], &clip->tracks[i], input->streams[index]);
    }
    if (err >= 0)
        err = read_tracks(readers, input);
    for (int i = 0; i < CLIP_TRACKS; i++) {
        av_bsf_free(&readers[i].bsf);
        if (err >= 0)
            err = set_send_times(&clip->tracks[i]);
    }
    if (err >= 0 && clip->tracks[CLIP_VIDEO].count + clip->tracks[CLIP_AUDIO].count == 0)
        err = AVERROR_INVALIDDATA;
    return err;
}

int clip_load(struct clip **out, const char *name, const char *file)
{
    struct clip *clip = calloc(1, sizeof(*clip));
    AVFormatContext *input = NULL;
    int err = AVERROR(ENOMEM);

    if (clip == NULL || (clip->name = strdup(name)) == NULL)
        goto done;
    if ((err = avformat_open_input(&input, file, NULL, NULL)) < 0)
        goto done;
    if ((err = avformat_find_stream_info(input, NULL)) < 0)
        goto done;
    if ((err = load_tracks(clip, input)) < 0)
        goto done;
    align_tracks(clip);

done:
    avformat_close_input(&input);
    if (err < 0) {
        fprintf(stderr, "clip %s: cannot read %s: %s\n", name, file, av_err2str(err));
        clip_free(&clip);
    }
    *out = clip;
    return err;
}

void clip_free(struct clip **clip)
{
    if (*clip == NULL)
        return;
    for (int i = 0; i < CLIP_TRACKS; i++) {
        struct clip_track *track = &(*clip)->tracks[i];
        for (int u = 0; u < track->count; u++)
            free(track->units[u].data);
        free(track->units);
        avcodec_parameters_free(&track->par);
    }
    free((*clip)->name);
    free(*clip);
    *clip = NULL;
}
