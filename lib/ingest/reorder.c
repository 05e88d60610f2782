#include "ingest/reorder.h"

#include <string.h>

void reorder_init(struct reorder *reorder, bool is_video)
{
    *reorder = (struct reorder){.depth_is_known = !is_video, .last_dts = INT64_MIN};
}

void reorder_set_depth(struct reorder *reorder, int frames)
{
    if (frames < 0)
        return;
    reorder->depth = frames < REORDER_MAX ? frames : REORDER_MAX;
    reorder->depth_is_known = true;
    if (reorder->depth == 0)
        reorder->lead = 0;
}

bool reorder_is_seen(const struct reorder *reorder)
{
    return reorder->lead > 0 || (reorder->count <= reorder->depth + 1 && !reorder->is_restarted);
}

void reorder_restart(struct reorder *reorder)
{
    reorder->count = 0;
    reorder->is_restarted = reorder->last_dts != INT64_MIN;
}

/* How many of the latest are shown after pts. */
static int count_later(const struct reorder *reorder, int64_t pts)
{
    int later = 0;
    while (later < reorder->count && reorder->latest[reorder->count - 1 - later] > pts)
        later++;
    return later;
}

/* Reordering shows frame by frame; where several more are later at once, time went back. So it did
 * when there has been a frame of that time. */
bool reorder_is_step_back(const struct reorder *reorder, int64_t pts)
{
    int later = count_later(reorder, pts);
    int before = reorder->count - 1 - later;
    return later > reorder->depth + !reorder->depth_is_known ||
           (later > 0 && before >= 0 && reorder->latest[before] == pts);
}

static void insert(struct reorder *reorder, int64_t pts, int later)
{
    int64_t *latest = reorder->latest;
    int at = reorder->count - later;
    if (reorder->count <= REORDER_MAX) {
        memmove(latest + at + 1, latest + at, (size_t)later * sizeof(*latest));
        latest[at] = pts;
        reorder->count++;
    } else if (at > 0) {
        memmove(latest, latest + 1, (size_t)(at - 1) * sizeof(*latest));
        latest[at - 1] = pts;
    }
}

/* Before enough frames are there to tell. Behind a restart in the midst of frames that overtake
 * each other, the time is left that the first one may lie ahead. */
static int64_t early_dts(const struct reorder *reorder, int64_t duration)
{
    int64_t dts = reorder->latest[0] - (reorder->depth + 1 - reorder->count) * duration;
    if (!reorder->is_restarted || reorder->lead == 0)
        return dts;
    int64_t with_lead = reorder->latest[0] - reorder->lead - duration;
    return reorder->count > 1 ? reorder->last_dts + 1 : with_lead < dts ? with_lead : dts;
}

int64_t reorder_take(struct reorder *reorder, int64_t *pts, int64_t duration)
{
    int later = count_later(reorder, *pts);
    insert(reorder, *pts, later);
    if (!reorder->depth_is_known && later > reorder->depth)
        reorder->depth = later < REORDER_MAX ? later : REORDER_MAX;
    int64_t lead = reorder->latest[reorder->count - 1] - *pts;
    if (reorder->depth > 0 && lead > reorder->lead)
        reorder->lead = lead;

    int64_t dts = reorder->count <= reorder->depth
                      ? early_dts(reorder, duration)
                      : reorder->latest[reorder->count - 1 - reorder->depth];
    if (reorder->last_dts != INT64_MIN && dts <= reorder->last_dts)
        dts = reorder->last_dts + 1;
    if (*pts < dts)
        *pts = dts;
    reorder->last_dts = dts;
    return dts;
}
