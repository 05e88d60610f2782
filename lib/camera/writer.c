/*
 * Thread W: takes packets from the queue and puts each into the segment it belongs to. It owns the
 * disk: what goes wrong there is told, and the next key frame tries again.
 */
#include <stdio.h>
#include <stdlib.h>

#include <libavutil/mathematics.h>

#include "archive/part_files.h"
#include "archive/root.h"
#include "archive/segment_file.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/disk.h"
#include "camera/camera.h"
#include "camera/recover.h"
#include "camera/transcoder.h"
#include "segment/container.h"
#include "segment/segment.h"
#include "segment/splitter.h"

/* On a full disk a segment is begun again when there is room for more than its beginning. */
#define LEAST_FREE_BYTES (2 * 1024 * 1024)

/* A crash leaves its file in the newest day's directory; each start repairs, so older ones have
 * none. */
#define RECOVERED_DAYS 8

/* How long a closed segment waits for sound that belongs to it: more than any camera's A/V skew. */
#define LATE_US US_PER_SECOND

struct output {
    struct segment *segment; /* NULL: there is none */
    struct segment_file file;
    int64_t start_wall_us;
    int64_t bytes; /* of what was written, by the packets' size */
};

struct writer {
    struct rtsprec_camera *camera;
    struct stream *stream; /* a reference: what is recorded; NULL before the first */
    struct splitter splitter;
    struct output current, earlier; /* earlier: ended, but sound of it may still come */
    bool is_failing;                /* the last segment could not be opened or written */
    bool is_full;                   /* because the disk is full */
    int failure;                    /* the last error of one */
    bool is_recovered;              /* what a crash left open has been repaired */
    int64_t index_bytes;            /* what the next one's index will take; 0: not yet known */
};

/* Each key frame tries again: the first failure of a row is the one to tell. */
static void fail(struct writer *writer, const char *path, const struct rtsprec_error *error)
{
    struct rtsprec_camera *camera = writer->camera;
    struct rtsprec_error whole;
    error_set(&whole, error->code, "%s%s%s", path ? path : "", path ? ": " : "", error->text);
    dispatcher_log(camera->dispatcher, RTSPREC_LOG_DEBUG, camera->options.name, "%s", whole.text);
    writer->is_failing = true;
    writer->is_full = error->code == RTSPREC_ERROR_NO_SPACE;
    writer->failure = error->code;
    camera_set_storage(camera, &whole);
}

static void post_segment(struct writer *writer, enum rtsprec_event_type type,
                         const struct rtsprec_event_segment *details)
{
    struct rtsprec_event event = {
        .type = type,
        .camera = writer->camera->options.name,
        .u.segment = *details,
    };
    dispatcher_post(writer->camera->dispatcher, &event);
}

/* What a file could not take is missing; all of it while a repair has still to finish the file. */
static void note_failure(struct writer *writer, const struct output *output,
                         const struct segment_summary *summary, bool is_closed)
{
    int64_t duration_us = is_closed ? summary->duration_us : 0;
    camera_note_lost(writer->camera, writer->failure, output->start_wall_us + duration_us);
    if (output == &writer->earlier && writer->current.segment)
        camera_note_recorded(writer->camera, writer->current.start_wall_us);
}

/* A whole segment's index tells what the next one's needs; a quarter more for what varies. */
static void learn_index_bytes(struct writer *writer, const struct segment_summary *summary)
{
    int64_t duration_us = writer->camera->options.segment_duration_us;
    if (summary->index_bytes > 0 && summary->duration_us > duration_us / 2)
        writer->index_bytes =
            av_rescale(summary->index_bytes, duration_us, summary->duration_us) * 5 / 4;
}

static void close_output(struct writer *writer, struct output *output,
                         enum rtsprec_segment_reason reason)
{
    if (!output->segment)
        return;
    struct rtsprec_error error;
    struct segment_summary summary;
    enum segment_end end;
    const char *path = output->file.part_path;
    if (segment_close(&output->segment, &summary, &end, &error) < 0) {
        fail(writer, path, &error);
        reason = RTSPREC_SEGMENT_FAILED;
    }
    keeper_count_closed(writer->camera->keeper, output->bytes);
    learn_index_bytes(writer, &summary);
    if (end == SEGMENT_EMPTY) {
        segment_file_discard(&output->file);
    } else if (end == SEGMENT_COMPLETE) {
        if (segment_file_publish(&output->file, &error) < 0) {
            fail(writer, NULL, &error);
            reason = RTSPREC_SEGMENT_FAILED;
        } else {
            path = output->file.final_path;
            count(&writer->camera->counters.segments, 1);
            keeper_tell_segment(writer->camera->keeper, path, reason);
        }
    }
    if (reason == RTSPREC_SEGMENT_FAILED)
        note_failure(writer, output, &summary, path == output->file.final_path);
    post_segment(writer, RTSPREC_EVENT_SEGMENT_CLOSED,
                 &(struct rtsprec_event_segment){
                     .path = path,
                     .start_us = output->start_wall_us,
                     .end_us = output->start_wall_us + summary.duration_us,
                     .bytes = end == SEGMENT_EMPTY ? 0 : summary.bytes,
                     .frames = end == SEGMENT_EMPTY ? 0 : summary.frames,
                     .reason = reason,
                 });
    segment_file_uninit(&output->file);
}

