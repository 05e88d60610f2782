#include "base/resolve.h"

#include <arpa/inet.h>
#include <assert.h>
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

/* The address that is next in turn, in numbers. */
static int write_address(struct resolver *resolver, const struct addrinfo *first,
                         char address[RESOLVER_ADDRESS_BYTES])
{
    unsigned count = 0;
    for (const struct addrinfo *at = first; at; at = at->ai_next)
        count++;
    const struct addrinfo *chosen = first;
    for (unsigned i = count ? resolver->turn++ % count : 0; i > 0; i--)
        chosen = chosen->ai_next;
    return chosen ? getnameinfo(chosen->ai_addr, chosen->ai_addrlen, address,
                                RESOLVER_ADDRESS_BYTES, NULL, 0, NI_NUMERICHOST)
                  : EAI_NONAME;
}

static int explain(const char *host, int failure, struct rtsprec_error *error)
{
    return error_set(error, RTSPREC_ERROR_RESOLVE, "the host name %s cannot be resolved: %s", host,
                     gai_strerror(failure));
}

static int take_number(const char *host, char address[RESOLVER_ADDRESS_BYTES],
                       struct rtsprec_error *error)
{
    if (strlen(host) >= RESOLVER_ADDRESS_BYTES)
        return explain(host, EAI_NONAME, error);
    memcpy(address, host, strlen(host) + 1);
    return 0;
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
    if (lookup->request.ar_result)
        freeaddrinfo(lookup->request.ar_result);
    free(lookup);
}

static int begin(struct resolver *resolver, const char *host, struct rtsprec_error *error)
{
    size_t host_bytes = strlen(host) + 1;
    struct lookup *lookup = calloc(1, sizeof(*lookup) + host_bytes);
    if (!lookup)
        return error_set(error, RTSPREC_ERROR_NO_MEMORY, "resolving %s: out of memory", host);
    memcpy(lookup->host, host, host_bytes);
    lookup->hints.ai_socktype = SOCK_STREAM;
    lookup->request.ar_name = lookup->host;
    lookup->request.ar_request = &lookup->hints;

    struct gaicb *list[1] = {&lookup->request};
    int failure = getaddrinfo_a(GAI_NOWAIT, list, 1, NULL);
    if (failure) {
        free(lookup);
        return error_set(error, RTSPREC_ERROR_SYSTEM, "resolving %s: %s", host,
                         gai_strerror(failure));
    }
    resolver->pending = lookup;
    return 0;
}

int resolver_lookup(struct resolver *resolver, const char *host, struct cancel *cancel,
                    char address[RESOLVER_ADDRESS_BYTES], struct rtsprec_error *error)
{
    if (is_numeric(host))
        return take_number(host, address, error);
    int err = resolver->pending ? 0 : begin(resolver, host, error);
    if (err < 0)
        return err;

    struct lookup *lookup = resolver->pending;
    assert(lookup);
    const struct gaicb *const wait_for[1] = {&lookup->request};
    int failure;
    while ((failure = gai_error(&lookup->request)) == EAI_INPROGRESS) {
        if (cancel_interrupted(cancel))
            return cancel_requested(cancel)
                       ? error_set(error, RTSPREC_ERROR_STOPPED, "stopped")
                       : error_set(error, RTSPREC_ERROR_TIMEOUT,
                                   "no name server answered in time for %s", host);
        struct timespec pause = {.tv_nsec = POLL_US * 1000};
        gai_suspend(wait_for, 1, &pause);
    }
    if (!failure)
        failure = write_address(resolver, lookup->request.ar_result, address);
    resolver->pending = NULL;
    lookup_destroy(lookup);
    return failure ? explain(host, failure, error) : 0;
}

void resolver_uninit(struct resolver *resolver)
{
    struct lookup *lookup = resolver->pending;
    resolver->pending = NULL;
    if (lookup && gai_cancel(&lookup->request) != EAI_NOTCANCELED)
        lookup_destroy(lookup);
}

#else

int resolver_lookup(struct resolver *resolver, const char *host, struct cancel *cancel,
                    char address[RESOLVER_ADDRESS_BYTES], struct rtsprec_error *error)
{
    (void)cancel;
    if (is_numeric(host))
        return take_number(host, address, error);
    struct addrinfo *result = NULL, hints = {.ai_socktype = SOCK_STREAM};
    int failure = getaddrinfo(host, NULL, &hints, &result);
    if (!failure) {
        failure = write_address(resolver, result, address);
        freeaddrinfo(result);
    }
    return failure ? explain(host, failure, error) : 0;
}

void resolver_uninit(struct resolver *resolver)
{
    (void)resolver;
}

#endif
