/*
 * The limits of each archive, out of the configuration: a camera's videoOutPath is one, and its
 * alsoKeepPath, if something is kept there, another, with the same limits.
 *
 * limitOccupiedSpace says of a camera whether its files are deleted for space, maxAgeDays alone
 * whether they are for age. An archive in which no camera's files are deleted for space has no
 * limit of space; else maxOccupiedSpaceGB of "global" holds for it, and of its cameras'
 * keepFreeDiskSpaceGB the largest. Cameras that are in an archive but not in the configuration
 * follow "global".
 */
#ifndef RTSPRECD_LIMITS_H
#define RTSPRECD_LIMITS_H

#include <stddef.h>

#include <rtsprec/retention.h>

#include "config.h"

struct archive_limits {
    const char *directory; /* as the first of its cameras calls it */
    struct rtsprec_archive_limits limits;
};

/* {0} is an empty list. */
struct limits_list {
    struct archive_limits *archives; /* each directory once */
    size_t count;
};

/* Makes the list, whose strings are @config's and have to live as long; to be forgotten. */
void limits_make(struct limits_list *list, const struct config *config);

/* Those of a directory, whatever it is called; NULL: no camera records there. */
const struct archive_limits *limits_find(const struct limits_list *list, const char *directory);

void limits_forget(struct limits_list *list);

#endif
