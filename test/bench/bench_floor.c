/*
 * bench_floor PORT CAMERAS DIRECTORY: what recording costs at least. One thread, large reads every
 * 100 ms; the payload of the RTP packets goes to DIRECTORY/I.raw as it is, in one write. Speaks to
 * rtspload only. SIGTERM ends it; then it prints "camera I frames F" for each camera, a frame being
 * a packet with the marker bit.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_BYTES = 256 * 1024,
    RECEIVE_BYTES = 1024 * 1024,
    PACKET_BYTES = 4 + 65535,
    RTP_HEADER = 12,
    GATHER_NS = 100000000
};

struct camera {
    int fd, file;
    uint8_t rest[PACKET_BYTES]; /* the packet whose end has not come yet */
    size_t rest_size;
    int64_t frames;
};

static volatile sig_atomic_t stop;

/* What was read, after what was left of the read before. */
static uint8_t buffer[PACKET_BYTES + READ_BYTES];

static void handle_signal(int number)
{
    (void)number;
    stop = 1;
}

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "bench_floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Byte by byte, so that what follows the header stays in the socket. */
static void read_answer(int fd)
{
    char header[4096] = "", *length;
    size_t size = 0;

    while (size < 4 || memcmp(header + size - 4, "\r\n\r\n", 4) != 0) {
        if (size == sizeof(header) - 1 || recv(fd, header + size, 1, 0) != 1)
            fail("answer");
        size++;
    }
    header[size] = '\0';
    if (strncmp(header, "RTSP/1.0 200", 12) != 0)
        fail("status");
    if ((length = strstr(header, "Content-Length: ")) != NULL) {
        size = strtoul(length + 16, NULL, 10);
        if (size > sizeof(buffer) || recv(fd, buffer, size, MSG_WAITALL) != (ssize_t)size)
            fail("body");
    }
}

static void request(int fd, int port, int index, const char *method, const char *control,
                    const char *headers)
{
    char text[512];
    int size = snprintf(text, sizeof(text),
                        "%s rtsp://127.0.0.1:%d/cam/%d%s RTSP/1.0\r\nCSeq: 1\r\n%s\r\n", method,
                        port, index, control, headers);

    if (send(fd, text, (size_t)size, MSG_NOSIGNAL) != size)
        fail("request");
    read_answer(fd);
}

static void start(struct camera *camera, int port, int index, const char *directory)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((in_port_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int receive_bytes = RECEIVE_BYTES; /* between two reads a key frame has to fit as well */
    char path[4096];

    snprintf(path, sizeof(path), "%s/%d.raw", directory, index);
    camera->file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    camera->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (camera->file < 0 || camera->fd < 0 ||
        setsockopt(camera->fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes)) < 0 ||
        connect(camera->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        fail(path);
    request(camera->fd, port, index, "DESCRIBE", "", "");
    request(camera->fd, port, index, "SETUP", "/streamid=0",
            "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    request(camera->fd, port, index, "PLAY", "", "Session: 1\r\n");
}

/* Moves the payloads together to the front. Returns their size; what is left is kept. */
static size_t strip(struct camera *camera, size_t size)
{
    size_t at = 0, out = 0;

    while (size - at >= 4) {
        size_t packet = ((size_t)buffer[at + 2] << 8) | buffer[at + 3];
        if (buffer[at] != '$' || packet < RTP_HEADER)
            fail("interleaved packet");
        if (size - at - 4 < packet)
            break;
        camera->frames += buffer[at + 5] >> 7;
        memmove(buffer + out, buffer + at + 4 + RTP_HEADER, packet - RTP_HEADER);
        out += packet - RTP_HEADER;
        at += 4 + packet;
    }
    camera->rest_size = size - at;
    memcpy(camera->rest, buffer + at, camera->rest_size);
    return out;
}

/* Everything that has come. */
static void gather(struct camera *camera)
{
    ssize_t got;

    do {
        memcpy(buffer, camera->rest, camera->rest_size);
        got = recv(camera->fd, buffer + camera->rest_size, READ_BYTES, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN))
            fail("recv");
        if (got < 0)
            return;
        size_t payload = strip(camera, camera->rest_size + (size_t)got);
        if (write(camera->file, buffer, payload) != (ssize_t)payload)
            fail("write");
    } while (got == READ_BYTES);
}

int main(int argc, char **argv)
{
    int port = argc == 4 ? atoi(argv[1]) : 0, count = argc == 4 ? atoi(argv[2]) : 0;
    struct sigaction action = {.sa_handler = handle_signal};
    struct timespec pause = {.tv_nsec = GATHER_NS};

    if (port <= 0 || count <= 0) {
        fprintf(stderr, "usage: bench_floor PORT CAMERAS DIRECTORY\n");
        return 64;
    }
    struct camera *cameras = calloc((size_t)count, sizeof(*cameras));
    if (cameras == NULL)
        fail("cameras");
    sigaction(SIGTERM, &action, NULL);
    for (int i = 0; i < count; i++)
        start(&cameras[i], port, i, argv[3]);
    while (!stop) {
        nanosleep(&pause, NULL);
        for (int i = 0; i < count; i++)
            gather(&cameras[i]);
    }
    for (int i = 0; i < count; i++)
        printf("camera %d frames %" PRId64 "\n", i, cameras[i].frames);
    free(cameras);
    return 0;
}
