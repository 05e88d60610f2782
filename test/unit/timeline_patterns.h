/* Streams of frames that overtake each other. */
#ifndef TIMELINE_PATTERNS_H
#define TIMELINE_PATTERNS_H

#include <stdint.h>

/* Output order of the frames of a GOP in decoding order, and how many frames overtake another. */
static const struct pattern {
    const char *name;
    int depth, count;
    int order[8];
} patterns[] = {
    {"IPPP", 0, 1, {0}},
    {"IPB", 1, 2, {1, 0}},
    {"IPBB", 1, 3, {2, 0, 1}},
    {"IPBBB", 1, 4, {3, 0, 1, 2}},
    {"pyramid of 3", 2, 4, {3, 1, 0, 2}},
    {"pyramid of 7", 3, 8, {7, 3, 1, 0, 2, 5, 4, 6}},
};

/* Frame n of an endless closed-GOP stream of that pattern: its place in output order. */
static inline int64_t place(const struct pattern *pattern, int64_t n)
{
    if (n == 0)
        return 0;
    int64_t group = (n - 1) / pattern->count;
    return 1 + group * pattern->count + pattern->order[(n - 1) % pattern->count];
}

#endif
