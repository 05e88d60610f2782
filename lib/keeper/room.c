#include "keeper/room.h"

#include "base/clock.h"

#define SHORTEST_PAUSE_US (US_PER_SECOND / 2)

/* Something to delete only comes with the end of a segment, and then a writer asks. */
#define VAIN_PAUSE_US (10 * US_PER_SECOND)

int64_t room_needed_bytes(int64_t bytes_per_second, int64_t us)
{
    double bytes = (double)bytes_per_second * (double)us / (double)US_PER_SECOND;
    return bytes < 4e18 ? (int64_t)bytes : INT64_C(4000000000000000000);
}

int64_t room_pause_us(int64_t room_bytes, int64_t bytes_per_second, bool is_in_vain)
{
    if (is_in_vain)
        return VAIN_PAUSE_US;
    if (room_bytes >= 2 * room_needed_bytes(bytes_per_second, ROOM_LONGEST_PAUSE_US))
        return ROOM_LONGEST_PAUSE_US;
    double us = (double)room_bytes / 2 / (double)bytes_per_second * (double)US_PER_SECOND;
    return us > (double)SHORTEST_PAUSE_US ? (int64_t)us : SHORTEST_PAUSE_US;
}

bool room_is_short(int64_t room_bytes, int64_t bytes_per_second, int64_t until_pass_us)
{
    return room_bytes < 0 ||
           room_bytes < room_needed_bytes(bytes_per_second, until_pass_us > 0 ? until_pass_us : 0);
}