static void close_earlier(struct writer *writer)
{
    close_output(writer, &writer->earlier, RTSPREC_SEGMENT_ROTATED);
    splitter_close_earlier(&writer->splitter);
}

static void close_all(struct writer *writer, enum rtsprec_segment_reason reason)
{
    close_earlier(writer);
    if (writer->current.segment)
        camera_set_segment(writer->camera, "");
    close_output(writer, &writer->current, reason);
    splitter_reset(&writer->splitter);
}

static void tell_recovered(void *user, const struct rtsprec_archive_file *file)
{
    struct rtsprec_camera *camera = user;
    bool is_good = file->verdict == RTSPREC_ARCHIVE_REPAIRED;
    dispatcher_log(camera->dispatcher, is_good ? RTSPREC_LOG_INFO : RTSPREC_LOG_WARNING,
                   camera->options.name, "%s after a crash: %s (%s)",
                   is_good                                    ? "Repaired"
                   : file->verdict == RTSPREC_ARCHIVE_DAMAGED ? "Nothing could be saved"
                                                              : "Could not be repaired",
                   file->path, file->text);
    if (is_good)
        keeper_tell_segment(camera->keeper, file->path, RTSPREC_SEGMENT_UNKNOWN);
}

static bool recover_one(void *user, const char *path)
{
    struct rtsprec_camera *camera = user;
    recover_part(path, tell_recovered, camera);
    return true;
}

/* Whether the right disk is there. The first time that it is, what a crash left open is repaired.
 */
static int prepare_archive(struct writer *writer, struct rtsprec_error *error)
{
    struct rtsprec_camera *camera = writer->camera;
    int err = archive_root_check(camera->archive, error);
    if (err < 0 || writer->is_recovered)
        return err;
    writer->is_recovered = true;
    char *directory = NULL;
    if (asprintf(&directory, "%s/%s", camera->options.output_directory, camera->options.name) < 0)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    if ((err = part_files_of_camera(directory, RECOVERED_DAYS, recover_one, camera)) < 0) {
        error_set_errno(error, RTSPREC_ERROR_IO, -err, "%s: cannot be searched for files to repair",
                        directory);
        dispatcher_log(camera->dispatcher, RTSPREC_LOG_WARNING, camera->options.name, "%s",
                       error->text);
    }
    free(directory);
    return 0;
}

static int open_output(struct writer *writer, const struct queue_item *item,
                       struct rtsprec_error *error)
{
    const struct camera_options *options = &writer->camera->options;
    struct output output = {.start_wall_us = item->wall_us, .file.fd = -1};
    struct layout layout = {
        .directory = options->output_directory,
        .camera = options->name,
        .extension = container_extension(options->container),
    };
    int err;
    keeper_make_room(writer->camera->keeper);
    if (writer->is_full && disk_free_bytes(options->output_directory) < LEAST_FREE_BYTES) {
        err = error_set(error, RTSPREC_ERROR_NO_SPACE, "%s: still no space left",
                        options->output_directory);
        goto failed;
    }
    if ((err = prepare_archive(writer, error)) < 0)
        goto failed;
    if ((err = segment_file_create(&output.file, &layout, item->wall_us, error)) < 0)
        goto failed;
    bool is_synced = options->sync_interval_us != RTSPREC_SYNC_NEVER;
    struct segment_options segment_options = {
        .fd = output.file.fd,
        .container = options->container,
        .stream = writer->stream,
        .start_pts = item->packet->pts,
        .start_wall_us = item->wall_us,
        .duration_us = options->segment_duration_us,
        .fragment_us = options->fragment_duration_us,
        .index_bytes = writer->index_bytes,
        .durable = is_synced ? writer->camera->durable : NULL,
        .sync_interval_us = options->sync_interval_us,
    };
    if ((err = segment_open(&output.segment, &segment_options, error)) < 0) {
        segment_file_discard(&output.file);
        goto failed;
    }
    output.file.fd = -1; /* the segment's now */
    writer->current = output;
    return 0;
failed:
    segment_file_uninit(&output.file);
    return err;
}

