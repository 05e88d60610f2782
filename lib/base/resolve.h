/* Host names to addresses, without hanging. */
#ifndef BASE_RESOLVE_H
#define BASE_RESOLVE_H

#include <rtsprec/error.h>

#include "base/cancel.h"

#define RESOLVER_ADDRESS_BYTES 64 /* an IPv6 address with its zone */

/*
 * The look-ups of one host, one at a time: one that was given up goes on, and the next call waits
 * for it instead of beginning another. {0} is a valid initial value.
 *
 * Thread-safety: one thread at a time.
 */
struct resolver {
    struct lookup *pending; /* owned; NULL: none was given up */
    unsigned turn;          /* each success takes the next of the host's addresses */
};

/*
 * Writes an address of the host, in numbers, to address. A host given in numbers needs no look-up.
 *
 * Returns 0, RTSPREC_ERROR_RESOLVE, or what ended the wait: RTSPREC_ERROR_STOPPED,
 * RTSPREC_ERROR_TIMEOUT.
 */
int resolver_lookup(struct resolver *resolver, const char *host, struct cancel *cancel,
                    char address[RESOLVER_ADDRESS_BYTES], struct rtsprec_error *error);

/* Frees a look-up that was given up; one that has begun and cannot be taken back stays with glibc.
 */
void resolver_uninit(struct resolver *resolver);

#endif
