/*
 * Times as people write and read them.
 */
#ifndef RTSPRECD_TIME_TEXT_H
#define RTSPRECD_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#define TIME_TEXT_BYTES 64

/*
 * YYYY-MM-DD (its beginning), YYYY-MM-DDTHH:MM, YYYY-MM-DDTHH:MM:SS, a blank may stand for the T;
 * local time, or with Z or +HH:MM behind it. Years 1970 to 2199. False when it is none.
 */
bool time_text_parse(const char *text, int64_t *time_us);

/* "2026-11-22 21:45:00", local time. Return @text. */
const char *time_text_local(int64_t time_us, char text[TIME_TEXT_BYTES]);

/* "2026-11-22T21:45:00.123456Z" */
const char *time_text_utc(int64_t time_us, char text[TIME_TEXT_BYTES]);

/* "3d 04:05:06", rounded to seconds; without days "04:05:06". */
const char *time_text_duration(int64_t duration_us, char text[TIME_TEXT_BYTES]);

/* The beginning of the local day that an instant lies in, so many days later. */
int64_t time_text_midnight(int64_t time_us, int days);

#endif
