/*
 * rtspload CLIP CAMERAS burst|wire: serves the clip as rtsp://127.0.0.1:PORT/cam/0 and so on over
 * interleaved TCP, at as little cost as possible: all packets are made before the first connection.
 *
 * "burst" hands a frame to the socket at once; "wire" sends segments of 1448 bytes at 100 Mbit/s,
 * as they come from a camera's network. A camera that gets rid of nothing for a second leaves
 * frames out, up to the next key frame.
 *
 * Writes "port N", and "round frames F bytes B us T", the clip's length, first. Then a line on
 * stdin is answered with lines on stdout: status  "playing P frames F bytes B dropped D", over all
 * cameras counts  "camera I frames F dropped D connections C" for each camera, then "end" pause
 * begins no frame any more; "paused" Ends when stdin does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../camera/clock.h"
#include "load_client.h"

/* Longer waits are rounded up to it, as frames that go out together cost fewer wake-ups. */
enum { GATHER_BURST_US = 1000, GATHER_WIRE_US = 60 };

/* Of Ethernet; with a TCP header of 12 bytes of options 1448 are left. */
enum { WIRE_SEGMENT_BYTES = 1460 };

enum { MAX_EVENTS = 256, EXIT_USAGE = 64 };

struct load {
    struct load_house house;
    int epoll_fd, listen_fd;
    struct load_client **clients; /* NULL: the slot is free */
    int64_t *due_us;              /* by slot, apart from the clients: it is read all the time */
    int slots;
    char command[256];
    size_t command_size;
};

/* What an event of the epoll belongs to besides a client's slot. */
enum { EVENT_STDIN = -1, EVENT_LISTEN = -2 };

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "rtspload: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(struct load *load, int fd, uint32_t events, int event)
{
    struct epoll_event wanted = {.events = events, .data.fd = event};

    if (epoll_ctl(load->epoll_fd, EPOLL_CTL_ADD, fd, &wanted) < 0)
        fail("epoll");
}

static void start_listening(struct load *load)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int segment = WIRE_SEGMENT_BYTES;

    load->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (load->listen_fd < 0 ||
        (load->house.is_wire &&
         setsockopt(load->listen_fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof(segment)) < 0) ||
        bind(load->listen_fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
        listen(load->listen_fd, 1024) < 0 ||
        getsockname(load->listen_fd, (struct sockaddr *)&address, &length) < 0)
        fail("listening");
    printf("port %d\n", ntohs(address.sin_port));
}

static void print_round(const struct load_stream *stream)
{
    int64_t bytes = 0;

    for (int i = 0; i < stream->frame_count; i++)
        bytes += stream->frames[i].video_bytes;
    printf("round frames %d bytes %" PRId64 " us %" PRId64 "\n", stream->frame_count, bytes,
           stream->duration_us);
}

static void close_client(struct load *load, int slot)
{
    load_client_destroy(&load->clients[slot]);
    load->due_us[slot] = INT64_MAX;
}

