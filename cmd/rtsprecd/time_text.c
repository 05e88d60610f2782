#include "time_text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define US_PER_SECOND INT64_C(1000000)

#define FIRST_YEAR 1970
#define LAST_YEAR  2199

static int64_t seconds_of(int64_t time_us)
{
    return time_us / US_PER_SECOND - (time_us % US_PER_SECOND < 0);
}

/* Digits and what stands between them; every other character of the pattern is itself, 'T' also a
 * blank. Returns what follows, NULL when it does not fit. */
static const char *match(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; pattern++, text++) {
        bool fits = *pattern == '0'   ? *text >= '0' && *text <= '9'
                    : *pattern == 'T' ? *text == 'T' || *text == ' '
                                      : *text == *pattern;

        if (!fits)
            return NULL;
    }
    return text;
}

static int number(const char *text, int digits)
{
    int value = 0;

    while (digits-- > 0)
        value = value * 10 + (*text++ - '0');
    return value;
}

/* What follows a time: nothing, when it is local, or how far it is from UTC. */
static bool parse_zone(const char *text, const struct tm *when, int64_t *time_us)
{
    struct tm copy = *when;
    int64_t ahead_s = 0;

    if (text[0] == '\0') {
        copy.tm_isdst = -1;
        *time_us = (int64_t)mktime(&copy) * US_PER_SECOND;
        return true;
    }
    if ((text[0] == '+' || text[0] == '-') && match(text + 1, "00:00") == text + 6 &&
        text[6] == '\0' && number(text + 4, 2) < 60)
        ahead_s = (number(text + 1, 2) * 60 + number(text + 4, 2)) * (text[0] == '+' ? 60 : -60);
    else if (strcmp(text, "Z") != 0)
        return false;
    *time_us = ((int64_t)timegm(&copy) - ahead_s) * US_PER_SECOND;
    return true;
}

static bool is_sane(const struct tm *when, int year)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (year < FIRST_YEAR || year > LAST_YEAR || when->tm_mon < 0 || when->tm_mon > 11)
        return false;
    return when->tm_mday >= 1 &&
           when->tm_mday <= days[when->tm_mon] + (when->tm_mon == 1 && is_leap) &&
           when->tm_hour < 24 && when->tm_min < 60 && when->tm_sec < 60;
}

bool time_text_parse(const char *text, int64_t *time_us)
{
    const char *rest = match(text, "0000-00-00"), *time, *seconds;
    struct tm when = {0};

    if (rest == NULL)
        return false;
    when.tm_year = number(text, 4) - 1900;
    when.tm_mon = number(text + 5, 2) - 1;
    when.tm_mday = number(text + 8, 2);
    time = match(rest, "T00:00");
    if (time != NULL) {
        when.tm_hour = number(rest + 1, 2);
        when.tm_min = number(rest + 4, 2);
        seconds = match(time, ":00");
        if (seconds != NULL)
            when.tm_sec = number(time + 1, 2);
        rest = seconds != NULL ? seconds : time;
    }
    return is_sane(&when, when.tm_year + 1900) && parse_zone(rest, &when, time_us);
}

const char *time_text_local(int64_t time_us, char text[TIME_TEXT_BYTES])
{
    time_t seconds = (time_t)seconds_of(time_us);
    struct tm local = {0};

    localtime_r(&seconds, &local);
    strftime(text, TIME_TEXT_BYTES, "%Y-%m-%d %H:%M:%S", &local);
    return text;
}

const char *time_text_utc(int64_t time_us, char text[TIME_TEXT_BYTES])
{
    time_t seconds = (time_t)seconds_of(time_us);
    struct tm utc = {0};
    char date[32];

    gmtime_r(&seconds, &utc);
    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text, TIME_TEXT_BYTES, "%s.%06dZ", date,
             (int)(time_us - (int64_t)seconds * US_PER_SECOND));
    return text;
}

const char *time_text_duration(int64_t duration_us, char text[TIME_TEXT_BYTES])
{
    int64_t seconds = (duration_us + US_PER_SECOND / 2) / US_PER_SECOND;
    int64_t days = seconds / 86400;
    int rest = (int)(seconds % 86400);

    if (days > 0)
        snprintf(text, TIME_TEXT_BYTES, "%lldd %02d:%02d:%02d", (long long)days, rest / 3600,
                 rest / 60 % 60, rest % 60);
    else
        snprintf(text, TIME_TEXT_BYTES, "%02d:%02d:%02d", rest / 3600, rest / 60 % 60, rest % 60);
    return text;
}

int64_t time_text_midnight(int64_t time_us, int days)
{
    time_t seconds = (time_t)seconds_of(time_us);
    struct tm local = {0};

    localtime_r(&seconds, &local);
    local.tm_hour = local.tm_min = local.tm_sec = 0;
    local.tm_mday += days;
    local.tm_isdst = -1;
    return (int64_t)mktime(&local) * US_PER_SECOND;
}
