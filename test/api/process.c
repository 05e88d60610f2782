#include "process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cmocka_api.h"

int process_count(const char *directory)
{
    DIR *dir = opendir(directory);
    int count = 0;
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

void process_pause_ms(int milliseconds)
{
    struct timespec pause = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    nanosleep(&pause, NULL);
}

int process_count_settled(const char *directory, int limit)
{
    int count = process_count(directory);
    for (int i = 0; i < 500 && count > limit; i++) {
        process_pause_ms(10);
        count = process_count(directory);
    }
    return count;
}

int process_refusing_url(char *url, int size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    snprintf(url, (size_t)size, "rtsp://127.0.0.1:%d/stream", ntohs(address.sin_port));
    return fd;
}

/* In the child: its standard output is the pipe, its commands come from nowhere. */
static void run_camera(int output, const char *rtspcam, const char *clip)
{
    char argument[500];
    int nothing = open("/dev/null", O_RDONLY);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    snprintf(argument, sizeof(argument), "clip=%s", clip);
    if (nothing >= 0 && dup2(nothing, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0)
        execl(rtspcam, rtspcam, "--port", "0", "--clip", argument, "--set", "*", "speed=20",
              (char *)NULL);
    _exit(127);
}

void process_start_camera(char *url, int size, const char *rtspcam, const char *clip)
{
    int ends[2], port = 0;
    FILE *output;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        run_camera(ends[1], rtspcam, clip);
    close(ends[1]);
    output = fdopen(ends[0], "r");
    assert_non_null(output);
    assert_int_equal(fscanf(output, "rtspcam: listening on 127.0.0.1:%d", &port), 1);
    fclose(output);
    snprintf(url, (size_t)size, "rtsp://127.0.0.1:%d/clip", port);
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    (void)status;
    (void)kind;
    (void)place;
    return remove(path);
}

void process_remove_directory(const char *path)
{
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

void process_make_directory(char *path, int size)
{
    const char *parent = getenv("TMPDIR");
    snprintf(path, (size_t)size, "%s/rtsprec-api-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(path));
}
