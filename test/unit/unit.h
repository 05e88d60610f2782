/* What all unit tests share. */
#ifndef UNIT_H
#define UNIT_H

/* cmocka needs these headers before its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)

/* A repeatable source of numbers: xorshift64*. The seed is a test's own and never 0. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(2685821657736338717);
}

/* A number in [low, high]. */
static inline int64_t random_between(uint64_t *state, int64_t low, int64_t high)
{
    return low + (int64_t)(next_random(state) % (uint64_t)(high - low + 1));
}

/* Says which row of a table or case of a fuzzer failed, which an assertion alone does not. */
#define require(condition, ...)                                 \
    do {                                                        \
        if (!(condition)) {                                     \
            print_error("%s, line %d: ", #condition, __LINE__); \
            print_error(__VA_ARGS__);                           \
            print_error("\n");                                  \
            fail();                                             \
        }                                                       \
    } while (0)

#endif
