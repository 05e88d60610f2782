/* Threads with a stack of our size and a name; condition variables on the monotonic clock. */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Starts a thread. The name is what ps and gdb show, cut to the 15 bytes that Linux keeps. All
 * signals are blocked in it: they belong to the program that uses the library.
 *
 * Returns 0 or RTSPREC_ERROR_SYSTEM.
 */
int thread_start(pthread_t *thread, void *(*run)(void *), void *argument, const char *name);

/* How many processors there are: 1 to 250. */
int thread_processors(void);

/* A condition variable for wait_until(), alone or with a lock. Returns 0 or RTSPREC_ERROR_SYSTEM.
 */
int wake_init(pthread_cond_t *wake);
int wait_init(pthread_mutex_t *lock, pthread_cond_t *wake);
void wait_uninit(pthread_mutex_t *lock, pthread_cond_t *wake);

/* Waits for a signal; false when the monotonic time until_us was reached first. */
bool wait_until(pthread_cond_t *wake, pthread_mutex_t *lock, int64_t until_us);

/* From now on the calling thread runs after those of the same process that have something to do;
 * only a hint. */
void thread_step_back(void);

#endif
