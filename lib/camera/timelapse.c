#include "camera/timelapse.h"

#include <stdio.h>
#include <stdlib.h>

#include "archive/part_files.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/thread.h"
#include "camera/recover.h"
#include "ingest/parameters.h"
#include "segment/container.h"

/* What a frame takes of the index: 4 bytes for its size and up to 8 for its place; in an mkv 24. */
#define MP4_INDEX_BYTES_PER_FRAME 12
#define MKV_INDEX_BYTES_PER_FRAME 24
#define INDEX_BYTES_BESIDES       4096

/* The longest day: when clocks are set back. */
#define LONGEST_DAY_US (25 * 3600 * US_PER_SECOND)

/* The first failure of a row is the one to tell. */
static void fail(struct timelapse *timelapse, const char *path, const struct rtsprec_error *error)
{
    dispatcher_log(timelapse->options.dispatcher,
                   timelapse->is_failing ? RTSPREC_LOG_DEBUG : RTSPREC_LOG_WARNING,
                   timelapse->options.camera, "The timelapse cannot be written: %s%s%s",
                   path ? path : "", path ? ": " : "", error->text);
    timelapse->is_failing = true;
}

static void end_failure(struct timelapse *timelapse)
{
    if (timelapse->is_failing)
        dispatcher_log(timelapse->options.dispatcher, RTSPREC_LOG_INFO, timelapse->options.camera,
                       "The timelapse is written again");
    timelapse->is_failing = false;
}

static void tell_recovered(void *user, const struct rtsprec_archive_file *file)
{
    const struct timelapse *timelapse = user;
    recover_log(timelapse->options.dispatcher, timelapse->options.camera, file);
}

static bool recover_one(void *user, const char *path)
{
    struct timelapse *timelapse = user;
    timelapse->is_stopped = !recover_part(path, timelapse->options.stop, tell_recovered, timelapse);
    return !timelapse->is_stopped;
}

/* Of the camera; to be freed. NULL: no memory. */
static char *directory_of(const struct timelapse_options *options)
{
    char *directory = NULL;
    return asprintf(&directory, "%s/%s", options->directory, options->camera) < 0 ? NULL
                                                                                  : directory;
}

static void *recover(void *user)
{
    struct timelapse *timelapse = user;
    char *directory = directory_of(&timelapse->options);
    if (directory)
        part_files_of_timelapses(directory, recover_one, timelapse);
    free(directory);
    atomic_store(&timelapse->is_recovered, !timelapse->is_stopped);
    return NULL;
}

static bool note_one(void *user, const char *path)
{
    bool *is_there = user;
    (void)path;
    *is_there = true;
    return false;
}

/* If the right disk is there. */
static int begin_recovery(struct timelapse *timelapse, struct rtsprec_error *error)
{
    bool is_needed = false;
    int err = archive_root_check(timelapse->options.archive, error);
    if (err < 0)
        return err;
    char *directory = directory_of(&timelapse->options);
    if (!directory)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    if ((err = part_files_of_timelapses(directory, note_one, &is_needed)) < 0)
        err = error_set_errno(error, RTSPREC_ERROR_IO, -err,
                              "%s: cannot be searched for files to repair", directory);
    else if (!is_needed)
        atomic_store(&timelapse->is_recovered, true);
    else if ((err = thread_start(&timelapse->thread, recover, timelapse, "rtsprec-lapse")) < 0)
        error_set(error, err, "no thread could be created");
    timelapse->has_thread = err == 0 && is_needed;
    free(directory);
    return err;
}

static bool is_recovered(struct timelapse *timelapse)
{
    struct rtsprec_error error;
    if (!timelapse->has_thread && !atomic_load(&timelapse->is_recovered) &&
        begin_recovery(timelapse, &error) < 0)
        fail(timelapse, NULL, &error);
    return atomic_load(&timelapse->is_recovered);
}

static void close_file(struct timelapse *timelapse)
{
    if (!timelapse->segment)
        return;
    struct rtsprec_error error;
    struct segment_summary summary;
    enum segment_end end;
    if (segment_close(&timelapse->segment, &summary, &end, &error) < 0)
        fail(timelapse, timelapse->file.part_path, &error);
    if (end == SEGMENT_EMPTY)
        segment_file_discard(&timelapse->file);
    else if (end == SEGMENT_COMPLETE && segment_file_publish(&timelapse->file, &error) < 0)
        fail(timelapse, NULL, &error);
    else if (end == SEGMENT_COMPLETE)
        dispatcher_log(timelapse->options.dispatcher, RTSPREC_LOG_INFO, timelapse->options.camera,
                       "Timelapse of %lld frames: %s", (long long)summary.frames,
                       timelapse->file.final_path);
    segment_file_uninit(&timelapse->file);
    stream_unref(&timelapse->track);
}

/* The video alone, in ticks of one frame. */
static int make_track(struct timelapse *timelapse, struct rtsprec_error *error)
{
    int err = RTSPREC_ERROR_NO_MEMORY;
    timelapse->track = stream_create();
    if (timelapse->track)
        err = stream_add_track(timelapse->track, timelapse->stream->tracks[0].parameters,
                               (AVRational){1, timelapse->options.fps}, 0);
    return err < 0 ? error_set(error, err, "out of memory") : 0;
}

/* That may come until midnight. */
static int64_t frames_left(const struct timelapse *timelapse)
{
    const struct tm *day = &timelapse->day;
    int64_t passed_us = (day->tm_hour * 3600 + day->tm_min * 60) * US_PER_SECOND;
    return (LONGEST_DAY_US - passed_us) / timelapse->options.every_us + 1;
}

