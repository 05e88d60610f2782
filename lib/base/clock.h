/* The only place that reads clocks and the time zone. Everything else takes times as arguments. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

#define US_PER_SECOND INT64_C(1000000)
#define US_PER_DAY    (INT64_C(86400) * US_PER_SECOND)

/* µs of a clock that never steps; its zero means nothing. */
int64_t clock_monotonic_us(void);

/* Sleeps until that time of it. */
void clock_sleep_until(int64_t monotonic_us);

/* µs since 1970-01-01 UTC. */
int64_t clock_real_us(void);

/* Local time of an instant, in the process's time zone. */
struct tm clock_local_time(int64_t real_us);

/* The instant of a local time; of two, which the hour that DST repeats has, the one tm_isdst tells.
 */
int64_t clock_from_local_time(const struct tm *local);

/* What local time is ahead of UTC at an instant, µs. */
int64_t clock_utc_offset_us(int64_t real_us);

/* floor(a / b) for b > 0, also for negative a. */
static inline int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

#endif
