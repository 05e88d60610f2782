/* Filling a struct rtsprec_error: one line, credentials masked. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <rtsprec/error.h>

/* Sets *error (which may be NULL) and returns code, so that a failure is one statement. */
int error_set(struct rtsprec_error *error, int code, const char *format, ...) RTSPREC_PRINTF(3, 4);

/* The same with ": reason" behind it, the reason being errno's text. */
int error_set_errno(struct rtsprec_error *error, int code, int errnum, const char *format, ...)
    RTSPREC_PRINTF(4, 5);

/* The code for a failed operation on a file: NO_SPACE, NO_MEMORY, else IO. */
int error_code_of_errno(int errnum);

void error_clear(struct rtsprec_error *error);

#endif
