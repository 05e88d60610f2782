#include "timetable.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

int timetable_init(struct timetable *timetable, const struct settings *settings)
{
    *timetable = (struct timetable){.keep_connected = settings->keep_connected};
    return rtsprec_schedule_create(&timetable->schedule, settings_schedule(settings), NULL);
}

void timetable_uninit(struct timetable *timetable)
{
    rtsprec_schedule_destroy(&timetable->schedule);
}

bool timetable_is_empty(const struct timetable *timetable)
{
    return strcmp(rtsprec_schedule_rule(timetable->schedule), "never") == 0;
}

static void look_up(struct timetable *timetable, int64_t now_us)
{
    int64_t change_us = rtsprec_schedule_next_change(timetable->schedule, now_us);

    bool is_prompt =
        now_us >= timetable->until_us && now_us - timetable->until_us < TIMETABLE_PROMPT_US;
    bool was_on = timetable->wanted == RTSPREC_RECORDING_ON;

    timetable->from_us = is_prompt ? timetable->until_us : now_us;
    timetable->until_us = change_us;
    if (rtsprec_schedule_is_on(timetable->schedule, now_us)) {
        timetable->wanted = RTSPREC_RECORDING_ON;
    } else if (timetable_is_empty(timetable)) {
        timetable->wanted = RTSPREC_RECORDING_OFF;
    } else if (timetable->keep_connected || change_us - now_us <= TIMETABLE_AHEAD_US) {
        timetable->wanted = RTSPREC_RECORDING_STANDBY;
    } else if (is_prompt && was_on && now_us - timetable->from_us < TIMETABLE_BEHIND_US) {
        timetable->wanted = RTSPREC_RECORDING_STANDBY;
        timetable->until_us = timetable->from_us + TIMETABLE_BEHIND_US;
    } else {
        timetable->wanted = RTSPREC_RECORDING_OFF;
        timetable->until_us = change_us - TIMETABLE_AHEAD_US;
    }
}

enum rtsprec_recording timetable_ask(struct timetable *timetable, int64_t now_us)
{
    /* A clock that was set back lies before the answer. */
    if (now_us < timetable->from_us || now_us >= timetable->until_us)
        look_up(timetable, now_us);
    return timetable->wanted;
}

bool timetable_describe(const struct timetable *timetable, int64_t now_us, char *text, size_t size)
{
    int64_t change_us = rtsprec_schedule_next_change(timetable->schedule, now_us);
    time_t seconds = (time_t)(change_us / 1000000);
    bool is_on = rtsprec_schedule_is_on(timetable->schedule, now_us);
    struct tm local = {0};
    char when[32] = "";

    if (change_us == RTSPREC_SCHEDULE_NO_CHANGE)
        return false;
    localtime_r(&seconds, &local);
    strftime(when, sizeof(when), "%a %Y-%m-%d %H:%M", &local);
    snprintf(text, size, "%s until %s", is_on ? "Recording by schedule" : "Not recorded", when);
    return true;
}
