#include "base/clock.h"

#include <errno.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

int64_t clock_monotonic_us(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_sleep_until(int64_t monotonic_us)
{
    const struct timespec until = {.tv_sec = monotonic_us / US_PER_SECOND,
                                   .tv_nsec = monotonic_us % US_PER_SECOND * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}

int64_t clock_real_us(void)
{
    return read_clock(CLOCK_REALTIME);
}

struct tm clock_local_time(int64_t real_us)
{
    time_t seconds = (time_t)floor_div(real_us, US_PER_SECOND);
    struct tm local = {0};
    localtime_r(&seconds, &local);
    return local;
}

int64_t clock_from_local_time(const struct tm *local)
{
    struct tm copy = *local;
    return (int64_t)mktime(&copy) * US_PER_SECOND;
}

int64_t clock_utc_offset_us(int64_t real_us)
{
    struct tm local = clock_local_time(real_us);
    return local.tm_gmtoff * US_PER_SECOND;
}
