/*
 * Random archives and limits. Each decision is followed deletion by deletion, and what the issue of
 * retention promises is asked of a naive reading of the whole archive, which knows nothing of the
 * way that the decision took. RTSPREC_SEED repeats a case.
 */
#include "retention_model.h"

#include <time.h>

#include "campaign.h"

#define NOW (INT64_C(1709380800) * SECOND)

static struct model model;
static struct model_list list;
static uint64_t seed; /* of the case */

/* --- making archives --- */

static bool chance(uint64_t *random, int percent)
{
    return random_between(random, 1, 100) <= percent;
}

static void make_camera(uint64_t *random, size_t camera)
{
    struct rtsprec_camera_limits *limits = &model.camera_limits[camera];
    if (chance(random, 30))
        limits->max_age_us = random_between(random, 1, 400) * HOUR;
    if (chance(random, 40))
        limits->min_age_us =
            random_between(random, 1, limits->max_age_us ? limits->max_age_us / HOUR : 300) * HOUR;
    if (chance(random, 30))
        limits->max_bytes = random_between(random, 1, 40000);
    limits->is_exempt = chance(random, 10);

    int64_t at_us = NOW - random_between(random, 0, 500) * HOUR, end_us = INT64_MIN;
    int count = (int)random_between(random, 0, MODEL_SEGMENTS);
    for (int i = 0; i < count; i++) {
        int64_t length_us = random_between(random, 1, 10) * HOUR;
        if (chance(random, 2))
            at_us += random_between(random, 0, 100) * HOUR; /* nothing was recorded */
        /* They may overlap, when a clock was set; none lies within the one before. */
        end_us = at_us + length_us > end_us ? at_us + length_us : end_us;
        model_add(&model, camera, chance(random, 15), at_us, end_us,
                  random_between(random, 0, 2000));
        at_us += chance(random, 95) ? length_us : length_us / 2;
    }
    if (chance(random, 80))
        model.cameras[camera].open_bytes = random_between(random, 0, 1000);
    model.cameras[camera].lead_bytes = chance(random, 80) ? random_between(random, 0, 3000) : 0;
}

static void make_archive(uint64_t *random)
{
    model_init(&model, (size_t)random_between(random, 1, MODEL_CAMERAS));
    model.request.now_us = NOW;
    int64_t all = 0;
    for (size_t i = 0; i < model.request.camera_count; i++) {
        make_camera(random, i);
        all += model.cameras[i].bytes;
    }
    if (chance(random, 20)) { /* the last one is not configured */
        model.limits.camera_count--;
        model.limits.max_age_us = chance(random, 50) ? random_between(random, 1, 400) * HOUR : 0;
        model.limits.is_exempt = chance(random, 30);
    }
    if (chance(random, 50))
        model.limits.max_bytes = random_between(random, 1, all + all / 2 + 10);
    if (chance(random, 50)) {
        model.request.free_bytes = random_between(random, 0, 100000);
        model.limits.keep_free_bytes =
            random_between(random, 1, model.request.free_bytes + all + 1);
        if (chance(random, 40)) /* about where it matters */
            model.limits.keep_free_bytes =
                model.request.free_bytes - random_between(random, 0, all / 8 + 1);
        if (model.limits.keep_free_bytes < 0)
            model.limits.keep_free_bytes = 0;
    }
    if (chance(random, 30))
        model.limits.protected_policy = RTSPREC_PROTECTED_LAST;
    if (chance(random, 30))
        model.request.block_bytes = 512;
    /* A camera's limit above the archive's is refused before. */
    for (size_t i = 0; model.limits.max_bytes > 0 && i < model.limits.camera_count; i++) {
        if (model.camera_limits[i].max_bytes > model.limits.max_bytes)
            model.camera_limits[i].max_bytes = model.limits.max_bytes;
    }
    struct rtsprec_error error;
    require(rtsprec_archive_limits_check(&model.limits, &error) == 0, "seed %llu: %s",
            (unsigned long long)seed, error.text);
}

/* --- reading them --- */

#define hold(condition) require(condition, "seed %llu, deletion %d", (unsigned long long)seed, now)
static int now; /* index of the deletion that is looked at */

static struct rtsprec_camera_limits limits_of(size_t camera)
{
    return retention_limits_of(&model.limits, model.cameras[camera].name);
}

