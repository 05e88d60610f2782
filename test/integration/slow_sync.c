/*
 * Preloaded, makes fdatasync() and fsync() of a disk in memory last as long as those of one that
 * seeks: what takes a fraction of a millisecond no test can interrupt at each of its moments.
 */
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HALF_NS (20 * 1000 * 1000) /* it waits before and after the sync */

static int slowly(long number, int fd)
{
    const struct timespec half = {.tv_nsec = HALF_NS};
    nanosleep(&half, NULL);
    long result = syscall(number, fd);
    if (result == 0) /* else errno stays */
        nanosleep(&half, NULL);
    return (int)result;
}

int fdatasync(int fd)
{
    return slowly(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return slowly(SYS_fsync, fd);
}
