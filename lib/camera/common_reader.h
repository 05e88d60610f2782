/*
 * The recorder's common reader: one thread that takes what has come for many cameras. Every 50 ms
 * each of them gets its turn, in which it waits for nothing; its own reader sleeps meanwhile.
 *
 * It is there for what waking up costs: a thread that the kernel wakes for 50 kB finds its code and
 * data gone from the processor's caches. One that does the same for the next camera at once does
 * not, and the bytes of all pass through one buffer that stays in the cache. With 10 cameras of
 * 8 Mbit/s that saves a quarter of all the time that recording takes (docs/performance.md).
 *
 * Thread-safety: any thread may join.
 */
#ifndef CAMERA_COMMON_READER_H
#define CAMERA_COMMON_READER_H

#include <stdbool.h>
#include <stdint.h>

#include <rtsprec/error.h>

#include "base/clock.h"

/* Between two rounds: how long at most what has come lies in a socket. No longer, for it adds to
 * what a crash loses. */
#define COMMON_READER_ROUND_US (US_PER_SECOND / 20)

struct common_reader;

/* Returns 0 or an error. */
int common_reader_create(struct common_reader **out, struct rtsprec_error *error);

/* Nobody may be in it; sets *reader to NULL, which is ignored. */
void common_reader_destroy(struct common_reader **reader);

/*
 * A turn. The buffer of SOURCE_TURN_BYTES is its until it returns: 0; 1 when there is more to take,
 * for which it gets its next turn as soon as all others had theirs; or an error, which ends it. Who
 * is alone waits in his turns for what comes, as long as a round takes: one system call less.
 */
typedef int common_reader_turn(void *user, uint8_t *buffer, bool waits);

/* Gives it a turn in each round until one returns an error, and returns that; *error is only filled
 * in when it gets none at all. The caller waits meanwhile, so that nothing of it overlaps with a
 * turn. */
int common_reader_join(struct common_reader *reader, common_reader_turn *turn, void *user,
                       struct rtsprec_error *error);

#endif
