/* What to leave out when more comes than can be encoded, by how much waits. Pure. */
#ifndef TRANSFORM_OVERLOAD_H
#define TRANSFORM_OVERLOAD_H

#include <stdbool.h>
#include <stdint.h>

struct overload {
    int keep_every; /* of so many decoded frames one is to be encoded */
    bool only_keys; /* of the camera's frames only those are to be decoded that need no others */
};

/* Of a queue that holds most_us, waiting_us are taken; nothing is left out before an eighth is. */
struct overload overload_of(int64_t waiting_us, int64_t most_us);

/* Whether it is so much that the program's other choices begin: a quarter. */
bool overload_is_serious(int64_t waiting_us, int64_t most_us);

#endif
