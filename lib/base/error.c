#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rtsprec/log.h>

const char *rtsprec_error_string(int code)
{
    switch (code) {
    case RTSPREC_OK:
        return "no error";
#define XX(name, value, text) \
    case value:               \
        return text;
        RTSPREC_ERROR_MAP(XX)
#undef XX
    default:
        return "unknown error";
    }
}

const char *rtsprec_error_name(int code)
{
    switch (code) {
    case RTSPREC_OK:
        return "OK";
#define XX(name, value, text) \
    case value:               \
        return #name;
        RTSPREC_ERROR_MAP(XX)
#undef XX
    default:
        return "UNKNOWN";
    }
}

/* What comes from outside, such as a name that is not valid, may hold line ends. */
static void make_one_line(char *text)
{
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
    }
}

static void fill(struct rtsprec_error *error, int code, int errnum, const char *format,
                 va_list args)
{
    /* Masked whole, then cut: half of a URL does not show that it holds a password. */
    char raw[8 * sizeof(error->text)];
    int length = vsnprintf(raw, sizeof(raw), format, args);
    if (errnum && length >= 0 && (size_t)length < sizeof(raw)) {
        char reason[128];
        /* The GNU variant: it returns the text, which need not be in the buffer. */
        snprintf(raw + length, sizeof(raw) - (size_t)length, ": %s",
                 strerror_r(errnum, reason, sizeof(reason)));
    }
    error->code = code;
    rtsprec_log_redact(error->text, sizeof(error->text), raw);
    make_one_line(error->text);
}

int error_set(struct rtsprec_error *error, int code, const char *format, ...)
{
    if (error) {
        va_list args;
        va_start(args, format);
        fill(error, code, 0, format, args);
        va_end(args);
    }
    return code;
}

int error_set_errno(struct rtsprec_error *error, int code, int errnum, const char *format, ...)
{
    if (error) {
        va_list args;
        va_start(args, format);
        fill(error, code, errnum, format, args);
        va_end(args);
    }
    return code;
}

int error_code_of_errno(int errnum)
{
    switch (errnum) {
    case ENOSPC:
    case EDQUOT:
        return RTSPREC_ERROR_NO_SPACE;
    case ENOMEM:
        return RTSPREC_ERROR_NO_MEMORY;
    default:
        return RTSPREC_ERROR_IO;
    }
}

void error_clear(struct rtsprec_error *error)
{
    if (error)
        *error = (struct rtsprec_error){0};
}
