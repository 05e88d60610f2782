#include "record_mode.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Each of these moves *at behind what it has read, and leaves it anywhere after a failure. */

static bool read_day(const char **at)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

    for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
        if (strncasecmp(*at, days[i], 3) == 0) {
            *at += 3;
            return true;
        }
    }
    return false;
}

static bool read_days(const char **at)
{
    if (!read_day(at))
        return false;
    if (**at == '-') {
        (*at)++;
        if (!read_day(at))
            return false;
    }
    if (**at != ' ')
        return false;
    *at += strspn(*at, " ");
    return true;
}

static bool read_two_digits(const char **at, int *number)
{
    size_t count = strspn(*at, "0123456789");

    if (count < 1 || count > 2)
        return false;
    *number = 0;
    for (size_t i = 0; i < count; i++)
        *number = *number * 10 + ((*at)[i] - '0');
    *at += count;
    return true;
}

static bool read_minutes(const char **at, int *minutes)
{
    int hour, minute = 0;

    if (!read_two_digits(at, &hour))
        return false;
    if (**at == ':') {
        (*at)++;
        if (!read_two_digits(at, &minute))
            return false;
    }
    *minutes = hour * 60 + minute;
    return minute < 60 && *minutes <= 24 * 60;
}

static bool read_span(const char **at)
{
    int start, end;

    *at += strspn(*at, " ");
    if (isalpha((unsigned char)**at) && !read_days(at))
        return false;
    if (!read_minutes(at, &start) || **at != '-')
        return false;
    (*at)++;
    if (!read_minutes(at, &end))
        return false;
    *at += strspn(*at, " ");
    return start < 24 * 60 && start != end;
}

static bool is_schedule(const char *at)
{
    while (read_span(&at)) {
        if (*at == '\0')
            return true;
        if (*at != ',')
            return false;
        at++;
    }
    return false;
}

enum record_mode record_mode_parse(const char *text)
{
    if (strcmp(text, "always") == 0)
        return RECORD_MODE_ALWAYS;
    if (strcmp(text, "never") == 0)
        return RECORD_MODE_NEVER;
    if (strcmp(text, "auto") == 0)
        return RECORD_MODE_AUTO;
    if (strncmp(text, "period:", 7) == 0)
        return is_schedule(text + 7) ? RECORD_MODE_PERIOD : RECORD_MODE_BAD_PERIOD;
    return RECORD_MODE_UNKNOWN;
}