static void accept_clients(struct load *load)
{
    int fd, one = 1;

    while ((fd = accept4(load->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        int slot = 0;
        while (slot < load->slots && load->clients[slot] != NULL)
            slot++;
        if (slot == load->slots) {
            close(fd);
            continue;
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        if ((load->clients[slot] = load_client_create(&load->house, fd)) == NULL)
            fail("a client");
        watch(load, fd, EPOLLIN | EPOLLOUT | EPOLLET, slot);
    }
}

static void print_status(const struct load *load)
{
    const struct load_house *house = &load->house;
    int64_t frames = 0, bytes = 0, dropped = 0;
    int sending = 0;

    for (int slot = 0; slot < load->slots; slot++)
        sending += load->clients[slot] != NULL && load_client_is_sending(load->clients[slot]);

    for (int i = 0; i < house->camera_count; i++) {
        frames += house->cameras[i].frames;
        bytes += house->cameras[i].video_bytes;
        dropped += house->cameras[i].dropped;
    }
    printf("playing %d sending %d frames %" PRId64 " bytes %" PRId64 " dropped %" PRId64 "\n",
           house->playing, sending, frames, bytes, dropped);
}

static void run_command(struct load *load, const char *command)
{
    struct load_house *house = &load->house;

    if (strcmp(command, "status") == 0) {
        print_status(load);
    } else if (strcmp(command, "pause") == 0) {
        house->is_paused = 1;
        printf("paused\n");
    } else if (strcmp(command, "counts") == 0) {
        for (int i = 0; i < house->camera_count; i++)
            printf("camera %d frames %" PRId64 " dropped %" PRId64 " connections %d\n", i,
                   house->cameras[i].frames, house->cameras[i].dropped,
                   house->cameras[i].connections);
        printf("end\n");
    } else {
        printf("unknown command\n");
    }
    fflush(stdout);
}

/* Returns -1 at the end of stdin. */
static int read_commands(struct load *load)
{
    ssize_t size = read(STDIN_FILENO, load->command + load->command_size,
                        sizeof(load->command) - 1 - load->command_size);
    char *line = load->command, *end;

    if (size <= 0)
        return -1;
    load->command_size += (size_t)size;
    load->command[load->command_size] = '\0';
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        run_command(load, line);
    }
    load->command_size = strlen(line);
    memmove(load->command, line, load->command_size);
    return 0;
}

/* Sends what is due; returns when the next piece is. */
static int64_t send_due(struct load *load)
{
    int64_t now_us = clock_monotonic_us(), next_us = INT64_MAX;

    for (int slot = 0; slot < load->slots; slot++) {
        if (load->due_us[slot] <= now_us &&
            load_client_send(load->clients[slot], now_us, &load->due_us[slot]) < 0)
            close_client(load, slot);
        if (load->due_us[slot] < next_us)
            next_us = load->due_us[slot];
    }
    return next_us;
}

static int wait_for_events(const struct load *load, struct epoll_event *events, int64_t next_us)
{
    int64_t gather_us = load->house.is_wire ? GATHER_WIRE_US : GATHER_BURST_US;
    int64_t wait_us = next_us - clock_monotonic_us();
    struct timespec timeout;

    if (wait_us < gather_us)
        wait_us = gather_us;
    timeout.tv_sec = (time_t)(wait_us / 1000000);
    timeout.tv_nsec = (long)(wait_us % 1000000) * 1000;
    return epoll_pwait2(load->epoll_fd, events, MAX_EVENTS, next_us == INT64_MAX ? NULL : &timeout,
                        NULL);
}

static int handle_event(struct load *load, int event)
{
    if (event == EVENT_STDIN)
        return read_commands(load);
    if (event == EVENT_LISTEN) {
        accept_clients(load);
    } else if (load->clients[event] != NULL) {
        load->due_us[event] = 0;
        if (load_client_ready(load->clients[event], clock_monotonic_us()) < 0)
            close_client(load, event);
    }
    return 0;
}

static void run(struct load *load)
{
    struct epoll_event events[MAX_EVENTS];

    for (;;) {
        int count = wait_for_events(load, events, send_due(load));
        if (count < 0 && errno != EINTR)
            fail("waiting");
        for (int i = 0; i < count; i++) {
            if (handle_event(load, events[i].data.fd) < 0)
                return;
        }
    }
}

static void create(struct load *load, const char *clip, int cameras, int is_wire)
{
    load->house.camera_count = cameras;
    load->house.is_wire = is_wire;
    load->slots = 2 * cameras + 16;
    load->clients = calloc((size_t)load->slots, sizeof(struct load_client *));
    load->due_us = malloc((size_t)load->slots * sizeof(*load->due_us));
    load->house.cameras = calloc((size_t)cameras, sizeof(*load->house.cameras));
    if (load->clients == NULL || load->due_us == NULL || load->house.cameras == NULL)
        fail("cameras");
    for (int slot = 0; slot < load->slots; slot++)
        load->due_us[slot] = INT64_MAX;
    if (load_stream_open(&load->house.stream, clip) < 0)
        exit(1);
    if ((load->epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0)
        fail("epoll");
    start_listening(load);
    print_round(load->house.stream);
    fflush(stdout);
    watch(load, STDIN_FILENO, EPOLLIN, EVENT_STDIN);
    watch(load, load->listen_fd, EPOLLIN, EVENT_LISTEN);
}

static void destroy(struct load *load)
{
    for (int slot = 0; slot < load->slots; slot++)
        load_client_destroy(&load->clients[slot]);
    load_stream_close(&load->house.stream);
    free(load->house.cameras);
    free(load->clients);
    free(load->due_us);
    close(load->listen_fd);
    close(load->epoll_fd);
}

int main(int argc, char **argv)
{
    struct load load = {0};
    int cameras = argc == 4 ? atoi(argv[2]) : 0;
    int is_wire = argc == 4 && strcmp(argv[3], "wire") == 0;

    if (cameras < 1 || cameras > 10000 || (!is_wire && strcmp(argv[3], "burst") != 0)) {
        fprintf(stderr, "usage: rtspload CLIP CAMERAS burst|wire\n");
        return EXIT_USAGE;
    }
    prctl(PR_SET_TIMERSLACK, 1UL); /* ns; the usual 50 us are half of a segment's time */
    create(&load, argv[1], cameras, is_wire);
    run(&load);
    destroy(&load);
    return 0;
}