/* The day's file goes on. Returns 0, 1 when there is none that can, or what went wrong with it. */
static int reopen_file(struct timelapse *timelapse, const struct layout *layout, int64_t wall_us,
                       struct segment_options *options, struct rtsprec_error *error)
{
    int err = segment_file_open_latest(&timelapse->file, layout, wall_us, error);
    if (err == 0) {
        options->fd = timelapse->file.fd;
        err = segment_reopen(&timelapse->segment, options, &timelapse->frames, error);
    }
    if (err < 0) {
        segment_file_uninit(&timelapse->file);
        timelapse->frames = 0;
        return 1;
    }
    timelapse->file.fd = -1; /* the segment's now */
    err = segment_file_unpublish(&timelapse->file, error);
    if (err == 0)
        err = segment_unseal(timelapse->segment, error);
    if (err < 0)
        close_file(timelapse);
    return err;
}

static int open_file(struct timelapse *timelapse, int64_t wall_us, struct rtsprec_error *error)
{
    const struct timelapse_options *options = &timelapse->options;
    struct layout layout = {
        .directory = options->directory,
        .camera = options->camera,
        .extension = container_extension(options->container),
        .is_timelapse = true,
    };
    timelapse->file = (struct segment_file){.fd = -1};
    timelapse->day = clock_local_time(wall_us);
    timelapse->frames = 0;
    bool is_mkv = options->container == RTSPREC_CONTAINER_MKV;
    int64_t frames = frames_left(timelapse);
    int err = archive_root_check(options->archive, error);
    if (err == 0)
        err = make_track(timelapse, error);
    struct segment_options segment_options = {
        .container = options->container,
        .stream = timelapse->track,
        .start_wall_us = wall_us,
        .duration_us = frames * US_PER_SECOND / options->fps,
        .fragment_us = US_PER_SECOND / options->fps, /* each frame is flushed */
        .index_bytes = INDEX_BYTES_BESIDES +
                       frames * (is_mkv ? MKV_INDEX_BYTES_PER_FRAME : MP4_INDEX_BYTES_PER_FRAME),
        .durable = options->durable,
        .sync_interval_us = options->sync_interval_us,
    };
    int reopened =
        err < 0 || is_mkv ? 1 : reopen_file(timelapse, &layout, wall_us, &segment_options, error);
    if (reopened <= 0)
        return reopened;
    if (err == 0)
        err = segment_file_create(&timelapse->file, &layout, wall_us, error);
    if (err == 0) {
        segment_options.fd = timelapse->file.fd;
        err = segment_open(&timelapse->segment, &segment_options, error);
        if (err < 0)
            segment_file_discard(&timelapse->file);
    }
    if (err < 0) {
        segment_file_uninit(&timelapse->file);
        stream_unref(&timelapse->track);
        return err;
    }
    timelapse->file.fd = -1; /* the segment's now */
    return 0;
}

/* Each frame is written out at once: the next one may be hours away. */
static int write_frame(struct timelapse *timelapse, const AVPacket *packet,
                       struct rtsprec_error *error)
{
    AVPacket *copy = av_packet_clone(packet);
    if (!copy)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "out of memory");
    copy->stream_index = 0;
    copy->pts = copy->dts = timelapse->frames;
    copy->duration = 1;
    int err = segment_write(timelapse->segment, copy, error);
    if (err == 0)
        err = segment_flush(timelapse->segment, error);
    timelapse->frames++;
    av_packet_free(&copy);
    return err;
}

static bool is_same_day(const struct tm *a, const struct tm *b)
{
    return a->tm_year == b->tm_year && a->tm_yday == b->tm_yday;
}

static void add_frame(struct timelapse *timelapse, const AVPacket *packet, int64_t wall_us)
{
    struct rtsprec_error error;
    struct tm day = clock_local_time(wall_us);
    if (timelapse->segment && !is_same_day(&day, &timelapse->day))
        close_file(timelapse);
    if (!timelapse->segment && open_file(timelapse, wall_us, &error) < 0) {
        fail(timelapse, NULL, &error);
        return;
    }
    if (write_frame(timelapse, packet, &error) < 0) {
        fail(timelapse, timelapse->file.part_path, &error);
        close_file(timelapse);
        return;
    }
    end_failure(timelapse);
}

void timelapse_take(struct timelapse *timelapse, const AVPacket *packet, int64_t wall_us)
{
    bool is_key = packet->stream_index == 0 && packet->flags & AV_PKT_FLAG_KEY;
    if (timelapse->options.every_us > 0 && is_key && is_recovered(timelapse) &&
        timelapse_pick_take(&timelapse->pick, wall_us, clock_utc_offset_us(wall_us)))
        add_frame(timelapse, packet, wall_us);
}

void timelapse_begin(struct timelapse *timelapse, struct stream *stream)
{
    stream_unref(&timelapse->stream);
    timelapse->stream = stream_ref(stream);
    if (timelapse->segment &&
        !parameters_are_same(timelapse->track->tracks[0].parameters, stream->tracks[0].parameters))
        close_file(timelapse);
}

void timelapse_init(struct timelapse *timelapse, const struct timelapse_options *options)
{
    struct rtsprec_error error;
    *timelapse = (struct timelapse){.options = *options, .file.fd = -1};
    timelapse_pick_init(&timelapse->pick, options->every_us);
    if (begin_recovery(timelapse, &error) < 0 && options->every_us > 0)
        fail(timelapse, NULL, &error);
}

void timelapse_uninit(struct timelapse *timelapse)
{
    if (timelapse->has_thread)
        pthread_join(timelapse->thread, NULL);
    timelapse->has_thread = false;
    close_file(timelapse);
    stream_unref(&timelapse->stream);
}
