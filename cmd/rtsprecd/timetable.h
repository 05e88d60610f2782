/*
 * When a camera is recorded, connected, or neither: its schedule, and what lies between its
 * periods. It reads no clock.
 */
#ifndef RTSPRECD_TIMETABLE_H
#define RTSPRECD_TIMETABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rtsprec/event.h>
#include <rtsprec/schedule.h>

#include "settings.h"

/*
 * How long before a period a camera is connected, so that nothing but the next key frame is waited
 * for when it begins. Logging in takes less than a second, of slow cameras three; half of this is
 * left for a second attempt.
 */
#define TIMETABLE_AHEAD_US INT64_C(10000000)

/* How long behind a period it stays connected: the last frames are still on their way. */
#define TIMETABLE_BEHIND_US INT64_C(500000)

/* An answer that is asked for so soon after it began to hold holds since then: else it was the
 * clock that was set. */
#define TIMETABLE_PROMPT_US INT64_C(2000000)

/* {0} is an empty one. */
struct timetable {
    struct rtsprec_schedule *schedule; /* constant, from any thread */
    bool keep_connected;

    /* The answer, and from when until before when it holds, µs since 1970. */
    enum rtsprec_recording wanted;
    int64_t from_us, until_us;
};

/* Of settings that were checked. Returns 0 or RTSPREC_ERROR_NO_MEMORY. */
int timetable_init(struct timetable *timetable, const struct settings *settings);
void timetable_uninit(struct timetable *timetable);

/* Whether the camera is never to be connected. */
bool timetable_is_empty(const struct timetable *timetable);

/* What is wanted of the camera at @now_us; timetable->until_us is when to ask again at the latest.
 */
enum rtsprec_recording timetable_ask(struct timetable *timetable, int64_t now_us);

/*
 * Writes "Recording by schedule until Mon 2026-11-23 18:00" or "Not recorded until ...", as it is
 * at
 * @now_us. Returns false, and writes nothing, when there is no such time. Thread-safety: any
 * thread.
 */
bool timetable_describe(const struct timetable *timetable, int64_t now_us, char *text, size_t size);

#endif
