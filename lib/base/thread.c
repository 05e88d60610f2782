#include "base/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include <rtsprec/error.h>

#include "base/clock.h"

/*
 * libavformat's RTSP code keeps several 4 KiB to 16 KiB buffers on the stack and glibc's resolver
 * 64 KiB; the deepest path measured took 140 KiB. Only pages that were touched count as memory.
 */
#define STACK_BYTES (1024 * 1024)

int thread_start(pthread_t *thread, void *(*run)(void *), void *argument, const char *name)
{
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0)
        return RTSPREC_ERROR_SYSTEM;
    pthread_attr_setstacksize(&attributes, STACK_BYTES);

    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(thread, &attributes, run, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    if (failed)
        return RTSPREC_ERROR_SYSTEM;
#ifdef __linux__
    char cut[16];
    snprintf(cut, sizeof(cut), "%s", name);
    pthread_setname_np(*thread, cut);
#else
    (void)name;
#endif
    return 0;
}

int wake_init(pthread_cond_t *wake)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    int failed = pthread_cond_init(wake, &attributes);
    pthread_condattr_destroy(&attributes);
    return failed ? RTSPREC_ERROR_SYSTEM : 0;
}

int wait_init(pthread_mutex_t *lock, pthread_cond_t *wake)
{
    if (pthread_mutex_init(lock, NULL) != 0)
        return RTSPREC_ERROR_SYSTEM;
    if (wake_init(wake) < 0) {
        pthread_mutex_destroy(lock);
        return RTSPREC_ERROR_SYSTEM;
    }
    return 0;
}

void wait_uninit(pthread_mutex_t *lock, pthread_cond_t *wake)
{
    pthread_cond_destroy(wake);
    pthread_mutex_destroy(lock);
}

bool wait_until(pthread_cond_t *wake, pthread_mutex_t *lock, int64_t until_us)
{
    struct timespec until = {
        .tv_sec = until_us / US_PER_SECOND,
        .tv_nsec = until_us % US_PER_SECOND * 1000,
    };
    return pthread_cond_timedwait(wake, lock, &until) != ETIMEDOUT;
}

int thread_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : count > 250 ? 250 : (int)count;
}

#define STEP_BACK_NICE 5

void thread_step_back(void)
{
    struct sched_param plain = {0};
    pthread_setschedparam(pthread_self(), SCHED_OTHER, &plain);
#ifdef __linux__
    id_t self = (id_t)gettid(); /* of this thread alone */
    if (getpriority(PRIO_PROCESS, self) < STEP_BACK_NICE)
        setpriority(PRIO_PROCESS, self, STEP_BACK_NICE);
#endif
}
