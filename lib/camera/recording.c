#include "camera/recording.h"

#include <stdio.h>
#include <stdlib.h>

#include <libavutil/mathematics.h>

#include "archive/part_files.h"
#include "archive/root.h"
#include "base/clock.h"
#include "base/disk.h"
#include "base/error.h"
#include "camera/camera.h"
#include "camera/recover.h"
#include "segment/container.h"

/* On a full disk a segment is begun again when there is room for more than its beginning. */
#define LEAST_FREE_BYTES (2 * 1024 * 1024)

/* A crash leaves its file in the newest day's directory; each start repairs, so older ones have
 * none. */
#define RECOVERED_DAYS 8

/* How long a closed segment waits for sound that belongs to it: more than any camera's A/V skew. */
#define LATE_US US_PER_SECOND

/* Each key frame tries again: the first failure of a row is the one to tell. */
static void fail(struct recording *recording, const char *path, const struct rtsprec_error *error)
{
    struct rtsprec_camera *camera = recording->camera;
    struct rtsprec_error whole;
    error_set(&whole, error->code, "%s%s%s", path ? path : "", path ? ": " : "", error->text);
    dispatcher_log(camera->dispatcher, RTSPREC_LOG_DEBUG, camera->options.name, "%s", whole.text);
    recording->is_failing = true;
    recording->is_full = error->code == RTSPREC_ERROR_NO_SPACE;
    recording->failure = error->code;
    camera_set_storage(camera, recording->place, &whole);
}

/* In the camera's statistics, where they are of this archive. */
static void count_here(const struct recording *recording, _Atomic int64_t *counter, int64_t value)
{
    if (recording->place->is_counted)
        count(counter, value);
}

/* For the snapshot: the file that is being written ("": none). */
static void show_segment(const struct recording *recording, const char *path)
{
    if (recording->place->is_counted)
        camera_set_segment(recording->camera, path);
}

static void post_segment(struct recording *recording, enum rtsprec_event_type type,
                         const struct rtsprec_event_segment *details)
{
    struct rtsprec_event event = {
        .type = type,
        .camera = recording->camera->options.name,
        .u.segment = *details,
    };
    dispatcher_post(recording->camera->dispatcher, &event);
}

/* What a file could not take is missing; all of it while a repair has still to finish the file. */
static void note_failure(struct recording *recording, const struct output *output,
                         const struct segment_summary *summary, bool is_closed)
{
    int64_t duration_us = is_closed ? summary->duration_us : 0;
    place_note_lost(recording->place, recording->failure, output->start_wall_us + duration_us);
    if (output == &recording->earlier && recording->current.segment)
        place_note_recorded(recording->place, recording->current.start_wall_us);
}

/* A whole segment's index tells what the next one's needs; a quarter more for what varies. */
static void learn_index_bytes(struct recording *recording, const struct segment_summary *summary)
{
    int64_t duration_us = recording->camera->options.segment_duration_us;
    if (summary->index_bytes > 0 && summary->duration_us > duration_us / 2)
        recording->index_bytes =
            av_rescale(summary->index_bytes, duration_us, summary->duration_us) * 5 / 4;
}

