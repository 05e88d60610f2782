#include "process.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

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

void process_make_directory(char *path, int size)
{
    const char *parent = getenv("TMPDIR");
    snprintf(path, (size_t)size, "%s/rtsprec-api-XXXXXX", parent ? parent : "/tmp");
    assert_non_null(mkdtemp(path));
}
