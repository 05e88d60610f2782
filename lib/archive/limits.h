/* The limits of an archive: copies of what the program gave. The public side is
 * rtsprec/retention.h. */
#ifndef ARCHIVE_LIMITS_H
#define ARCHIVE_LIMITS_H

#include <rtsprec/retention.h>

/* Brings limits of an older or newer program to this version's form, checked; strings and arrays
 * stay the caller's. Returns 0 or RTSPREC_ERROR_INVALID. */
int limits_take(struct rtsprec_archive_limits *out, const struct rtsprec_archive_limits *limits,
                struct rtsprec_error *error);

/* A deep copy of what limits_take() gave; *out is NULL when there is no memory. Returns 0 or
 * RTSPREC_ERROR_NO_MEMORY. */
int limits_copy(struct rtsprec_archive_limits **out, const struct rtsprec_archive_limits *limits);

/* Sets *limits to NULL; NULL is ignored. */
void limits_free(struct rtsprec_archive_limits **limits);

#endif
