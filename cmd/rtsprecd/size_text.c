#include "size_text.h"

#include <stdio.h>

#define US_PER_DAY 86400e6

const char *size_text(int64_t bytes, char text[SIZE_TEXT_BYTES])
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    double value = (double)bytes;
    size_t unit = 0;

    for (; value >= 999.95 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
        value /= 1000;
    snprintf(text, SIZE_TEXT_BYTES, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

const char *size_text_days(int64_t duration_us, char text[SIZE_TEXT_BYTES])
{
    snprintf(text, SIZE_TEXT_BYTES, "%.1f days", (double)duration_us / US_PER_DAY);
    return text;
}
