/*
 * Makes allocations and other resources of the library fail on demand. The program is linked to the
 * library's archive with --wrap for each function of fault.c, so that calls of the library go
 * through here while those of FFmpeg and of the C library itself do not.
 */
#ifndef FAULT_H
#define FAULT_H

#include <stdbool.h>

enum fault_scope {
    FAULT_THIS_THREAD, /* only calls of the thread that armed it: repeatable */
    FAULT_ALL_THREADS, /* the library's threads too: whichever comes first */
};

/* Call number `first`, counted from 1, fails, and `count` - 1 after it. */
void fault_arm(int first, int count, enum fault_scope scope);

/* Ends it; whether any call failed. */
bool fault_disarm(void);

#endif