/* A segment begins with the item's key frame; false when none could be opened. */
static bool cut(struct writer *writer, const struct queue_item *item)
{
    close_output(writer, &writer->earlier, RTSPREC_SEGMENT_ROTATED);
    writer->earlier = writer->current;
    writer->current = (struct output){0};
    struct rtsprec_error error;
    /* Of the video nothing comes late: what there is of it is not to wait in memory for sound. */
    if (writer->stream->track_count == 1 ||
        (writer->earlier.segment && segment_flush(writer->earlier.segment, &error) < 0))
        close_earlier(writer);
    if (open_output(writer, item, &error) < 0) {
        fail(writer, NULL, &error);
        close_all(writer, RTSPREC_SEGMENT_FAILED);
        camera_note_lost(writer->camera, error.code, item->wall_us);
        return false;
    }
    writer->is_failing = writer->is_full = false;
    camera_note_recorded(writer->camera, item->wall_us);
    camera_set_storage(writer->camera, NULL);
    camera_set_segment(writer->camera, writer->current.file.part_path);
    post_segment(writer, RTSPREC_EVENT_SEGMENT_OPENED,
                 &(struct rtsprec_event_segment){
                     .path = writer->current.file.part_path,
                     .start_us = item->wall_us,
                 });
    return true;
}

static void write_to(struct writer *writer, struct output *output, struct queue_item *item)
{
    struct camera_counters *counters = &writer->camera->counters;
    struct rtsprec_error error;
    int64_t bytes = item->packet->size;
    bool is_video = item->packet->stream_index == 0;
    if (segment_write(output->segment, item->packet, &error) < 0) {
        count(&counters->failed_packets, 1);
        fail(writer, output->file.part_path, &error);
        close_all(writer, RTSPREC_SEGMENT_FAILED);
        return;
    }
    count(&counters->written_bytes, bytes);
    output->bytes += bytes;
    keeper_count_written(writer->camera->keeper, bytes);
    count(&counters->written_frames, is_video);
}

static void take_packet(void *user, struct queue_item *item)
{
    struct writer *writer = user;
    const AVPacket *packet = item->packet;
    const struct track *track = &writer->stream->tracks[packet->stream_index];
    struct split_packet split = {
        .is_video = packet->stream_index == 0,
        .is_key = packet->flags & AV_PKT_FLAG_KEY,
        .pts_us = av_rescale_q(packet->pts, track->time_base, (AVRational){1, US_PER_SECOND}),
        .wall_us = item->wall_us,
    };
    if (split.is_video && split.is_key)
        split.utc_offset_us = clock_utc_offset_us(item->wall_us);
    /* When sound is past the cut or long overdue, nothing more comes for the earlier segment. */
    if (writer->earlier.segment &&
        split.pts_us > writer->splitter.start_us + (split.is_video ? LATE_US : 0))
        close_earlier(writer);

    switch (splitter_decide(&writer->splitter, &split)) {
    case SPLIT_CUT:
        if (cut(writer, item))
            write_to(writer, &writer->current, item);
        else
            count(&writer->camera->counters.failed_packets, 1);
        break;
    case SPLIT_CURRENT:
        write_to(writer, &writer->current, item);
        break;
    case SPLIT_EARLIER:
        write_to(writer, &writer->earlier, item);
        break;
    case SPLIT_DROP:
        /* Before the first key frame nothing is lost that could be shown; what comes later is. */
        count(&writer->camera->counters.failed_packets,
              writer->is_failing || writer->splitter.has_current);
        break;
    }
}

static void begin_stream(void *user, struct stream *stream)
{
    struct writer *writer = user;
    close_all(writer, RTSPREC_SEGMENT_PARAMETERS);
    stream_unref(&writer->stream);
    writer->stream = stream_ref(stream);
}

/* What may wait without delaying a write, or the encoder. */
static struct queue_patience patience(const struct writer *writer)
{
    struct queue_patience patience = {0};
    if (transcoder_is_encoding(writer->camera->transcoder))
        return patience;
    if (writer->current.segment && !writer->earlier.segment)
        segment_fragment_end(writer->current.segment, &patience.media_us, &patience.bytes);
    return patience;
}

void *writer_run(void *argument)
{
    struct rtsprec_camera *camera = argument;
    struct writer writer = {.camera = camera};
    struct rtsprec_error error;
    splitter_init(&writer.splitter, camera->options.segment_duration_us);
    transcoder_open(camera->transcoder,
                    &(struct transcoder_sink){begin_stream, take_packet, &writer});
    if (prepare_archive(&writer, &error) < 0)
        fail(&writer, NULL, &error);

    struct queue_item item;
    for (;;) {
        struct queue_patience while_gathering = patience(&writer);
        if (!packet_queue_pop(&camera->queue, &while_gathering, &item))
            break;
        switch (item.kind) {
        case QUEUE_STREAM:
            transcoder_begin(camera->transcoder, item.stream);
            break;
        case QUEUE_END:
            transcoder_flush(camera->transcoder);
            close_all(&writer, item.reason);
            break;
        case QUEUE_PACKET:
            transcoder_take(camera->transcoder, &item);
            break;
        }
        queue_item_uninit(&item);
    }
    transcoder_close(camera->transcoder);
    close_all(&writer, RTSPREC_SEGMENT_STOPPED);
    stream_unref(&writer.stream);
    camera_set_state(camera, RTSPREC_CAMERA_STOPPED, NULL, 0);
    return NULL;
}
