/* Host names to addresses, without hanging. */
#ifndef BASE_RESOLVE_H
#define BASE_RESOLVE_H

#include "base/cancel.h"
#include <rtsprec/error.h>

/*
 * Checks that a host name can be resolved, so that the libavformat call that follows finds the
 * answer in the resolver's cache or at least a name server that answers: getaddrinfo() itself hears
 * neither deadline nor stop. Addresses in numbers need no look-up.
 *
 * Returns 0, RTSPREC_ERROR_RESOLVE, or what ended the wait: RTSPREC_ERROR_STOPPED,
 * RTSPREC_ERROR_TIMEOUT.
 */
int resolve_host(const char *host, struct cancel *cancel, struct rtsprec_error *error);

#endif
