/*
 * Sizes and lengths as people read them.
 */
#ifndef RTSPRECD_SIZE_TEXT_H
#define RTSPRECD_SIZE_TEXT_H

#include <stdint.h>

#define SIZE_TEXT_BYTES 32

/* "24.5 MB", powers of 1000. Return @text. */
const char *size_text(int64_t bytes, char text[SIZE_TEXT_BYTES]);

/* "9.9 days" */
const char *size_text_days(int64_t duration_us, char text[SIZE_TEXT_BYTES]);

#endif
