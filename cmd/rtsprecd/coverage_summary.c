#include "coverage_summary.h"

#include <stdbool.h>
#include <string.h>

#define PERMILLE 1000

void coverage_summary_add(struct coverage_summary *summary, enum rtsprec_coverage_reason reason,
                          int64_t duration_us)
{
    summary->us[reason] += duration_us;
    summary->total_us += duration_us;
}

void coverage_summary_permille(const struct coverage_summary *summary,
                               int permille[RTSPREC_COVERAGE_COUNT])
{
    int64_t remainders[RTSPREC_COVERAGE_COUNT] = {0};
    int left = summary->total_us > 0 ? PERMILLE : 0;

    for (int i = 0; i < RTSPREC_COVERAGE_COUNT; i++) {
        permille[i] = 0;
        if (summary->total_us == 0)
            continue;
        permille[i] = (int)(summary->us[i] * PERMILLE / summary->total_us);
        remainders[i] = summary->us[i] * PERMILLE % summary->total_us;
        left -= permille[i];
    }
    for (; left > 0; left--) {
        int largest = 0;

        for (int i = 1; i < RTSPREC_COVERAGE_COUNT; i++) {
            if (remainders[i] > remainders[largest])
                largest = i;
        }
        permille[largest]++;
        remainders[largest] = 0;
    }
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void coverage_day_add(struct coverage_day *day, int64_t start_us, int64_t end_us,
                      enum rtsprec_coverage_reason reason)
{
    int64_t length_us = day->end_us - day->start_us;

    for (int i = 0; i < COVERAGE_CELLS; i++) {
        int64_t from_us = later(start_us, day->start_us + length_us * i / COVERAGE_CELLS);
        int64_t to_us = earlier(end_us, day->start_us + length_us * (i + 1) / COVERAGE_CELLS);

        if (to_us <= from_us)
            continue;
        day->asked_us[i] += to_us - from_us;
        if (reason == RTSPREC_COVERAGE_RECORDED)
            day->recorded_us[i] += to_us - from_us;
    }
}

/* Full only when nothing is missing, empty only when nothing is there. */
static const char *cell_text(int64_t recorded_us, int64_t asked_us, bool is_ascii)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇"};

    if (asked_us == 0)
        return " ";
    if (recorded_us == 0)
        return is_ascii ? "." : "·";
    if (recorded_us == asked_us)
        return is_ascii ? "#" : "█";
    if (is_ascii)
        return recorded_us * 2 >= asked_us ? "+" : "-";
    return blocks[recorded_us * 7 / asked_us];
}

void coverage_day_bar(const struct coverage_day *day, int is_ascii, char bar[COVERAGE_BAR_BYTES])
{
    size_t used = 0;

    for (int i = 0; i < COVERAGE_CELLS; i++) {
        const char *text = cell_text(day->recorded_us[i], day->asked_us[i], is_ascii != 0);

        memcpy(bar + used, text, strlen(text));
        used += strlen(text);
    }
    bar[used] = '\0';
}
