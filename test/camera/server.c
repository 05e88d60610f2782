#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "command.h"

/* Units that are due within this time go out together: fewer wake-ups with many sessions. */
enum { GATHER_US = 2000 };

/* In the poll set: the listener, the commands, the listener for TLS; then the clients. */
enum { FIXED_FDS = 3 };

int server_listen(int *fd, const char *address, int port)
{
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
    socklen_t length = sizeof(local);
    int one = 1;

    if (inet_pton(AF_INET, address, &local.sin_addr) != 1) {
        fprintf(stderr, "rtspcam: --bind %s: expected an IPv4 address\n", address);
        return -1;
    }
    *fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*fd < 0 || setsockopt(*fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(*fd, (struct sockaddr *)&local, sizeof(local)) < 0 || listen(*fd, 512) < 0 ||
        getsockname(*fd, (struct sockaddr *)&local, &length) < 0) {
        fprintf(stderr, "rtspcam: cannot listen on %s:%d: %s\n", address, port, strerror(errno));
        return -1;
    }
    return ntohs(local.sin_port);
}

static void accept_clients(struct server *server, int listen_fd, const struct tls_server *tls)
{
    struct sockaddr_in peer;
    socklen_t length = sizeof(peer);
    int fd, one = 1;

    while ((fd = accept4(listen_fd, (struct sockaddr *)&peer, &length,
                         SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
        struct client *client;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        client = client_create(&server->house, fd, &peer, tls);
        if (client == NULL)
            return;
        client->next = server->clients;
        server->clients = client;
    }
}

static void read_commands(struct server *server)
{
    ssize_t size = read(server->input_fd, server->input + server->input_size,
                        sizeof(server->input) - 1 - server->input_size);
    char *line = server->input, *end;

    if (size <= 0) {
        server->input_fd = -1;
        return;
    }
    server->input_size += (size_t)size;
    server->input[server->input_size] = '\0';
    for (; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        command_run(server, line);
    }
    server->input_size = strlen(line);
    memmove(server->input, line, server->input_size);
    if (server->input_size == sizeof(server->input) - 1) {
        fprintf(stderr, "rtspcam: a command line of %zu bytes is too long\n", server->input_size);
        server->input_size = 0;
    }
}

/* Runs all clients, closes those that end. Returns when the next unit is due. */
static int64_t run_clients(struct server *server, int64_t now_us)
{
    int64_t next_us = INT64_MAX;

    for (struct client **link = &server->clients; *link != NULL;) {
        struct client *client = *link;
        int64_t client_next_us;
        if (client_run(client, now_us, &client_next_us) < 0) {
            *link = client->next;
            client_destroy(client);
            continue;
        }
        if (client_next_us < next_us)
            next_us = client_next_us;
        link = &client->next;
    }
    return next_us;
}

/* Reads from all clients whose socket has something, closes those that end. */
static void read_clients(struct server *server, const struct pollfd *polled, size_t count)
{
    struct client **link = &server->clients;

    for (size_t i = 0; i < count && *link != NULL; i++) {
        struct client *client = *link;
        if ((polled[i].revents & (POLLIN | POLLHUP | POLLERR)) && client_read(client) < 0) {
            *link = client->next;
            client_destroy(client);
        } else {
            link = &client->next;
        }
    }
}

static size_t fill_poll_set(const struct server *server, struct pollfd **set, size_t *capacity)
{
    size_t count = FIXED_FDS;

    for (const struct client *client = server->clients; client != NULL; client = client->next)
        count++;
    if (count > *capacity) {
        free(*set);
        *capacity = 2 * count;
        if ((*set = malloc(*capacity * sizeof(**set))) == NULL)
            return 0;
    }
    (*set)[0] = (struct pollfd){.fd = server->listen_fd, .events = POLLIN};
    (*set)[1] = (struct pollfd){.fd = server->input_fd, .events = POLLIN};
    (*set)[2] = (struct pollfd){.fd = server->tls_fd, .events = POLLIN};
    count = FIXED_FDS;
    for (const struct client *client = server->clients; client != NULL; client = client->next) {
        short events = client_wants_write(client) ? POLLIN | POLLOUT : POLLIN;
        (*set)[count++] =
            (struct pollfd){.fd = client->is_frozen ? -1 : client->connection.fd, .events = events};
    }
    return count;
}

static int wait_for_work(struct pollfd *set, size_t count, int64_t next_us,
                         const sigset_t *wait_mask)
{
    int64_t wait_us = next_us - clock_monotonic_us();
    struct timespec timeout;

    if (wait_us < GATHER_US)
        wait_us = GATHER_US;
    timeout.tv_sec = (time_t)(wait_us / 1000000);
    timeout.tv_nsec = (long)(wait_us % 1000000) * 1000;
    return ppoll(set, count, next_us == INT64_MAX ? NULL : &timeout, wait_mask);
}

int server_run(struct server *server, const volatile sig_atomic_t *stop, const sigset_t *wait_mask)
{
    struct pollfd *set = NULL;
    size_t capacity = 0;
    int err = 0;

    server->house.started_us = clock_monotonic_us();
    while (!*stop) {
        int64_t next_us = run_clients(server, clock_monotonic_us());
        size_t count = fill_poll_set(server, &set, &capacity);
        int ready = count > 0 ? wait_for_work(set, count, next_us, wait_mask) : -1;
        if (ready < 0 && count > 0 && errno == EINTR)
            continue;
        if (ready < 0) {
            fprintf(stderr, "rtspcam: waiting failed: %s\n", strerror(errno));
            err = -1;
            break;
        }
        if (ready == 0)
            continue;
        read_clients(server, set + FIXED_FDS, count - FIXED_FDS);
        if (set[0].revents)
            accept_clients(server, server->listen_fd, NULL);
        if (set[2].revents)
            accept_clients(server, server->tls_fd, server->tls);
        if (set[1].revents)
            read_commands(server);
    }
    free(set);
    return err;
}

void server_close(struct server *server)
{
    while (server->clients != NULL) {
        struct client *client = server->clients;
        server->clients = client->next;
        client_destroy(client);
    }
    if (server->listen_fd >= 0)
        close(server->listen_fd);
    if (server->tls_fd >= 0)
        close(server->tls_fd);
    server->listen_fd = server->tls_fd = -1;
    tls_server_destroy(&server->tls);
}