static int64_t used_by(size_t camera)
{
    return model.cameras[camera].bytes + model.cameras[camera].open_bytes;
}

static int64_t used_by_all(void)
{
    int64_t sum = 0;
    for (size_t i = 0; i < model.request.camera_count; i++)
        sum += used_by(i);
    return sum;
}

static int64_t lead_of_all(void)
{
    int64_t sum = 0;
    for (size_t i = 0; i < model.request.camera_count; i++)
        sum += model.cameras[i].lead_bytes;
    return sum;
}

static int64_t capped(int64_t lead, int64_t allowed)
{
    int64_t most = allowed > 0 ? allowed / 10 : 0;
    return lead < most ? lead : most;
}

/* Whether so many leads fit under the limit of a camera, the archive, the disk. */
static bool fits_camera(size_t camera, int leads)
{
    int64_t limit = limits_of(camera).max_bytes;
    return limit == 0 || limits_of(camera).is_exempt ||
           used_by(camera) + leads * capped(model.cameras[camera].lead_bytes, limit) <= limit;
}

static bool fits_archive(int leads)
{
    int64_t limit = model.limits.max_bytes;
    return limit == 0 || used_by_all() + leads * capped(lead_of_all(), limit) <= limit;
}

static bool fits_disk(int leads)
{
    int64_t limit = model.limits.keep_free_bytes, free_bytes = model.request.free_bytes;
    return limit == 0 || free_bytes == INT64_MAX ||
           free_bytes - leads * capped(lead_of_all(), used_by_all() + free_bytes - limit) >= limit;
}

/* 0: old enough, 1: young, 2: protected. Young is what is younger than the minimum, and all behind.
 */
static int class_of(size_t camera, bool is_protected, int index)
{
    const struct model_queue *queue = &model.queues[camera][is_protected];
    int64_t least = limits_of(camera).min_age_us;
    if (is_protected)
        return 2;
    for (int i = queue->first; i <= index; i++) {
        if (least > 0 && NOW - queue->segments[i].end_us < least)
            return 1;
    }
    return 0;
}

/* Whether anything that may go for space would have to go before this. */
static bool is_first_of(const struct retention_deletion *deletion, bool of_its_camera)
{
    int class = deletion->is_protected ? 2 : deletion->is_young ? 1 : 0;
    for (size_t i = 0; i < model.request.camera_count; i++) {
        if (of_its_camera ? i != deletion->camera : limits_of(i).is_exempt != 0)
            continue;
        for (int p = 0; p < 2; p++) {
            const struct model_queue *queue = &model.queues[i][p];
            for (int k = queue->first; k < queue->count; k++) {
                int other = class_of(i, p, k);
                if (other < class ||
                    (other == class && queue->segments[k].start_us < deletion->segment.start_us))
                    return false;
            }
        }
    }
    return true;
}

/* The first of a camera that is not protected, if it is too old. */
static const struct retention_segment *expired(size_t camera)
{
    const struct model_queue *queue = &model.queues[camera][false];
    int64_t most = limits_of(camera).max_age_us;
    bool is_expired = most > 0 && queue->first < queue->count &&
                      class_of(camera, false, queue->first) == 0 &&
                      NOW - queue->segments[queue->first].end_us >= most;
    return is_expired ? &queue->segments[queue->first] : NULL;
}

static bool may_go(size_t camera)
{
    const struct model_queue *queues = model.queues[camera];
    return !limits_of(camera).is_exempt &&
           (queues[false].first < queues[false].count ||
            (model.limits.protected_policy == RTSPREC_PROTECTED_LAST &&
             queues[true].first < queues[true].count));
}

/* --- one deletion, one decision --- */

/* What held when the pass began for a limit. */
static bool archive_began, disk_began, camera_began[MODEL_CAMERAS];

static int phase_of(enum rtsprec_deletion_reason reason)
{
    return reason == RTSPREC_DELETION_AGE ? 1 : reason == RTSPREC_DELETION_CAMERA_SPACE ? 2 : 3;
}

