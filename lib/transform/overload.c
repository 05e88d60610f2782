#include "transform/overload.h"

struct overload overload_of(int64_t waiting_us, int64_t most_us)
{
    int eighths = (int)(waiting_us / (most_us / 8));
    if (eighths >= 4)
        return (struct overload){.keep_every = 1, .only_keys = true};
    return (struct overload){.keep_every = 1 << eighths};
}

bool overload_is_serious(int64_t waiting_us, int64_t most_us)
{
    return waiting_us >= most_us / 4;
}
