#include "ingest/av_sync.h"

/* Below this nobody hears it, and the least of lags is no more exact. */
#define DEAD_BAND_US 30000

/* Sound this far behind is no matter of clocks. */
#define STEP_US 500000

/* 0.5 %: a twelfth of a semitone, should a player resample. */
#define SLEW_PER_MILLE 5

/* No camera's tracks are further apart: reports that say so are wrong. */
#define PLAUSIBLE_US 1000000

/* More than any camera's clock runs apart from its RTP time between two reports. */
#define NTP_STEP_US 50000

static bool is_beyond(int64_t us, int64_t limit_us)
{
    return us > limit_us || us < -limit_us;
}

bool sync_report_is_step(const struct sync_report *earlier, const struct sync_report *later,
                         int64_t in_us)
{
    int64_t ntp_us, apart_us;
    return __builtin_sub_overflow(later->ntp_us, earlier->ntp_us, &ntp_us) ||
           __builtin_sub_overflow(ntp_us, in_us, &apart_us) || is_beyond(apart_us, NTP_STEP_US);
}

void av_sync_aim(struct av_sync *sync, const struct sync_view *view)
{
    if (view->has_reports && !is_beyond(view->behind_us - view->by_reports_us, PLAUSIBLE_US)) {
        sync->target_us = view->by_reports_us;
        if (view->is_settled) {
            sync->latency_us = view->behind_us - view->by_reports_us;
            sync->latency_is_unknown = false;
        }
        return;
    }
    if (sync->latency_is_unknown && view->is_settled) {
        sync->latency_us = view->behind_us - sync->slew_us;
        sync->latency_is_unknown = false;
    }
    if (!sync->latency_is_unknown)
        sync->target_us = view->behind_us - sync->latency_us;
}

bool av_sync_move(struct av_sync *sync, int64_t distance_us)
{
    int64_t rest_us = sync->target_us - sync->slew_us;
    bool is_step = rest_us >= STEP_US;
    int64_t most_us = distance_us * SLEW_PER_MILLE / 1000;
    if (is_beyond(rest_us, DEAD_BAND_US))
        sync->is_slewing = true;
    if (!sync->is_slewing)
        return false;
    if (is_step || !is_beyond(rest_us, most_us)) {
        sync->slew_us = sync->target_us;
        sync->is_slewing = false;
    } else {
        sync->slew_us += rest_us > 0 ? most_us : -most_us;
    }
    return is_step;
}
