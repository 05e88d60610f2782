/*
 * The segments of an archive for a decision of retention, out of the catalog: some of each camera
 * at a time. Those that were asked for may be removed from the catalog meanwhile.
 */
#ifndef ARCHIVE_OLDEST_H
#define ARCHIVE_OLDEST_H

#include "archive/catalog.h"
#include "archive/retention.h"

struct oldest;

/* Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
int oldest_create(struct oldest **out, struct catalog *catalog);

/* Sets *oldest to NULL; NULL is ignored. */
void oldest_destroy(struct oldest **oldest);

/* The path is not given any more. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
int oldest_skip(struct oldest *oldest, const char *path);

/*
 * Begins with the first of each camera. Names and their number, which have to outlive it, are the
 * cameras of the decision. A failure of the catalog's is told in *error.
 *
 * Returns 0 or RTSPREC_ERROR_NO_MEMORY.
 */
int oldest_begin(struct oldest *oldest, const char *const *names, size_t count,
                 struct retention_supply *supply, struct rtsprec_error *error);

#endif
