/*
 * What spans of coverage add up to: time and percentage of each reason, and how much of each piece
 * of a day is recorded. Pure.
 */
#ifndef RTSPRECD_COVERAGE_SUMMARY_H
#define RTSPRECD_COVERAGE_SUMMARY_H

#include <stdint.h>

#include <rtsprec/archive.h>

struct coverage_summary {
    int64_t us[RTSPREC_COVERAGE_COUNT];
    int64_t total_us;
};

void coverage_summary_add(struct coverage_summary *summary, enum rtsprec_coverage_reason reason,
                          int64_t duration_us);

/*
 * Tenths of a percent of each reason, which add up to 1000, by the largest remainder; all 0 when
 * there is no time at all. Up to 290 years.
 */
void coverage_summary_permille(const struct coverage_summary *summary,
                               int permille[RTSPREC_COVERAGE_COUNT]);

#define COVERAGE_CELLS 48 /* half an hour each, but for days with 23 or 25 hours */

/* A local day. */
struct coverage_day {
    int64_t start_us, end_us;
    int64_t asked_us[COVERAGE_CELLS]; /* how much of each piece was asked for, is recorded */
    int64_t recorded_us[COVERAGE_CELLS];
};

/* Adds the part of a span that lies in the day. */
void coverage_day_add(struct coverage_day *day, int64_t start_us, int64_t end_us,
                      enum rtsprec_coverage_reason reason);

#define COVERAGE_BAR_BYTES (COVERAGE_CELLS * 4 + 1)

/* A character for each piece: how much of it is recorded; a blank: nobody has asked. */
void coverage_day_bar(const struct coverage_day *day, int is_ascii, char bar[COVERAGE_BAR_BYTES]);

#endif
