#include "base/resolve.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/error.h"

static bool is_numeric(const char *host)
{
    struct in6_addr address;
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1 ||
           strchr(host, '%') != NULL; /* an IPv6 address with its zone */
}

#if defined(__GLIBC__)

/* One look-up. glibc writes to it until the look-up ends, hence it outlives a caller that gave up.
 */
struct lookup {
    struct gaicb request;
    struct addrinfo hints;
    char host[];
};

#define POLL_US (50 * 1000) /* how soon a stop is heard while a name server is silent */

static void lookup_destroy(struct lookup *lookup)
{
    freeaddrinfo(lookup->request.ar_result);
    free(lookup);
}

int resolve_host(const char *host, struct cancel *cancel, struct rtsprec_error *error)
{
    if (is_numeric(host))
        return 0;
    size_t host_bytes = strlen(host) + 1;
    struct lookup *lookup = calloc(1, sizeof(*lookup) + host_bytes);
    if (!lookup)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "resolving %s: out of memory", host);
    memcpy(lookup->host, host, host_bytes);
    lookup->hints.ai_socktype = SOCK_STREAM;
    lookup->request.ar_name = lookup->host;
    lookup->request.ar_request = &lookup->hints;

    struct gaicb *list[1] = {&lookup->request};
    int failed = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
    if (failed) {
        free(lookup);
        return error_set(error, RTSPREC_ERROR_SYSTEM, "resolving %s: %s", host,
                         gai_strerror(failed));
    }
    const struct gaicb *const wait_for[1] = {&lookup->request};
    while ((failed = gai_error(&lookup->request)) == EAI_INPROGRESS) {
        if (cancel_interrupted(cancel)) {
            /* A look-up that has begun cannot be taken back; then its memory stays with glibc. */
            if (gai_cancel(&lookup->request) != EAI_NOTCANCELED)
                lookup_destroy(lookup);
            return cancel_requested(cancel)
                       ? error_set(error, RTSPREC_ERROR_STOPPED, "stopped")
                       : error_set(error, RTSPREC_ERROR_TIMEOUT,
                                   "no name server answered in time for %s", host);
        }
        struct timespec pause = {.tv_nsec = POLL_US * 1000};
        gai_suspend(wait_for, 1, &pause);
    }
    lookup_destroy(lookup);
    if (failed)
        return error_set(error, RTSPREC_ERROR_RESOLVE, "the host name %s cannot be resolved: %s",
                         host, gai_strerror(failed));
    return 0;
}

#else

int resolve_host(const char *host, struct cancel *cancel, struct rtsprec_error *error)
{
    (void)cancel;
    if (is_numeric(host))
        return 0;
    struct addrinfo *result = NULL, hints = {.ai_socktype = SOCK_STREAM};
    int failed = getaddrinfo(host, NULL, &hints, &result);
    if (failed)
        return error_set(error, RTSPREC_ERROR_RESOLVE, "the host name %s cannot be resolved: %s",
                         host, gai_strerror(failed));
    freeaddrinfo(result);
    return 0;
}

#endif
