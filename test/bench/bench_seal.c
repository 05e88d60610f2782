/*
 * bench_seal CLIP OUT SECONDS: records a clip, round and round, into OUT.part as a camera's writer
 * does, keeps a copy as OUT.torn, seals it as OUT, repairs OUT.torn, and prints what that took as
 * "name value" lines. Used by seal.py.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavformat/avformat.h>
#include <libavutil/mathematics.h>

#include "base/clock.h"
#include "base/disk.h"
#include "segment/mp4_seal.h"
#include "segment/segment.h"

static const AVRational us = {1, US_PER_SECOND};

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "bench_seal: %s: %s\n", what, why);
    exit(1);
}

/* Bytes that this process has handed to write calls. */
static int64_t written_bytes(void)
{
    long long bytes = -1;
    char line[64];
    FILE *file = fopen("/proc/self/io", "re");
    while (file && fgets(line, sizeof(line), file))
        sscanf(line, "wchar: %lld", &bytes);
    if (file)
        fclose(file);
    return bytes;
}

static int64_t size_of(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 ? status.st_size : -1;
}

static void copy_file(const char *from, const char *to)
{
    static char buffer[1 << 20];
    FILE *in = fopen(from, "re"), *out = fopen(to, "we");
    if (!in || !out)
        fail(to, "cannot be copied to");
    for (size_t count; (count = fread(buffer, 1, sizeof(buffer), in)) > 0;)
        if (fwrite(buffer, 1, count, out) != count)
            fail(to, "cannot be written");
    fclose(in);
    if (fsync(fileno(out)) != 0 || fclose(out) != 0)
        fail(to, "cannot be written");
}

static struct stream *stream_of(const AVFormatContext *clip)
{
    struct stream *stream = stream_create();
    for (unsigned i = 0; stream && i < clip->nb_streams; i++) {
        const AVCodecParameters *parameters = clip->streams[i]->codecpar;
        AVRational base = {1, parameters->sample_rate ? parameters->sample_rate : 90000};
        if (stream_add_track(stream, parameters, base, -1) < 0)
            fail("stream", "out of memory");
    }
    return stream;
}

/* Writes the clip as often as fits; returns the bytes of all packets. */
static int64_t record(struct segment *segment, AVFormatContext *clip, const struct stream *stream,
                      int64_t seconds)
{
    struct rtsprec_error error;
    AVPacket *packet = av_packet_alloc();
    int64_t payload = 0;
    for (int64_t at_us = 0; at_us < seconds * US_PER_SECOND; at_us += clip->duration) {
        while (av_read_frame(clip, packet) == 0) {
            int track = packet->stream_index;
            AVRational base = stream->tracks[track].time_base;
            av_packet_rescale_ts(packet, clip->streams[track]->time_base, base);
            if (packet->pts < 0) { /* the encoder's delay: no camera sends it */
                av_packet_unref(packet);
                continue;
            }
            packet->pts += av_rescale_q(at_us, us, base);
            packet->dts += av_rescale_q(at_us, us, base);
            payload += packet->size;
            if (segment_write(segment, packet, &error) < 0)
                fail("writing", error.text);
            av_packet_unref(packet);
        }
        if (av_seek_frame(clip, -1, 0, AVSEEK_FLAG_BACKWARD) < 0)
            fail("clip", "cannot be rewound");
    }
    av_packet_free(&packet);
    return payload;
}

static void repair(const char *path)
{
    struct rtsprec_error error;
    struct mp4_repaired repaired;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    int64_t begin_us = clock_monotonic_us();
    if (fd < 0 || mp4_repair(fd, NULL, &repaired, &error) < 0)
        fail(path, fd < 0 ? "cannot be opened" : error.text);
    printf("repair_us %" PRId64 "\n", clock_monotonic_us() - begin_us);
    close(fd);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        fail("usage", "bench_seal CLIP OUT SECONDS");
    char part[4096], torn[4096];
    snprintf(part, sizeof(part), "%s.part", argv[2]);
    snprintf(torn, sizeof(torn), "%s.torn", argv[2]);
    int64_t seconds = atoll(argv[3]);

    AVFormatContext *clip = NULL;
    if (avformat_open_input(&clip, argv[1], NULL, NULL) < 0 ||
        avformat_find_stream_info(clip, NULL) < 0)
        fail(argv[1], "cannot be read");
    struct stream *stream = stream_of(clip);
    struct rtsprec_error error;
    struct segment *segment;
    struct durable *durable;
    if (durable_create(&durable, &error) < 0)
        fail("group commit", error.text);
    struct segment_options options = {
        .fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644),
        .container = RTSPREC_CONTAINER_MP4,
        .stream = stream,
        .start_wall_us = clock_real_us(),
        .duration_us = seconds * US_PER_SECOND,
        .fragment_us = US_PER_SECOND / 2,
        .durable = durable,
        .sync_interval_us = US_PER_SECOND / 10,
    };
    if (options.fd < 0 || segment_open(&segment, &options, &error) < 0)
        fail(part, options.fd < 0 ? "cannot be created" : error.text);
    int64_t payload = record(segment, clip, stream, seconds);
    copy_file(part, torn);
    usleep(US_PER_SECOND); /* the group commit follows; the last fragment is written by the close */
    if (disk_sync(options.fd) < 0)
        fail(part, "cannot be synced");

    int64_t before = written_bytes(), open_size = size_of(part);
    int64_t begin_us = clock_monotonic_us();
    struct segment_summary summary;
    enum segment_end end;
    if (segment_close(&segment, &summary, &end, &error) < 0 || end != SEGMENT_COMPLETE)
        fail(part, error.text);
    int64_t took_us = clock_monotonic_us() - begin_us;
    int64_t fragment = size_of(part) - open_size;
    printf("seal_us %" PRId64 "\nseal_bytes %" PRId64 "\nlast_fragment_bytes %" PRId64 "\n",
           took_us, written_bytes() - before - fragment, fragment);
    printf("payload_bytes %" PRId64 "\nfile_bytes %" PRId64 "\nindex_bytes %" PRId64 "\n", payload,
           size_of(part), summary.index_bytes);
    printf("frames %" PRId64 "\nduration_us %" PRId64 "\n", summary.frames, summary.duration_us);
    if (rename(part, argv[2]) != 0)
        fail(argv[2], "cannot be renamed to");
    repair(torn);
    durable_destroy(&durable);
    stream_unref(&stream);
    avformat_close_input(&clip);
    return 0;
}