static void close_output(struct recording *recording, struct output *output,
                         enum rtsprec_segment_reason reason)
{
    if (!output->segment)
        return;
    struct rtsprec_error error;
    struct segment_summary summary;
    enum segment_end end;
    const char *path = output->file.part_path;
    if (segment_close(&output->segment, &summary, &end, &error) < 0) {
        fail(recording, path, &error);
        reason = RTSPREC_SEGMENT_FAILED;
    }
    keeper_count_closed(recording->place->keeper, output->bytes);
    learn_index_bytes(recording, &summary);
    if (end == SEGMENT_EMPTY) {
        segment_file_discard(&output->file);
    } else if (end == SEGMENT_COMPLETE) {
        if (segment_file_publish(&output->file, &error) < 0) {
            fail(recording, NULL, &error);
            reason = RTSPREC_SEGMENT_FAILED;
        } else {
            path = output->file.final_path;
            count_here(recording, &recording->camera->counters.segments, 1);
            keeper_tell_segment(recording->place->keeper, path, reason);
        }
    }
    if (reason == RTSPREC_SEGMENT_FAILED)
        note_failure(recording, output, &summary, path == output->file.final_path);
    post_segment(recording, RTSPREC_EVENT_SEGMENT_CLOSED,
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

static void close_earlier(struct recording *recording)
{
    close_output(recording, &recording->earlier, RTSPREC_SEGMENT_ROTATED);
    splitter_close_earlier(&recording->splitter);
}

void recording_lose(struct recording *recording, enum rtsprec_coverage_reason reason,
                    int64_t from_us)
{
    place_note_missing(recording->place, reason, from_us);
}

void recording_leave_out(struct recording *recording, enum rtsprec_coverage_reason reason,
                         int64_t start_us, int64_t end_us)
{
    place_note_hole(recording->place, reason, start_us, end_us);
}

void recording_end(struct recording *recording, enum rtsprec_segment_reason reason)
{
    close_earlier(recording);
    if (recording->current.segment)
        show_segment(recording, "");
    close_output(recording, &recording->current, reason);
    splitter_reset(&recording->splitter);
}

static void tell_recovered(void *user, const struct rtsprec_archive_file *file)
{
    const struct place *place = user;
    recover_log(place->camera->dispatcher, place->camera->options.name, file);
    if (file->verdict == RTSPREC_ARCHIVE_REPAIRED)
        keeper_tell_segment(place->keeper, file->path, RTSPREC_SEGMENT_UNKNOWN);
}

static bool recover_one(void *user, const char *path)
{
    const struct place *place = user;
    return recover_part(path, &place->camera->cancel.stopped, tell_recovered, user);
}

/* Whether the right disk is there. The first time that it is, what a crash left open is repaired.
 */
static int prepare_archive(struct recording *recording, struct rtsprec_error *error)
{
    struct place *place = recording->place;
    const struct rtsprec_camera *camera = recording->camera;
    int err = archive_root_check(place->archive, error);
    if (err < 0 || recording->is_recovered)
        return err;
    recording->is_recovered = true;
    char *directory = NULL;
    if (asprintf(&directory, "%s/%s", place->directory, camera->options.name) < 0)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    if ((err = part_files_of_camera(directory, RECOVERED_DAYS, recover_one, place)) < 0) {
        error_set_errno(error, RTSPREC_ERROR_IO, -err, "%s: cannot be searched for files to repair",
                        directory);
        dispatcher_log(camera->dispatcher, RTSPREC_LOG_WARNING, camera->options.name, "%s",
                       error->text);
    }
    free(directory);
    return 0;
}

static int open_output(struct recording *recording, const struct queue_item *item,
                       struct rtsprec_error *error)
{
    const struct camera_options *options = &recording->camera->options;
    struct place *place = recording->place;
    struct output output = {.start_wall_us = item->wall_us, .file.fd = -1};
    struct layout layout = {
        .directory = place->directory,
        .camera = options->name,
        .extension = container_extension(recording->container),
    };
    int err;
    keeper_make_room(place->keeper);
    if (recording->is_full && disk_free_bytes(place->directory) < LEAST_FREE_BYTES) {
        err = error_set(error, RTSPREC_ERROR_NO_SPACE, "%s: still no space left", place->directory);
        goto failed;
    }
    if ((err = prepare_archive(recording, error)) < 0)
        goto failed;
    if ((err = segment_file_create(&output.file, &layout, item->wall_us, error)) < 0)
        goto failed;
    bool is_synced = options->sync_interval_us != RTSPREC_SYNC_NEVER;
    struct segment_options segment_options = {
        .fd = output.file.fd,
        .container = recording->container,
        .stream = recording->stream,
        .start_pts = item->packet->pts,
        .start_wall_us = item->wall_us,
        .duration_us = options->segment_duration_us,
        .fragment_us = options->fragment_duration_us,
        .index_bytes = recording->index_bytes,
        .durable = is_synced ? recording->camera->durable : NULL,
        .sync_interval_us = options->sync_interval_us,
    };
    struct rtsprec_error cause;
    if ((err = segment_open(&output.segment, &segment_options, &cause)) < 0) {
        error_set(error, err, "%s: %s", output.file.part_path, cause.text);
        segment_file_discard(&output.file);
        goto failed;
    }
    output.file.fd = -1; /* the segment's now */
    recording->current = output;
    return 0;
failed:
    segment_file_uninit(&output.file);
    return err;
}

/* A segment begins with the item's key frame; false when none could be opened. */
static bool cut(struct recording *recording, const struct queue_item *item)
{
    close_output(recording, &recording->earlier, RTSPREC_SEGMENT_ROTATED);
    recording->earlier = recording->current;
    recording->follows = recording->earlier.segment != NULL;
    recording->current = (struct output){0};
    struct rtsprec_error error;
    /* Of the video nothing comes late: what there is of it is not to wait in memory for sound. */
    if (recording->stream->track_count == 1 ||
        (recording->earlier.segment && segment_flush(recording->earlier.segment, &error) < 0))
        close_earlier(recording);
    if (open_output(recording, item, &error) < 0) {
        fail(recording, NULL, &error);
        recording_end(recording, RTSPREC_SEGMENT_FAILED);
        place_note_lost(recording->place, error.code, item->wall_us);
        return false;
    }
    recording->is_failing = recording->is_full = false;
    place_note_recorded(recording->place, item->wall_us);
    camera_set_storage(recording->camera, recording->place, NULL);
    show_segment(recording, recording->current.file.part_path);
    post_segment(recording, RTSPREC_EVENT_SEGMENT_OPENED,
                 &(struct rtsprec_event_segment){
                     .path = recording->current.file.part_path,
                     .start_us = item->wall_us,
                 });
    return true;
}

static void write_to(struct recording *recording, struct output *output, struct queue_item *item)
{
    struct camera_counters *counters = &recording->camera->counters;
    struct rtsprec_error error;
    int64_t bytes = item->packet->size;
    bool is_video = item->packet->stream_index == 0;
    if (segment_write(output->segment, item->packet, &error) < 0) {
        count_here(recording, &counters->failed_packets, 1);
        fail(recording, output->file.part_path, &error);
        recording_end(recording, RTSPREC_SEGMENT_FAILED);
        return;
    }
    count_here(recording, &counters->written_bytes, bytes);
    output->bytes += bytes;
    keeper_count_written(recording->place->keeper, bytes);
    count_here(recording, &counters->written_frames, is_video);
}

void recording_take(struct recording *recording, struct queue_item *item)
{
    const AVPacket *packet = item->packet;
    const struct track *track = &recording->stream->tracks[packet->stream_index];
    struct split_packet split = {
        .is_video = packet->stream_index == 0,
        .is_key = packet->flags & AV_PKT_FLAG_KEY,
        .pts_us = av_rescale_q(packet->pts, track->time_base, (AVRational){1, US_PER_SECOND}),
        .wall_us = item->wall_us,
    };
    if (split.is_video && split.is_key)
        split.utc_offset_us = clock_utc_offset_us(item->wall_us);
    /* When sound is past the cut or long overdue, nothing more comes for the earlier segment. */
    if (recording->earlier.segment &&
        split.pts_us > recording->splitter.start_us + (split.is_video ? LATE_US : 0))
        close_earlier(recording);

    switch (splitter_decide(&recording->splitter, &split)) {
    case SPLIT_CUT:
        if (cut(recording, item))
            write_to(recording, &recording->current, item);
        else
            count_here(recording, &recording->camera->counters.failed_packets, 1);
        break;
    case SPLIT_CURRENT:
        write_to(recording, &recording->current, item);
        break;
    case SPLIT_EARLIER:
        write_to(recording, &recording->earlier, item);
        break;
    case SPLIT_DROP:
        /* Before the first key frame nothing is lost that could be shown, although encoded sound of
         * that time comes after it; what is later is. */
        count_here(recording, &recording->camera->counters.failed_packets,
                   recording->is_failing ||
                       (recording->splitter.has_current && recording->follows));
        break;
    }
}

void recording_init(struct recording *recording, struct place *place)
{
    const struct rtsprec_camera *camera = place->camera;
    struct rtsprec_error error;
    *recording = (struct recording){.camera = place->camera, .place = place};
    splitter_init(&recording->splitter, camera->options.segment_duration_us);
    if (prepare_archive(recording, &error) < 0)
        fail(recording, NULL, &error);
}

void recording_uninit(struct recording *recording)
{
    recording_end(recording, RTSPREC_SEGMENT_STOPPED);
    stream_unref(&recording->stream);
}

void recording_begin(struct recording *recording, struct stream *stream,
                     enum rtsprec_container container)
{
    recording_end(recording, RTSPREC_SEGMENT_PARAMETERS);
    stream_unref(&recording->stream);
    recording->stream = stream_ref(stream);
    recording->container = container;
}

struct queue_patience recording_patience(const struct recording *recording)
{
    struct queue_patience patience = {0};
    if (recording->current.segment && !recording->earlier.segment)
        segment_fragment_end(recording->current.segment, &patience.media_us, &patience.bytes);
    return patience;
}