static void check_deletion(const struct retention_deletion *deletion)
{
    const struct model_queue *queue = model_queue_of(&model, deletion);
    hold(queue->first < queue->count);
    hold(!strcmp(queue->segments[queue->first].path, deletion->segment.path)); /* the oldest */
    hold(deletion->is_protected ||
         deletion->is_young == (class_of(deletion->camera, false, queue->first) == 1));
    switch (deletion->reason) {
    case RTSPREC_DELETION_AGE:
        hold(!deletion->is_protected);
        hold(expired(deletion->camera) != NULL);
        for (size_t i = 0; i < model.request.camera_count; i++)
            hold(!expired(i) || expired(i)->start_us >= deletion->segment.start_us);
        return;
    case RTSPREC_DELETION_CAMERA_SPACE:
        hold(camera_began[deletion->camera] && !fits_camera(deletion->camera, 2));
        hold(is_first_of(deletion, true));
        break;
    case RTSPREC_DELETION_ARCHIVE_SPACE:
        hold(archive_began && !fits_archive(2));
        hold(is_first_of(deletion, false));
        break;
    case RTSPREC_DELETION_FREE_SPACE:
        hold(disk_began && !fits_disk(2));
        hold(is_first_of(deletion, false));
        break;
    case RTSPREC_DELETION_NONE:
    case RTSPREC_DELETION_TIMELAPSE_AGE:
        hold(false);
    }
    hold(!limits_of(deletion->camera).is_exempt);
    hold(!deletion->is_protected || model.limits.protected_policy == RTSPREC_PROTECTED_LAST);
}

static void check_end(const struct retention_result *result)
{
    bool any = false;
    for (size_t i = 0; i < model.request.camera_count; i++) {
        hold(expired(i) == NULL);
        hold(!camera_began[i] || fits_camera(i, 2) || !may_go(i));
        any = any || may_go(i);
    }
    hold(!archive_began || fits_archive(2) || !any);
    hold(!disk_began || fits_disk(2) || !any);
    bool all_fit = fits_archive(1) && fits_disk(1);
    for (size_t i = 0; i < model.request.camera_count; i++)
        all_fit = all_fit && fits_camera(i, 1);
    hold(all_fit == (result->short_bytes == 0));
    hold(model.peeks <= list.count + 2 * (int)model.request.camera_count);
    hold(model.limits.max_bytes == 0 || result->room_bytes == 0 ||
         used_by_all() + result->room_bytes <= model.limits.max_bytes);
}

static void follow(const struct retention_result *result)
{
    int phase = 0;
    for (now = 0; now < list.count; now++) {
        const struct retention_deletion *deletion = &list.deletions[now];
        while (phase < phase_of(deletion->reason)) {
            phase++;
            for (size_t i = 0; phase == 2 && i < model.request.camera_count; i++)
                camera_began[i] = !fits_camera(i, 1);
            archive_began = phase == 3 && !fits_archive(1);
            disk_began = phase == 3 && !fits_disk(1);
        }
        hold(phase == phase_of(deletion->reason));
        check_deletion(deletion);
        model_delete(&model, deletion);
    }
    for (; phase < 3; phase++) { /* those in which nothing was deleted */
        for (size_t i = 0; phase == 1 && i < model.request.camera_count; i++)
            camera_began[i] = !fits_camera(i, 1);
        archive_began = !fits_archive(1);
        disk_began = !fits_disk(1);
    }
    check_end(result);
}

static void run_case(int64_t *deleted)
{
    uint64_t random = seed;
    static struct model_list again;
    make_archive(&random);
    struct retention_result first = model_decide(&model, &list);
    /* The same once more: a dry run says what a run does. */
    struct retention_result second = model_decide(&model, &again);
    now = -1;
    hold(first.bytes == second.bytes && list.count == again.count);
    for (int i = 0; i < list.count; i++)
        hold(list.deletions[i].segment.path == again.deletions[i].segment.path &&
             list.deletions[i].reason == again.deletions[i].reason &&
             list.deletions[i].is_young == again.deletions[i].is_young);
    follow(&first);
    *deleted += list.count;

    /* A pass after a pass deletes nothing. */
    model_decide(&model, &again);
    hold(again.count == 0);
}

static void test_random_archives(void **state)
{
    (void)state;
    const char *given = getenv("RTSPREC_SEED");
    int cases = given ? 1 : campaign_size(10000, 200000);
    uint64_t random = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL) | 1;
    int64_t deleted = 0;
    for (int i = 0; i < cases; i++) {
        seed = given ? random : next_random(&random);
        run_case(&deleted);
    }
    print_message("%d cases, the last of seed %llu; %lld deletions\n", cases,
                  (unsigned long long)seed, (long long)deleted);
    assert_true(given || deleted > 10 * cases);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_archives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
